"""`Keeper`: keeps a media node at what the open meetings want.

Level-triggered: whatever happens (an event of a meeting, a track that goes live, a node that comes back) only
says which meeting to look at; what is sent to the node follows from the difference between what it is to hold
and what it holds. So a restart of either side needs no code of its own.
"""

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass, field

import structlog

from diemcau.access import SYSTEM
from diemcau.bus import EPHEMERAL, EVENTS, Bus, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.errors import DiemCauError, JsonObject, JsonValue
from diemcau.media import MediaError, MediaNode, NodeDown, NodeUp, Signal, wire
from diemcau.media import ViewerNotFound as NodeViewerNotFound
from diemcau.meetings import PRESENTATION, MeetingNotFound, Meetings
from diemcau.meetings.presence import PRESENCE
from diemcau.stage import desired
from diemcau.stage.checks import Checks, lined_up
from diemcau.stage.encoders import Encoders
from diemcau.stage.mirror import Mirror, Publisher
from diemcau.stage.scene import Machine, Part, Scene, Source

PARTS = "eph:stage:parts"
"""Bus topic: `{"meeting": id, "sites": [ids]}` whose part has changed (see `Stage.part`)."""

GONE = "eph:stage:gone"
"""Bus topic: connections that ended, `{"party": id, "viewers": [..], "publishers": [..], "reason": str}`."""

STANDING = "eph:stage:standing"
"""Bus topic, empty body: the node told what it holds; what a party holds beside that has ended unseen."""

LINES = "eph:stage:lines"
"""Bus topic: viewers whose lines carry more or less than before,
`{"viewers": [{"party": id, "viewer": name, "step": str, "why": str | None}]}`."""

UNASKED_S = 20.0
"""Seconds after which the publisher of a site that is asked no longer is closed (its page does so at 10)."""

PRESENTER_GRACE_S = 30.0
"""Seconds a presentation waits for the connection of who presents, as a site's floor does for the site."""

