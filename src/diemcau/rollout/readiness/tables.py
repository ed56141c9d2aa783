"""When sites were last connected."""

from typing import Final

from sqlalchemy import Column, Table, Text

from diemcau.store import Instant, metadata

site_seen: Final = Table(
    "site_seen",
    metadata,
    Column("site", Text, primary_key=True),
    Column("at", Instant, nullable=False),
)
"""Written in batches, some minutes behind: who is connected now is in memory."""
