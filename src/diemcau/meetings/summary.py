"""Meetings as rows: the list of meetings, and who is invited."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Select, case, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.access import Secrecy
from diemcau.errors import JsonValue
from diemcau.meetings.meeting import Codec, Kind, Meeting, Status, instant
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
    kind: Kind = "meeting"
    secrecy: Secrecy = "none"

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON of the protocol."""
        return {
            "id": self.id,
            "title": self.title,
            "kind": self.kind,
            "status": self.status,
            "codec": self.codec,
            "scope": [entry.to_json() for entry in self.scope],
            "opened_at": instant(self.opened_at),
            "sites": self.sites,
            "secrecy": self.secrecy,
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
        meeting.kind,
        meeting.secrecy,
    )


def row_of(meeting: Meeting) -> dict[str, object]:
    """The row of a state."""
    return {
        "id": meeting.id,
        "title": meeting.title,
        "kind": meeting.kind,
        "status": meeting.status,
        "codec": meeting.codec,
        "scope": [entry.to_json() for entry in meeting.scope],
        "chair_site": meeting.chair_site,
        "created_at": meeting.created_at,
        "opened_at": meeting.opened_at,
        "ended_at": meeting.ended_at,
        "invited": meeting.invited,
        "secrecy": meeting.secrecy,
    }


async def update(connection: AsyncConnection, meeting: str, **values: object) -> None:
    """Changes columns of a meeting's row."""
    await connection.execute(meetings.update().where(meetings.c.id == meeting).values(**values))


async def listed(connection: AsyncConnection) -> list[MeetingSummary]:
    """Open, then scheduled, then ended ones, newest first: at most 2,000, for the caller to choose from."""
    return [_summary(row) for row in await connection.execute(_in_order().limit(_LOOKED_AT))]


async def listed_for_sites(
    connection: AsyncConnection, sites: Collection[str]
) -> dict[str, tuple[MeetingSummary, ...]]:
    """For each of the sites the open and scheduled meetings that it comes to by itself, in the same order:
    not the centres, which call it, but for the one that it is the chair's site of."""
    active = meetings.c.status.in_(("open", "scheduled"))
    comes = or_(meetings.c.kind != "centre", meetings.c.chair_site.in_(list(sites)))
    rows = await connection.execute(_in_order().where(active, comes).limit(LISTED))
    found: dict[str, tuple[MeetingSummary, ...]] = {}
    for meeting in [_summary(row) for row in rows]:
        for site in await invited_among(connection, meeting.id, sites):
            if comes_by_itself(meeting, site):
                found[site] = (*found.get(site, ()), meeting)
    return found


def comes_by_itself(meeting: Meeting | MeetingSummary, site: str) -> bool:
    """Whether an invited site joins without being called."""
    return meeting.kind != "centre" or site == meeting.chair_site


def _in_order() -> Select[Any]:
    order = case({"open": 0, "scheduled": 1}, value=meetings.c.status, else_=2)
    return select(meetings).order_by(order, meetings.c.created_at.desc(), meetings.c.id)


async def open_ids(connection: AsyncConnection) -> list[str]:
    """The meetings that are open."""
    rows = await connection.execute(select(meetings.c.id).where(meetings.c.status == "open"))
    return [row.id for row in rows]


async def marks(connection: AsyncConnection) -> dict[str, Secrecy]:
    """The marks of the meetings that bear one and have not ended."""
    columns = select(meetings.c.id, meetings.c.secrecy)
    rows = await connection.execute(columns.where(meetings.c.secrecy != "none", meetings.c.status != "ended"))
    return {row.id: row.secrecy for row in rows}


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
        row.kind,
        row.secrecy,
    )
