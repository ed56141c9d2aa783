"""What happens in meetings because time passes."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from diemcau.clock import Clock
from diemcau.errors import Busy, StorageUnavailable
from diemcau.meetings.floor import limits, time_over
from diemcau.meetings.oversight import Desks
from diemcau.meetings.places import Places
from diemcau.meetings.presence import FLUSH, Attendance
from diemcau.meetings.states import States

_log = logging.getLogger(__name__)


class FloorTimes:
    """The meetings that end a floor by themselves, and when the next one's time is over."""

    def __init__(self, states: States, wake: Callable[[], None]) -> None:
        """`wake`: called when `next_due` may have become sooner."""
        self._states, self._wake = states, wake
        self._ends: dict[str, datetime] = {}

    def watch(self, meeting: str) -> None:
        """It has changed."""
        state = self._states.latest(meeting)
        ends = [] if state is None or state.status != "open" else [until for _, until in limits(state)]
        if ends:
            self._ends[meeting] = min(ends)
            self._wake()
        else:
            self._ends.pop(meeting, None)

    async def expire(self, now: datetime) -> None:
        """Ends the floor of whose time is over. What the store refuses now is tried again at the next
        call."""
        for meeting in [meeting for meeting, at in self._ends.items() if at <= now]:
            with suppress(Busy, StorageUnavailable):
                await self._states.write(meeting, lambda state, _: time_over(state, now))
                self.watch(meeting)

    def next_due(self) -> datetime | None:
        """When the next one's is."""
        return min(self._ends.values(), default=None)


class Timer:
    """Does what is due, when it is due or whenever it is woken; one mistake does not end it."""

    def __init__(
        self,
        woken: asyncio.Event,
        clock: Clock,
        attendance: Attendance,
        places: Places,
        desks: Desks,
        floors: FloorTimes,
        told: Callable[[str], None],
    ) -> None:
        """`woken`: set when there is something to do. `told`: of a meeting whose news of presence are out."""
        self._woken, self._clock, self._attendance = woken, clock, attendance
        self._places, self._desks, self._floors, self._told = places, desks, floors, told
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins; `aclose` ends it."""
        self._task = asyncio.create_task(self._run(), name="meetings timer")

    async def aclose(self) -> None:
        """Ends it; one that did not begin is fine."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    def flush_presence(self) -> None:
        """Publishes what changed in presence since the last time."""
        for meeting in self._attendance.flush():
            self._told(meeting)

    async def expire(self, now: datetime) -> int:
        """Ends presence, hands and floor of sites whose grace is over, the direction of who is gone too long,
        and the floor of whose time is over.

        Answers how many meetings' logs lost a site. What the store refuses now is tried again at the next
        call.
        """
        written = await self._places.expire(now)
        await self._desks.expire(now)
        await self._floors.expire(now)
        return written

    async def _run(self) -> None:
        while True:
            try:
                self.flush_presence()
                await self.expire(self._clock.now())
            except Exception:
                # Presence must not end with one mistake.
                _log.exception("the timer of meetings failed once")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), self._pause())
            self._woken.clear()
            # Not a wait for anything: news is gathered for a moment before it is told.
            await asyncio.sleep(FLUSH.total_seconds())

    def _pause(self) -> float | None:
        """Seconds until something is due; None: not before somebody wakes it."""
        if self._places.unwritten:
            return 1.0
        dues = (self._attendance.next_due(), self._desks.next_due(), self._floors.next_due())
        due = min(filter(None, dues), default=None)
        return None if due is None else max(0.0, (due - self._clock.now()).total_seconds())
