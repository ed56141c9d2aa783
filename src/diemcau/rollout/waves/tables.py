"""Tables of waves, of what was sent, and of the reminders that are planned."""

from typing import Final

from sqlalchemy import JSON, Boolean, Column, Index, Integer, Table, Text

from diemcau.store import Instant, metadata

waves: Final = Table(
    "waves",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("start", Text, nullable=False),
    Column("end", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
)

wave_sites: Final = Table(
    "wave_sites",
    metadata,
    Column("site", Text, primary_key=True),
    Column("wave", Text, nullable=False),
    Index(None, "wave"),
)
"""The site is the key: it is in one wave at most."""

wave_sendings: Final = Table(
    "wave_sendings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wave", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("link", Boolean, nullable=False),
    Column("days", Integer, nullable=False),
    Column("causes", JSON, nullable=False),
    Column("base", Text, nullable=False),
    Column("hotline", Text, nullable=False),
    Column("per_minute", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("error", Text),
    Column("created_at", Instant, nullable=False),
    Column("created_by", Text, nullable=False),
    Index(None, "wave"),
    Index(None, "state"),
)
"""A letter to many. `state`: running, stopped, done. `error`: what keeps a running one, or stopped it."""

wave_messages: Final = Table(
    "wave_messages",
    metadata,
    Column("wave", Text, primary_key=True),
    Column("site", Text, primary_key=True),
    Column("occasion", Text, primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("sending", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("address", Text),
    Column("error", Text),
    Column("detail", Text),
    Column("tries", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("at", Instant, nullable=False),
    Index("ix_wave_messages_due", "sending", "state", "due_at", "place"),
)
"""One letter to one site on one occasion by one channel: the key is what keeps anybody from getting it twice.
`state`: queued, sending, sent, failed, skipped, uncertain."""

wave_reminders: Final = Table(
    "wave_reminders",
    metadata,
    Column("id", Text, primary_key=True),
    Column("wave", Text, nullable=False),
    Column("days_before", Integer, nullable=False),
    Column("clock", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("subject", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("causes", JSON, nullable=False),
    Column("base", Text, nullable=False),
    Column("hotline", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sending", Text),
    Column("created_by", Text, nullable=False),
    Index(None, "wave"),
    Index(None, "state", "at"),
)
"""`at`: `clock` on the day so many days before the wave's; moved when that is. `state`: planned, sent,
missed."""
