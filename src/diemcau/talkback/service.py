"""`Talkback`: private words between operators and sites.

A talkback is beside the meeting: programs of its own at the node, one for each end that listens, so that an
operator who speaks with eight sites still has one further viewer. The microphones of a meeting's own program
are the stage's business and follow from the meeting alone; nothing here can put one in or take one out.
"""

import asyncio
from collections.abc import Mapping
from typing import Any, Final

import structlog

from diemcau.access import Access, Actor
from diemcau.bus import EPHEMERAL, EVENTS, Bus, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.errors import DiemCauError, Forbidden, JsonObject, JsonValue, TooLarge
from diemcau.ids import NewId, new_id
from diemcau.media import MediaNode, NodeDown, NodeUp, Signal, wire
from diemcau.meetings import Done, MeetingNotFound, MeetingNotOpen, Meetings, Mic, NotInMeeting
from diemcau.sites import Sites
from diemcau.stage import GONE, PublisherAnswer, Stage, ViewerAnswer
from diemcau.store import Store
from diemcau.talkback import commands as c
from diemcau.talkback.errors import MicOpen, NobodyTalks, TalkNotFound
from diemcau.talkback.lines import Lines
from diemcau.talkback.mirror import Link
from diemcau.talkback.records import Records, stream_of
from diemcau.talkback.talk import Party, Talk, Why, ear, ears

TALKS: Final = "eph:talkback:talks"
"""Bus topic: `{"meeting": id, "sites": [ids]}` whose talkbacks began, changed or ended."""

MAX_TALKS: Final = 8
"""Sites that one person speaks with at once in a meeting."""

GRACE_S: Final = 30.0
"""Seconds that an operator who has no microphone at the node keeps his talkbacks."""

RETRY_S: Final = 1.0

log = structlog.get_logger(__name__)


