"""The place of a site in a meeting: taken, given up, lost, kept for it. What it held there ends with it.

Presence is memory and changes at once; the hands and floors that end with a place are in the log, and the
store may be busy. What is still to be written is remembered here and tried again.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import datetime

from diemcau.clock import Clock
from diemcau.errors import Busy, StorageUnavailable
from diemcau.meetings.away import CalledOut, called_out, returned
from diemcau.meetings.context import Draft
from diemcau.meetings.floor import site_gone
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.presence import Attendance
from diemcau.meetings.states import States

_log = logging.getLogger(__name__)


class Places:
    """Takes sites in and out, and writes what ends with their places."""

    def __init__(
        self, states: States, attendance: Attendance, clock: Clock, wake: Callable[[], None]
    ) -> None:
        """`wake`: called when there is something for `expire`, or news of presence."""
        self._states, self._attendance, self._clock, self._wake = states, attendance, clock, wake
        self._gone: set[tuple[str, str]] = set()
        self._why: dict[tuple[str, str], CalledOut | str] = {}  # of those: called out, or another reason
        self._back: dict[tuple[str, str], str] = {}  # who is back, or will not be

    @property
    def unwritten(self) -> bool:
        """Whether something is still to be written."""
        return bool(self._gone or self._back)

    def join(self, meeting: Meeting, site: str) -> None:
        """It comes by itself, out of whatever other meeting it was in."""
        left = self._attendance.join(meeting.id, site)
        if left is not None:
            self._gone.add((left, site))
        if site in meeting.away:
            self._back[meeting.id, site] = "joined"
        self._wake()

    def enter(self, meeting: str, site: str, called: CalledOut | None = None) -> None:
        """It is put in; not connected, it has one grace. `called`: what the other meeting is told that it is
        called out of."""
        left = self._attendance.join(meeting, site)
        if left is not None:
            self._gone.add((left, site))
            if called is not None:
                self._why[left, site] = called
        if not self._attendance.is_held(site):
            self._attendance.lost(site, self._clock.now())
        self._wake()

    async def leave(self, meeting: Meeting, site: str, actor: str, command: str) -> int:
        """It goes by itself; answers the meeting's seq when its hand and floor have ended. Raises Busy,
        StorageUnavailable."""
        self.give_up(meeting.id, site)
        if not self._holds(meeting.id, site):
            return meeting.seq
        try:
            return await self._end(meeting.id, site, actor, command)
        except (Busy, StorageUnavailable):
            # It has left all the same: its floor or hand ends as soon as that can be stored.
            self._gone.add((meeting.id, site))
            self._wake()
            raise

    def give_up(self, meeting: str, site: str) -> None:
        """It is out, and nothing is to be written."""
        self._attendance.leave(meeting, site)
        self._wake()

    def put_out(self, meeting: str, sites: Iterable[str], why: str) -> None:
        """They are out. `why`: as the events say."""
        for site in sites:
            self._attendance.leave(meeting, site)
            self._why[meeting, site] = why
            self._gone.add((meeting, site))
            self._wake()

    def no_longer_away(self, meeting: str, site: str, why: str) -> None:
        """It was called out, and is back or will not come back (`away.returned`)."""
        self._back[meeting, site] = why
        self._wake()

    async def expire(self, now: datetime) -> int:
        """Ends hands and floor of sites whose grace is over, tells who is back; answers how many meetings'
        logs lost a site. What the store refuses now is tried again at the next call."""
        self._gone.update(self._attendance.expired(now))
        waiting = [
            (meeting, site)
            for meeting, site in self._gone
            if ((meeting, site) in self._why or self._holds(meeting, site))
            and self._attendance.meeting_of(site) != meeting
        ]
        for one in self._gone.difference(waiting):
            self._why.pop(one, None)
        self._gone.clear()
        results = await asyncio.gather(*(self._end(*one) for one in waiting), return_exceptions=True)
        written = 0
        for one, result in zip(waiting, results, strict=True):
            if isinstance(result, (Busy, StorageUnavailable)):
                self._gone.add(one)
                continue
            self._why.pop(one, None)
            if isinstance(result, BaseException):
                _log.error("the hand and floor of %s in %s were not ended", one[1], one[0], exc_info=result)
            else:
                written += 1
        back, self._back = self._back, {}
        for (meeting, site), why in back.items():
            if why == "left" or self._attendance.meeting_of(site) in (None, meeting):
                await self._tell_back(meeting, site, why)
            # else: called out once more since
        return written

    async def _end(self, meeting: str, site: str, actor: str = "system", command: str | None = None) -> int:
        def gone(state: Meeting, now: datetime) -> list[Draft]:
            # It may have come back while this waited its turn.
            if command is None and self._attendance.meeting_of(site) == meeting:
                return []
            why = "left" if command is not None else self._why.get((meeting, site), "left")
            return site_gone(state, site, why) if isinstance(why, str) else called_out(state, site, why)

        key = None if command is None else f"{actor}/{command}"
        return await self._states.write(meeting, gone, actor=actor, command=key)

    async def _tell_back(self, meeting: str, site: str, why: str) -> None:
        try:
            await self._states.write(meeting, lambda state, now: returned(state, site, why))
        except (Busy, StorageUnavailable):
            self._back.setdefault((meeting, site), why)

    def _holds(self, meeting: str, site: str) -> bool:
        state = self._states.latest(meeting)
        return state is None or site in state.hands or site in state.speakers
