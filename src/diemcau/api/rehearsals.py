"""Doors of rehearsals: plan, watch, end; the list of those that did not get through, also as a file."""

import asyncio
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from diemcau.access import Actor
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.attachments import attachment
from diemcau.api.schemas import Codec, Level, Strict
from diemcau.api.services import Services
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest
from diemcau.rollout.rehearsals import NewRehearsal, Rehearsal, Scope, Seat, SeatFilter, Tally
from diemcau.rollout.rehearsals.export import write_csv, write_xlsx
from diemcau.rollout.rehearsals.texts import TEXTS
from diemcau.units import Unit

router = APIRouter(prefix="/api/v1", tags=["rehearsals"])

At = Literal["absent", "connect", "see", "hear", "speak", "through"]
UnitCode = Annotated[str | None, Query(max_length=16)]
Text = Annotated[str, Query(max_length=200)]
Id = Annotated[str, Field(min_length=1, max_length=64)]


class RehearsalScope(Strict):
    """A subtree, a wave, or a list of sites. `carrier`: only those of it; empty: those whose carrier is not
    known. `todo`: only those that have not rehearsed yet."""

    wave: Id | None = None
    unit: Annotated[str, Field(max_length=16)] | None = None
    carrier: Annotated[str, Field(max_length=100)] | None = None
    sites: Annotated[list[Id], Field(max_length=20_000, default_factory=list)]
    todo: bool = False

    async def to_scope(self, services: Services, actor: Actor) -> Scope:
        """As the room takes it. Raises WaveNotFound of a wave that the asker does not see."""
        sites = tuple(self.sites)
        if self.wave is not None:
            if sites:
                raise BadRequest("name one of a unit, a wave and sites", field="wave")
            await services.waves.waves.see(actor, self.wave)
            sites = tuple(await services.waves.waves.sites_of(self.wave))
        return Scope(self.unit, self.carrier, sites, self.todo)


class RehearsalWanted(Strict):
    """`POST /rehearsals`. `starts_at` null: now; `minutes` null: twice as many as it takes."""

    id: Id
    scope: RehearsalScope
    title: Annotated[str, Field(max_length=200)] = ""
    starts_at: Annotated[AwareDatetime | None, Field(strict=False)] = None
    minutes: Annotated[int, Field(ge=1, le=240)] | None = None
    codec: Codec = "h264"


class RehearsalPreview(BaseModel):
    """`sites`: how many would take part, `ready` of them have a device; about `seconds` until those are
    through; held open for `minutes`."""

    sites: int
    ready: int
    seconds: int
    minutes: int


class RehearsalShown(BaseModel):
    """A rehearsal; its meeting is watched like any other."""

    id: str
    title: str
    meeting: str
    units: list[str]
    sites: int
    minutes: int
    status: Literal["scheduled", "running", "ended"]
    starts_at: str
    started_at: str | None
    ended_at: str | None
    passed: int


class RehearsalList(BaseModel):
    """Newest first."""

    rehearsals: list[RehearsalShown]


class RehearsalTally(BaseModel):
    """`at`: how many sites are at a step now; `done`: how many have proved it; `faulty`: came, are not
    through, and have a cause."""

    total: int
    absent: int
    faulty: int
    through: int
    at: dict[Literal["connect", "see", "hear", "speak"], int]
    done: dict[Literal["connect", "see", "hear", "speak"], int]


class RehearsalUnit(BaseModel):
    """A unit's sites of the rehearsal."""

    code: str
    name: str
    kind: str
    level: Level
    tally: RehearsalTally


class RehearsalBoard(BaseModel):
    """`version` grows with every change; `machine`: it presents. `above`: units that the asker may open,
    topmost first."""

    rehearsal: RehearsalShown
    unit: RehearsalUnit
    above: list[RehearsalUnit]
    children: list[RehearsalUnit]
    version: int
    machine: bool


class RehearsalCause(BaseModel):
    """Why a site is no further: what is, and one action."""

    code: str
    vi: str
    en: str


class RehearsalSeat(BaseModel):
    """A site. `done`: when each step was proved."""

    site: str
    unit: str
    label: str
    path: str
    carrier: str | None
    at: At
    done: dict[Literal["connect", "see", "hear", "speak"], str]
    cause: RehearsalCause | None
    owner: str
    phones: list[str]
    figures: dict[str, Any]


class RehearsalSeats(BaseModel):
    """A page of the list, failures first; `total`: how many fit."""

    seats: list[RehearsalSeat]
    next: int | None
    total: int


