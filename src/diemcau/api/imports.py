"""Doors of `rollout`: a list comes in, is understood, asked about, run; files go out."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel, Field

from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.attachments import attachment
from diemcau.api.schemas import Code, Level, Strict
from diemcau.errors import BadRequest, TooLarge
from diemcau.rollout import Field as Column
from diemcau.spreadsheet import MAX_FILE

router = APIRouter(prefix="/api/v1", tags=["rollout"])

FieldName = Literal[
    "site",
    "unit_code",
    "province",
    "province_code",
    "district",
    "district_code",
    "commune",
    "commune_code",
    "unit",
    "label",
    "kind",
    "carrier",
    "phone",
    "email",
    "person",
    "title",
]
Name = Annotated[str, Query(max_length=200)]
Sheet = Annotated[str | None, Query(max_length=200)]
Format = Literal["xlsx", "csv"]


class ImportHeading(BaseModel):
    """`first`: number of the heading's first row in the file; `rows`: how many it has."""

    first: int
    rows: int


class ImportColumn(BaseModel):
    """A column of the list and what it is taken for (null: not taken)."""

    index: int
    title: str
    field: FieldName | None
    samples: list[str]


class ImportRow(BaseModel):
    """A row as it stands in the file."""

    row: int
    cells: list[str]


class ImportRejection(BaseModel):
    """A row that is not taken; `code` is stable."""

    row: int
    code: str
    detail: str


class ImportCandidate(BaseModel):
    """A unit that may be meant."""

    unit: str
    path: str


class ImportQuestion(BaseModel):
    """Words that no unit or several answer to. `within`: the unit above, as far as it is known."""

    key: str
    level: Level | None
    text: str
    within: str | None
    within_path: str | None
    rows: int
    first_row: int
    candidates: list[ImportCandidate]


class ImportSites(BaseModel):
    """Sites that will be made, changed and left as they are; after a run: that were."""

    created: int
    changed: int
    same: int


class ImportProgress(BaseModel):
    """`done` of `of`: rows while checking, sites while running."""

    done: int
    of: int


class Import(BaseModel):
    """An import and all that is known of it. `within`: names are looked for inside this unit first.
    `rejections`, `questions`: the first 200 of `rejected` and
    `asked`."""

    id: str
    name: str
    status: Literal["checking", "ready", "running", "done", "stopped", "failed"]
    sheets: list[str]
    sheet: str
    heading: ImportHeading
    within: str | None
    within_path: str | None
    columns: list[ImportColumn]
    preview: list[ImportRow]
    mapped: bool
    checked: bool
    rows: int
    sites: ImportSites
    rejected: int
    reasons: dict[str, int]
    rejections: list[ImportRejection]
    asked: int
    questions: list[ImportQuestion]
    progress: ImportProgress
    error: str | None


class ImportMapping(Strict):
    """`PUT /imports/{id}/mapping`: what is left out stays. `columns`: index of a column to field or null;
    `within`: where the whole list lies ("VN": anywhere)."""

    sheet: Annotated[str, Field(max_length=200)] | None = None
    first: Annotated[int, Field(ge=1, le=2_000_000)] | None = None
    rows: Annotated[int, Field(ge=0, le=5)] = 1
    columns: Annotated[dict[str, FieldName | None], Field(max_length=60)] | None = None
    within: Code | None = None


class ImportAnswers(Strict):
    """`PUT /imports/{id}/answers`: a question's key to a unit's code, or null: no unit, leave these rows."""

    answers: Annotated[
        dict[Annotated[str, Field(max_length=400)], Code | None], Field(min_length=1, max_length=2_000)
    ]


@router.post("/imports", status_code=201)
async def open_import(
    request: Request, asker: CurrentAsker, services: CurrentServices, name: Name = "", sheet: Sheet = None
) -> Import:
    """Takes a list in (the body: an .xlsx or .csv, at most 8 MB) and begins to look it through."""
    services.rollout.may(asker.actor)
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > MAX_FILE:
            raise TooLarge(None, limit=MAX_FILE)
    job = await services.rollout.open(asker.actor, name, bytes(taken), sheet=sheet)
    return Import.model_validate(job.to_json(services.units))


@router.get("/imports/{id}")
async def see_import(
    id: str,  # noqa: A002 (the wire's name)
    asker: CurrentAsker,
    services: CurrentServices,
    wait: Annotated[float, Query(ge=0, le=20)] = 0,
) -> Import:
    """How it stands; asked again while `checking` or `running`. `wait`: so many seconds for their end."""
    job = await services.rollout.settled(asker.actor, id, wait)
    return Import.model_validate(job.to_json(services.units))


@router.put("/imports/{id}/mapping")
async def map_import(
    id: str,  # noqa: A002
    body: ImportMapping,
    asker: CurrentAsker,
    services: CurrentServices,
) -> Import:
    """Says what the columns hold; the list is looked through anew."""
    columns = None
    if body.columns is not None:
        if not all(index.isascii() and index.isdecimal() and len(index) < 4 for index in body.columns):
            raise BadRequest("A column is its index", field="columns")
        columns = {
            int(index): None if field is None else Column(field) for index, field in body.columns.items()
        }
    job = await services.rollout.map(
        asker.actor,
        id,
        sheet=body.sheet,
        heading=None if body.first is None else (body.first, body.rows),
        columns=columns,
        within=body.within,
    )
    return Import.model_validate(job.to_json(services.units))


@router.put("/imports/{id}/answers")
async def answer_import(
    id: str,  # noqa: A002
    body: ImportAnswers,
    asker: CurrentAsker,
    services: CurrentServices,
) -> Import:
    """Answers questions; each for all rows with the same words."""
    job = await services.rollout.answer(asker.actor, id, body.answers)
    return Import.model_validate(job.to_json(services.units))


@router.post("/imports/{id}/run", status_code=202)
async def run_import(
    id: str,  # noqa: A002
    asker: CurrentAsker,
    services: CurrentServices,
) -> Import:
    """Begins to make and change sites."""
    return Import.model_validate(services.rollout.run(asker.actor, id).to_json(services.units))


@router.post("/imports/{id}/stop", status_code=202)
async def stop_import(
    id: str,  # noqa: A002
    asker: CurrentAsker,
    services: CurrentServices,
) -> Import:
    """Ends after the present batch; what was taken stays."""
    return Import.model_validate(services.rollout.stop(asker.actor, id).to_json(services.units))


@router.delete("/imports/{id}", status_code=204)
async def forget_import(
    id: str,  # noqa: A002
    asker: CurrentAsker,
    services: CurrentServices,
) -> None:
    """Ends and forgets it."""
    await services.rollout.forget(asker.actor, id)


@router.get("/imports/{id}/rejected", response_class=Response)
async def rejected(
    id: str,  # noqa: A002
    asker: CurrentAsker,
    services: CurrentServices,
    format: Format = "xlsx",  # noqa: A002
) -> Response:
    """The rows that were not taken, with number and reason, to be mended and imported alone."""
    data = await services.rollout.rejected_file(asker.actor, id, format)
    return attachment(data, "dong-bi-loai", format)


@router.get("/exports/sites", response_class=Response)
async def export_sites(
    asker: CurrentAsker,
    services: CurrentServices,
    format: Format = "xlsx",  # noqa: A002
    unit: Annotated[str | None, Query(max_length=16)] = None,
) -> Response:
    """The sites that the asker may change, with phones and people; imported again it changes nothing."""
    data = await services.rollout.export(asker.actor, format, unit=unit)
    return attachment(data, "diem-cau", format)
