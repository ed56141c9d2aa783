"""Doors of waves: planning them, what their sites are told, reminders. Bodies are in `wave_schemas.py`."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response

from diemcau.access import Actor
from diemcau.api import wave_schemas as schemas
from diemcau.api.asker import CONSOLE, Asker, CurrentAsker, CurrentServices, origin_of
from diemcau.api.attachments import TYPES, attachment
from diemcau.api.services import Services
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, Forbidden
from diemcau.rollout.waves import NOT_CONNECTED, Reminder, Sending, Shown, Wish, Words, clock_of, day_of
from diemcau.rollout.waves.audience import Channel, Kind
from diemcau.rollout.waves.template import DEFAULTS, SMS_VI, VARIABLES
from diemcau.sites import SiteKind

router = APIRouter(prefix="/api/v1/waves", tags=["waves"])
FILES: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {}, TYPES["xlsx"]: {}}}}


def _actor(asker: Asker) -> Actor:
    if asker.actor.kind == "site":
        raise Forbidden(None, command="site.see")
    return asker.actor


@router.get("")
async def waves(asker: CurrentAsker, services: CurrentServices) -> schemas.WaveList:
    """The waves of which the asker sees some site, in the order of their days."""
    actor, rooms = _actor(asker), services.waves
    shown = await rooms.waves.visible(actor)
    told = await rooms.messages.counts()
    return schemas.WaveList(
        waves=[_wave(services, one, told.get((one.wave.id, _invitation(one)), {})) for one in shown],
        unplanned=await rooms.waves.unplanned(actor),
        mail=rooms.messages.mail,
        plans=bool(services.access.units_granted(actor, "wave.plan")),
        rehearsal=services.readiness.policy.rehearsal,
    )


@router.get("/templates")
async def templates(asker: CurrentAsker, services: CurrentServices) -> schemas.Templates:
    """The texts to begin with, and the places that a text may have."""
    _actor(asker)
    return schemas.Templates(
        variables=list(VARIABLES),
        texts=[
            schemas.TemplateText(language=language, kind=kind, subject=text.subject, body=text.body)
            for language, kinds in DEFAULTS.items()
            for kind, text in kinds.items()
        ],
        sms=SMS_VI,
        hotline=services.sheets.hotline,
    )


@router.post("/preview")
async def preview(
    body: schemas.PlanWanted, asker: CurrentAsker, services: CurrentServices
) -> schemas.PlanPreview:
    """What a plan would make; nothing is stored. Needs `wave.plan`."""
    plan = await services.waves.waves.preview(_actor(asker), _wish(body))
    return schemas.PlanPreview(
        total=plan.total,
        moved=len(plan.moved),
        elsewhere=plan.elsewhere,
        waves=[
            schemas.PlannedWave(
                name=one.name,
                day=one.day.isoformat(),
                unit=one.unit,
                path=services.units.path_text(one.unit),
                sites=len(one.sites),
            )
            for one in plan.drafts
        ],
    )


@router.post("", status_code=201)
async def plan(body: schemas.PlanWanted, asker: CurrentAsker, services: CurrentServices) -> schemas.WavesMade:
    """Makes the waves of a plan, all or none. Needs `wave.plan`."""
    made = await services.waves.waves.plan(_actor(asker), _wish(body), expected=body.expected)
    return schemas.WavesMade(waves=[one.id for one in made])


@router.get("/{wave}")
async def wave(wave: str, asker: CurrentAsker, services: CurrentServices) -> schemas.WaveDetails:
    """One wave, with what was sent and is planned."""
    actor, rooms = _actor(asker), services.waves
    shown = await rooms.waves.show(actor, wave)
    told = (await rooms.messages.counts()).get((wave, _invitation(shown)), {})
    return schemas.WaveDetails(
        **_wave(services, shown, told).model_dump(),
        sendings=[_sending(one) for one in await rooms.messages.sendings(actor, wave)],
        reminders=[_reminder(one) for one in await rooms.reminders.planned(actor, wave)],
        mail=rooms.messages.mail,
        codes=services.access.allowed(actor, "code.issue", shown.wave.unit),
        rehearsal=services.readiness.policy.rehearsal,
    )


@router.patch("/{wave}")
async def change(
    wave: str, body: schemas.WaveChange, asker: CurrentAsker, services: CurrentServices
) -> schemas.Wave:
    """Another name, day or hours. Needs `wave.plan`."""
    actor = _actor(asker)
    await services.waves.waves.change(
        actor,
        wave,
        name=body.name,
        day=None if body.day is None else day_of(body.day),
        start=None if body.start is None else clock_of(body.start, "start"),
        end=None if body.end is None else clock_of(body.end, "end"),
    )
    return _wave(services, await services.waves.waves.show(actor, wave), {})


@router.delete("/{wave}", status_code=204)
async def delete(wave: str, asker: CurrentAsker, services: CurrentServices) -> None:
    """The wave is no more; its sites are in none. Needs `wave.plan`."""
    await services.waves.waves.delete(_actor(asker), wave)


@router.put("/{wave}/sites")
async def put_sites(
    wave: str, body: schemas.WaveSites, asker: CurrentAsker, services: CurrentServices
) -> schemas.Wave:
    """Sites come in and go out. Needs `wave.plan`."""
    actor, rooms = _actor(asker), services.waves
    await rooms.waves.put_sites(actor, wave, add=body.add, remove=body.remove, move=body.move)
    return _wave(services, await rooms.waves.show(actor, wave), {})


@router.post("/{wave}/messages/preview")
async def look(
    wave: str,
    body: schemas.MessagePreviewWanted,
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
) -> schemas.MessagePreview:
    """Whom a message would reach, and how one of them would read it; nothing is sent. Needs `wave.plan`."""
    channel: Channel = body.channel
    audience, text, row = await services.waves.messages.preview(
        _actor(asker), wave, body.kind, channel, _words(body, request, services), _causes(body), body.site
    )
    said = schemas.sms_of(text.body, body.without_marks) if channel == "sms" else None
    return schemas.MessagePreview(
        audience=schemas.Audience.model_validate(audience, from_attributes=True),
        subject=text.subject if channel == "email" else "",
        body=text.body if said is None else said.text,
        parts=None if said is None else said.parts,
        coding=None if said is None else said.coding,
        site=None if row is None else row.site.label,
        to=[] if row is None else list(row.site.emails if channel == "email" else row.site.phones),
    )


@router.post("/{wave}/messages", status_code=202)
async def send(
    wave: str, body: schemas.LettersWanted, request: Request, asker: CurrentAsker, services: CurrentServices
) -> schemas.Sending:
    """Begins to send letters; the server goes on by itself. Needs `wave.plan`, with codes `code.issue`."""
    words = _words(body, request, services)
    sending = await services.waves.messages.start(
        _actor(asker),
        wave,
        body.kind,
        words,
        causes=_causes(body),
        per_minute=body.per_minute,
        request=body.request,
    )
    return _sending(sending)


@router.post("/{wave}/sms", responses=FILES, response_class=Response)
async def sms(
    wave: str, body: schemas.TextsWanted, request: Request, asker: CurrentAsker, services: CurrentServices
) -> Response:
    """Text messages as a file for whoever sends them. Needs `wave.plan`, with codes `code.issue`."""
    words = _words(body, request, services)
    request.app.state.limits.exports.take(asker.actor.key)
    async with request.app.state.exporting:
        content = await services.waves.messages.sms(
            _actor(asker),
            wave,
            body.kind,
            words,
            body.form,
            causes=_causes(body),
            without_marks=body.without_marks,
            again=body.again,
        )
    return attachment(content, "tin-nhan", body.form)


@router.get("/sendings/{sending}")
async def messages(
    sending: str,
    asker: CurrentAsker,
    services: CurrentServices,
    state: Annotated[list[schemas.MessageState] | None, Query(max_length=6)] = None,
) -> schemas.MessageList:
    """Letters of a sending that did not go (or in the states asked for), at most 500."""
    states = ("failed", "uncertain", "skipped") if state is None else state
    found = await services.waves.messages.messages(_actor(asker), sending, states)
    return schemas.MessageList(
        messages=[
            schemas.Message.model_validate({**schemas.plain(one), "at": rfc3339(one.at)}) for one in found
        ]
    )


@router.post("/sendings/{sending}/{what}")
async def set_sending(
    sending: str,
    what: Literal["stop", "resume", "retry", "retry-all"],
    asker: CurrentAsker,
    services: CurrentServices,
) -> schemas.Sending:
    """Stops, goes on, or tries what failed again (`retry-all`: also what is uncertain). Needs `wave.plan`."""
    actor, room = _actor(asker), services.waves.messages
    if what == "stop":
        return _sending(await room.stop(actor, sending))
    if what == "resume":
        return _sending(await room.resume(actor, sending))
    return _sending(await room.retry(actor, sending, uncertain=what == "retry-all"))


@router.post("/{wave}/reminders", status_code=201)
async def plan_reminder(
    wave: str, body: schemas.ReminderWanted, request: Request, asker: CurrentAsker, services: CurrentServices
) -> schemas.Reminder:
    """Plans a reminder that goes by itself. Needs `wave.plan`."""
    words = _words(body, request, services)
    made = await services.waves.reminders.add(
        _actor(asker), wave, body.days_before, body.clock, words, body.causes or NOT_CONNECTED
    )
    return _reminder(made)


@router.delete("/{wave}/reminders/{reminder}", status_code=204)
async def drop_reminder(wave: str, reminder: str, asker: CurrentAsker, services: CurrentServices) -> None:
    """It does not go. Needs `wave.plan`."""
    await services.waves.reminders.remove(_actor(asker), wave, reminder)


def _invitation(shown: Shown) -> str:
    return f"invitation.{shown.wave.revision}"


def _wave(services: Services, shown: Shown, told: dict[str, int]) -> schemas.Wave:
    wave = shown.wave
    return schemas.Wave.model_validate(
        {
            **wave.to_json(),
            "path": services.units.path_text(wave.unit) if wave.unit in services.units else wave.unit,
            "counts": shown.counts.to_json(),
            "may": shown.may,
            "invited": {state: number for state, number in told.items() if number},
        }
    )


def _wish(body: schemas.PlanWanted) -> Wish:
    return Wish(
        name=body.name,
        first_day=day_of(body.first_day, "first_day"),
        start=clock_of(body.start, "start"),
        end=clock_of(body.end, "end"),
        units=tuple(body.units),
        carriers=tuple(body.carriers),
        kinds=tuple(SiteKind(kind) for kind in body.kinds),
        not_ready=body.not_ready,
        move=body.move,
        per_day=body.per_day,
        weekends=body.weekends,
    )


def _causes(body: schemas.MessageWanted) -> tuple[schemas.Cause, ...]:
    kind: Kind = body.kind
    return tuple(body.causes) or (NOT_CONNECTED if kind == "reminder" else ())


def _words(body: schemas.TextGiven, request: Request, services: Services) -> Words:
    """The text, with the address that posts reach: as the installation says it, else as the asker came."""
    if request.scope.get(CONSOLE):
        base = body.base or services.options.public_url or request.app.state.address
        if base is None:
            raise BadRequest("base: the server is not running: say its address", field="base")
    elif body.base is not None:
        raise BadRequest("base: for the console alone", field="base")
    else:
        base = services.options.public_url or origin_of(request, services)
    if not body.hotline.isprintable():
        raise BadRequest("hotline: one line", field="hotline")
    hotline = " ".join(body.hotline.split()) or services.sheets.hotline
    return Words(body.subject, body.body, str(base), hotline, body.link, body.days)


def _sending(one: Sending) -> schemas.Sending:
    return schemas.Sending(
        id=one.id,
        wave=one.wave,
        kind=one.kind,
        channel=one.channel,
        current=one.occasion,
        subject=one.words.subject,
        link=one.words.link,
        causes=list(one.causes),
        per_minute=one.per_minute,
        state=one.state,
        error=one.error,
        created_at=rfc3339(one.created_at),
        counts=dict(one.counts),
    )


def _reminder(one: Reminder) -> schemas.Reminder:
    return schemas.Reminder(
        id=one.id,
        days_before=one.days_before,
        clock=one.clock,
        at=rfc3339(one.at),
        subject=one.words.subject,
        body=one.words.body,
        causes=list(one.causes),
        state=one.state,
        sending=one.sending,
    )
