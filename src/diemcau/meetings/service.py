"""`Meetings`: every change of a meeting, and every look at one, goes through here."""

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from diemcau.access import Access, Actor, covers
from diemcau.bus import Bus
from diemcau.clock import Clock
from diemcau.errors import JsonObject, JsonValue
from diemcau.ids import NewId, new_id
from diemcau.meetings import captions, summary
from diemcau.meetings import commands as c
from diemcau.meetings.authority import authorise, mentioned
from diemcau.meetings.calling import Calling
from diemcau.meetings.context import Contexts, inside, must_not_have_ended, names_of
from diemcau.meetings.errors import MessageNotFound, NotInMeeting
from diemcau.meetings.invitations import NewMeeting, checked_title, invite, make
from diemcau.meetings.invited import Invited
from diemcau.meetings.marks import Marks
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.oversight import Desks, check_directing
from diemcau.meetings.places import Places
from diemcau.meetings.presence import PAGE, Attendance
from diemcau.meetings.receipts import Listing, Receipts, Taken
from diemcau.meetings.roster import Roster, roster_of
from diemcau.meetings.rules import decide
from diemcau.meetings.sight import Sight, seen
from diemcau.meetings.stage import presentation_lost
from diemcau.meetings.states import States, stream_of
from diemcau.meetings.summary import LISTED, MeetingSummary, summary_of
from diemcau.meetings.timer import FloorTimes, Timer
from diemcau.meetings.views import Viewer, render
from diemcau.sites import Sites
from diemcau.store import Event, Store, UnitOfWork, Work
from diemcau.units import Eras, Units

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
        self._access = access
        self._sites = sites
        self._clock = clock
        self._make_id = make_id
        woken = asyncio.Event()
        self._wake = wake = woken.set
        self._states = States(store, clock, limit=cached)
        self._attendance = Attendance(bus, grace)
        self._receipts = Receipts(store, bus, clock, self._states.get, self._attendance.members, kept=cached)
        self._invited = Invited(store, access, self._attendance.members)
        self._sight = Sight(self._states, access, Eras(units) if eras is None else eras, self._invited)
        self._contexts = Contexts(units, sites, make_id)
        self._places = Places(self._states, self._attendance, clock, wake)
        self._times = FloorTimes(self._states, wake)
        self.marks = Marks(access, self._states.get)
        self.desks = Desks(bus, access, units, self._states, clock, wake)
        self.calling = Calling(
            store, units, sites, self._states, self._contexts, self._attendance, self._places, self.marks
        )

        told = self._receipts.touch
        self.timer = Timer(woken, clock, self._attendance, self._places, self.desks, self._times, told)

    # life

    async def start(self) -> None:
        """Takes up open meetings after a restart and starts the timer; `aclose` ends it.

        Who held a hand or the floor before the restart has one grace to come back; whose time was over
        meanwhile is ended where the meeting says so.
        """
        async with self._store.read() as connection:
            open_now = await summary.open_ids(connection)
            await self.marks.load(connection)
        now = self._clock.now()
        for meeting in open_now:
            state = await self._states.get(meeting)
            for site in (*state.speakers, *state.hands):
                self._attendance.join(meeting, site)
                self._attendance.lost(site, now)
            self._times.watch(meeting)
            if state.direction is not None:
                self.desks.miss(meeting)
        self.timer.start()

    async def aclose(self) -> None:
        """Ends the timer; receipts that are not stored are refused."""
        await self._receipts.aclose()
        await self.timer.aclose()

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
            await self.marks.must_cover(actor, new.secrecy, new.chair_site)
        meeting = self._make_id("m")

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(lambda: self.marks.give(meeting, new.secrecy))
            return await make(unit, self._states, meeting, title, new, chair, chosen, actor.key)

        answer = await self._store.write(work, streams=[stream_of(meeting)], command=f"{actor.key}/{new.id}")
        return await self.get(str(answer["meeting"]))

    async def execute(self, actor: Actor, command: c.Command) -> Done:
        """Does one command (`commands.parse`), idempotent by (actor, `command.id`). Raises coded errors."""
        if actor.site is not None and isinstance(command.what, (c.Got, c.Answer)):
            return await self._acknowledge(actor, command.meeting, command.what)
        state = await self._sight.meeting(command.meeting, actor)
        named = await self._contexts.named(mentioned(actor, state, command.what))
        authorise(self._access, self._units, actor, state, command, names_of(named))
        match command.what:
            case c.Join():
                return self._join(actor.id, state)
            case c.Leave():
                seq = await self._places.leave(state, actor.id, actor.key, command.id)
                return Done(state.stream, seq)
            case c.Invite(sites):
                for site in sites if state.secrecy != "none" else ():
                    await self.marks.must_clear(state.id, site)
                return await self._invite(actor, command, sites)
            case c.Mark(secrecy):
                await self.marks.must_cover(actor, secrecy, state.chair_site)
        invited = await self._invited.among(state.id, named)

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, command.meeting)
            context = self._contexts.make(
                actor,
                named,
                unit.now,
                present=self._attendance.members(state.id),
                invited=invited,
                whence=self.desks.whence(actor, state),
            )
            led_by, number = state.led_by, state.messages[-1].n if state.messages else 0
            drafts = decide(state, command.what, context)
            if drafts and isinstance(command.what, (c.Open, c.End, c.Mark)):
                await self._keep_row(unit, state.id, command.what)
            self._states.advance(unit, state, drafts, actor.key)
            unit.on_commit(lambda: self._times.watch(state.id))
            # A lowered hand's reason is one, too.
            if posted := [one.id for one in state.messages if one.n > number]:
                unit.on_commit(lambda: self._receipts.posted(state, posted))
            if state.led_by != led_by:
                unit.on_commit(lambda: self.desks.tell(state.id))
            if isinstance(command.what, (c.TakeDirection, c.ReturnDirection)):
                unit.on_commit(lambda: self.desks.directed(state.id))
            return {"seq": state.seq}

        return await self._write(work, actor, command)

    async def _keep_row(self, unit: UnitOfWork, meeting: str, what: c.Open | c.End | c.Mark) -> None:
        """What is asked of meetings without reading their logs."""
        connection = await unit.connection()
        match what:
            case c.Open():
                await summary.update(connection, meeting, status="open", opened_at=unit.now)
            case c.End():
                await summary.update(connection, meeting, status="ended", ended_at=unit.now)
                unit.on_commit(lambda: self._ended(meeting))
            case c.Mark(mark):
                await summary.update(connection, meeting, secrecy=mark)
                unit.on_commit(lambda: self.marks.give(meeting, mark))

    def _ended(self, meeting: str) -> None:
        self.marks.forget(meeting)
        self.desks.forget(meeting)
        self._attendance.clear(meeting)
        self._wake()

    def _join(self, site: str, state: Meeting) -> Done:
        if not summary.comes_by_itself(summary_of(state), site) and self.meeting_of(site) != state.id:
            raise NotInMeeting("A command centre calls its sites.", site=site)
        must_not_have_ended(state)
        self._places.join(state, site)
        return Done(state.stream, state.seq)

    async def _invite(self, actor: Actor, command: c.Command, sites: Sequence[str]) -> Done:
        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self._states.writable(unit, command.meeting)
            check_directing(state, actor, command.what, self.desks.oversees(actor, state))
            await invite(unit, self._states, state, sites, actor.key)
            return {"seq": state.seq}

        return await self._write(work, actor, command)

    async def _write(self, work: Work, actor: Actor, command: c.Command) -> Done:
        stream = stream_of(command.meeting)
        answer = await self._store.write(work, streams=[stream], command=f"{actor.key}/{command.id}")
        return Done(stream, int(str(answer["seq"])))

    async def _acknowledge(self, actor: Actor, meeting: str, what: c.Got | c.Answer) -> Done:
        # Ten thousand at once: nothing here asks the database while the site is in the meeting.
        state = await self._states.get(meeting)
        if self._attendance.meeting_of(actor.id) != state.id:
            must_not_have_ended(await self._sight.meeting(meeting, actor))
            raise NotInMeeting(None, site=actor.id)
        await self._receipts.take(state, actor.id, what)
        return Done(state.stream, state.seq)

    def acknowledge_at_once(self, actor: Actor, command: c.Command) -> tuple[Done, Taken] | None:
        """`message.got` or `message.answer` of a site that is in the meeting, where that can be taken without
        waiting for anything; None: `execute`. Raises as that."""
        state, what = self._states.at_hand(command.meeting), command.what
        if state is None or not isinstance(what, (c.Got, c.Answer)) or actor.site is None:
            return None
        if self._attendance.meeting_of(actor.id) != state.id:
            return None
        taken = self._receipts.take_at_once(state, actor.id, what)
        return None if taken is None else (Done(state.stream, state.seq), taken)

    async def lose_presentation(self, meeting: str, key: str) -> None:
        """Who presents is gone for good: the presentation ends, if it is still this one."""
        await self._states.write(meeting, lambda state, now: presentation_lost(state, key))

    async def expel(self, meeting: str) -> list[str]:
        """Puts out the sites that are not cleared for the meeting (any more); answers which."""
        out = await self.marks.unwelcome(meeting, self._attendance.members(meeting))
        self._places.put_out(meeting, out, "secrecy")
        return out

    # looking

    async def snapshot(self, meeting: str, actor: Actor) -> Snapshot:
        """The meeting as the actor may see it. Raises MeetingNotFound when it does not concern him."""
        state = await self._sight.meeting(meeting, actor)
        return Snapshot(state.stream, state.seq, render(state, self._sight.viewer(actor, state)))

    async def events_since(self, meeting: str, actor: Actor, since: int) -> tuple[Event, ...] | Snapshot:
        """The events after `since` as the actor may see them; a snapshot when they are more than 1,000, or
        when `since` lies ahead (the client knows another history).
        """
        state = await self._sight.meeting(meeting, actor)
        viewer = self._sight.viewer(actor, state)
        if not 0 <= state.seq - since <= MAX_DIFFERENCE:
            return Snapshot(state.stream, state.seq, render(state, viewer))
        if since == state.seq:
            return ()
        events = await self._store.events(state.stream, after=since, limit=MAX_DIFFERENCE)
        return tuple(viewer.sees(event) for event in events)

    async def viewer(self, meeting: str, actor: Actor) -> Viewer:
        """What the actor may see of the meeting, for filtering live events. Raises MeetingNotFound."""
        return self._sight.viewer(actor, await self._sight.meeting(meeting, actor))

    async def list_for(self, actor: Actor) -> tuple[MeetingSummary, ...]:
        """Meetings that concern the actor, newest first, at most 200: open, scheduled, and for people ended
        ones."""
        if actor.site is not None:
            return await self._invited.meetings_of(actor.site)
        async with self._store.read() as connection:
            found = await summary.listed(connection)
        if actor.kind == "person":
            granted = self._access.units_granted(actor, "meeting.see")
            level = await self._access.clearance(actor)
            found = [m for m in found if covers(level, m.secrecy) and self._sight.touches(granted, m)]
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
        state = await self._sight.meeting(meeting, actor)
        granted = self._access.units_granted(actor, "meeting.roster")
        if not self._sight.touches(granted, state):
            self._access.authorise(actor, "meeting.roster", *(entry.unit for entry in state.scope))
        async with self._store.read() as connection:
            ids = await summary.invited_to(connection, meeting)
        found = (await self._sites.get_many(ids)).values()
        shown = [site for site in found if any(inside(self._units, unit, site.unit) for unit in granted)]
        return roster_of(self._units, shown, self._attendance.members(meeting))

    async def is_invited(self, meeting: str, site: str) -> bool:
        """Whether the site belongs to the meeting, in it or not. Raises MeetingNotFound."""
        await self._states.get(meeting)
        return bool(await self._invited.among(meeting, (site,)))

    async def people_at(self, actor: Actor, meeting: str, site: str) -> list[captions.Caption]:
        """Whom the site's picture may show, as a caption would say it. Raises MeetingNotFound, SiteNotFound,
        NotInMeeting, Forbidden."""
        state = await self._sight.meeting(meeting, actor)
        found = await self._sites.get(site)
        scope = (entry.unit for entry in state.scope)
        self._access.authorise(actor, "stage.caption", *scope, found.unit)
        if not await self._invited.among(state.id, (site,)):
            raise NotInMeeting("The site is not invited to this meeting.", site=site)
        return [captions.in_form(person, found.path) for person in found.people]

    # receipts

    async def receipts(self, meeting: str, message: str, actor: Actor) -> Listing:
        """Which of the sites that the actor may see have not got the message, and have not answered it.

        Raises MeetingNotFound, Forbidden, MessageNotFound.
        """
        state = await self._sight.meeting(meeting, actor)
        roster = await self.roster(meeting, actor)
        if message not in seen(state, self._sight.viewer(actor, state), (message,)):
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
        shown = () if state is None else seen(state, viewer, messages)
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
            self._wake()

    def connected(self, site: str, by: str = PAGE) -> str | None:
        """The site is connected (again); answers the meeting that it is still in, if its grace has not run
        out. `by`: what connects it, its page or an encoder (a name of its own)."""
        return self._attendance.back(site, by)

    def is_connected(self, site: str) -> bool:
        """Whether a page or an encoder of the site is connected."""
        return self._attendance.is_held(site)

    def keeps_no_picture(self, site: str) -> bool:
        """Whether the site is in a marked meeting: nothing of what it shows is kept."""
        meeting = self._attendance.meeting_of(site)
        return meeting is not None and self.marks.of(meeting) != "none"
