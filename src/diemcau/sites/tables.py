"""The table of sites."""

from typing import Final

from sqlalchemy import JSON, Column, Index, Integer, Table, Text

from diemcau.store import metadata

sites: Final = Table(
    "sites",
    metadata,
    Column("id", Text, primary_key=True),
    Column("unit", Text, nullable=False),
    Column("place", Integer, nullable=False),
    Column("level", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("search", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("carrier", Text),
    Column("phones", JSON, nullable=False),
    Column("people", JSON, nullable=False),
    Column("emails", JSON, nullable=False, server_default="[]"),
    Column("answer", Text),
    Index("ix_sites_place", "place", "id"),
    Index(None, "unit"),
)
"""`place`: the unit's index in the tree's pre-order, so that a subtree is a range; set anew when another
dataset is loaded. `search`: the folded words of code, label and path. `answer`: NULL, what is usual of the
kind."""
