"""The board of running meetings: everything that goes on at once, for who may see it."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from diemcau.access import Actor
from diemcau.access.standing import names_of
from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.listing import listed
from diemcau.api.services import Services
from diemcau.errors import Forbidden
from diemcau.meetings import Meeting

router = APIRouter(prefix="/api/v1", tags=["meetings"])


class OnAir(BaseModel):
    """A site on a meeting's stage."""

    site: str
    label: str
    path: str


class Who(BaseModel):
    """Somebody by name."""

    id: str
    name: str
    title: str | None


class BoardRow(BaseModel):
    """A running meeting. `present`: sites that are in it; `away`: called out of it; `led_by`: who directed
    last; `taken`: who took the direction over. `role`: what the asker is there: he directs it (`leads`), has
    taken it over (`directs`), has a wider right (`oversees`), or it just concerns him (`sees`)."""

    meeting: schemas.Meeting
    present: int
    hands: int
    away: int
    on_air: list[OnAir]
    speakers: list[OnAir]
    led_by: Who | None
    taken: Who | None
    observers: int
    role: Literal["leads", "directs", "oversees", "sees"]


class Board(BaseModel):
    """Open meetings, the widest first, then by when they were opened."""

    meetings: list[BoardRow]


def _named(state: Meeting, sites: list[str]) -> list[OnAir]:
    return [
        OnAir(site=site, label=state.names[site].label, path=state.names[site].path)
        for site in sites
        if site in state.names
    ]


def _role(
    services: Services, actor: Actor, state: Meeting
) -> Literal["leads", "directs", "oversees", "sees"]:
    if state.direction is not None and state.direction.person == actor.id:
        return "directs"
    if services.meetings.desks.oversees(actor, state):
        return "oversees"
    return "leads" if state.led_by == actor.key else "sees"


@router.get("/board")
async def board(asker: CurrentAsker, services: CurrentServices) -> Board:
    """The open meetings that concern the asker, with their figures as they are now."""
    actor = asker.actor
    if actor.kind == "site":
        raise Forbidden("Only people see the board", command="meeting.see")
    found = [
        m for m in await services.meetings.list_for(actor) if m.status == "open" and m.kind != "rehearsal"
    ]
    states = [await services.meetings.state(one.id) for one in found]
    people = {state.led_by.partition(":")[2] for state in states if state.led_by is not None}
    names = await names_of(services.access.store, people)
    rows: list[BoardRow] = []
    for one, state in zip(found, states, strict=True):
        leader = None if state.led_by is None else state.led_by.partition(":")[2]
        by: Any = None if state.direction is None else state.direction.by
        rows.append(
            BoardRow(
                meeting=schemas.Meeting.model_validate(listed(services.units, one)),
                present=len(services.meetings.joined(one.id)),
                hands=len(state.hands),
                away=len(state.away),
                on_air=_named(state, [site for site in state.on_air if site is not None]),
                speakers=_named(state, list(state.speakers)),
                led_by=None
                if leader is None or leader not in names
                else Who(id=leader, name=names[leader][0], title=names[leader][1]),
                taken=None if by is None else Who(id=by["id"], name=by["name"], title=by["title"]),
                observers=len(services.meetings.desks.observers(one.id)),
                role=_role(services, actor, state),
            )
        )
    order = list(schemas.LEVELS)
    rows.sort(key=lambda row: (order.index(row.meeting.level), row.meeting.opened_at or ""))
    return Board(meetings=rows)
