"""Tables of what people set up for their screens."""

from typing import Final

from sqlalchemy import JSON, Column, ForeignKey, Table, Text

from diemcau.store import Instant, metadata

wall_layouts: Final = Table(
    "wall_layouts",
    metadata,
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("layout", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
)
"""`layout`: a `Layout`, as its JSON."""

shortlists: Final = Table(
    "shortlists",
    metadata,
    Column("meeting", Text, ForeignKey("meetings.id"), primary_key=True),
    Column("person", Text, ForeignKey("people.id"), primary_key=True),
    Column("sites", JSON, nullable=False),
    Column("changed_at", Instant, nullable=False),
    Column("changed_by", Text, nullable=False),
)
"""`sites`: ids in the order in which the leader sees them."""
