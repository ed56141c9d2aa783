"""When sites were last connected."""

from typing import Final

from sqlalchemy import Boolean, Column, Integer, Table, Text

from diemcau.store import Instant, metadata

site_seen: Final = Table(
    "site_seen",
    metadata,
    Column("site", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
"""Written in batches, some minutes behind: who is connected now is in memory."""

readiness_policy: Final = Table(
    "readiness_policy",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("test_days", Integer, nullable=False),
    Column("seen_hours", Integer, nullable=False),
    Column("rehearsal", Boolean, nullable=False),
)
"""One row once somebody has chosen; before, `Policy` as it is."""
