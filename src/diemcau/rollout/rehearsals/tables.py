"""The tables of rehearsals."""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Index, Integer, Table, Text

from diemcau.store import Instant, metadata

rehearsals: Final = Table(
    "rehearsals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("meeting", Text, ForeignKey("meetings.id"), nullable=False),
    Column("by", Text, nullable=False),
    Column("units", JSON, nullable=False),
    Column("sites", Integer, nullable=False),
    Column("minutes", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("starts_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("passed", Integer, nullable=False),
    Index(None, "status"),
    Index(None, "starts_at"),
)

rehearsal_sites: Final = Table(
    "rehearsal_sites",
    metadata,
    Column("rehearsal", Text, ForeignKey("rehearsals.id"), primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), primary_key=True),
    Column("came", Boolean, nullable=False),
    Column("connect_at", Instant),
    Column("see_at", Instant),
    Column("hear_at", Instant),
    Column("speak_at", Instant),
    Column("cause", Text),
    Column("over", Boolean, nullable=False),
    Column("figures", JSON, nullable=False),
    Index(None, "site"),
)
"""A row a site from the beginning on. `cause`: why it was no further when the row was written; `over`: the
rehearsal has ended with it. `speak_at` is when it was through."""
