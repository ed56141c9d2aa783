"""The table of self-tests."""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, Index, Table, Text

from diemcau.store import Instant, metadata

self_tests: Final = Table(
    "self_tests",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("passed", Boolean, nullable=False),
    Column("first_passed_at", Instant),
    Column("advice", JSON, nullable=False),
    Column("figures", JSON, nullable=False),
    Index(None, "site", "at"),
)
"""At most `KEPT` rows a site. `first_passed_at`: when the site passed for the first time, carried from row to
row, so that it outlives the rows that are forgotten. `advice`: `[[code, is a fault, values]]`."""
