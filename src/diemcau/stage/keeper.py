"""`Keeper`: keeps a media node at what the open meetings want.

Level-triggered: whatever happens (an event of a meeting, a track that goes live, a node that comes back) only
says which meeting to look at; what is sent to the node follows from the difference between what it is to hold
and what it holds. So a restart of either side needs no code of its own.
"""

import asyncio
import contextlib

import structlog

from diemcau.access import SYSTEM
from diemcau.bus import EVENTS, Bus, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.media import MediaError, MediaNode, NodeDown, NodeUp, Signal, wire
from diemcau.meetings import MeetingNotFound, Meetings
from diemcau.meetings.presence import PRESENCE
from diemcau.stage import desired
from diemcau.stage.encoders import Encoders
from diemcau.stage.mending import Mending
from diemcau.stage.mirror import Mirror
from diemcau.stage.scene import Machine, Part, Scene
from diemcau.stage.telling import Telling
from diemcau.stage.tidying import Tidying
from diemcau.stage.watched import StageCounters, Watched

RETRY_S = 1.0
"""Seconds after which a refused or unanswered command is looked at again."""

log = structlog.get_logger(__name__)


class Keeper:
    """See the module."""

    def __init__(self, node: MediaNode, meetings: Meetings, bus: Bus, clock: Clock) -> None:
        self.mirror = Mirror()
        self.watched: dict[str, Watched] = {}
        self.machines: dict[str, Machine] = {}
        self.counters = StageCounters()
        self._node, self._meetings, self._bus = node, meetings, bus
        self._dirty: set[str] = set()
        self._stale: set[str] = set()
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._telling = Telling(self.mirror, self.watched, bus, clock)
        self._mending = Mending(node, self.mirror, self.watched, self.counters)
        self._tidying = Tidying(
            node, self.mirror, self.watched, self.counters, meetings, self.close_publisher
        )
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
                    self._telling.all_gone("restarted")
                    self.mirror.clear()
                self._mending.node_is_up()
                self.counters.mends += 1
                self.look_at(*self.mirror.load(signal.snapshot), *self.watched)
                self.heard = True
                self._telling.standing()
            case NodeDown():
                pass  # its pictures may go on; what it missed is mended when it answers again
            case wire.ViewerGoneEvent():
                viewer = self.mirror.viewers.get(signal.viewer)
                if viewer is not None and signal.reason != "closed":
                    self._telling.gone(viewer.party, viewers=[viewer.name], reason=signal.reason)
                self.look_at(*self.mirror.apply(signal))
            case wire.PublisherGoneEvent():
                publisher = self.mirror.publishers.get(signal.publisher)
                if publisher is not None and signal.reason != "closed":
                    self._telling.gone(publisher.party, publishers=[publisher.name], reason=signal.reason)
                self.look_at(*self.mirror.apply(signal))
            case wire.SlotShownEvent():
                self._telling.shown(signal)
            case wire.SpeakingEvent():
                self._telling.speaking(signal)
            case wire.QualityEvent():
                self._telling.lines(signal)
            case wire.LevelsEvent():
                self._telling.levels(signal)
            case wire.TrackLiveEvent():
                self.look_at(*self.mirror.apply(signal))
                self._tidying.retire_older(signal.track)
            case _:
                self.look_at(*self.mirror.apply(signal))
        if self.encoders.follow():
            self._wake.set()

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
            self._telling.announce(meeting, watched, self._machine(meeting))
            followed = self._node.connected
            if followed:
                try:
                    await self._mending.mend(meeting, watched, self._machine(meeting))
                except MediaError as error:
                    followed = False
                    self.counters.commands_failed += 1
                    log.warning(
                        "media node did not follow", meeting=meeting, code=error.code, error=error.message
                    )
                    self._later(meeting)
            self._telling.announce(meeting, watched, self._machine(meeting))
            # An ended meeting is let go of when the node has, not before: it must not stay on the air.
            if not watched.scene.is_open and followed:
                self.watched.pop(meeting, None)

    def _machine(self, meeting: str) -> Machine:
        return self.machines.get(meeting, desired.NO_MACHINE)

    async def _abandon(self, meeting: str) -> None:
        """The node knows a meeting that is not watched: it opened, or ended, while control was away."""
        await self.reload(meeting)
        name = desired.program_name(meeting)
        if meeting not in self.watched and name in self.mirror.programs and self._node.connected:
            await self._mending.drop(meeting)

    # Closing.

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._telling.steps()
            if self.encoders.follow():
                self._wake.set()
            await self._tidying.tidy()

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
        return Part() if watched is None else watched.part(site)

    async def close_publisher(self, name: str) -> None:
        """Ends a publisher; fine when it is gone already."""
        publisher = self.mirror.publishers.get(name)
        with contextlib.suppress(MediaError):
            await self._node.call(wire.PublisherCloseCommand(publisher=name))
        if self.mirror.publishers.pop(name, None) is not None and publisher is not None:
            self.look_at(publisher.meeting)
