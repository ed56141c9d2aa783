"""Doors of readiness: counts of a subtree, the list of what is not ready and why, the same as a file."""

import asyncio
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from diemcau.access import Actor
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.attachments import attachment
from diemcau.api.schemas import Level, Strict
from diemcau.api.services import Services
from diemcau.clock import rfc3339
from diemcau.errors import Forbidden
from diemcau.rollout.readiness import (
    Cause,
    Counts,
    Policy,
    Readiness,
    Row,
    RowFilter,
    State,
    write_csv,
    write_xlsx,
)
from diemcau.rollout.rehearsals.results import LastRehearsal
from diemcau.rollout.rehearsals.texts import TEXTS as REHEARSAL_TEXTS
from diemcau.units import Unit

router = APIRouter(prefix="/api/v1", tags=["readiness"])

StateName = Literal["never", "activated", "tested", "rehearsed", "ready"]
UnitCode = Annotated[str | None, Query(max_length=16)]
Carrier = Annotated[str | None, Query(max_length=100)]
Text = Annotated[str, Query(max_length=200)]
WaveId = Annotated[str | None, Query(max_length=64)]


class ReadinessCounts(BaseModel):
    """How many sites stand exactly where, and why no further."""

    total: int
    states: dict[StateName, int]
    causes: dict[Cause, int]


class ReadinessUnit(BaseModel):
    """A unit and its subtree's counts. `lat`, `lon`: its point, where the dataset has one."""

    code: str
    name: str
    kind: str
    level: Level
    parent: str | None
    lat: float | None
    lon: float | None
    counts: ReadinessCounts


class ReadinessCarrier(BaseModel):
    """A carrier's sites; None: not known."""

    carrier: str | None
    counts: ReadinessCounts


class ReadinessForecast(BaseModel):
    """When all will be ready at the measured pace; `unknown`: not enough data."""

    kind: Literal["done", "unknown", "far", "range"]
    remaining: int
    per_hour: float | None
    earliest: str | None
    latest: str | None


class ReadinessPolicy(BaseModel):
    """What ready means here."""

    test_days: int
    seen_hours: int
    rehearsal: bool


class NewPolicy(Strict):
    """`PUT /readiness/policy`."""

    test_days: Annotated[int, Field(ge=1, le=365)] = 7
    seen_hours: Annotated[int, Field(ge=1, le=24 * 30)] = 24
    rehearsal: bool


class ReadinessAnswer(BaseModel):
    """`above`: from the topmost unit that the asker may see down to the one before `unit`. `roots`: the
    topmost ones. `dataset`: whose units these are."""

    dataset: str
    unit: ReadinessUnit
    above: list[ReadinessUnit]
    roots: list[ReadinessUnit]
    children: list[ReadinessUnit]
    carriers: list[ReadinessCarrier]
    forecast: ReadinessForecast
    policy: ReadinessPolicy


class ReadinessFinding(BaseModel):
    """What the last self-test found."""

    code: str
    fault: bool
    vi: str
    en: str


class FailedRehearsal(BaseModel):
    """Where and why the site's last rehearsal ended before it was through."""

    step: Literal["connect", "see", "hear", "speak"]
    cause: str
    vi: str
    en: str


class ReadinessRow(BaseModel):
    """A site: where it is, why no further, whom to call."""

    site: str
    unit: str
    label: str
    path: str
    carrier: str | None
    state: StateName
    cause: Cause | None
    owner: str
    phones: list[str]
    findings: list[ReadinessFinding]
    tested_at: str | None
    rehearsed_at: str | None
    rehearsal: FailedRehearsal | None
    seen_at: str | None
    connected: bool


class ReadinessRows(BaseModel):
    """A page of the list; `total`: how many fit in all."""

    rows: list[ReadinessRow]
    next: str | None
    total: int


async def _filter(
    services: Services,
    actor: Actor,
    wave: str | None,
    state: StateName | None,
    cause: Cause | None,
    carrier: str | None,
    q: str,
    missing: bool,
) -> RowFilter:
    """What is asked for; of a wave's sites alone where one is named. Raises WaveNotFound."""
    wanted = RowFilter(None if state is None else State(state), cause, carrier, q, missing=missing)
    return wanted if wave is None else await services.waves.waves.filter_of(actor, wave, wanted)


async def _unit_of(services: Services, actor: Actor, unit: str | None, wave: str | None = None) -> str:
    """The unit that was asked for, else where the wave lies, else the topmost one that the asker may see.

    Raises Forbidden, WaveNotFound.
    """
    if unit is not None:
        return unit
    if wave is not None:
        found = await services.waves.waves.see(actor, wave)
        if services.access.allowed(actor, "site.see", found.unit):
            return found.unit
    roots = services.readiness.units_of(actor)
    if not roots:
        raise Forbidden(None, command="site.see")
    return roots[0].code


