"""Doors of roll calls: list, the whole as the asker may see it, files. Commands go by `/commands` or the
WebSocket."""

import asyncio
import tempfile
from pathlib import Path
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.attachments import TYPES, attachment
from diemcau.api.schemas import Level
from diemcau.meetings.rollcall import paper, workbook
from diemcau.meetings.rollcall.entry import REASONS
from diemcau.meetings.rollcall.report import Report
from diemcau.press import plain
from diemcau.press.workers import press

router = APIRouter(prefix="/api/v1", tags=["roll call"])

UnitCode = Annotated[str | None, Query(max_length=16)]


class RollCallShown(BaseModel):
    """One roll call. `digest`: SHA-256 of the sealed result, in event `seq` of its stream."""

    id: str
    number: int
    corrects: str | None
    status: Literal["open", "sealed"]
    opened_at: str
    opened_by: str
    sealed_at: str | None
    sealed_by: str | None
    digest: str | None
    seq: int | None


class RollReason(BaseModel):
    """Why a site may be absent."""

    code: str
    vi: str
    en: str


class RollCallList(BaseModel):
    """The meeting's roll calls, newest first, and the official reasons."""

    calls: list[RollCallShown]
    reasons: list[RollReason]


class RollTotal(BaseModel):
    """Units of one level: present, absent, in all."""

    level: Level
    present: int
    absent: int
    of: int


class RollHead(BaseModel):
    """Who heads a site, or sits there."""

    name: str
    title: str | None


class RollConfirmed(BaseModel):
    """A province has confirmed."""

    at: str
    by: str
    contradictions: list[Literal["confirmed_unsaid", "changed_after"]]


class RollRow(BaseModel):
    """One site: what people say, what the house knows, where the two do not fit."""

    site: str
    unit: str
    level: str
    branch: str
    label: str
    path: str
    version: int
    says: Literal["present", "absent"] | None
    reason: str | None
    text: str
    head: RollHead | None
    note: str
    by: str
    at: str | None
    connected: bool
    since: str | None
    left_at: str | None
    share: float
    seen_at: str | None
    heard_at: str | None
    tested_at: str | None
    got: int
    answered: int
    contradictions: list[Literal["present_not_connected", "absent_connected", "sites_differ"]]
    phones: list[str]
    people: list[RollHead]
    editable: bool


class RollMay(BaseModel):
    """What the asker may do here. `confirm`: the provinces."""

    open: bool
    seal: bool
    confirm: list[str]


class RollCallView(BaseModel):
    """The whole as the asker may see it. `n`: frames of the topic `rollcall` go on from there. `branches`:
    how many provinces there are to confirm."""

    call: RollCallShown
    n: int
    watched_since: str
    totals: list[RollTotal]
    confirmed: dict[str, RollConfirmed]
    branches: int
    may: RollMay
    rows: list[RollRow]


@router.get("/meetings/{meeting}/roll-calls")
async def roll_calls(meeting: str, asker: CurrentAsker, services: CurrentServices) -> RollCallList:
    """The meeting's roll calls."""
    found = await services.roll_calls.listing(meeting, asker.actor)
    return RollCallList(
        calls=[RollCallShown.model_validate(one) for one in found],
        reasons=[RollReason(code=one.code, vi=one.vi, en=one.en) for one in REASONS],
    )


@router.get(
    "/meetings/{meeting}/roll-calls/{call}", responses={200: {"model": RollCallView}}, response_class=Response
)
async def roll_call(meeting: str, call: str, asker: CurrentAsker, services: CurrentServices) -> Response:
    """The whole roll call inside the asker's grants, with phones and people."""
    found = await services.roll_calls.view(meeting, call, asker.actor)
    # Ten thousand rows: checked by the tests, not at every request.
    return Response(orjson.dumps(found), media_type="application/json", headers={"Cache-Control": "no-store"})


@router.get("/meetings/{meeting}/roll-calls/{call}/result", response_class=Response)
async def sealed_result(meeting: str, call: str, asker: CurrentAsker, services: CurrentServices) -> Response:
    """The sealed bytes whose SHA-256 the log holds; needs `rollcall.see` over the whole scope."""
    room = services.roll_calls
    content = await room.proof(meeting, call, asker.actor)
    return attachment(content, f"diem-danh-{call}", "json")


@router.get(
    "/meetings/{meeting}/roll-calls/{call}/report.{kind}",
    response_class=Response,
    responses={200: {"content": {TYPES["pdf"]: {}, TYPES["xlsx"]: {}}}},
)
async def report(
    meeting: str,
    call: str,
    kind: Literal["xlsx", "pdf"],
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
    unit: UnitCode = None,
) -> Response:
    """The roll call as a file, whole or one subtree: of a sealed one what was sealed, else as it is now."""
    request.app.state.limits.exports.take(asker.actor.key)
    room = services.roll_calls
    async with request.app.state.exporting:  # one at a time: a nation's takes seconds of a core
        made = await room.report(meeting, call, asker.actor, unit)
        if kind == "xlsx":
            content = await asyncio.to_thread(workbook.write, made)
        else:
            content = await _printed(made)
    mark = "" if made.sealed else "-chua-chot"
    name = f"diem-danh-lan-{made.number}-{unit or 'toan-bo'}{mark}"
    return attachment(content, name, kind)


async def _printed(made: Report) -> bytes:
    data = await asyncio.to_thread(paper.data_of, made)
    part = plain.part(paper.TEMPLATE, "report", data)
    with tempfile.TemporaryDirectory(prefix="diemcau-") as folder:
        out = Path(folder) / "report.pdf"
        await press(plain.MODULE, [part], out)
        return await asyncio.to_thread(out.read_bytes)
