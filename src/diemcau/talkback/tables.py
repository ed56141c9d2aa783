"""Talkbacks that took place: who spoke with which site in private, since when, until when; never what."""

from typing import Final

from sqlalchemy import Column, Index, Table, Text

from diemcau.store import Instant, metadata

talkbacks: Final = Table(
    "talkbacks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("meeting", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("person_name", Text, nullable=False),
    Column("person_title", Text),
    Column("since", Instant, nullable=False),
    Column("until", Instant),
    Column("why", Text),
    Index(None, "meeting", "since"),
    Index(None, "until"),
)
"""A row a talkback; without `until` it is open, and a server that starts takes it up."""
