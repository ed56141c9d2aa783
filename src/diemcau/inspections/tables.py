"""Tables of inspections: calls, what was found, draws, and when sites were seen."""

from typing import Final

from sqlalchemy import JSON, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text

from diemcau.store import Instant, metadata

inspections: Final = Table(
    "inspections",
    metadata,
    Column("id", Text, primary_key=True),
    Column("meeting", Text, nullable=False),
    Column("site", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("caller", Text, nullable=False),
    Column("caller_name", Text, nullable=False),
    Column("caller_title", Text),
    Column("answer", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text),
    Column("after", Text),
    Column("draw", Text),
    Column("at", Instant, nullable=False),
    Column("answered_at", Instant),
    Column("live_at", Instant),
    Column("ended_at", Instant),
    Column("people", JSON, nullable=False),
    Column("note", Text, nullable=False),
    Column("phoned", JSON, nullable=False),
    Column("entered", Integer, nullable=False),
    Column("came_from", Text),
    Index(None, "site", "at"),
    Index(None, "unit", "at"),
    Index(None, "at"),
    Index(None, "state"),
)
"""A row a call. `unit`: where the site stood then. `entered`: 1 when the call brought the site into the
meeting. `came_from`: the meeting that it called it out of. `after`: the call that nobody took before this
one. `people`: `[{"name", "title"}]`, who was at the post. `phoned`: `[{"phone": index, "reached",
"at"}]`."""

inspection_pictures: Final = Table(
    "inspection_pictures",
    metadata,
    Column("inspection", Text, ForeignKey("inspections.id"), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("jpeg", LargeBinary, nullable=False),
    Index(None, "at"),
)
"""The picture of the site as it was then; deleted when its time is over."""

findings: Final = Table(
    "findings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("inspection", Text, ForeignKey("inspections.id"), nullable=False),
    Column("site", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("owner", Text, nullable=False),
    Column("due", Text),
    Column("closed_at", Instant),
    Column("closed_by", Text),
    Column("closing", Text),
    Column("search", Text, nullable=False, server_default=""),
    Index(None, "inspection"),
    Index(None, "unit", "at"),
    Index(None, "at"),
    Index(None, "closed_at"),
)
"""`due`: a day, "2021-09-12". `closed_by`: the re-inspection that found it done; `closing`: what it saw.
`search`: their words, folded (asked.py)."""

draws: Final = Table(
    "draws",
    metadata,
    Column("id", Text, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("by", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("units", JSON, nullable=False),
    Column("levels", JSON, nullable=False),
    Column("seed", Text, nullable=False),
    Column("pool", Integer, nullable=False),
    Column("pool_hash", Text, nullable=False),
    Column("drawn", JSON, nullable=False),
    Index(None, "at"),
)
"""What was drawn, and all that is needed to draw it again (draw.py)."""

sightings: Final = Table(
    "sightings",
    metadata,
    Column("id", Text, primary_key=True),
    Column("site", Text, nullable=False),
    Column("meeting", Text, nullable=False),
    Column("person", Text),
    Column("name", Text, nullable=False),
    Column("title", Text),
    Column("how", Text, nullable=False),
    Column("began", Instant, nullable=False),
    Column("ended", Instant),
    Index(None, "site", "began"),
    Index(None, "ended"),
)
"""When a site was seen and by whom. `how`: "preview" (by `person`) or "on_air" (by everybody in the meeting,
`person` NULL)."""
