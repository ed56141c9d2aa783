"""The loop that holds rehearsals: begins them at their time, shows and plays, looks at every site, ends."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from diemcau.access import SYSTEM
from diemcau.bus import EPHEMERAL, Bus, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.errors import DiemCauError, JsonObject, WrongState
from diemcau.media import MediaNode, Signal, wire
from diemcau.meetings import Meetings, parse
from diemcau.rollout.rehearsals import results
from diemcau.rollout.rehearsals.presenter import Presenter, Source
from diemcau.rollout.rehearsals.results import STREAM, Rehearsal
from diemcau.rollout.rehearsals.run import Answer, Run
from diemcau.rollout.rehearsals.tables import rehearsals
from diemcau.stage import Stage
from diemcau.store import Store, UnitOfWork

LOOK_S: Final = 1.0
"""Seconds between two looks at every site; what the node tells brings the next one forward."""

BRIEF_S: Final = 0.2
SHARE: Final = 10
"""A look at ten thousand sites takes a while: the pause after it is so many times as long."""

SAVE_S: Final = 2.0
LINGER: Final = timedelta(seconds=8)
"""For so long the page says that all is done before the meeting ends by itself."""

TOLD: Final = "eph:rehearsals:told"
"""Bus topic: `{"sites": [ids]}` whose `You.rehearsal` has changed."""

log = structlog.get_logger(__name__)


class Hall:
    """Rehearsals that are held now, by meeting. `make_source` makes what is shown in a codec."""

    def __init__(
        self, store: Store, bus: Bus, meetings: Meetings, stage: Stage, node: MediaNode, clock: Clock
    ) -> None:
        self._store, self._bus, self._meetings = store, bus, meetings
        self._stage, self._clock = stage, clock
        self.near: str | None = None
        self.make_source: Callable[[wire.VideoCodec], Source] = lambda codec: Presenter(
            node, codec, self.near
        )
        self.runs: dict[str, Run] = {}
        self._planned: dict[str, Rehearsal] = {}
        self._sources: dict[wire.VideoCodec, Source] = {}
        self._codecs: dict[str, wire.VideoCodec] = {}
        self._done_at: dict[str, datetime] = {}
        self._wake = asyncio.Event()
        self._subscription: Subscription | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._saved_at = 0.0
        node.listen(self._signal)

    async def start(self) -> None:
        """Takes up what was planned or held before, and goes on until `aclose`."""
        for one in await results.listed(self._store, ("scheduled", "running")):
            if one.status == "scheduled":
                self.plan(one)
            else:
                await self._take_up(one)
        self._subscription = self._bus.subscribe(*self._topics(), limit=10_000)
        self._tasks = [
            asyncio.create_task(self._hold(), name="rehearsals"),
            asyncio.create_task(self._follow(), name="rehearsals-follow"),
        ]

    async def aclose(self) -> None:
        """Stores how far everybody is; a server that comes after goes on from there."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for run in self.runs.values():
            with contextlib.suppress(DiemCauError):
                await self._save(run)
        for source in self._sources.values():
            await source.aclose()

    def plan(self, rehearsal: Rehearsal) -> None:
        """Begins it at its time."""
        self._planned[rehearsal.id] = rehearsal
        self._wake.set()

    def answer(self, meeting: str, site: str, said: Answer) -> None:
        """What a page says."""
        run = self.runs.get(meeting)
        if run is not None:
            run.answer(site, said, time.monotonic(), self._clock.now())
            self._wake.set()

    def presents(self, meeting: str) -> bool:
        """Whether the machine's pictures and notes are at the node."""
        codec = self._codecs.get(meeting)
        return codec is not None and self._sources[codec].ready

    async def end(self, rehearsal: str) -> None:
        """Ends it now, or before it began."""
        planned = self._planned.pop(rehearsal, None)
        if planned is not None:
            await self._end_meeting(planned)
            await self._close(planned, "ended", ended_at=self._clock.now())
            return
        run = next((run for run in self.runs.values() if run.rehearsal.id == rehearsal), None)
        if run is not None:
            await self._finish(run)

    # The loop.

    async def _hold(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), LOOK_S)
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._begin_due()
                for run in list(self.runs.values()):
                    await self._look(run)
            except Exception:
                log.exception("rehearsals could not be looked at")
            # Not a wait for anything: what comes by the thousand is looked at together.
            await asyncio.sleep(min(LOOK_S, max(BRIEF_S, SHARE * (time.monotonic() - began))))

    async def _begin_due(self) -> None:
        now = self._clock.now()
        for one in [one for one in self._planned.values() if one.starts_at <= now]:
            if (await self._meetings.get(one.meeting)).status == "ended":  # a director called it off
                await self.end(one.id)
                continue
            with contextlib.suppress(WrongState):  # a director has opened it already
                await self._meetings.execute(SYSTEM, parse(_command("open", one)))
            begun = await self._close(one, "running", started_at=now)
            self._planned.pop(one.id, None)
            await self._take_up(begun)

    async def _take_up(self, rehearsal: Rehearsal) -> None:
        walks, _ = await results.walks_of(self._store, rehearsal.id)
        run = Run(rehearsal, walks)
        run.told.update(walks)
        codec: wire.VideoCodec = (await self._meetings.get(rehearsal.meeting)).codec
        if codec not in self._sources:
            source = self._sources[codec] = self.make_source(codec)
            source.start()
        self._codecs[rehearsal.meeting] = codec
        self.runs[rehearsal.meeting] = run
        if self._subscription is not None:
            self._subscription.add(f"{EPHEMERAL}meeting:{rehearsal.meeting}")

    async def _look(self, run: Run) -> None:
        at, now = self._clock.now(), time.monotonic()
        meeting = run.rehearsal.meeting
        if self.runs.get(meeting) is not run:
            return  # it was ended meanwhile
        before = run.machine
        source = self._sources[self._codecs[meeting]]
        if source.ready and run.rounds.due(now):
            shown = run.rounds.turn(now)
            run.show(*source.tracks(shown.picture, shown.note))
        run.look(self._meetings.joined(meeting), self._stage, now, at)
        if run.machine != before:
            self._stage.set_machine(meeting, run.machine)
        if run.told:
            told, run.told = run.told, set()
            self._bus.publish(TOLD, {"sites": sorted(told)})
            version: JsonObject = {"topic": "rehearsal", "data": {"version": run.version}}
            self._bus.publish_latest(f"{EPHEMERAL}meeting:{meeting}", "rehearsal", version)
        if run.unsaved and now - self._saved_at >= SAVE_S:
            await self._save(run)
            self._saved_at = now
        await self._end_when_over(run, at)

    async def _end_when_over(self, run: Run, at: datetime) -> None:
        started = run.rehearsal.started_at or at
        if run.all_through:
            done = self._done_at.setdefault(run.rehearsal.id, at)
            over = at - done >= LINGER
        else:
            over = at - started >= timedelta(minutes=run.rehearsal.minutes)
        ended = (await self._meetings.get(run.rehearsal.meeting)).status == "ended"
        if over or ended:  # a director may end the meeting
            await self._finish(run)

    # Storing.

    async def _save(self, run: Run, *, over: bool = False) -> None:
        rehearsal = run.rehearsal
        unsaved, run.unsaved = run.unsaved, set()
        finished, run.finished = run.finished, []
        sites = run.walks if over else unsaved
        rows = [
            results.row_of(rehearsal.id, run.walks[site], run.cause(site, over=over), over=over)
            for site in sites
        ]
        failed = [site for site, walk in run.walks.items() if over and walk.step is not None]

        async def work(unit: UnitOfWork) -> JsonObject:
            await results.save(await unit.connection(), rehearsal.id, rows)
            for ids, passed in ((finished, True), (failed, False)):
                for data in results.told(rehearsal.id, ids, passed=passed):
                    unit.append("sites", "site_rehearsed", data, actor="system")
            return {}

        try:
            await self._store.write(work, streams=["sites"])
        except BaseException:
            run.unsaved |= unsaved
            run.finished = [*finished, *run.finished]
            raise

    async def _finish(self, run: Run) -> None:
        rehearsal = run.rehearsal
        if self.runs.pop(rehearsal.meeting, None) is not run:
            return  # an operator and the clock may end it in the same moment
        try:
            await self._save(run, over=True)
        except BaseException:
            self.runs[rehearsal.meeting] = run
            raise
        passed = sum(walk.step is None for walk in run.walks.values())
        await self._close(rehearsal, "ended", ended_at=self._clock.now(), passed=passed)
        self._done_at.pop(rehearsal.id, None)
        if self._subscription is not None:
            self._subscription.remove(f"{EPHEMERAL}meeting:{rehearsal.meeting}")
        self._stage.set_machine(rehearsal.meeting, None)
        self._bus.publish(TOLD, {"sites": sorted(run.walks)})
        version: JsonObject = {"topic": "rehearsal", "data": {"version": run.version + 1}}
        self._bus.publish_latest(f"{EPHEMERAL}meeting:{rehearsal.meeting}", "rehearsal", version)
        await self._end_meeting(rehearsal)
        codec = self._codecs.pop(rehearsal.meeting)
        if codec not in self._codecs.values():
            await self._sources.pop(codec).aclose()

    async def _end_meeting(self, rehearsal: Rehearsal) -> None:
        with contextlib.suppress(DiemCauError):  # a director has ended it already
            await self._meetings.execute(SYSTEM, parse(_command("end", rehearsal)))

    async def _close(self, rehearsal: Rehearsal, status: results.Status, **values: Any) -> Rehearsal:
        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            query = rehearsals.update().where(rehearsals.c.id == rehearsal.id)
            await connection.execute(query.values(status=status, **values))
            data: JsonObject = {"rehearsal": rehearsal.id, "passed": values.get("passed", 0)}
            kind = "rehearsal_started" if status == "running" else "rehearsal_ended"
            unit.append(STREAM, kind, data, actor="system")
            return {}

        await self._store.write(work, streams=[STREAM])
        return replace(rehearsal, status=status, **values)

    # What comes in.

    def _topics(self) -> list[str]:
        return [f"{EPHEMERAL}meeting:{meeting}" for meeting in self.runs]

    async def _follow(self) -> None:
        while self._subscription is not None:
            try:
                async for message in self._subscription:
                    run = self.runs.get(message.topic.removeprefix(f"{EPHEMERAL}meeting:"))
                    topic, data = message.body.get("topic"), message.body.get("data")
                    if run is not None and topic == "levels" and isinstance(data, dict):
                        run.heard(data.get("levels", {}))
                        self._wake.set()
                    elif topic == "presence":
                        self._wake.set()
            except SubscriberTooSlow:
                log.warning("rehearsals fell behind the bus")
                self._subscription = self._bus.subscribe(*self._topics(), limit=10_000)
            else:
                return

    def _signal(self, signal: Signal) -> None:
        for source in self._sources.values():
            if isinstance(source, Presenter):
                source.hear(signal)
        if isinstance(signal, wire.ViewerLinkEvent | wire.TrackLiveEvent) and self.runs:
            self._wake.set()


def _command(what: str, rehearsal: Rehearsal) -> dict[str, Any]:
    return {"id": f"{what}-{rehearsal.id}"[:64], "type": f"meeting.{what}", "meeting": rehearsal.meeting}
