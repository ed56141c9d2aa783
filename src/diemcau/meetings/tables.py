"""Tables of meetings: what is asked without reading a log."""

from typing import Final

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, Table, Text

from diemcau.store import Instant, metadata

meetings: Final = Table(
    "meetings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False, server_default="meeting"),
    Column("status", Text, nullable=False),
    Column("codec", Text, nullable=False),
    Column("scope", JSON, nullable=False),
    Column("chair_site", Text, ForeignKey("sites.id")),
    Column("created_at", Instant, nullable=False),
    Column("opened_at", Instant),
    Column("ended_at", Instant),
    Column("invited", Integer, nullable=False),
    Index(None, "status"),
    Index(None, "created_at"),
)

invitations: Final = Table(
    "invitations",
    metadata,
    Column("meeting", Text, ForeignKey("meetings.id"), primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), primary_key=True),
    Index(None, "site"),
)

message_receipts: Final = Table(
    "message_receipts",
    metadata,
    Column("meeting", Text, ForeignKey("meetings.id"), primary_key=True),
    Column("message", Text, primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), primary_key=True),
    Column("got_at", Instant, nullable=False),
    Column("answered_at", Instant),
)
"""Which site has which message since when. Not in the log: ten thousand for one message."""
