"""Doors of `meetings`: lists, creation, roster, commands."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body

from diemcau.access import Actor
from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.listing import listed
from diemcau.api.services import Services
from diemcau.errors import DiemCauError
from diemcau.inspections import CALL_PREFIX, parse_call
from diemcau.meetings import Done, NewMeeting, Taken, parse, rollcall
from diemcau.sites import ScopeEntry
from diemcau.talkback import TALK_PREFIX, parse_talk

router = APIRouter(prefix="/api/v1", tags=["meetings"])

JOIN = "meeting.join"


async def execute(services: Services, actor: Actor, message: dict[str, Any]) -> Done:
    """One command of a client, limited by asker, counted by type and result. Raises
    coded errors."""
    kind, result = "unknown", "error"
    try:
        kind, do = _read(services, message)
        services.commands.take(actor, kind)
        done = await do(actor)
        result = "ok"
    except DiemCauError as error:
        result = error.code
        raise
    finally:
        services.metrics.counted(kind, result).inc()
    if kind == JOIN:
        services.metrics.joins.inc()
    return done


RECEIPTS: Final = ("message.got", "message.answer")


def execute_at_once(services: Services, actor: Actor, message: dict[str, Any]) -> tuple[Done, Taken] | None:
    """`execute` of a site's receipts, where they can be taken without waiting for anything: a crowd sends
    one each within a second. None: `execute`. Raises as that."""
    kind = message.get("type")
    if kind not in RECEIPTS:
        return None
    count = services.metrics.counted
    try:
        command = parse(message)
        services.commands.take(actor, command.type)
        done = services.meetings.acknowledge_at_once(actor, command)
    except DiemCauError as error:
        count(kind, error.code).inc()
        raise
    if done is not None:
        count(kind, "ok").inc()
    return done


def _read(services: Services, message: dict[str, Any]) -> tuple[str, Callable[[Actor], Awaitable[Done]]]:
    """A command's type, and what does it, by the room that knows it. Raises BadRequest."""
    said = str(message.get("type"))
    if said in rollcall.COMMAND_TYPES:
        entry = rollcall.parse(message)
        return entry.type, lambda actor: services.roll_calls.execute(actor, entry)
    if said.startswith(CALL_PREFIX):
        call = parse_call(message)
        return said, lambda actor: services.inspections.calls.execute(actor, call)
    if said.startswith(TALK_PREFIX):
        talk = parse_talk(message)
        return said, lambda actor: services.talkback.execute(actor, talk)
    command = parse(message)
    return command.type, lambda actor: services.meetings.execute(actor, command)


@router.get("/meetings")
async def meetings(asker: CurrentAsker, services: CurrentServices) -> schemas.MeetingList:
    """Meetings that concern the asker: open, scheduled, then ended."""
    found = await services.meetings.list_for(asker.actor)
    return schemas.MeetingList(
        meetings=[schemas.Meeting.model_validate(listed(services.units, meeting)) for meeting in found]
    )


@router.post("/meetings", status_code=201)
async def create(body: schemas.NewMeeting, asker: CurrentAsker, services: CurrentServices) -> schemas.Meeting:
    """Creates a meeting and invites every site of its scope; the same id again answers the same meeting."""
    scope = tuple(ScopeEntry(entry.unit, tuple(entry.levels)) for entry in body.scope)
    new = NewMeeting(body.id, body.title, scope, body.codec, body.chair_site, body.kind)
    new = replace(new, secrecy=body.secrecy)
    made = await services.meetings.create(asker.actor, new)
    return schemas.Meeting.model_validate(listed(services.units, made))


@router.get("/meetings/{meeting}")
async def meeting_state(
    meeting: str, asker: CurrentAsker, services: CurrentServices
) -> schemas.MeetingSnapshot:
    """The meeting as the asker may see it, after event `seq`: what a subscription's `snap` holds."""
    found = await services.meetings.snapshot(meeting, asker.actor)
    return schemas.MeetingSnapshot(stream=found.stream, seq=found.seq, state=dict(found.state))


@router.get("/meetings/{meeting}/roster")
async def roster(meeting: str, asker: CurrentAsker, services: CurrentServices) -> schemas.Roster:
    """Everybody invited inside the asker's grants, and the units above them."""
    found = await services.meetings.roster(meeting, asker.actor)
    return schemas.Roster(sites=list(found.sites), units=list(found.units), joined=list(found.joined))


@router.get("/meetings/{meeting}/messages/{message}/receipts")
async def receipts(
    meeting: str, message: str, asker: CurrentAsker, services: CurrentServices
) -> schemas.Receipts:
    """Which of the asker's sites have not got a message, and have not answered one that asks."""
    found = await services.meetings.receipts(meeting, message, asker.actor)
    return schemas.Receipts.model_validate(found.to_json())


@router.post("/commands")
async def command(
    body: Annotated[dict[str, Any], Body()], asker: CurrentAsker, services: CurrentServices
) -> schemas.CommandDone:
    """One command, as over the WebSocket (docs/protocol.md, Commands)."""
    done = await execute(services, asker.actor, body)
    return schemas.CommandDone(id=body["id"], stream=done.stream, seq=done.seq)
