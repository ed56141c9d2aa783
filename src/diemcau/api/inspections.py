"""Doors of calls and inspections: centres, what was found, coverage, draws, and when a site was seen."""

import asyncio
from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, Field

from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.attachments import attachment
from diemcau.api.listing import listed
from diemcau.api.schemas import Level, PersonGiven, Strict
from diemcau.clock import rfc3339
from diemcau.errors import Forbidden
from diemcau.inspections import Asked, Finding, NewFinding, Seen, day, days, write_xlsx
from diemcau.sites import PersonPresent
from diemcau.units import ROOT_CODE, Unit

router = APIRouter(prefix="/api/v1", tags=["inspections"])

UnitCode = Annotated[str, Field(min_length=1, max_length=16)]
AskedUnit = Annotated[str | None, Query(max_length=16)]
Cursor = Annotated[str | None, Query(max_length=64)]
Limit = Annotated[int, Query(ge=1, le=200)]
AskedDay = Annotated[str | None, Query(max_length=10)]
Severity = Literal["low", "medium", "high"]


class CentreWanted(Strict):
    """`POST /centres`. `unit`: None for the topmost that the asker may call in."""

    unit: UnitCode | None = None


class CallerSeen(BaseModel):
    """Who called."""

    id: str
    name: str
    title: str | None


class InspectionSeen(BaseModel):
    """One call and what came of it. `people`: who was at the post; `known`: who is known to sit there."""

    id: str
    meeting: str
    site: str
    unit: str
    label: str
    path: str
    by: CallerSeen
    answer: Literal["auto", "ring"]
    state: str
    why: str | None
    after: str | None
    draw: str | None
    at: str
    answered_at: str | None
    live_at: str | None
    ended_at: str | None
    people: list[schemas.PersonPresent]
    known: list[schemas.PersonPresent]
    findings_made: int
    findings_open: int


class FindingSeen(BaseModel):
    """Something that was found. `due`: a day. `closed_by`: the re-inspection that found it done."""

    id: str
    inspection: str
    site: str
    unit: str
    label: str
    path: str
    at: str
    by: str
    text: str
    severity: Severity
    owner: str
    due: str | None
    closed_at: str | None
    closed_by: str | None
    closing: str | None


class InspectionDetails(InspectionSeen):
    """The same with its note, its picture's time and its findings."""

    note: str
    pictured_at: str | None
    findings: list[FindingSeen]


class InspectionList(BaseModel):
    """A page, newest first. `total`: of all pages, with the first of them."""

    inspections: list[InspectionSeen]
    next: str | None
    total: int | None


class FindingList(BaseModel):
    """A page, newest first. `total`: of all pages, with the first of them."""

    findings: list[FindingSeen]
    next: str | None
    total: int | None


class InspectionChange(Strict):
    """`PATCH /inspections/{id}`: what is left out stays."""

    people: Annotated[list[PersonGiven], Field(max_length=30)] | None = None
    note: Annotated[str, Field(max_length=4000)] | None = None


class FindingGiven(Strict):
    """`POST /inspections/{id}/findings`."""

    text: Annotated[str, Field(min_length=1, max_length=2000)]
    severity: Severity = "medium"
    owner: Annotated[str, Field(max_length=200)] = ""
    due: Annotated[date | None, Field(strict=False)] = None


class FindingClosed(Strict):
    """`POST /findings/{id}/close`: by the re-inspection `inspection`."""

    inspection: Annotated[str, Field(min_length=1, max_length=64)]
    closing: Annotated[str, Field(max_length=2000)] = ""


class Covered(BaseModel):
    """A unit and what was inspected in its subtree."""

    code: str
    name: str
    kind: str
    level: Level
    units: int
    inspected: int
    inspections: int
    open: int
    last: str | None


class CoverageAnswer(BaseModel):
    """`children`: the units right below, in the tree's order."""

    dataset: str
    unit: Covered
    above: list[Covered]
    children: list[Covered]


class DrawWanted(Strict):
    """`POST /draws`."""

    units: Annotated[list[UnitCode], Field(min_length=1, max_length=64)]
    levels: Annotated[list[Level], Field(min_length=1, max_length=4)]
    count: Annotated[int, Field(ge=1, le=50)]


class Draw(BaseModel):
    """What was drawn, and all that is needed to draw it again."""

    id: str
    units: list[str]
    levels: list[str]
    seed: str
    pool: int
    pool_hash: str
    drawn: list[str]
    sites: list[schemas.Site]


class Sighting(BaseModel):
    """When the site was seen. `how`: on a desk's preview by `name`, or on the stage by all."""

    id: str
    meeting: str
    how: Literal["preview", "on_air"]
    name: str
    title: str | None
    began: str
    ended: str | None


class SightingList(BaseModel):
    """Newest first, at most 200."""

    sightings: list[Sighting]


def asked(
    unit: AskedUnit = None,
    since: AskedDay = None,
    until: AskedDay = None,
    text: Annotated[str, Query(max_length=200)] = "",
) -> Asked:
    """A subtree, from one day to another (both included), and words of what was found. Raises BadRequest."""
    first, last = days(since, until)
    return Asked(unit, first, last, text)


WhatIsAsked = Annotated[Asked, Depends(asked)]


@router.post("/centres")
async def centre(body: CentreWanted, asker: CurrentAsker, services: CurrentServices) -> schemas.Meeting:
    """The open command centre over the unit: the same one for everybody, made when there is none."""
    found = await services.inspections.centre(asker.actor, body.unit)
    return schemas.Meeting.model_validate(listed(services.units, found))