@router.get("/readiness", responses={304: {"description": "As it was"}})
async def readiness(
    request: Request,
    response: Response,
    asker: CurrentAsker,
    services: CurrentServices,
    unit: UnitCode = None,
    wait: Annotated[float, Query(ge=0, le=20)] = 0,
) -> ReadinessAnswer:
    """Counts of a subtree and of the units right below. With the ETag of an earlier answer: 304 while nothing
    has changed; `wait`: so many seconds for a change."""
    actor, room = asker.actor, services.readiness
    code = await _unit_of(services, actor, unit)
    counts = await room.counts(actor, code)
    known = request.headers.get("if-none-match", "")
    etag = _etag(room, version := await room.version(), code)
    if etag in known and wait:
        await room.changed(version, wait)
        counts = await room.counts(actor, code)
        etag = _etag(room, await room.version(), code)
    if etag in known:
        return Response(status_code=304, headers={"ETag": etag})  # type: ignore[return-value]
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    tree = services.units
    roots = room.units_of(actor)
    above = [
        one for one in reversed(tree.ancestors(code)) if services.access.allowed(actor, "site.see", one.code)
    ]
    expected = await room.forecast(actor, code)
    carriers = (await room.carriers(actor, code)).items()
    return ReadinessAnswer(
        dataset=tree.dataset,
        unit=_unit(tree.get(code), counts),
        above=[_unit(one, await room.counts(actor, one.code)) for one in above],
        roots=[_unit(one, await room.counts(actor, one.code)) for one in roots],
        children=[_unit(child, below) for child, below in await room.children(actor, code)],
        carriers=[ReadinessCarrier(carrier=carrier, counts=_counts(below)) for carrier, below in carriers],
        forecast=ReadinessForecast.model_validate(expected.to_json()),
        policy=ReadinessPolicy.model_validate(room.policy, from_attributes=True),
    )


def _etag(room: Readiness, version: int, code: str) -> str:
    return f'"{id(room):x}-{version}-{code}"'


@router.put("/readiness/policy", status_code=204)
async def set_policy(body: NewPolicy, asker: CurrentAsker, services: CurrentServices) -> None:
    """What a ready site needs from now on."""
    await services.readiness.set_policy(asker.actor, Policy(body.test_days, body.seen_hours, body.rehearsal))


@router.get("/readiness/sites")
async def rows(
    asker: CurrentAsker,
    services: CurrentServices,
    unit: UnitCode = None,
    state: StateName | None = None,
    cause: Cause | None = None,
    carrier: Carrier = None,
    q: Text = "",
    wave: WaveId = None,
    missing: bool = False,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> ReadinessRows:
    """Sites of a subtree that fit, in the order of units. `carrier` empty: those without one.
    `wave`: of this wave alone; `missing`: those that are not ready."""
    code = await _unit_of(services, asker.actor, unit, wave)
    wanted = await _filter(services, asker.actor, wave, state, cause, carrier, q, missing)
    page = await services.readiness.rows(asker.actor, code, wanted, limit=limit, after=after)
    return ReadinessRows(
        rows=[_row(row, owner) for row, owner in page.rows], next=page.next, total=page.total
    )


@router.get(
    "/readiness/sites.{kind}",
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
    kind: Literal["xlsx", "csv"],
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
    unit: UnitCode = None,
    state: StateName | None = None,
    cause: Cause | None = None,
    carrier: Carrier = None,
    q: Text = "",
    wave: WaveId = None,
    missing: bool = False,
) -> Response:
    """The whole filtered list as a file."""
    request.app.state.limits.exports.take(asker.actor.key)
    code = await _unit_of(services, asker.actor, unit, wave)
    write = write_xlsx if kind == "xlsx" else write_csv
    async with request.app.state.exporting:  # one at a time: a nation's takes seconds of a core
        wanted = await _filter(services, asker.actor, wave, state, cause, carrier, q, missing)
        found = await services.readiness.all_rows(asker.actor, code, wanted)
        content = await asyncio.to_thread(write, found)
    return attachment(content, f"san-sang-{code}", kind)


def _counts(counts: Counts) -> ReadinessCounts:
    return ReadinessCounts.model_validate(counts.to_json())


def _unit(unit: Unit, counts: Counts) -> ReadinessUnit:
    return ReadinessUnit(
        code=unit.code,
        name=unit.name,
        kind=unit.kind,
        level=unit.level.value,
        parent=unit.parent,
        lat=unit.lat,
        lon=unit.lon,
        counts=_counts(counts),
    )


def _row(row: Row, owner: str) -> ReadinessRow:
    site, facts = row.site, row.facts
    return ReadinessRow(
        site=site.id,
        unit=site.unit,
        label=site.label,
        path=site.path,
        carrier=site.carrier,
        state=row.standing.state.value,
        cause=row.standing.cause,
        owner=owner,
        phones=list(site.phones),
        findings=[]
        if row.test is None
        else [ReadinessFinding.model_validate(one.to_json()) for one in row.test.advice],
        tested_at=None if facts.tested_at is None else rfc3339(facts.tested_at),
        rehearsed_at=None if facts.rehearsed_at is None else rfc3339(facts.rehearsed_at),
        rehearsal=_failed(row.rehearsal),
        seen_at=None if facts.seen_at is None else rfc3339(facts.seen_at),
        connected=facts.connected,
    )


def _failed(last: LastRehearsal | None) -> FailedRehearsal | None:
    if last is None or last.step is None or last.cause is None:
        return None
    words = REHEARSAL_TEXTS[last.cause]
    return FailedRehearsal(step=last.step.value, cause=last.cause, vi=words["vi"], en=words["en"])