class Talkback:
    """`start` takes up what was open; `aclose` ends the tasks and leaves the node as it is."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        access: Access,
        sites: Sites,
        meetings: Meetings,
        stage: Stage,
        node: MediaNode,
        clock: Clock,
        *,
        make_id: NewId = new_id,
        grace_s: float = GRACE_S,
    ) -> None:
        self._bus, self._access, self._sites = bus, access, sites
        self._meetings, self._stage, self._clock, self._make_id = meetings, stage, clock, make_id
        self._records, self._lines = Records(store), Lines(node)
        self.grace_s = grace_s
        self._talks: dict[str, Talk] = {}
        self._together: set[tuple[str, str]] = set()
        self._missing: dict[tuple[str, str], asyncio.TimerHandle] = {}
        self._back: asyncio.TimerHandle | None = None
        self._ended: dict[str, tuple[Talk, Why, str]] = {}  # not stored yet
        self._opening = asyncio.Lock()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        node.listen(self._signal)

    async def start(self) -> None:
        """Takes up what was open when the server ended, then follows meetings and the node."""
        subscription = self._subscribe()
        for row in await self._records.open():
            try:
                site = await self._sites.get(row.site)
            except DiemCauError:
                log.warning("a talkback of before could not be taken up", talk=row.id)
                continue
            by = Party(row.person, row.person_name, row.person_title)
            self._talks[row.id] = Talk(row.id, row.meeting, site, by, row.since)
            self._stage.talk(row.meeting, site.id, True)
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name="talkback-follow"),
            asyncio.create_task(self._mend_all(), name="talkback-mend"),
        ]
        if self._talks:  # after a restart everybody has a while to come back
            self._back = asyncio.get_running_loop().call_later(self.grace_s, self._end_of_absent)
        self._wake.set()

    async def aclose(self) -> None:
        """Ends the tasks."""
        for timer in (*self._missing.values(), *([] if self._back is None else [self._back])):
            timer.cancel()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # looking

    def of_site(self, site: str, meeting: str | None) -> list[JsonObject]:
        """The site's part of `You`: who speaks with it in private."""
        own = (talk for talk in self._talks.values() if talk.site.id == site and talk.meeting == meeting)
        return [talk.told(self._is_together(talk)) for talk in own]

    def of_meeting(self, meeting: str) -> list[tuple[str, JsonObject]]:
        """The meeting's talkbacks as desks see them, oldest first, each with its site."""
        mirror = self._lines.mirror
        return [
            (
                talk.site.id,
                talk.to_json(
                    self._is_together(talk),
                    hears=mirror.hears(meeting, talk.site.id),
                    sends=mirror.sends(meeting, talk.by.id),
                ),
            )
            for talk in self._talks.values()
            if talk.meeting == meeting
        ]

    def names(self, party: str) -> tuple[list[str], list[str]]:
        """The party's viewers and publishers of talkbacks that exist."""
        return self._lines.mirror.of(party)

    # commands

    async def execute(self, actor: Actor, command: c.TalkCommand) -> Done:
        """Does one command; opening is idempotent by (actor, `command.id`), the rest by itself.

        Raises coded errors.
        """
        match command:
            case c.OpenTalk():
                return await self._open(actor, command)
            case c.Say(talk=name, on=on):
                return await self._say(actor, name, on)
            case c.MuteTalk(talk=name, on=on):
                talk = self._own(actor, name)
                if actor.site is not None:
                    raise Forbidden(None, command=command.type)
                talk.muted = on
                return self._changed(talk)
            case c.Together(meeting=meeting, on=on):
                return self._set_together(actor, meeting, on)
            case c.Tap(talk=name, clear=clear):
                talk = self._own(actor, name)
                if actor.site is None:
                    raise Forbidden("Only the site answers so.", command=command.type)
                talk.tapped = (clear, self._clock.now())
                return self._changed(talk)
            case c.EndTalk(talk=name):
                return await self._end(actor, name)

    async def _open(self, actor: Actor, wanted: c.OpenTalk) -> Done:
        if actor.kind != "person":
            raise Forbidden("Only operators open a talkback.", command=wanted.type)
        await self._meetings.viewer(wanted.meeting, actor)
        site = await self._sites.get(wanted.site)
        self._access.authorise(actor, "talkback", site.unit)
        async with self._opening:
            if (await self._meetings.get(wanted.meeting)).status != "open":
                raise MeetingNotOpen
            if self._meetings.meeting_of(site.id) != wanted.meeting:
                raise NotInMeeting(None, site=site.id)
            own = [talk for talk in self._talks.values() if talk.is_by(wanted.meeting, actor.id)]
            known = next((talk for talk in own if talk.site.id == site.id), None)
            if known is not None:
                return _done(known)
            if len(own) >= MAX_TALKS:
                raise TooLarge(f"At most {MAX_TALKS} sites at once.", limit=MAX_TALKS)
            by = Party(actor.id, actor.name, actor.title)
            talk = Talk(self._make_id("tb"), wanted.meeting, site, by, self._clock.now())
            # Before a word is heard it stands in the log that one may be.
            if not await self._records.begin(talk, actor.key, f"{actor.key}/{wanted.id}"):
                return _done(talk)  # done before, and over
            self._talks[talk.id] = talk
            self._stage.talk(talk.meeting, site.id, True)
        return self._changed(talk)

    async def _say(self, actor: Actor, name: str, on: bool) -> Done:
        talk = self._own(actor, name)
        if actor.site is None:
            talk.speaks = on
        else:
            if on and await self._mic(talk) == "open":
                raise MicOpen(None, site=talk.site.id)
            talk.answers = on
        return self._changed(talk)

    def _set_together(self, actor: Actor, meeting: str, on: bool) -> Done:
        own = [talk for talk in self._talks.values() if talk.is_by(meeting, actor.id)]
        if not own:
            raise TalkNotFound
        self._access.authorise(actor, "talkback", *(talk.site.unit for talk in own))
        (self._together.add if on else self._together.discard)((meeting, actor.id))
        for talk in own:
            self._tell(talk)
        self._wake.set()
        return _done(own[0])

    async def _end(self, actor: Actor, name: str) -> Done:
        talk = self._talks.get(name)
        if talk is None:
            raise TalkNotFound(None, talk=name)
        why: Why = "ended"
        if actor.site is not None:
            self._own(actor, name)
            why = "site"
        elif actor.id != talk.by.id:
            await self._meetings.viewer(talk.meeting, actor)
            self._access.authorise(actor, "talkback", talk.site.unit)
            why = "operator"
        self._close(talk, why, actor.key)
        await self._store_ends()
        return _done(talk)

    def _own(self, actor: Actor, name: str) -> Talk:
        """One of the asker's ends. Raises TalkNotFound: other people's do not exist for him."""
        talk = self._talks.get(name)
        if talk is None or actor.id not in (talk.site.id, talk.by.id):
            raise TalkNotFound(None, talk=name)
        command = "talkback" if actor.site is None else "talk.answer"
        self._access.authorise(actor, command, talk.site.unit)
        return talk

    def _changed(self, talk: Talk) -> Done:
        self._tell(talk)
        self._wake.set()
        return _done(talk)

    # media

    async def open_viewer(self, meeting: str, actor: Actor, offer: str) -> ViewerAnswer:
        """What the asker's end hears, without pictures. Raises NobodyTalks, MediaError."""
        self._must_talk(meeting, actor)
        mics = self._wanted(await self._mics()).get(ear(meeting, actor.id), [])
        return await self._lines.open_viewer(meeting, actor.id, offer, mics)

    async def open_publisher(self, meeting: str, actor: Actor, offer: str) -> PublisherAnswer:
        """What an operator speaks into; a site speaks into what it publishes anyway.

        Raises NobodyTalks, Forbidden, MediaError.
        """
        if actor.kind != "person":
            raise Forbidden("A site speaks by its own publisher.", command="talkback")
        self._must_talk(meeting, actor)
        opened = await self._lines.open_publisher(meeting, actor.id, offer)
        self._wake.set()
        return opened

    def _must_talk(self, meeting: str, actor: Actor) -> None:
        if (meeting, actor.id) not in self._ends():
            raise NobodyTalks

    async def close_party(self, party: str) -> None:
        """The party's access has ended: with it its talkbacks."""
        for talk in list(self._talks.values()):
            if party == talk.by.id:
                self._close(talk, "operator_left", "system")
            elif party == talk.site.id:
                self._close(talk, "site_left", "system")
        await self._store_ends()

    def recheck(self, actor: Actor) -> None:
        """A person's grants have changed: what he may no longer do ends."""
        for talk in list(self._talks.values()):
            if talk.by.id == actor.id and not self._access.allowed(actor, "talkback", talk.site.unit):
                self._close(talk, "operator_left", "system")

    # what happens

    def _signal(self, signal: Signal) -> None:
        match signal:
            case NodeUp():
                self._lines.mirror.load(signal.snapshot)
                self._wake.set()
            case NodeDown():
                pass
            case _:
                link = self._lines.mirror.apply(signal)
                if link is not None:
                    self._left(link, signal)
                    for talk in self._talks.values():
                        if talk.meeting == link.meeting and link.party in (talk.site.id, talk.by.id):
                            self._tell(talk)
                # A site's own publisher is the stage's; that it came or went may concern us too.
                if link is not None or (
                    self._talks and isinstance(signal, wire.TrackLiveEvent | wire.PublisherGoneEvent)
                ):
                    self._wake.set()

    def _left(self, link: Link, event: wire.Event) -> None:
        """A connection ended: its end speaks no longer until it says so again, and its page is told."""
        viewers: list[JsonValue]
        publishers: list[JsonValue]
        match event:
            case wire.ViewerGoneEvent(viewer=name, reason=reason):
                viewers, publishers = [name], []
            case wire.PublisherGoneEvent(publisher=name, reason=reason):
                viewers, publishers = [], [name]
            case _:
                return
        mirror = self._lines.mirror
        for talk in self._talks.values():
            if talk.is_by(link.meeting, link.party) and not mirror.has_publisher(link.meeting, link.party):
                talk.speaks = False
            elif (talk.meeting, talk.site.id) == (link.meeting, link.party) and not mirror.hears(
                link.meeting, link.party
            ):
                talk.answers = False
        if reason != "closed":
            body: JsonObject = {
                "party": link.party,
                "viewers": viewers,
                "publishers": publishers,
                "reason": reason,
            }
            self._bus.publish(GONE, body)

    def _subscribe(self) -> Subscription:
        return self._bus.subscribe(f"{EPHEMERAL}meeting:*", f"{EVENTS}meeting:*", limit=10_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    if self._talks:
                        self._hear(message.topic, message.body)
            except SubscriberTooSlow:
                log.warning("talkbacks fell behind the bus; looking at each")
                subscription = self._subscribe()
                self._end_of_absent()
                self._wake.set()
            else:
                return

    def _hear(self, topic: str, body: Mapping[str, Any]) -> None:
        meeting = topic.rpartition(":")[2]
        data = body.get("data")
        if topic.startswith(EVENTS):
            self._wake.set()  # a microphone may have opened
            if body.get("type") == "meeting_ended":
                for talk in [talk for talk in self._talks.values() if talk.meeting == meeting]:
                    self._close(talk, "meeting_ended", "system")
        elif body.get("topic") == "presence" and isinstance(data, Mapping) and data.get("left"):
            self._end_of_absent()

    def _end_of_absent(self) -> None:
        for talk in list(self._talks.values()):
            if self._meetings.meeting_of(talk.site.id) != talk.meeting:
                self._close(talk, "site_left", "system")

    def _close(self, talk: Talk, why: Why, actor: str) -> None:
        """Nobody is heard any more; the log is told next."""
        if self._talks.pop(talk.id, None) is None:
            return
        self._ended[talk.id] = (talk, why, actor)
        ends = self._ends()
        if (talk.meeting, talk.site.id) not in ends:
            self._stage.talk(talk.meeting, talk.site.id, False)
        operator = (talk.meeting, talk.by.id)
        if operator not in ends:
            self._together.discard(operator)
            if (timer := self._missing.pop(operator, None)) is not None:
                timer.cancel()
        self._tell(talk)
        self._wake.set()

    async def _store_ends(self) -> None:
        """Writes what has ended and is not stored; what the store refuses now is tried again."""
        for talk, why, actor in list(self._ended.values()):
            await self._records.end(talk, why, actor, self._clock.now())
            self._ended.pop(talk.id, None)

    def _tell(self, talk: Talk) -> None:
        self._bus.publish(TALKS, {"meeting": talk.meeting, "sites": [talk.site.id]})

    # mending

    async def _mend_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                await self._mend()
                await self._store_ends()
            except Exception as error:
                if not isinstance(error, DiemCauError):
                    log.exception("talkbacks could not be mended")
                asyncio.get_running_loop().call_later(RETRY_S, self._wake.set)

    async def _mend(self) -> None:
        """Makes the node hold what the talkbacks are."""
        mics = await self._mics()
        for talk in list(self._talks.values()):
            if talk.answers and mics.get((talk.meeting, talk.site.id)) == "open":
                talk.answers = False  # it does not go on by itself when the meeting hears it no longer
                self._tell(talk)
        self._watch_operators()
        await self._lines.hold(self._wanted(mics), self._ends())

    def _ends(self) -> set[tuple[str, str]]:
        return {(talk.meeting, end) for talk in self._talks.values() for end in (talk.site.id, talk.by.id)}

    def _wanted(self, mics: Mapping[tuple[str, str], Mic]) -> dict[str, list[str]]:
        voices = self._lines.mirror.voices()
        for talk in self._talks.values():
            if (track := self._stage.sends(talk.site.id).audio) is not None:
                voices[talk.meeting, talk.site.id] = track
        return ears(self._talks.values(), self._together, voices, mics)

    async def _mics(self) -> dict[tuple[str, str], Mic]:
        """The microphone of each site that is talked to, as its meeting has it now."""
        return {(talk.meeting, talk.site.id): await self._mic(talk) for talk in list(self._talks.values())}

    async def _mic(self, talk: Talk) -> Mic:
        try:
            state = await self._meetings.state(talk.meeting)
        except MeetingNotFound:
            return "off"
        return state.mic_of(talk.site.id) if state.status == "open" else "off"

    def _watch_operators(self) -> None:
        """Who has no microphone at the node has a while to open one; then his talkbacks end."""
        loop = asyncio.get_running_loop()
        for end in {(talk.meeting, talk.by.id) for talk in self._talks.values()}:
            if self._lines.mirror.has_publisher(*end):
                if (timer := self._missing.pop(end, None)) is not None:
                    timer.cancel()
            elif end not in self._missing:
                self._missing[end] = loop.call_later(self.grace_s, self._give_up, end)

    def _give_up(self, end: tuple[str, str]) -> None:
        self._missing.pop(end, None)
        for talk in [talk for talk in self._talks.values() if talk.is_by(*end)]:
            self._close(talk, "operator_left", "system")

    def _is_together(self, talk: Talk) -> bool:
        return (talk.meeting, talk.by.id) in self._together


def _done(talk: Talk) -> Done:
    return Done(stream_of(talk.meeting), 0)
