"""Meetings as rows: the list of meetings, and who is invited."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.errors import JsonValue
from diemcau.meetings.meeting import Codec, Meeting, Status, instant
from diemcau.meetings.tables import invitations, meetings
from diemcau.sites import ScopeEntry

LISTED: Final = 200
_LOOKED_AT: Final = 2000


@dataclass(frozen=True, slots=True)
class MeetingSummary:
    """`Meeting` of docs/protocol.md. `sites`: how many are invited."""

    id: str
    title: str
    status: Status
    codec: Codec
    scope: tuple[ScopeEntry, ...]
    chair_site: str | None
    created_at: datetime
    opened_at: datetime | None
    ended_at: datetime | None
    sites: int

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON of the protocol."""
        return {
            "id": self.id,
            "title": self.title,
            "status": self.status,
            "codec": self.codec,
            "scope": [entry.to_json() for entry in self.scope],
            "opened_at": instant(self.opened_at),
            "sites": self.sites,
        }


def summary_of(meeting: Meeting) -> MeetingSummary:
    """The summary of a state."""
    return MeetingSummary(
        meeting.id,
        meeting.title,
        meeting.status,
        meeting.codec,
        meeting.scope,
        meeting.chair_site,
        meeting.created_at,
        meeting.opened_at,
        meeting.ended_at,
        meeting.invited,
    )


def row_of(meeting: Meeting) -> dict[str, object]:
    """The row of a state."""
    return {
        "id": meeting.id,
        "title": meeting.title,
        "status": meeting.status,
        "codec": meeting.codec,
        "scope": [entry.to_json() for entry in meeting.scope],
        "chair_site": meeting.chair_site,
        "created_at": meeting.created_at,
        "opened_at": meeting.opened_at,
        "ended_at": meeting.ended_at,
        "invited": meeting.invited,
    }


async def listed(connection: AsyncConnection, site: str | None) -> list[MeetingSummary]:
    """Open, then scheduled, then ended ones, newest first; of one site's: those it is invited to, at most
    200.

    Without a site at most 2,000, for the caller to choose from.
    """
    order = case({"open": 0, "scheduled": 1}, value=meetings.c.status, else_=2)
    query = select(meetings).order_by(order, meetings.c.created_at.desc(), meetings.c.id)
    if site is None:
        query = query.limit(_LOOKED_AT)
    else:
        query = query.join(invitations).where(invitations.c.site == site).limit(LISTED)
    return [_summary(row) for row in await connection.execute(query)]


async def open_ids(connection: AsyncConnection) -> list[str]:
    """The meetings that are open."""
    rows = await connection.execute(select(meetings.c.id).where(meetings.c.status == "open"))
    return [row.id for row in rows]


async def invited_among(connection: AsyncConnection, meeting: str, sites: Collection[str]) -> frozenset[str]:
    """Those of the sites that are invited."""
    query = select(invitations.c.site).where(
        invitations.c.meeting == meeting, invitations.c.site.in_(list(sites))
    )
    return frozenset(row.site for row in await connection.execute(query))


async def invited_to(connection: AsyncConnection, meeting: str) -> Sequence[str]:
    """All sites that are invited."""
    rows = await connection.execute(select(invitations.c.site).where(invitations.c.meeting == meeting))
    return [row.site for row in rows]


def _summary(row: Row[Any]) -> MeetingSummary:
    return MeetingSummary(
        row.id,
        row.title,
        row.status,
        row.codec,
        tuple(ScopeEntry(entry["unit"], tuple(entry["levels"])) for entry in row.scope),
        row.chair_site,
        row.created_at,
        row.opened_at,
        row.ended_at,
        row.invited,
    )
