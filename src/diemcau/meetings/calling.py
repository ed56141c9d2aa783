"""Sites that are called into a meeting, let go of, and brought back to the one they were called out of.

For rooms above (surprise calls), which have asked whether the actor may.
"""

from datetime import datetime

from diemcau.access import Actor
from diemcau.meetings import summary
from diemcau.meetings.away import CalledOut
from diemcau.meetings.context import Contexts, Draft, must_be_open, name_of
from diemcau.meetings.errors import MeetingNotFound
from diemcau.meetings.floor import site_gone
from diemcau.meetings.marks import Marks
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.oversight import place
from diemcau.meetings.places import Places
from diemcau.meetings.presence import Attendance
from diemcau.meetings.stage import preview_called, preview_without
from diemcau.meetings.states import States
from diemcau.sites import Sites
from diemcau.store import Store
from diemcau.units import Units


class Calling:
    """Moves called sites between meetings; what their own meeting is told of it is `away.py`."""

    def __init__(
        self,
        store: Store,
        units: Units,
        sites: Sites,
        states: States,
        contexts: Contexts,
        attendance: Attendance,
        places: Places,
        marks: Marks,
    ) -> None:
        self._store, self._units, self._sites, self._states = store, units, sites, states
        self._contexts, self._attendance, self._places, self._marks = contexts, attendance, places, marks

    async def bring_in(self, actor: Actor, meeting: str, site: str, command: str, by: Actor) -> None:
        """A called site: it is in the meeting from now on, whatever other it was in, and on the preview.
        `by`: who calls it, as the meeting is told that it is called out of.

        Idempotent by `command`. Raises MeetingNotOpen, SiteNotFound, Busy, StorageUnavailable: then it is
        where it was.
        """
        found = await self._states.get(meeting)
        must_be_open(found)
        chair = set() if found.chair_site is None else {found.chair_site}
        named = await self._contexts.named({site} | chair)

        def previewed(state: Meeting, now: datetime) -> list[Draft]:
            must_be_open(state)
            context = self._contexts.make(actor, named, now, present=frozenset(), invited=named.keys())
            return preview_called(state, site, context)

        before = self._attendance.meeting_of(site)
        await self.put_in(meeting, site, by)
        try:
            await self._states.write(meeting, previewed, actor=actor.key, command=command)
        except BaseException:
            if before is not None:
                self._places.enter(before, site)
            else:
                self._places.give_up(meeting, site)
            raise

    async def put_in(self, meeting: str, site: str, by: Actor) -> None:
        """A called site is in the meeting, and nothing more; one that is not connected has one grace."""
        self._places.enter(meeting, site, await self._called(meeting, site, by))

    async def let_go(self, actor: Actor, meeting: str, site: str, *, leaves: bool) -> None:
        """The opposite: its place on the preview is empty; where it `leaves`, its hand and floor end, and it
        is out. Fine when the meeting has ended or the site is not in it."""

        def gone(state: Meeting, now: datetime) -> list[Draft]:
            drafts = site_gone(state, site) if leaves else []
            if state.status != "ended":
                drafts += preview_without(state, site)
            return drafts

        await self._states.write(meeting, gone, actor=actor.key)
        if leaves:
            self._places.give_up(meeting, site)

    async def take_back(self, meeting: str, site: str) -> None:
        """A site that was called out of the meeting comes back, unless the meeting has ended, the site is
        elsewhere by now or is not cleared for it any more. Not connected, it has one grace."""
        try:
            state = await self._states.get(meeting)
        except MeetingNotFound:
            return
        where = self._attendance.meeting_of(site)
        welcome = state.status == "open" and await self._marks.welcomes(state, site)
        back = welcome and where in (None, meeting)
        if back and where is None:
            self._places.enter(meeting, site)
        self._places.no_longer_away(meeting, site, "returned" if back else "left")

    async def away(self) -> list[tuple[str, str]]:
        """(meeting, site) of those that are called out of an open meeting."""
        async with self._store.read() as connection:
            open_now = await summary.open_ids(connection)
        return [(one, site) for one in open_now for site in (await self._states.get(one)).away]

    async def _called(self, meeting: str, site: str, by: Actor) -> CalledOut | None:
        """What another meeting that the site is in is told; None: it is in none."""
        if self._attendance.meeting_of(site) in (None, meeting):
            return None
        found = await self._sites.get(site)
        state = await self._states.get(meeting)
        return CalledOut(by, place(self._units, state.scope[0].unit), name_of(found))
