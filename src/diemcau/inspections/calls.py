"""`Calls`: those that run, and what happens to them.

A call is a row and a stream of events from its first moment; what is in memory here is only the part that
runs. It drives two rooms below: `meetings` takes the site in and puts it on the preview, `stage` follows that
and asks the site to send. Nothing here speaks to a media node.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Callable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import structlog
from sqlalchemy import select

from diemcau.access import SYSTEM, Access, Actor
from diemcau.bus import EPHEMERAL, EVENTS, Bus, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.errors import DiemCauError, Forbidden, JsonObject
from diemcau.ids import NewId
from diemcau.inspections import commands as c
from diemcau.inspections import rows
from diemcau.inspections.call import UNTAKEN, Call, Caller, Phoned, Step, first_state
from diemcau.inspections.errors import CallNotFound, CallRunning, SiteOnStage
from diemcau.inspections.tables import inspections
from diemcau.meetings import (
    DirectionTaken,
    Done,
    MeetingNotFound,
    MeetingNotOpen,
    Meetings,
    MeetingSummary,
    NotInMeeting,
)
from diemcau.meetings.oversight import place
from diemcau.sites import Sites
from diemcau.stage import Stage
from diemcau.store import Store, UnitOfWork
from diemcau.units import Units

CALLS: Final = "eph:inspections:calls"
"""Bus topic: `{"meeting": id, "site": id}` of which a call began, changed or ended."""

CONNECT_S: Final = 15.0
"""Seconds from the answer to the picture; later there will be none."""

KEPT: Final = 12
"""Calls that are over and still shown at the desks of one meeting: the oldest go."""

log = structlog.get_logger(__name__)


def _nobody() -> AbstractSet[str]:
    return frozenset()


class Calls:
    """See the module. `online` answers the sites whose page is connected; whoever knows sets it."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        meetings: Meetings,
        stage: Stage,
        clock: Clock,
        make_id: NewId,
        ring_s: float,
    ) -> None:
        self._store, self._bus, self._units, self._access = store, bus, units, access
        self._sites, self._meetings, self._stage, self._clock = sites, meetings, stage, clock
        self._make_id, self.ring_s = make_id, ring_s
        self.online: Callable[[], AbstractSet[str]] = _nobody
        self._running: dict[str, Call] = {}  # by site
        self._shown: dict[str, OrderedDict[str, Call]] = {}  # meeting -> its calls, those over included
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._summaries: dict[str, MeetingSummary] = {}
        self._work: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Takes up the calls that ran before a restart and follows the bus, until `aclose`."""
        subscription = self._subscribe()
        running = select(inspections).where(inspections.c.state.in_(("ringing", "calling", "warm", "live")))
        async with self._store.read() as connection:
            found = (await connection.execute(running.order_by(inspections.c.at))).all()
        for row in found:
            await self._resume(row)
        for meeting, gone in await self._meetings.calling.away():
            call = self._running.get(gone)
            if call is None or call.came_from != meeting:
                await self._meetings.calling.take_back(meeting, gone)
        self._task = asyncio.create_task(self._follow(subscription), name="calls-follow")

    async def aclose(self) -> None:
        """Ends the tasks; calls that run are taken up by the next server."""
        for timer in self._timers.values():
            timer.cancel()
        tasks = [*self._work, *([] if self._task is None else [self._task])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # looking

    def of_site(self, site: str) -> Call | None:
        """The call of a site that runs."""
        return self._running.get(site)

    def meeting_of(self, call: Call) -> MeetingSummary:
        """Of a call that runs: the meeting, as the site is told of it."""
        return self._summaries[call.meeting]

    def of_meeting(self, meeting: str) -> list[Call]:
        """The meeting's calls that desks show, oldest first."""
        return list(self._shown.get(meeting, {}).values())

    # commands

    async def execute(self, actor: Actor, command: c.CallCommand) -> Done:
        """Does one command, idempotent by (actor, `command.id`). Raises coded errors."""
        match command:
            case c.StartCall() | c.WarmCall():
                return await self._start(actor, command)
            case c.AnswerCall():
                return await self._answer(actor, command)
            case c.EndCall():
                return await self._hang_up(actor, command)
            case c.PhonedCall():
                return await self._phoned(actor, command)

    async def _start(self, actor: Actor, wanted: c.StartCall | c.WarmCall) -> Done:
        if actor.kind == "site":
            raise Forbidden(None, command=wanted.type)
        site = await self._sites.get(wanted.site)
        await self._meetings.marks.must_see(wanted.meeting, actor)
        summary = await self._meetings.get(wanted.meeting)
        if not await self._meetings.is_invited(summary.id, site.id):
            raise NotInMeeting("The site does not belong to this meeting.", site=site.id)
        self._access.authorise(actor, "call.start", *(e.unit for e in summary.scope), site.unit)
        if summary.status != "open":
            raise MeetingNotOpen
        await self._meetings.marks.must_clear(summary.id, site.id)
        taken = (await self._meetings.state(summary.id)).direction
        if taken is not None and actor.kind == "person" and taken.person != actor.id:
            raise DirectionTaken(None, by=str(taken.by["name"]))
        before = self._running.get(site.id)
        if before is not None and before.meeting == summary.id:
            if not before.aimed and isinstance(wanted, c.StartCall):
                return await self._aim(actor, before, wanted.id)
            if (done := await self._done(actor, wanted.id)) is not None:
                return done
            raise CallRunning(None, call=before.id, site=site.id)
        call = Call(
            self._make_id("i"),
            summary.id,
            site,
            Caller(actor.id, actor.name, actor.title),
            self._clock.now(),
            site.answer,
            first_state(
                online=site.id in self.online(),
                free=before is None and await self._is_free(actor, site.id, summary.id),
                answer=site.answer,
            ),
            aimed=isinstance(wanted, c.StartCall),
            entered=self._meetings.meeting_of(site.id) != summary.id,
            after=wanted.after if isinstance(wanted, c.StartCall) else None,
            draw=wanted.draw,
        )
        self._describe(call, summary)
        if call.entered:
            call.came_from = self._meetings.meeting_of(site.id)
        if call.state in UNTAKEN:
            call.ended_at = call.at
            call.above = await self._above(site.unit)
        elif call.state == "calling":
            call.answered_at = call.at
        return await self._open(actor, call, summary, wanted.id)

    async def _open(self, actor: Actor, call: Call, summary: MeetingSummary, command: str) -> Done:
        stream, began = f"inspection:{call.id}", False

        async def work(unit: UnitOfWork) -> JsonObject:
            nonlocal began
            began = True
            connection = await unit.connection()
            await connection.execute(inspections.insert(), rows.row_of(call))
            data: dict[str, Any] = {
                "site": call.site.id,
                "unit": call.site.unit,
                "meeting": call.meeting,
                "by": call.by.to_json(),
                "answer": call.answer,
                "state": call.state,
                "aimed": call.aimed,
                "after": call.after,
                "draw": call.draw,
            }
            seq = unit.append(stream, "call_started", data, actor=actor.key).seq
            return {"stream": stream, "seq": seq}

        if not call.is_over:
            self._running[call.site.id] = call  # no second call gets in while this one is stored
            self._summaries[call.meeting] = summary
        try:
            stored = self._store.write(work, streams=[stream], command=f"{actor.key}/{command}")
            if call.state == "calling":
                # In the same breath, and in the same commit: the picture need not wait for the record.
                _, answer = await asyncio.gather(self._enter(actor, call), stored)
            else:
                answer = await stored
        except BaseException:
            self._forget(call)
            if call.entered and call.state == "calling":
                with contextlib.suppress(DiemCauError):
                    await self._meetings.calling.let_go(SYSTEM, call.meeting, call.site.id, leaves=True)
                    if call.came_from is not None:
                        await self._meetings.calling.take_back(call.came_from, call.site.id)
            raise
        if not began:  # a command that came before
            self._forget(call)
            return Done(str(answer["stream"]), int(str(answer["seq"])))
        self._show(call)
        if not call.is_over:
            self._arm(call, self.ring_s if call.state == "ringing" else CONNECT_S)
            self._look(call)
        return Done(str(answer["stream"]), int(str(answer["seq"])))

    async def _enter(self, actor: Actor, call: Call) -> None:
        """The site goes in, and where the call is aimed onto the preview."""
        before = self._meetings.meeting_of(call.site.id)
        if before != call.meeting:
            call.came_from = before
        by = Actor("person", call.by.id, call.by.name, call.by.title)
        if call.aimed:
            await self._meetings.calling.bring_in(actor, call.meeting, call.site.id, f"call/{call.id}", by)
        else:
            await self._meetings.calling.put_in(call.meeting, call.site.id, by)
            self._stage.warm(call.meeting, call.site.id, True)

    async def _aim(self, actor: Actor, call: Call, command: str) -> Done:
        """A warm one's turn: onto the preview."""
        call.aimed = True
        call.by = Caller(actor.id, actor.name, actor.title)
        if call.state in ("calling", "warm"):
            await self._meetings.calling.bring_in(actor, call.meeting, call.site.id, f"call/{call.id}", actor)
            self._stage.warm(call.meeting, call.site.id, False)
            call.state = "calling"
        done = await self._append(actor, call, "call_aimed", {"by": call.by.to_json()}, command)
        self._look(call)
        return done

    async def _answer(self, actor: Actor, wanted: c.AnswerCall) -> Done:
        if actor.site is None:
            raise Forbidden("Only a site answers, for itself.", command=wanted.type)
        call = self._running.get(actor.site)
        if call is None or call.id != wanted.call:
            if (done := await self._done(actor, wanted.id)) is not None:
                return done
            raise CallNotFound(None, call=wanted.call)
        call.take(self._clock.now())
        self._arm(call, CONNECT_S)
        try:
            await self._enter(SYSTEM, call)
        except DiemCauError:
            call.state, call.answered_at = "ringing", None
            raise
        done = await self._append(actor, call, "call_answered", {}, wanted.id)
        self._look(call)
        return done

    async def _hang_up(self, actor: Actor, wanted: c.EndCall) -> Done:
        call = await self._own(actor, wanted.call)
        if call.is_over:
            shown = self._shown.get(call.meeting, OrderedDict())
            shown.pop(call.id, None)
            self._tell(call)
            return Done(f"inspection:{call.id}", 0)
        decided = (await self._meetings.state(call.meeting)).on_air  # the stage follows it a moment later
        if call.site.id in decided or self._stage.shows(call.meeting, call.site.id):
            raise SiteOnStage(None, site=call.site.id)
        return await self._finish(actor, call, "ended", None, wanted.id)

    async def _phoned(self, actor: Actor, wanted: c.PhonedCall) -> Done:
        call = await self._own(actor, wanted.call)
        call.phoned.append(Phoned(wanted.phone, wanted.reached, self._clock.now()))
        del call.phoned[:-50]
        # Which of its phones, not the number: that would stay in the log for good.
        data = {"phone": wanted.phone, "reached": wanted.reached}
        return await self._append(actor, call, "call_phoned", data, wanted.id)

    async def _own(self, actor: Actor, call_id: str) -> Call:
        for shown in self._shown.values():
            if (call := shown.get(call_id)) is not None:
                self._access.authorise(actor, "call.start", call.site.unit)
                return call
        raise CallNotFound(None, call=call_id)

    def _describe(self, call: Call, summary: MeetingSummary) -> None:
        call.where, call.whence = summary.title, place(self._units, summary.scope[0].unit)

    async def _is_free(self, actor: Actor, site: str, meeting: str) -> bool:
        """Whether the caller may have the site now: it is in no other meeting, or in one that is his too."""
        other = self._meetings.meeting_of(site)
        if other is None or other == meeting:
            return True
        try:
            await self._meetings.marks.must_see(other, actor)
            scope = (await self._meetings.get(other)).scope
        except MeetingNotFound:
            return False  # to him it does not exist: he takes nobody out of it
        return all(self._access.allowed(actor, "call.start", entry.unit) for entry in scope)

    async def _above(self, unit: str) -> tuple[Step, ...]:
        """The sites of the levels above, nearest first: who can be asked instead."""
        if unit not in self._units:
            return ()
        line = [one.code for one in self._units.ancestors(unit) if one.parent is not None]
        found = await self._sites.at_units(line)
        order = {code: place for place, code in enumerate(line)}
        online = self.online()
        ordered = sorted(found, key=lambda site: (order[site.unit], site.id))
        return tuple(Step(site.id, site.label, site.path, site.id in online) for site in ordered[:6])

    # what happens

    def _look(self, call: Call) -> None:
        """Its picture may be there already."""
        if not call.is_over and self._stage.is_live(call.meeting, call.site.id):
            self._seen(call)

    def _seen(self, call: Call) -> None:
        if not call.show(self._clock.now()):
            return
        self._disarm(call)
        self._tell(call)
        if call.answered_at is not None and call.live_at is not None:
            after = round((call.live_at - call.answered_at).total_seconds() * 1000)
            self._do(self._append(SYSTEM, call, f"call_{call.state}", {"after_ms": after}))

    def _arm(self, call: Call, seconds: float) -> None:
        self._disarm(call)
        loop = asyncio.get_running_loop()
        self._timers[call.id] = loop.call_later(seconds, self._expire, call)

    def _disarm(self, call: Call) -> None:
        if (timer := self._timers.pop(call.id, None)) is not None:
            timer.cancel()

    def _expire(self, call: Call) -> None:
        if call.state in ("ringing", "calling"):
            why = "not_answered" if call.state == "ringing" else "no_picture"
            self._do(self._finish(SYSTEM, call, "no_answer", why))

    async def _finish(
        self, actor: Actor, call: Call, state: Any, why: str | None, command: str | None = None
    ) -> Done:
        if call.is_over:
            return Done(f"inspection:{call.id}", 0)
        call.over(state, self._clock.now(), why)
        if state in UNTAKEN:
            call.above = await self._above(call.site.unit)
        self._forget(call)
        self._stage.warm(call.meeting, call.site.id, False)
        try:
            await self._meetings.calling.let_go(actor, call.meeting, call.site.id, leaves=call.entered)
        except DiemCauError as error:
            log.warning("a called site was not let go", call=call.id, code=error.code)
        if call.came_from is not None:
            await self._meetings.calling.take_back(call.came_from, call.site.id)
        return await self._append(actor, call, "call_ended", {"state": state, "why": why}, command)

    async def _append(
        self, actor: Actor, call: Call, kind: str, data: Mapping[str, Any], command: str | None = None
    ) -> Done:
        """An event of the call's, with its row."""
        stream = f"inspection:{call.id}"

        async def work(unit: UnitOfWork) -> JsonObject:
            await rows.save(await unit.connection(), call)
            return {"stream": stream, "seq": unit.append(stream, kind, data, actor=actor.key).seq}

        key = None if command is None else f"{actor.key}/{command}"
        self._tell(call)
        answer = await self._store.write(work, streams=[stream], command=key)
        return Done(stream, int(str(answer["seq"])))

    async def _done(self, actor: Actor, command: str) -> Done | None:
        """The answer of a command that was done before (its first answer was lost)."""
        answer = await self._store.answered(f"{actor.key}/{command}")
        return None if answer is None else Done(str(answer["stream"]), int(str(answer["seq"])))

    def _show(self, call: Call) -> None:
        shown = self._shown.setdefault(call.meeting, OrderedDict())
        shown[call.id] = call
        over = [one.id for one in shown.values() if one.is_over]
        for old in over[: max(0, len(over) - KEPT)]:
            del shown[old]
        self._tell(call)

    def _forget(self, call: Call) -> None:
        self._disarm(call)
        if self._running.get(call.site.id) is call:
            del self._running[call.site.id]

    def _tell(self, call: Call) -> None:
        self._bus.publish(CALLS, {"meeting": call.meeting, "site": call.site.id})

    def _do(self, work: Any) -> None:
        async def run() -> None:
            try:
                await work
            except Exception:
                log.exception("a call could not be followed")

        task = asyncio.create_task(run(), name="call")
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    # the bus, and what was before

    def _subscribe(self) -> Subscription:
        return self._bus.subscribe(f"{EPHEMERAL}meeting:*", f"{EVENTS}meeting:*", limit=10_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    if self._running:
                        self._hear(message.topic, message.body)
            except SubscriberTooSlow:
                log.warning("calls fell behind the bus; looking at each")
                subscription = self._subscribe()
                for call in list(self._running.values()):
                    self._look(call)
            else:
                return

    def _hear(self, topic: str, body: Mapping[str, Any]) -> None:
        meeting = topic.rpartition(":")[2]
        data = body.get("data")
        if topic.startswith(EVENTS):
            if body.get("type") == "meeting_ended":
                self._end_all(meeting, lambda call: call.meeting == meeting, "meeting_ended")
        elif body.get("topic") == "stage" and isinstance(data, Mapping):
            for site in data.get("live", ()):
                call = self._running.get(site)
                if call is not None and call.meeting == meeting:
                    self._look(call)
        elif body.get("topic") == "presence" and isinstance(data, Mapping):
            left = frozenset(data.get("left", ()))
            self._end_all(meeting, lambda call: call.site.id in left, "site_left")

    def _end_all(self, meeting: str, which: Callable[[Call], bool], why: str) -> None:
        for call in list(self._running.values()):
            inside = call.state in ("calling", "warm", "live") or why == "meeting_ended"
            back = self._meetings.meeting_of(call.site.id) == meeting and why == "site_left"
            if call.meeting == meeting and which(call) and inside and not back:
                self._do(self._finish(SYSTEM, call, "ended", why))

    async def _resume(self, row: Any) -> None:
        """A call that ran when the server ended: the site has the same grace as everybody to come back."""
        try:
            call = rows.call_of(row, await self._sites.get(row.site))
            summary = await self._meetings.get(call.meeting)
        except DiemCauError:
            log.warning("a call of before could not be taken up", call=row.id)
            return
        if summary.status != "open" or call.state == "ringing":
            await self._finish(SYSTEM, call, "interrupted", "restarted")
            return
        self._running[call.site.id] = call
        self._summaries[call.meeting] = summary
        self._describe(call, summary)
        by = Actor("person", call.by.id, call.by.name, call.by.title)
        await self._meetings.calling.put_in(call.meeting, call.site.id, by)
        self._stage.warm(call.meeting, call.site.id, call.state == "warm")
        self._show(call)