@router.get("/inspections")
async def inspections(
    asker: CurrentAsker,
    services: CurrentServices,
    wanted: WhatIsAsked,
    site: Annotated[str | None, Query(max_length=64)] = None,
    limit: Limit = 50,
    after: Cursor = None,
) -> InspectionList:
    """Calls, newest first: of what is asked for, of one site."""
    page = await services.inspections.records.page(asker.actor, wanted, site=site, limit=limit, after=after)
    rows = [InspectionSeen(**row) for row in page.rows]
    return InspectionList(inspections=rows, next=page.next, total=page.total)


@router.get("/inspections/coverage")
async def coverage(
    asker: CurrentAsker,
    services: CurrentServices,
    unit: AskedUnit = None,
    since: AskedDay = None,
) -> CoverageAnswer:
    """Which units were inspected since a day, of one subtree and of the units right below it."""
    actor, units = asker.actor, services.units
    granted = services.access.units_granted(actor, "inspection.see")
    code = unit or (ROOT_CODE if ROOT_CODE in granted else next(iter(granted), None))
    if code is None:
        raise Forbidden(None, command="inspection.see")
    units.get(code)
    services.access.authorise(actor, "inspection.see", code)
    found = await services.inspections.records.coverage(actor, day(since))

    def shown(one: Unit) -> Covered:
        seen = found.get(one.code, Seen())
        return Covered(
            code=one.code,
            name=one.name,
            kind=one.kind,
            level=one.level.value,
            units=seen.units,
            inspected=seen.inspected,
            inspections=seen.inspections,
            open=seen.open,
            last=None if seen.last is None else rfc3339(seen.last),
        )

    above = [
        one for one in units.ancestors(code) if services.access.allowed(actor, "inspection.see", one.code)
    ]
    return CoverageAnswer(
        dataset=units.dataset,
        unit=shown(units.get(code)),
        above=[shown(one) for one in reversed(above)],
        children=[shown(one) for one in units.children(code)],
    )


@router.get("/inspections/{inspection}")
async def inspection(inspection: str, asker: CurrentAsker, services: CurrentServices) -> InspectionDetails:
    """One call with what was found."""
    return InspectionDetails(**await services.inspections.records.get(asker.actor, inspection))


@router.patch("/inspections/{inspection}")
async def change(
    inspection: str, body: InspectionChange, asker: CurrentAsker, services: CurrentServices
) -> InspectionDetails:
    """Who was at the post, and the note."""
    records = services.inspections.records
    people = None if body.people is None else [PersonPresent(one.name, one.title) for one in body.people]
    await records.change(asker.actor, inspection, people, body.note)
    return InspectionDetails(**await records.get(asker.actor, inspection))


@router.get(
    "/inspections/{inspection}/picture",
    responses={200: {"content": {"image/jpeg": {}}}},
    response_class=Response,
)
async def picture(inspection: str, asker: CurrentAsker, services: CurrentServices) -> Response:
    """The site as it was seen then, as long as that is kept."""
    jpeg = await services.inspections.records.picture(asker.actor, inspection)
    return Response(jpeg, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


@router.post("/inspections/{inspection}/findings", status_code=201)
async def find(
    inspection: str, body: FindingGiven, asker: CurrentAsker, services: CurrentServices
) -> FindingSeen:
    """Something was found."""
    new = NewFinding(body.text, body.severity, body.owner, body.due)
    found = await services.inspections.findings.find(asker.actor, inspection, new)
    return FindingSeen(**found.to_json())


@router.post("/findings/{finding}/close")
async def close(
    finding: str, body: FindingClosed, asker: CurrentAsker, services: CurrentServices
) -> FindingSeen:
    """A re-inspection found it done."""
    closed = await services.inspections.findings.close(asker.actor, finding, body.inspection, body.closing)
    return FindingSeen(**closed.to_json())


@router.get("/findings")
async def findings(
    asker: CurrentAsker,
    services: CurrentServices,
    wanted: WhatIsAsked,
    open: bool | None = None,  # noqa: A002 - the name of the query
    overdue: bool = False,
    limit: Limit = 50,
    after: Cursor = None,
) -> FindingList:
    """Findings, newest first."""
    page = await services.inspections.findings.page(
        asker.actor, wanted, is_open=open, overdue=overdue, limit=limit, after=after
    )
    found: tuple[Finding, ...] = page.rows
    rows = [FindingSeen(**one.to_json()) for one in found]
    return FindingList(findings=rows, next=page.next, total=page.total)


@router.get("/findings.xlsx", response_class=Response)
async def findings_file(
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
    wanted: WhatIsAsked,
    open: bool | None = None,  # noqa: A002 - the name of the query
    overdue: bool = False,
) -> Response:
    """The same as a file, at most 20,000 rows."""
    request.app.state.limits.exports.take(asker.actor.key)
    found = await services.inspections.findings.all(asker.actor, wanted, open, overdue)
    async with request.app.state.exporting:
        made = await asyncio.to_thread(write_xlsx, found)
    return attachment(made, "phat-hien", "xlsx")


@router.post("/draws", status_code=201)
async def draw(body: DrawWanted, asker: CurrentAsker, services: CurrentServices) -> Draw:
    """Draws sites by a fresh seed."""
    drawn = await services.inspections.draws.draw(asker.actor, body.units, body.levels, body.count)
    return Draw(**drawn)


@router.get("/sites/{site}/sightings")
async def sightings(site: str, asker: CurrentAsker, services: CurrentServices) -> SightingList:
    """When the site was seen and by whom: for itself and for those who may see it."""
    found = await services.inspections.sightings.of_site(asker.actor, site)
    return SightingList(sightings=[Sighting(**one) for one in found])
