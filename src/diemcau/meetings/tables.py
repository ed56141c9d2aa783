"""Tables of meetings: what is asked without reading a log."""

from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
)

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
    Column("secrecy", Text, nullable=False, server_default="none"),
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

roll_calls: Final = Table(
    "roll_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("meeting", Text, ForeignKey("meetings.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("corrects", Text, ForeignKey("roll_calls.id")),
    Column("status", Text, nullable=False),
    Column("opened_at", Instant, nullable=False),
    Column("opened_by", Text, nullable=False),
    Column("sealed_at", Instant),
    Column("sealed_by", Text),
    Column("digest", Text),
    Column("seq", Integer),
    Column("result", LargeBinary),
    UniqueConstraint("meeting", "number"),
)
"""`result`: the canonical bytes that were sealed, compressed; `digest`: their SHA-256, which event `seq` of
the roll call's stream holds as well."""

roll_entries: Final = Table(
    "roll_entries",
    metadata,
    Column("call", Text, ForeignKey("roll_calls.id"), primary_key=True),
    Column("site", Text, ForeignKey("sites.id"), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("says", Text),
    Column("reason", Text),
    Column("text", Text, nullable=False),
    Column("head_name", Text),
    Column("head_title", Text),
    Column("note", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("at", Instant, nullable=False),
)
"""What is said of each site; a site of which nothing was said has no row."""

roll_confirmations: Final = Table(
    "roll_confirmations",
    metadata,
    Column("call", Text, ForeignKey("roll_calls.id"), primary_key=True),
    Column("unit", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by_name", Text, nullable=False),
)
"""Which provinces have confirmed."""
