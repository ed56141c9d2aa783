"""Making meetings and inviting: rows by the thousand, one event with their number."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Select, func, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.access import MARKS, Secrecy
from diemcau.errors import BadRequest, JsonObject, JsonValue
from diemcau.meetings import summary
from diemcau.meetings.commands import check_command_id
from diemcau.meetings.context import must_not_have_ended
from diemcau.meetings.meeting import Codec, Kind, Meeting
from diemcau.meetings.states import States
from diemcau.meetings.tables import invitations, meetings
from diemcau.sites import ScopeEntry, Site, SiteKind
from diemcau.sites.tables import sites as table
from diemcau.store import UnitOfWork

MAX_TITLE: Final = 200


@dataclass(frozen=True, slots=True)
class NewMeeting:
    """A meeting to be made. `id`: the client's command id. `scope`: 1 to 64 entries. `sites`: who is invited
    instead of everybody in the scope. `kind`: "centre" for a command centre, whose sites stand by until they
    are called."""

    id: str
    title: str
    scope: tuple[ScopeEntry, ...]
    codec: Codec = "h264"
    chair_site: str | None = None
    kind: Kind = "meeting"
    sites: tuple[str, ...] | None = None
    secrecy: Secrecy = "none"


def checked_title(new: NewMeeting) -> str:
    """The title as it is kept. Raises BadRequest for what is wrong with it, the id or the codec."""
    check_command_id(new.id)
    title = " ".join(new.title.split())
    if not 1 <= len(title) <= MAX_TITLE or not title.isprintable():
        raise BadRequest(f"a title has 1 to {MAX_TITLE} characters", field="title")
    if new.kind not in ("meeting", "rehearsal", "centre"):
        raise BadRequest("a meeting's kind is meeting, rehearsal or centre", field="kind")
    if new.codec not in ("h264", "vp8"):
        raise BadRequest("a meeting's codec is h264 or vp8", field="codec")
    if new.secrecy not in MARKS:
        raise BadRequest("a mark is none, confidential, secret or top_secret", field="secrecy")
    return title


async def make(
    unit: UnitOfWork,
    states: States,
    meeting: str,
    title: str,
    new: NewMeeting,
    chair: Site | None,
    chosen: Select[tuple[str]],
    actor: str,
) -> JsonObject:
    """The rows and the first event of a meeting. `chosen`: the query for the sites of its scope."""
    connection = await unit.connection()
    empty = Meeting(meeting, title, new.codec, new.scope, new.chair_site, unit.now, 0, kind=new.kind)
    empty.secrecy = new.secrecy
    row = summary.row_of(empty)
    await connection.execute(meetings.insert(), row)
    if new.sites is None:
        # Inside the database: ten thousand ids do not travel.
        sites = chosen.subquery()
        invited = select(literal(meeting), sites.c.id)
        await connection.execute(invitations.insert().from_select(["meeting", "site"], invited))
    elif new.sites:
        rows = [{"meeting": meeting, "site": site} for site in dict.fromkeys(new.sites)]
        await connection.execute(invitations.insert(), rows)
    if chair is not None:
        await _invite(connection, meeting, [chair.id])
    count = await invited_count(connection, meeting)
    await summary.update(connection, meeting, invited=count)
    data: dict[str, JsonValue] = {
        "title": title,
        "kind": new.kind,
        "scope": [entry.to_json() for entry in new.scope],
        "codec": new.codec,
        "chair_site": new.chair_site,
        "invited": count,
        "names": {} if chair is None else {chair.id: chair.name_json()},
        "secrecy": new.secrecy,
    }
    states.create(unit, meeting, data, actor)
    return {"meeting": meeting}


async def invite(
    unit: UnitOfWork, states: States, meeting: Meeting, sites: Sequence[str], actor: str
) -> None:
    """Invites further sites; those that are invited already are fine."""
    must_not_have_ended(meeting)
    connection = await unit.connection()
    if await _invite(connection, meeting.id, sites):
        total = await invited_count(connection, meeting.id)
        count = total - meeting.invited
        await summary.update(connection, meeting.id, invited=total)
        data: JsonObject = {"count": count, "invited": total, "sites": sites}
        states.advance(unit, meeting, [("sites_invited", data)], actor)


async def invited_count(connection: AsyncConnection, meeting: str) -> int:
    """How many sites are invited and should come: nobody sits at a feed, so none is missed."""
    people = table.c.kind != SiteKind.FEED.value
    query = (
        select(func.count())
        .select_from(invitations.join(table))
        .where(invitations.c.meeting == meeting, people)
    )
    return await connection.scalar(query) or 0


async def _invite(connection: AsyncConnection, meeting: str, sites: Sequence[str]) -> int:
    known = await summary.invited_among(connection, meeting, sites)
    fresh = [{"meeting": meeting, "site": site} for site in sites if site not in known]
    if fresh:
        await connection.execute(invitations.insert(), fresh)
    return len(fresh)
