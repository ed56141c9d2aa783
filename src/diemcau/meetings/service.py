"""`Meetings`: every change of a meeting, and every look at one, goes through here."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from diemcau.access import Access, Actor, Secrecy, SecrecyRefused, covers, site_actor
from diemcau.bus import Bus
from diemcau.clock import Clock
from diemcau.errors import Busy, JsonObject, JsonValue, StorageUnavailable
from diemcau.ids import NewId, new_id
from diemcau.meetings import captions, summary
from diemcau.meetings import commands as c
from diemcau.meetings.authority import authorise, mentioned, overlap
from diemcau.meetings.away import CalledOut, called_out, returned
from diemcau.meetings.context import Context, Draft, must_be_open, must_not_have_ended
from diemcau.meetings.errors import MeetingNotFound, MessageNotFound, NotInMeeting
from diemcau.meetings.floor import limits, site_gone, time_over
from diemcau.meetings.invitations import NewMeeting, checked_title, invite, make
from diemcau.meetings.meeting import Meeting, SiteName
from diemcau.meetings.oversight import Desks, check_directing, oversees, place, whence
from diemcau.meetings.presence import FLUSH, PAGE, Attendance
from diemcau.meetings.receipts import Listing, Receipts
from diemcau.meetings.rules import decide
from diemcau.meetings.stage import presentation_lost, preview_called, preview_without
from diemcau.meetings.states import States, stream_of
from diemcau.meetings.summary import LISTED, MeetingSummary, summary_of
from diemcau.meetings.tables import meetings
from diemcau.meetings.views import PublicForms, Viewer, render
from diemcau.sites import Site, SiteNotFound, Sites
from diemcau.store import Event, Lookup, Store, UnitOfWork, Work
from diemcau.units import Eras, Units

_log = logging.getLogger(__name__)

MAX_DIFFERENCE: Final = 1000
"""Events that a client that comes back is sent; more: a snapshot."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command was done (or done before): the stream and its seq right after."""

    stream: str
    seq: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`MeetingState` as the asker may see it, after event `seq`."""

    stream: str
    seq: int
    state: JsonObject


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody invited that the asker may see, and the units above them.

    `sites`: (id, unit, label, kind) in the order of units. `units`: (code, parent, name, kind, level).
    """

    sites: Sequence[tuple[str, str, str, str]]
    units: Sequence[tuple[str, str | None, str, str, str]]
    joined: Sequence[str]

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON of the protocol."""
        return {"sites": self.sites, "units": self.units, "joined": self.joined}


class Meetings:
    """Commands, snapshots, events, presence of all meetings."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        clock: Clock,
        *,
        eras: Eras | None = None,
        make_id: NewId = new_id,
        grace: timedelta = timedelta(seconds=30),
        cached: int = 200,
    ) -> None:
        """`eras`: the trees that earlier meetings were called in; none: they were all called in this one.
        `grace`: how long a site that lost its connection keeps hand and floor. `cached`: meetings in memory.
        """
        self._store = store
        self._units = units
        self._eras = Eras(units) if eras is None else eras
        self._access = access
        self._sites = sites
        self._clock = clock
        self._make_id = make_id
        self._states = States(store, clock, limit=cached)
        self._attendance = Attendance(bus, grace)
        self._receipts = Receipts(store, bus, clock, self._states.get, self._attendance.members, kept=cached)
        self._forms = PublicForms()
        self._invitations = Lookup(self._load_invitations)
        self._lists = Lookup(self._load_lists)
        self._gone: set[tuple[str, str]] = set()
        self._times: dict[str, datetime] = {}  # meetings that end a floor by themselves, and when
        self._why: dict[tuple[str, str], CalledOut | str] = {}  # of those: called out, or another reason
        self._back: dict[tuple[str, str], str] = {}  # who is back, or will not be
        self._marks: dict[str, Secrecy] = {}  # of the marked meetings that have not ended
        self.desks = Desks(bus, self._whence_watched)
        self._wake = asyncio.Event()
        self._timer: asyncio.Task[None] | None = None

    # life

    async def start(self) -> None:
        """Takes up open meetings after a restart and starts the timer; `aclose` ends it.

        Who held a hand or the floor before the restart has one grace to come back; whose time was over
        meanwhile is ended where the meeting says so.
        """
        async with self._store.read() as connection:
            open_now = await summary.open_ids(connection)
            self._marks = await summary.marks(connection)
        now = self._clock.now()
        for meeting in open_now:
            state = await self._states.get(meeting)
            for site in (*state.speakers, *state.hands):
                self._attendance.join(meeting, site)
                self._attendance.lost(site, now)
            self._watch_time(meeting)
            if state.direction is not None:
                self.desks.miss(meeting, now)
        self._timer = asyncio.create_task(self._run(), name="meetings timer")

    async def aclose(self) -> None:
        """Ends the timer; receipts that are not stored are refused."""
        await self._receipts.aclose()
        if self._timer is not None:
            self._timer.cancel()
            with suppress(asyncio.CancelledError):
                await self._timer
            self._timer = None

    # commands

    async def create(self, actor: Actor, new: NewMeeting) -> MeetingSummary:
        """Makes a meeting and invites every site of its scope; idempotent by (actor, `new.id`).

        Raises Forbidden, BadRequest, UnitNotFound, SiteNotFound.
        """
        title = checked_title(new)
        chair = None if new.chair_site is None else await self._sites.get(new.chair_site)
        chosen = self._sites.ids_in_scope(new.scope)
        above = {entry.unit for entry in new.scope} | ({chair.unit} if chair is not None else set())
        self._access.authorise(actor, "meeting.create", *above)
        if new.secrecy != "none":
            self._access.authorise(actor, "meeting.mark", *above)
            await self._must_cover(actor, new.secrecy, new.chair_site)
        meeting = self._make_id("m")

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(lambda: self._marked(meeting, new.secrecy))
            return await make(unit, self._states, meeting, title, new, chair, chosen, actor.key)

        answer = await self._store.write(work, streams=[stream_of(meeting)], command=f"{actor.key}/{new.id}")
        return await self.get(str(answer["meeting"]))

    async def execute(self, actor: Actor, command: c.Command) -> Done:
        """Does one command (`commands.parse`), idempotent by (actor, `command.id`). Raises coded errors."""
        if actor.site is not None and isinstance(command.what, (c.Got, c.Answer)):
            return await self._acknowledge(actor, command.meeting, command.what)
        state = await self._visible(command.meeting, actor)
        named = await self._named(mentioned(actor, state, command.what))
        names = {site: SiteName(found.label, found.unit, found.path) for site, found in named.items()}
        authorise(self._access, self._units, actor, state, command, names)
        match command.what:
            case c.Join():
                if not summary.comes_by_itself(summary_of(state), actor.id):
                    self._must_have_been_called(state.id, actor.id)
                return await self._join(actor.id, state)
            case c.Leave():
                return await self._leave(actor, state, command.id)
            case c.Invite(sites):
                for site in sites if state.secrecy != "none" else ():
                    await self.must_clear(state.id, site)
                return await self._invite(actor, command, sites)
            case c.Mark(secrecy):
                await self._must_cover(actor, secrecy, state.chair_site)
        invited = await self._invited(state.id, names)

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, command.meeting)
            context = Context(
                actor,
                self._attendance.members(state.id),
                names,
                invited,
                partial(_inside, self._units),
                self._make_id,
                self._line,
                unit.now,
                self._whence(actor, state),
                people={site: captions.usual(found) for site, found in named.items()},
            )
            drafts = decide(state, command.what, context)
            if isinstance(command.what, (c.Open, c.End)):
                at = {"status": "open", "opened_at": unit.now}
                if isinstance(command.what, c.End):
                    at = {"status": "ended", "ended_at": unit.now}
                    unit.on_commit(lambda: self._ended(command.meeting))
                connection = await unit.connection()
                await connection.execute(meetings.update().where(meetings.c.id == state.id).values(**at))
            elif isinstance(command.what, c.Mark) and drafts:
                connection = await unit.connection()
                mark = command.what.secrecy
                await connection.execute(
                    meetings.update().where(meetings.c.id == state.id).values(secrecy=mark)
                )
                unit.on_commit(lambda: self._marked(state.id, mark))
            led_by = state.led_by
            self._states.advance(unit, state, drafts, actor.key)
            unit.on_commit(lambda: self._watch_time(command.meeting))
            if state.led_by != led_by:
                unit.on_commit(lambda: self.desks.tell(state.id))
            if isinstance(command.what, (c.TakeDirection, c.ReturnDirection)):
                unit.on_commit(lambda: self._directed(state.id))
            return {"seq": state.seq}

        done = await self._write(work, actor, command)
        if isinstance(command.what, (c.Post, c.LowerHand)):  # a lowered hand's reason is a message
            self._receipts.posted(await self._states.get(command.meeting))
        return done

    async def bring_in(self, actor: Actor, meeting: str, site: str, command: str, by: Actor) -> None:
        """A called site: it is in the meeting from now on, whatever other it was in, and on the preview.
        `by`: who calls it, as the meeting is told that it is called out of.

        For rooms above, which have asked whether the actor may. Idempotent by `command`. Raises
        MeetingNotOpen, SiteNotFound, Busy, StorageUnavailable: then it is where it was.
        """
        now = await self._states.get(meeting)
        must_be_open(now)
        named = await self._named({site} | ({now.chair_site} if now.chair_site is not None else set()))
        names = {one.id: SiteName(one.label, one.unit, one.path) for one in named.values()}
        people = {one.id: captions.usual(one) for one in named.values()}
        before = self._attendance.meeting_of(site)
        self._enter(meeting, site, await self._called(meeting, site, by))

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, meeting)
            must_be_open(state)
            inside = partial(_inside, self._units)
            context = Context(
                actor,
                frozenset(),
                names,
                frozenset(names),
                inside,
                self._make_id,
                self._line,
                unit.now,
                people=people,
            )
            self._states.advance(unit, state, preview_called(state, site, context), actor.key)
            return {"seq": state.seq}

        try:
            await self._store.write(work, streams=[stream_of(meeting)], command=command)
        except BaseException:
            if before is not None:
                self._enter(before, site)
            else:
                self._attendance.leave(meeting, site)
            raise

    async def let_go(self, actor: Actor, meeting: str, site: str, *, leaves: bool) -> None:
        """The opposite: its place on the preview is empty; where it `leaves`, its hand and floor end, and it
        is out. Fine when the meeting has ended or the site is not in it."""

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, meeting)
            drafts = site_gone(state, site) if leaves else []
            if state.status != "ended":
                drafts += preview_without(state, site)
            self._states.advance(unit, state, drafts, actor.key)
            return {"seq": state.seq}

        await self._store.write(work, streams=[stream_of(meeting)])
        if leaves:
            self._attendance.leave(meeting, site)
            self._wake.set()

    async def lose_presentation(self, meeting: str, key: str) -> None:
        """Who presents is gone for good: the presentation ends, if it is still this one."""

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, meeting)
            self._states.advance(unit, state, presentation_lost(state, key), "system")
            return {"seq": state.seq}

        await self._store.write(work, streams=[stream_of(meeting)])

    async def people_at(self, actor: Actor, meeting: str, site: str) -> list[captions.Caption]:
        """Whom the site's picture may show, as a caption would say it. Raises MeetingNotFound, SiteNotFound,
        NotInMeeting, Forbidden."""
        state = await self._visible(meeting, actor)
        found = await self._sites.get(site)
        scope = (entry.unit for entry in state.scope)
        self._access.authorise(actor, "stage.caption", *scope, found.unit)
        if not await self._invited(state.id, (site,)):
            raise NotInMeeting("The site is not invited to this meeting.", site=site)
        return [captions.in_form(person, found.path) for person in found.people]

    async def put_in(self, meeting: str, site: str, by: Actor) -> None:
        """A called site is in the meeting, and nothing more; one that is not connected has one grace."""
        self._enter(meeting, site, await self._called(meeting, site, by))

    async def take_back(self, meeting: str, site: str) -> None:
        """A site that was called out of the meeting comes back, unless the meeting has ended, the site is
        elsewhere by now or is not cleared for it any more. Not connected, it has one grace."""
        try:
            state = await self._states.get(meeting)
        except MeetingNotFound:
            return
        where = self._attendance.meeting_of(site)
        welcome = state.status == "open" and await self._access.cleared(site_actor(site), state.secrecy)
        back = welcome and where in (None, meeting)
        if back and where is None:
            self._enter(meeting, site)
        self._back[meeting, site] = "returned" if back else "left"
        self._wake.set()

    async def away(self) -> list[tuple[str, str]]:
        """(meeting, site) of those that are called out of an open meeting."""
        async with self._store.read() as connection:
            open_now = await summary.open_ids(connection)
        return [(one, site) for one in open_now for site in (await self._states.get(one)).away]

    # secrecy

    def mark_of(self, meeting: str) -> Secrecy:
        """The mark of a meeting that has not ended."""
        return self._marks.get(meeting, "none")

    def keeps_no_picture(self, site: str) -> bool:
        """Whether the site is in a marked meeting: nothing of what it shows is kept."""
        meeting = self._attendance.meeting_of(site)
        return meeting is not None and meeting in self._marks

    def marked(self) -> tuple[str, ...]:
        """The marked meetings that have not ended."""
        return tuple(self._marks)

    async def must_see(self, meeting: str, actor: Actor) -> None:
        """Raises MeetingNotFound for who is not cleared for it: to him it does not exist."""
        state = await self._states.get(meeting)
        if not await self._access.cleared(actor, state.secrecy):
            raise MeetingNotFound

    async def must_clear(self, meeting: str, site: str) -> None:
        """Raises SecrecyRefused unless the site is cleared for the meeting."""
        mark = (await self._states.get(meeting)).secrecy
        if not await self._access.cleared(site_actor(site), mark):
            raise SecrecyRefused("The site is not cleared for this meeting.", site=site)

    async def expel(self, meeting: str) -> list[str]:
        """Puts out the sites that are not cleared for the meeting (any more); answers which."""
        state = await self._states.get(meeting)
        members = list(self._attendance.members(meeting))
        out = [site for site in members if not await self._access.cleared(site_actor(site), state.secrecy)]
        for site in out:
            self._attendance.leave(meeting, site)
            self._why[meeting, site] = "secrecy"
            self._gone.add((meeting, site))
        if out:
            self._wake.set()
        return out

    async def _must_cover(self, actor: Actor, mark: Secrecy, chair: str | None) -> None:
        """Who gives a mark is cleared for it, and so is the chair's site."""
        if not await self._access.cleared(actor, mark):
            raise SecrecyRefused("Nobody marks above his own clearance.")
        if chair is not None and not await self._access.cleared(site_actor(chair), mark):
            raise SecrecyRefused("The chair's site is not cleared for this mark.", site=chair)

    def _marked(self, meeting: str, mark: Secrecy) -> None:
        if mark != "none":
            self._marks[meeting] = mark

    # watching from above, and taking over

    def desk_came(self, meeting: str, actor: Actor, page: object) -> None:
        """A desk of the person's shows the meeting."""
        self.desks.come(meeting, actor, page, self._clock.now())
        state = self._states.latest(meeting)
        if state is not None and state.direction is not None and state.direction.person == actor.id:
            self.desks.found(meeting)

    def desk_left(self, meeting: str, person: str, page: object) -> None:
        """It does no longer; who took the meeting over and has no other has a minute to come back."""
        last = self.desks.leave(meeting, person, page)
        state = self._states.latest(meeting)
        if last and state is not None and state.direction is not None and state.direction.person == person:
            self.desks.miss(meeting, self._clock.now())
            self._wake.set()

    def oversees(self, actor: Actor, meeting: Meeting) -> bool:
        """Whether the person has a wider right than the meeting's own desk."""
        return oversees(self._access, self._units, actor, meeting)

    def place(self, unit: str) -> dict[str, JsonValue]:
        """`{"unit", "label"}`."""
        return place(self._units, unit)

    def _directed(self, meeting: str) -> None:
        """The direction was taken or given back."""
        state = self._states.latest(meeting)
        taken = None if state is None else state.direction
        self.desks.found(meeting)
        if taken is not None and not self.desks.has(meeting, taken.person):
            self.desks.miss(meeting, self._clock.now())
        self.desks.tell(meeting)
        self._wake.set()

    def _whence(self, actor: Actor, state: Meeting) -> Mapping[str, JsonValue] | None:
        above = oversees(self._access, self._units, actor, state)
        return whence(self._units, actor, state) if above else None

    def _whence_watched(self, meeting: str, actor: Actor) -> Mapping[str, JsonValue] | None:
        state = self._states.latest(meeting)
        if state is None or state.led_by == actor.key:
            return None
        if state.direction is not None and state.direction.person == actor.id:
            return None
        return self._whence(actor, state)

    async def _said(self, meeting: str, rule: Callable[[Meeting], list[Draft]]) -> bool:
        """Writes what a rule says of the meeting by itself; False: it could not be stored now."""

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, meeting)
            self._states.advance(unit, state, rule(state), "system")
            return {}

        try:
            await self._store.write(work, streams=[stream_of(meeting)])
        except (Busy, StorageUnavailable):
            return False
        return True

    async def _called(self, meeting: str, site: str, by: Actor) -> CalledOut | None:
        """What another meeting that the site is in is told; None: it is in none."""
        if self._attendance.meeting_of(site) in (None, meeting):
            return None
        found = await self._sites.get(site)
        state = await self._states.get(meeting)
        return CalledOut(
            by,
            place(self._units, state.scope[0].unit),
            SiteName(found.label, found.unit, found.path),
        )

    async def is_invited(self, meeting: str, site: str) -> bool:
        """Whether the site belongs to the meeting, in it or not. Raises MeetingNotFound."""
        await self._states.get(meeting)
        return bool(await self._invited(meeting, (site,)))

    # looking

    async def snapshot(self, meeting: str, actor: Actor) -> Snapshot:
        """The meeting as the actor may see it. Raises MeetingNotFound when it does not concern him."""
        state = await self._visible(meeting, actor)
        return Snapshot(state.stream, state.seq, render(state, self._viewer(actor, state)))

    async def events_since(self, meeting: str, actor: Actor, since: int) -> tuple[Event, ...] | Snapshot:
        """The events after `since` as the actor may see them; a snapshot when they are more than 1,000, or
        when `since` lies ahead (the client knows another history).
        """
        state = await self._visible(meeting, actor)
        viewer = self._viewer(actor, state)
        if not 0 <= state.seq - since <= MAX_DIFFERENCE:
            return Snapshot(state.stream, state.seq, render(state, viewer))
        if since == state.seq:
            return ()
        events = await self._store.events(state.stream, after=since, limit=MAX_DIFFERENCE)
        return tuple(viewer.sees(event) for event in events)

    async def viewer(self, meeting: str, actor: Actor) -> Viewer:
        """What the actor may see of the meeting, for filtering live events. Raises MeetingNotFound."""
        return self._viewer(actor, await self._visible(meeting, actor))

    async def list_for(self, actor: Actor) -> tuple[MeetingSummary, ...]:
        """Meetings that concern the actor, newest first, at most 200: open, scheduled, and for people ended
        ones."""
        if actor.site is not None:
            return await self._lists.get(actor.site) or ()
        async with self._store.read() as connection:
            found = await summary.listed(connection)
        if actor.kind == "person":
            granted = self._access.units_granted(actor, "meeting.see")
            level = await self._access.clearance(actor)
            found = [m for m in found if covers(level, m.secrecy) and self._touches(granted, m)]
        return tuple(found[:LISTED])

    async def get(self, meeting: str) -> MeetingSummary:
        """For the server's own use (no check who asks). Raises MeetingNotFound."""
        return summary_of(await self._states.get(meeting))

    async def state(self, meeting: str) -> Meeting:
        """The committed state, for rooms above: it never changes, ask again for a newer one. Raises
        MeetingNotFound."""
        return await self._states.get(meeting)

    async def roster(self, meeting: str, actor: Actor) -> Roster:
        """Everybody invited, inside the actor's grants; needs `meeting.roster` somewhere in the scope."""
        state = await self._visible(meeting, actor)
        granted = self._access.units_granted(actor, "meeting.roster")
        if not self._touches(granted, state):
            self._access.authorise(actor, "meeting.roster", *(entry.unit for entry in state.scope))
        async with self._store.read() as connection:
            ids = await summary.invited_to(connection, meeting)
        found = (await self._sites.get_many(ids)).values()
        shown = [site for site in found if any(_inside(self._units, unit, site.unit) for unit in granted)]
        return self._roster(state.id, shown)

    # receipts

    async def receipts(self, meeting: str, message: str, actor: Actor) -> Listing:
        """Which of the sites that the actor may see have not got the message, and have not answered it.

        Raises MeetingNotFound, Forbidden, MessageNotFound.
        """
        state = await self._visible(meeting, actor)
        roster = await self.roster(meeting, actor)
        if message not in _seen(state, self._viewer(actor, state), (message,)):
            raise MessageNotFound(None, message=message)
        return await self._receipts.listing(state, message, [row[0] for row in roster.sites])

    async def recent_receipts(self, meeting: str) -> Sequence[str]:
        """The messages of which figures are told, read into memory: `figures` knows them."""
        return await self._receipts.recent(await self._states.get(meeting))

    def figures(
        self, meeting: str, messages: Collection[str], viewer: Viewer, among: Collection[str]
    ) -> dict[str, JsonValue]:
        """How many of the sites `among` have those of the messages that the viewer sees, as the protocol
        writes it."""
        state = self._states.latest(meeting)
        shown = () if state is None else _seen(state, viewer, messages)
        return {key: one.to_json() for key, one in self._receipts.figures(meeting, shown, among).items()}

    # presence: in memory, gone with the process

    def joined(self, meeting: str) -> frozenset[str]:
        """Sites that are in the meeting now (those in their grace included)."""
        return frozenset(self._attendance.members(meeting))

    def meeting_of(self, site: str) -> str | None:
        """The meeting that the site has joined."""
        return self._attendance.meeting_of(site)

    def disconnected(self, site: str, by: str = PAGE) -> None:
        """A connection of the site broke; with the last one its grace begins."""
        if self._attendance.lost(site, self._clock.now(), by):
            self._wake.set()

    def connected(self, site: str, by: str = PAGE) -> str | None:
        """The site is connected (again); answers the meeting that it is still in, if its grace has not run
        out. `by`: what connects it, its page or an encoder (a name of its own)."""
        return self._attendance.back(site, by)

    def is_connected(self, site: str) -> bool:
        """Whether a page or an encoder of the site is connected."""
        return self._attendance.is_held(site)

    async def expire(self, now: datetime) -> int:
        """Ends presence, hands and floor of sites whose grace is over; the timer calls it, tests too.

        Answers how many meetings' logs were written. What the store refuses now is tried again at the next
        call.
        """
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
            elif isinstance(result, BaseException):
                self._why.pop(one, None)
                _log.error("the hand and floor of %s in %s were not ended", one[1], one[0], exc_info=result)
            else:
                self._why.pop(one, None)
                written += 1
        back, self._back = self._back, {}
        for (meeting, site), why in back.items():
            if why != "left" and self._attendance.meeting_of(site) not in (None, meeting):
                continue  # called out once more since
            if not await self._said(meeting, lambda state, s=site, w=why: returned(state, s, w)):  # type: ignore[misc]
                self._back.setdefault((meeting, site), why)
        for meeting in self.desks.lost(now):
            if await self._said(meeting, _lost):
                self.desks.found(meeting)
                self.desks.tell(meeting)
        return written

    async def end_times(self, now: datetime) -> None:
        """Ends the floor of whose time is over, where the meeting does that by itself; the timer calls it,
        tests too. What the store refuses now is tried again at the next call."""

        async def work(unit: UnitOfWork, meeting: str) -> JsonObject:
            state = await self._states.writable(unit, meeting)
            self._states.advance(unit, state, time_over(state, now), "system")
            unit.on_commit(lambda: self._watch_time(meeting))
            return {"seq": state.seq}

        for meeting in [meeting for meeting, at in self._times.items() if at <= now]:
            with suppress(Busy, StorageUnavailable):
                await self._store.write(partial(work, meeting=meeting), streams=[stream_of(meeting)])

    def _watch_time(self, meeting: str) -> None:
        state = self._states.latest(meeting)
        ends = [] if state is None or state.status != "open" else [until for _, until in limits(state)]
        if ends:
            self._times[meeting] = min(ends)
            self._wake.set()
        else:
            self._times.pop(meeting, None)

    def flush_presence(self) -> None:
        """Publishes what changed in presence since the last time; the timer calls it, tests too."""
        for meeting in self._attendance.flush():
            self._receipts.touch(meeting)

    # inside

    async def _run(self) -> None:
        while True:
            try:
                self.flush_presence()
                await self.expire(self._clock.now())
                await self.end_times(self._clock.now())
            except Exception:
                # Presence must not end with one mistake.
                _log.exception("the timer of meetings failed once")
            dues = (self._attendance.next_due(), self.desks.next_due(), *self._times.values())
            due = min(filter(None, dues), default=None)
            timeout = None if due is None else max(0.0, (due - self._clock.now()).total_seconds())
            if self._gone or self._back:
                timeout = 1.0
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), timeout)
            self._wake.clear()
            # Not a wait for anything: news is gathered for a moment before it is told.
            await asyncio.sleep(FLUSH.total_seconds())

    async def _join(self, site: str, state: Meeting) -> Done:
        must_not_have_ended(state)
        left = self._attendance.join(state.id, site)
        if left is not None:
            self._gone.add((left, site))
        if site in state.away:
            self._back[state.id, site] = "joined"
        self._wake.set()
        return Done(state.stream, state.seq)

    def _enter(self, meeting: str, site: str, called: CalledOut | None = None) -> None:
        left = self._attendance.join(meeting, site)
        if left is not None:
            self._gone.add((left, site))
            if called is not None:
                self._why[left, site] = called
        if not self._attendance.is_held(site):
            self._attendance.lost(site, self._clock.now())
        self._wake.set()

    def _must_have_been_called(self, meeting: str, site: str) -> None:
        if self._attendance.meeting_of(site) != meeting:
            raise NotInMeeting("A command centre calls its sites.", site=site)

    async def _acknowledge(self, actor: Actor, meeting: str, what: c.Got | c.Answer) -> Done:
        # Ten thousand at once: nothing here asks the database while the site is in the meeting.
        state = await self._states.get(meeting)
        if self._attendance.meeting_of(actor.id) != state.id:
            must_not_have_ended(await self._visible(meeting, actor))
            raise NotInMeeting(None, site=actor.id)
        await self._receipts.take(state, actor.id, what)
        return Done(state.stream, state.seq)

    async def _leave(self, actor: Actor, state: Meeting, command: str) -> Done:
        self._attendance.leave(state.id, actor.id)
        self._wake.set()
        if not self._holds(state.id, actor.id):
            return Done(state.stream, state.seq)
        try:
            return await self._end(state.id, actor.id, actor.key, command)
        except (Busy, StorageUnavailable):
            # It has left all the same: its floor or hand ends as soon as that can be stored.
            self._gone.add((state.id, actor.id))
            self._wake.set()
            raise

    async def _end(self, meeting: str, site: str, actor: str = "system", command: str | None = None) -> Done:
        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, meeting)
            # It may have come back while this waited its turn.
            back = command is None and self._attendance.meeting_of(site) == meeting
            why = "left" if command is not None else self._why.get((meeting, site), "left")
            gone = site_gone(state, site, why) if isinstance(why, str) else called_out(state, site, why)
            self._states.advance(unit, state, [] if back else gone, actor)
            return {"seq": state.seq}

        key = None if command is None else f"{actor}/{command}"
        answer = await self._store.write(work, streams=[stream_of(meeting)], command=key)
        return Done(stream_of(meeting), int(str(answer["seq"])))

    async def _invite(self, actor: Actor, command: c.Command, sites: Sequence[str]) -> Done:
        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, command.meeting)
            check_directing(state, actor, command.what, self._whence(actor, state) is not None)
            await invite(unit, self._states, state, sites, actor.key)
            return {"seq": state.seq}

        return await self._write(work, actor, command)

    async def _write(self, work: Work, actor: Actor, command: c.Command) -> Done:
        stream = stream_of(command.meeting)
        answer = await self._store.write(work, streams=[stream], command=f"{actor.key}/{command.id}")
        return Done(stream, int(str(answer["seq"])))

    def _ended(self, meeting: str) -> None:
        self._marks.pop(meeting, None)
        self.desks.found(meeting)
        self._attendance.clear(meeting)
        self._wake.set()

    def _holds(self, meeting: str, site: str) -> bool:
        state = self._states.latest(meeting)
        return state is None or site in state.hands or site in state.speakers

    async def _visible(self, meeting: str, actor: Actor) -> Meeting:
        state = await self._states.get(meeting)
        if actor.kind == "system" or await self._concerns(state, actor):
            return state
        raise MeetingNotFound

    async def _concerns(self, state: Meeting, actor: Actor) -> bool:
        if not await self._access.cleared(actor, state.secrecy):
            return False
        if actor.site is not None:
            inside = actor.site in self._attendance.members(state.id)
            return inside or bool(await self._invited(state.id, (actor.site,)))
        granted = self._access.units_granted(actor, "meeting.see")
        return self._touches(granted, state)

    def _touches(self, granted: tuple[str, ...], meeting: Meeting | MeetingSummary) -> bool:
        """Whether the scope and what is granted have something in common, in the tree of the meeting's time:
        who has a merged province sees the past meetings of both, who has a part of it those of his part."""
        tree, held = self._eras.as_of(meeting.created_at, granted)
        return overlap(tree, held, tuple(entry.unit for entry in meeting.scope))

    def _viewer(self, actor: Actor, state: Meeting) -> Viewer:
        desk = self._access.units_granted(actor, "meeting.desk")
        tree, held = self._eras.as_of(state.created_at, desk)
        inside = partial(_inside, tree)
        centre = bool(held) and all(any(inside(unit, entry.unit) for unit in held) for entry in state.scope)
        return Viewer(actor.key, actor.site, held, inside, self._forms, centre)

    def _line(self, code: str) -> list[str]:
        """The units from the root down to this one; none for a unit that the tree does not have."""
        if code not in self._units:
            return []
        return [unit.code for unit in reversed(self._units.ancestors(code))] + [code]

    async def _named(self, sites: set[str]) -> Mapping[str, Site]:
        found = await self._sites.get_many(sites)
        for site in sites:
            if site not in found:
                raise SiteNotFound(None, site=site)
        return found

    async def _invited(self, meeting: str, sites: Iterable[str]) -> frozenset[str]:
        present = self._attendance.members(meeting)
        unknown = [site for site in sites if site not in present]
        known = frozenset(site for site in sites if site in present)
        asked = [(meeting, site) for site in unknown]
        return known | {key[1] for key in asked if await self._invitations.get(key)}

    async def _load_invitations(self, keys: list[tuple[str, str]]) -> Mapping[tuple[str, str], bool]:
        asked: dict[str, list[str]] = {}
        for meeting, site in keys:
            asked.setdefault(meeting, []).append(site)
        found: dict[tuple[str, str], bool] = {}
        async with self._store.read() as connection:
            for meeting, sites in asked.items():
                for site in await summary.invited_among(connection, meeting, sites):
                    found[meeting, site] = True
        return found

    async def _load_lists(self, sites: list[str]) -> Mapping[str, tuple[MeetingSummary, ...]]:
        async with self._store.read() as connection:
            listed = dict(await summary.listed_for_sites(connection, sites))
        for site, found in listed.items():
            if any(one.secrecy != "none" for one in found):
                level = await self._access.clearance(site_actor(site))
                listed[site] = tuple(one for one in found if covers(level, one.secrecy))
        return listed

    def _roster(self, meeting: str, sites: Sequence[Site]) -> Roster:
        above: dict[str, None] = {}
        for site in sites:
            if site.unit in self._units and site.unit not in above:
                above[site.unit] = None
                above.update((unit.code, None) for unit in self._units.ancestors(site.unit))
        place = {unit.code: place for place, unit in enumerate(self._units)}
        ordered = sorted(sites, key=lambda site: (place.get(site.unit, -1), site.id))
        shown = [self._units.get(code) for code in sorted(above, key=lambda code: place[code])]
        members = self._attendance.members(meeting)
        return Roster(
            tuple((site.id, site.unit, site.label, site.kind.value) for site in ordered),
            tuple((unit.code, unit.parent, unit.name, unit.kind, unit.level.value) for unit in shown),
            tuple(site.id for site in ordered if site.id in members),
        )


def _lost(state: Meeting) -> list[Draft]:
    """Who took the meeting over has been gone too long."""
    return [] if state.direction is None else [("direction_returned", {"reason": "lost"})]


def _seen(state: Meeting, viewer: Viewer, messages: Collection[str]) -> list[str]:
    """Those of the messages that the viewer sees."""
    return [
        one.id
        for one in state.messages
        if one.id in messages and viewer.sees_message(one.sender.kind, one.sender.id, one.to, state.names)
    ]


def _inside(tree: Units, unit: str, code: str) -> bool:
    return unit in tree and code in tree and tree.contains(unit, code)