RETRY_S = 1.0
"""Seconds after which a refused or unanswered command is looked at again."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class StageCounters:
    """Since start."""

    viewers_opened: int = 0
    publishers_opened: int = 0
    cuts: int = 0
    commands_failed: int = 0
    mends: int = 0
    unasked_closed: int = 0


@dataclass(slots=True)
class Watched:
    """One open meeting as the stage follows it."""

    scene: Scene
    parts: dict[str, Part] = field(default_factory=dict)
    live: list[str] = field(default_factory=list)
    speaking: list[str] = field(default_factory=list)
    checks: Checks = field(default_factory=Checks)
    talked: set[str] = field(default_factory=set)
    """Sites that somebody speaks with in private: their sound is asked for."""
    warm: set[str] = field(default_factory=set)
    """Sites that are to send before they are shown to anybody."""
    steps: dict[str, wire.Step] = field(default_factory=dict)
    """What operators were last told of sites that get less than everything."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Keeper:
    """See the module."""

    def __init__(self, node: MediaNode, meetings: Meetings, bus: Bus, clock: Clock) -> None:
        self.mirror = Mirror()
        self.watched: dict[str, Watched] = {}
        self.machines: dict[str, Machine] = {}
        self.counters = StageCounters()
        self._node, self._meetings, self._bus, self._clock = node, meetings, bus, clock
        self._dirty: set[str] = set()
        self._stale: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._line_up: list[str] = []
        self._unasked: dict[str, float] = {}
        self._absent: dict[tuple[str, str], float] = {}
        self.heard = False
        self.encoders = Encoders(self.mirror, meetings)
        node.listen(self._signal)

    async def start(self) -> None:
        """Takes up the open meetings and follows the bus; before the node's client runs."""
        subscription = self._subscribe()
        for summary in await self._meetings.list_for(SYSTEM):
            if summary.status == "open":
                await self.reload(summary.id)
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name="stage-follow"),
            asyncio.create_task(self._mend_all(), name="stage-mend"),
            asyncio.create_task(self._tidy(), name="stage-tidy"),
        ]

    async def aclose(self) -> None:
        """Ends the tasks; the node is left as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # What happens at the node.

    def _signal(self, signal: Signal) -> None:
        match signal:
            case NodeUp():
                if signal.fresh:
                    self._tell_gone("restarted")
                    self.mirror.clear()
                self._line_up = []
                self.counters.mends += 1
                self.look_at(*self.mirror.load(signal.snapshot), *self.watched)
                self.heard = True
                self._bus.publish(STANDING, {})
            case NodeDown():
                pass  # its pictures may go on; what it missed is mended when it answers again
            case wire.ViewerGoneEvent():
                viewer = self.mirror.viewers.get(signal.viewer)
                if viewer is not None and signal.reason != "closed":
                    self._publish_gone(viewer.party, viewers=[viewer.name], reason=signal.reason)
                self.look_at(*self.mirror.apply(signal))
            case wire.PublisherGoneEvent():
                publisher = self.mirror.publishers.get(signal.publisher)
                if publisher is not None and signal.reason != "closed":
                    self._publish_gone(publisher.party, publishers=[publisher.name], reason=signal.reason)
                self.look_at(*self.mirror.apply(signal))
            case wire.SlotShownEvent():
                self._shown(signal)
            case wire.SpeakingEvent():
                self._speaking(signal)
            case wire.QualityEvent():
                self._lines(signal)
            case wire.LevelsEvent():
                self._levels(signal)
            case wire.TrackLiveEvent():
                self.look_at(*self.mirror.apply(signal))
                self._retire_older(signal.track)
            case _:
                self.look_at(*self.mirror.apply(signal))
        if self.encoders.follow():
            self._wake.set()

    def _shown(self, event: wire.SlotShownEvent) -> None:
        meeting = event.program.removeprefix("meeting/")
        watched = self.watched.get(meeting)
        if watched is None:
            return
        site = self.mirror.site_of(event.track)
        shown: JsonObject = {"slot": event.slot, "site": site, "after_ms": event.after_ms}
        topic = f"{EPHEMERAL}meeting:{meeting}"
        self._bus.publish(topic, {"topic": "stage", "data": {"live": list(watched.live), "shown": [shown]}})

    def _speaking(self, event: wire.SpeakingEvent) -> None:
        meeting = event.program.removeprefix("meeting/")
        watched = self.watched.get(meeting)
        if watched is None:
            return
        watched.speaking = [
            site for track in event.tracks if (site := self.mirror.site_of(track)) is not None
        ]
        self._ephemeral(meeting, "speaking", {"sites": list(watched.speaking)})

    def _levels(self, event: wire.LevelsEvent) -> None:
        by_meeting: dict[str, dict[str, int]] = {}
        for level in event.levels:
            publisher = self.mirror.track(level.track)
            if publisher is not None:
                by_meeting.setdefault(publisher.meeting, {})[publisher.site] = level.dbov
        for meeting, levels in by_meeting.items():
            told: dict[str, JsonValue] = {**levels}
            self._ephemeral(meeting, "levels", {"levels": told})
            watched = self.watched.get(meeting)
            if watched is not None and watched.checks.hear(levels, self._clock.now()):
                self._ephemeral(meeting, "lineup", watched.checks.to_json())

    def _lines(self, event: wire.QualityEvent) -> None:
        changed: list[JsonValue] = [
            {"party": viewer.party, "viewer": viewer.name, "step": viewer.step, "why": viewer.why}
            for viewer in self.mirror.take_quality(event)
        ]
        if changed:
            self._bus.publish(LINES, {"viewers": changed})

    def _tell_steps(self) -> None:
        """Operators: what has changed since a second ago, of all sites in one message."""
        for meeting, watched in self.watched.items():
            steps = self.mirror.steps(meeting)
            if steps == watched.steps:
                continue
            changed: JsonObject = {
                party: steps.get(party, "high")
                for party in sorted({*steps, *watched.steps})
                if steps.get(party) != watched.steps.get(party)
            }
            watched.steps = steps
            topic = f"{EPHEMERAL}meeting:{meeting}"
            self._bus.publish(topic, {"topic": "quality", "data": {"steps": changed}})

    def _retire_older(self, track: str) -> None:
        """A page or encoder that came back has a new publisher; the old one goes once the new one sends."""
        newest = self.mirror.track(track)
        if newest is None or not (track.endswith("/video") or f"{newest.name}/video" not in newest.tracks):
            return
        for other in self.mirror.publishers.values():
            of_a_kind = (other.token is None) == (newest.token is None)
            same = other.party == newest.party and other.site == newest.site
            if same and of_a_kind and other.order < newest.order:
                self._unasked[other.name] = float("-inf")  # closed at the next tidying, after the cut

    def _tell_gone(self, reason: str) -> None:
        parties: dict[str, tuple[list[str], list[str]]] = {}
        for viewer in self.mirror.viewers.values():
            parties.setdefault(viewer.party, ([], []))[0].append(viewer.name)
        for publisher in self.mirror.publishers.values():
            parties.setdefault(publisher.party, ([], []))[1].append(publisher.name)
        for party, (viewers, publishers) in parties.items():
            self._publish_gone(party, viewers=viewers, publishers=publishers, reason=reason)

    def _publish_gone(
        self, party: str, *, viewers: Iterable[str] = (), publishers: Iterable[str] = (), reason: str
    ) -> None:
        body: JsonObject = {
            "party": party,
            "viewers": list(viewers),
            "publishers": list(publishers),
            "reason": reason,
        }
        self._bus.publish(GONE, body)

    def _ephemeral(self, meeting: str, topic: str, data: JsonObject) -> None:
        self._bus.publish_latest(f"{EPHEMERAL}meeting:{meeting}", topic, {"topic": topic, "data": data})

    # What happens in meetings.

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    self._stale.add(message.topic.rpartition(":")[2])
                    self._wake.set()
            except SubscriberTooSlow:
                log.warning("the stage fell behind the bus; looking at every meeting")
                subscription = self._subscribe()
                self._stale.update(self.watched)
                self._wake.set()
            else:
                return

    def _subscribe(self) -> Subscription:
        return self._bus.subscribe(f"{EVENTS}meeting:*", f"{PRESENCE}meeting:*", limit=10_000)

    async def reload(self, meeting: str) -> None:
        """Reads the meeting's state and who is there; looks at it when that changed what is seen or heard."""
        try:
            scene = Scene.of(await self._meetings.state(meeting), self._meetings.joined(meeting))
        except MeetingNotFound:
            return
        watched = self.watched.get(meeting)
        if watched is None:
            if not scene.is_open:
                return
            watched = self.watched[meeting] = Watched(scene)
        elif watched.scene == scene:
            return  # a message, a hand: nothing to see
        watched.scene = scene
        self.look_at(meeting)

    # Mending.

    def look_at(self, *meetings: str) -> None:
        """Has the meetings mended soon."""
        if meetings:
            self._dirty.update(meetings)
            self._wake.set()

    async def _mend_all(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            stale, self._stale = self._stale, set()
            for meeting in stale:
                try:
                    await self.reload(meeting)
                except Exception:
                    log.exception("meeting could not be read", meeting=meeting)
                    asyncio.get_running_loop().call_later(RETRY_S, self._reread, meeting)
            for publisher in await self.encoders.adopt():
                await self.close_publisher(publisher)
            dirty, self._dirty = self._dirty, set()
            for meeting in dirty:
                try:
                    await self.mend(meeting)
                except Exception:
                    log.exception("stage could not be mended", meeting=meeting)
                    self._later(meeting)

    def _reread(self, meeting: str) -> None:
        self._stale.add(meeting)
        self._wake.set()

    def _later(self, meeting: str) -> None:
        asyncio.get_running_loop().call_later(RETRY_S, self.look_at, meeting)

    async def mend(self, meeting: str) -> None:
        """Makes the node hold what the meeting wants, then tells who is concerned."""
        watched = self.watched.get(meeting)
        if watched is None:
            await self._abandon(meeting)
            return
        async with watched.lock:
            self._announce(meeting, watched)
            followed = self._node.connected
            if followed:
                try:
                    await self._mend_program(meeting, watched)
                    await self._mend_pins(meeting)
                    await self._mend_line_up()
                except MediaError as error:
                    followed = False
                    self.counters.commands_failed += 1
                    log.warning(
                        "media node did not follow", meeting=meeting, code=error.code, error=error.message
                    )
                    self.mirror.programs.pop(desired.program_name(meeting), None)  # unsure: set it whole next
                    self._later(meeting)
            self._announce(meeting, watched)
            # An ended meeting is let go of when the node has, not before: it must not stay on the air.
            if not watched.scene.is_open and followed:
                self.watched.pop(meeting, None)

    async def _mend_program(self, meeting: str, watched: Watched) -> None:
        name = desired.program_name(meeting)
        actual = self.mirror.programs.get(name)
        wanted = desired.program(
            watched.scene,
            self.mirror.sources(meeting),
            actual,
            self.mirror.live_tracks(meeting),
            self.machines.get(meeting, desired.NO_MACHINE),
        )
        for command in desired.changes(wanted, actual):
            await self._node.call(command)
            self.counters.cuts += isinstance(command, wire.SlotSetCommand)
        self.mirror.programs[name] = wanted
        if not watched.scene.is_open:
            await self._node.call(wire.ProgramDeleteCommand(program=name))
            self.mirror.programs.pop(name, None)

    async def _mend_pins(self, meeting: str) -> None:
        sources = self.mirror.sources(meeting)
        for viewer in self.mirror.pinning(meeting):
            for line in sorted({*viewer.pins, *viewer.pointed}):
                pin = viewer.pins.get(line)
                source = Source() if pin is None else sources.get(pin.site, Source())
                # Also before it sends: the node then shows its very first picture.
                track = source.video
                wanted = (track, pin.ceiling if pin is not None else "high")
                if viewer.pointed.get(line, (None, "high"))[0] == track and (
                    track is None or viewer.pointed[line] == wanted
                ):
                    continue
                with contextlib.suppress(NodeViewerNotFound):  # its `viewer_gone` is on its way
                    await self._node.call(
                        wire.ViewerPinCommand(viewer=viewer.name, line=line, track=track, ceiling=wanted[1])
                    )
                viewer.pointed[line] = wanted

    async def _mend_line_up(self) -> None:
        tracks = sorted(
            source.video
            for meeting, watched in self.watched.items()
            for sources in [self.mirror.sources(meeting)]
            for slot in _ready(watched.scene)
            if (source := sources.get(slot)) is not None and source.video is not None and source.video_live
        )
        if tracks != self._line_up:
            await self._node.call(wire.LineUpCommand(tracks=tracks))
            self._line_up = tracks

    async def _abandon(self, meeting: str) -> None:
        """The node knows a meeting that is not watched: it opened, or ended, while control was away."""
        await self.reload(meeting)
        name = desired.program_name(meeting)
        if meeting not in self.watched and name in self.mirror.programs and self._node.connected:
            await self._node.call(wire.ProgramDeleteCommand(program=name))
            self.mirror.programs.pop(name, None)

    def _announce(self, meeting: str, watched: Watched) -> None:
        """Tells the sites whose part has changed, and everybody which pictures there are."""
        shown = {site for site in self.mirror.shown(meeting) if site is not None}
        sources = self.mirror.sources(meeting)
        called = self.machines.get(meeting, desired.NO_MACHINE).called
        encoding = self.mirror.encoding(meeting)
        pinned_by = self.mirror.pinned_by(meeting)
        asked = desired.asked(watched.scene, shown, {*pinned_by, *watched.warm}, called, watched.talked)
        parts = desired.parts(watched.scene, asked, sources, shown, encoding, called, pinned_by)
        before, watched.parts = watched.parts, parts
        changed = [
            site for site in sorted({*before, *parts}) if before.get(site, Part()) != parts.get(site, Part())
        ]
        if changed:
            self._bus.publish(PARTS, {"meeting": meeting, "sites": changed})
        live = sorted(site for site, source in sources.items() if source.video_live)
        if watched.checks.follow(lined_up(watched.scene), live, self._clock.now()):
            self._ephemeral(meeting, "lineup", watched.checks.to_json())
        if live != watched.live:
            came_or_went = {*live} ^ {*watched.live}
            watched.live = live
            self._bus.publish(
                f"{EPHEMERAL}meeting:{meeting}",
                {
                    "topic": "stage",
                    "data": {"live": list(live), "shown": []},
                    "hurry": not came_or_went.isdisjoint(watched.scene.on_air),
                },
            )

    # Closing.

    async def _tidy(self) -> None:
        """Closes publishers that nobody asks for any more, should their page not do so itself."""
        while True:
            await asyncio.sleep(1.0)
            self._tell_steps()
            if self.encoders.follow():
                self._wake.set()
            now = asyncio.get_running_loop().time()
            for publisher in list(self.mirror.publishers.values()):
                if publisher.token is not None:
                    wanted = self._encoder_wanted(publisher)
                elif publisher.site == PRESENTATION:
                    watched = self.watched.get(publisher.meeting)
                    wanted = watched is not None and watched.scene.presents(publisher.party)
                else:
                    wanted = self.part(publisher.meeting, publisher.site).publish is not None
                since = self._unasked.get(publisher.name)
                if since == float("-inf"):
                    pass
                elif wanted:
                    self._unasked.pop(publisher.name, None)
                    continue
                else:
                    since = self._unasked.setdefault(publisher.name, now)
                if since is not None and now - since >= UNASKED_S and self._node.connected:
                    self.counters.unasked_closed += 1
                    await self.close_publisher(publisher.name)
            self._unasked = {k: v for k, v in self._unasked.items() if k in self.mirror.publishers}
            if self._node.connected:
                await self._end_lost_presentations(now)

    async def _end_lost_presentations(self, now: float) -> None:
        """Ends what nobody has sent for the grace: its presenter's page has gone. A node that is away is
        nobody's fault."""
        gone: dict[tuple[str, str], float] = {}
        for meeting, watched in self.watched.items():
            shown = watched.scene.presentation
            if shown is not None and not any(one.live for one in self.mirror.presented(meeting)):
                gone[meeting, shown.key] = self._absent.get((meeting, shown.key), now)
        self._absent = gone
        for (meeting, key), since in gone.items():
            if now - since < PRESENTER_GRACE_S:
                continue
            try:
                await self._meetings.lose_presentation(meeting, key)
            except DiemCauError as error:  # looked at again in a second
                log.warning("a presentation was not ended", meeting=meeting, code=error.code)

    def _encoder_wanted(self, publisher: Publisher) -> bool:
        """An encoder sends unasked, as long as its site is in the open meeting."""
        watched = self.watched.get(publisher.meeting)
        inside = self._meetings.meeting_of(publisher.site) == publisher.meeting
        return watched is not None and watched.scene.is_open and inside

    async def close_viewer(self, name: str) -> None:
        """Ends a viewer; fine when it is gone already."""
        viewer = self.mirror.remove_viewer(name)
        with contextlib.suppress(MediaError):
            await self._node.call(wire.ViewerCloseCommand(viewer=name))
        if viewer is not None and viewer.pins:
            self.look_at(viewer.meeting)

    def part(self, meeting: str, site: str) -> Part:
        """The site's part in the meeting now."""
        watched = self.watched.get(meeting)
        return Part() if watched is None else watched.parts.get(site, Part())

    async def close_publisher(self, name: str) -> None:
        """Ends a publisher; fine when it is gone already."""
        publisher = self.mirror.publishers.get(name)
        with contextlib.suppress(MediaError):
            await self._node.call(wire.PublisherCloseCommand(publisher=name))
        if self.mirror.publishers.pop(name, None) is not None and publisher is not None:
            self.look_at(publisher.meeting)


def _ready(scene: Scene) -> set[str]:
    """Whose keyframes keep coming: the line, the preview, and behind the holding picture what was on air."""
    slots = (*scene.line_up, *scene.preview, *(scene.on_air if scene.held else ()))
    return {slot for slot in slots if slot is not None}