@router.post("/rehearsals/preview")
async def preview(body: RehearsalScope, asker: CurrentAsker, services: CurrentServices) -> RehearsalPreview:
    """How many sites, and how long it takes."""
    devices = await services.readiness.with_device()
    made = await services.rehearsals.preview(asker.actor, await body.to_scope(services, asker.actor), devices)
    return RehearsalPreview.model_validate(made, from_attributes=True)


@router.post("/rehearsals", status_code=201)
async def create(body: RehearsalWanted, asker: CurrentAsker, services: CurrentServices) -> RehearsalShown:
    """Plans one, or begins it now."""
    wanted = NewRehearsal(
        body.id,
        await body.scope.to_scope(services, asker.actor),
        body.title,
        body.starts_at,
        body.minutes,
        body.codec,
    )
    return _shown(await services.rehearsals.create(asker.actor, wanted))


@router.get("/rehearsals")
async def listed(asker: CurrentAsker, services: CurrentServices) -> RehearsalList:
    """Planned, held and past ones that concern the asker."""
    found = await services.rehearsals.listed(asker.actor)
    return RehearsalList(rehearsals=[_shown(one) for one in found])


@router.get("/rehearsals/{rehearsal}")
async def board(
    rehearsal: str, asker: CurrentAsker, services: CurrentServices, unit: UnitCode = None
) -> RehearsalBoard:
    """Counts of a subtree and of the units right below."""
    found = await services.rehearsals.board(asker.actor, rehearsal, unit)
    return RehearsalBoard(
        rehearsal=_shown(found.rehearsal),
        unit=_unit(found.unit, found.whole),
        above=[_unit(one, Tally()) for one in found.above],
        children=[_unit(one, tally) for one, tally in found.parts],
        version=found.version,
        machine=found.machine,
    )


@router.post("/rehearsals/{rehearsal}/end")
async def end(rehearsal: str, asker: CurrentAsker, services: CurrentServices) -> RehearsalShown:
    """Ends it, or calls it off."""
    return _shown(await services.rehearsals.end(asker.actor, rehearsal))


@router.get("/rehearsals/{rehearsal}/sites")
async def seats(
    rehearsal: str,
    asker: CurrentAsker,
    services: CurrentServices,
    unit: UnitCode = None,
    at: At | None = None,
    faulty: bool = False,
    q: Text = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[int, Query(ge=0, le=100_000)] = 0,
) -> RehearsalSeats:
    """Sites with cause, owner and phone; failures first."""
    wanted = SeatFilter(at, faulty, text=q)
    found = await services.rehearsals.seats(asker.actor, rehearsal, unit, wanted)
    more = after + limit < len(found)
    return RehearsalSeats(
        seats=[_seat(seat, owner) for seat, owner in found[after : after + limit]],
        next=after + limit if more else None,
        total=len(found),
    )


@router.get(
    "/rehearsals/{rehearsal}/sites.{kind}",
    response_class=Response,
    responses={
        200: {
            "content": {
                "text/csv": {},
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": {},
            }
        }
    },
)
async def export(
    rehearsal: str,
    kind: Literal["xlsx", "csv"],
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
    unit: UnitCode = None,
    at: At | None = None,
    faulty: bool = False,
    q: Text = "",
) -> Response:
    """The whole filtered list as a file."""
    request.app.state.limits.exports.take(asker.actor.key)
    write = write_xlsx if kind == "xlsx" else write_csv
    async with request.app.state.exporting:
        wanted = SeatFilter(at, faulty, text=q)
        found = await services.rehearsals.seats(asker.actor, rehearsal, unit, wanted)
        content = await asyncio.to_thread(write, found)
    return attachment(content, "chay-thu", kind)


def _shown(one: Rehearsal) -> RehearsalShown:
    return RehearsalShown.model_validate(one.to_json())


def _unit(unit: Unit, tally: Tally) -> RehearsalUnit:
    return RehearsalUnit(
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        level=unit.level.value,
        tally=RehearsalTally.model_validate(tally.to_json()),
    )


def _seat(seat: Seat, owner: str) -> RehearsalSeat:
    site, cause = seat.site, seat.cause
    return RehearsalSeat(
        site=site.id,
        unit=site.unit,
        label=site.label,
        path=site.path,
        carrier=site.carrier,
        at=seat.at,
        done={step.value: rfc3339(time) for step, time in seat.walk.done.items()},
        cause=None if cause is None else RehearsalCause(code=cause, **TEXTS[cause]),
        owner=owner,
        phones=list(site.phones),
        figures=seat.walk.figures,
    )
