"""The media node's part in a self-test: what a site sends comes back to it, through the node that
meetings use.

A test has a publisher, a program of its own that shows its picture on every line, and viewers; all named
`test/…`, which no meeting's connections are (theirs hold a colon), so the stage never sees them. A
picture that comes back on several lines measures a line whose way down is wider than its way up.
"""

import asyncio
import contextlib
import ipaddress
import re
import secrets
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final

import structlog

from diemcau.errors import TooManyRequests
from diemcau.media import MediaError, MediaNode, NodeUp, Signal, wire
from diemcau.rollout.selftest.advice import Reach

PREFIX: Final = "test/"
LINES: Final = 2
"""Lines on which the picture comes back."""

MOST_OPENED: Final = 10
"""Connections that one test may open, those that failed included."""

_CANDIDATE: Final = re.compile(r"^a=candidate:\S+ 1 (udp|tcp) \d+ (\S+) (\d+) ", re.MULTILINE | re.IGNORECASE)
_ADDRESSES: Final = 64

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Loop:
    """One test. `sent`, `came`: the node saw a picture come from the site, and a viewer of it connected."""

    name: str
    publisher: str | None = None
    viewers: list[str] = field(default_factory=list)
    looped: set[str] = field(default_factory=set)
    opened: int = 0
    sent: bool = False
    came: bool = False

    @property
    def seen(self) -> bool:
        """Whether the node itself saw the loop closed."""
        return self.sent and self.came


class Loops:
    """Tests by site."""

    def __init__(self, node: MediaNode, unique: Callable[[], str] | None = None) -> None:
        self._node = node
        self._unique = unique or (lambda: secrets.token_urlsafe(9))
        self._loops: dict[str, Loop] = {}
        self._by_connection: dict[str, Loop] = {}
        self._where: dict[str, dict[str, set[int]]] = {"udp": {}, "tcp": {}}
        self._tasks: set[asyncio.Task[None]] = set()
        node.listen(self._signal)

    def of(self, site: str) -> Loop:
        """The site's test; a fresh one when it has none."""
        return self._loops.setdefault(site, Loop(f"{PREFIX}{self._unique()}"))

    def seen(self, site: str) -> bool:
        """Whether the node saw the site's loop closed."""
        loop = self._loops.get(site)
        return loop is not None and loop.seen

    async def publish(self, site: str, offer: str) -> str:
        """The node's answer to what the site would send. Raises MediaError, TooManyRequests."""
        loop = self.of(site)
        name = self._count(loop)
        if loop.publisher is not None:
            await self._close(wire.PublisherCloseCommand(publisher=loop.publisher))
            self._by_connection.pop(loop.publisher, None)
        loop.publisher = name
        self._by_connection[name] = loop
        reply = await self._node.call(
            wire.PublisherOpenCommand(publisher=name, party=loop.name, offer=offer, codec="vp8"),
            patience=10.0,
        )
        if not isinstance(reply, wire.PublisherReply):
            raise MediaError("The media node answered something else")
        if self._loops.get(site) is not loop:  # its time ran out meanwhile
            await self._close(wire.PublisherCloseCommand(publisher=name))
            raise MediaError("The self-test has ended")
        codec = next((t.codec for t in reply.tracks if t.kind == "video" and t.codec is not None), "vp8")
        slot = wire.Slot(track=f"{name}/video")
        await self._node.call(
            wire.ProgramSetCommand(
                program=loop.name, codec=codec, slots=[slot] * LINES, mics=[f"{name}/audio"]
            )
        )
        return reply.answer

    async def watch(self, site: str, offer: str, *, looped: bool) -> str:
        """The answer to a viewer: of the loop, or of nothing, to see whether a way leads to the node.

        Raises MediaError, TooManyRequests.
        """
        loop = self.of(site)
        name = self._count(loop)
        loop.viewers.append(name)
        self._by_connection[name] = loop
        if looped:
            loop.looped.add(name)
        # Without a party: nobody is shown his own party's picture, and this one wants nothing else.
        reply = await self._node.call(
            wire.ViewerOpenCommand(viewer=name, offer=offer, program=loop.name if looped else None),
            patience=10.0,
        )
        if not isinstance(reply, wire.ViewerReply):
            raise MediaError("The media node answered something else")
        if self._loops.get(site) is not loop:  # its time ran out meanwhile
            await self._close(wire.ViewerCloseCommand(viewer=name))
            raise MediaError("The self-test has ended")
        self._note(reply.answer)
        return reply.answer

    async def close(self, site: str) -> None:
        """Ends everything of the site's test."""
        loop = self._loops.pop(site, None)
        if loop is None:
            return
        for viewer in loop.viewers:
            self._by_connection.pop(viewer, None)
            await self._close(wire.ViewerCloseCommand(viewer=viewer))
        if loop.publisher is not None:
            self._by_connection.pop(loop.publisher, None)
            await self._close(wire.PublisherCloseCommand(publisher=loop.publisher))
            await self._close(wire.ProgramDeleteCommand(program=loop.name))

    @property
    def reach(self) -> Reach:
        """Where the node's answers said that it is."""
        return Reach(written(self._where["udp"], "UDP"), written(self._where["tcp"], "TCP"))

    async def aclose(self) -> None:
        """Ends what is left."""
        for site in list(self._loops):
            await self.close(site)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _count(self, loop: Loop) -> str:
        if loop.opened >= MOST_OPENED:
            raise TooManyRequests("One self-test opens no more connections", retry_after=30)
        loop.opened += 1
        return f"{loop.name}/{loop.opened}"

    async def _close(self, command: wire.Command) -> None:
        with contextlib.suppress(MediaError):  # it has gone already, or the node has
            await self._node.call(command)

    def _note(self, answer: str) -> None:
        for kind, address, port in _CANDIDATE.findall(answer):
            known = self._where[kind.lower()]
            if address in known or len(known) < _ADDRESSES:
                ports = known.setdefault(address, set())
                if len(ports) < _ADDRESSES:
                    ports.add(int(port))

    def _signal(self, signal: Signal) -> None:
        match signal:
            case NodeUp():
                self._sweep(signal.snapshot)
            case wire.TrackLiveEvent():
                name, _, kind = signal.track.rpartition("/")
                loop = self._by_connection.get(name)
                if loop is not None and kind == "video":
                    loop.sent = True
            case wire.ViewerLinkEvent():
                loop = self._by_connection.get(signal.viewer)
                if loop is not None and signal.viewer in loop.looped and signal.state == "connected":
                    loop.came = True
            case _:
                pass

    def _sweep(self, snapshot: wire.SnapshotEvent) -> None:
        """What a control before this one left at the node: its tests are nobody's any more."""
        left: list[wire.Command] = [
            wire.ViewerCloseCommand(viewer=one.viewer)
            for one in snapshot.viewers
            if one.viewer.startswith(PREFIX) and one.viewer not in self._by_connection
        ]
        left += [
            wire.PublisherCloseCommand(publisher=one.publisher)
            for one in snapshot.publishers
            if one.publisher.startswith(PREFIX) and one.publisher not in self._by_connection
        ]
        ours = {loop.name for loop in self._loops.values()}
        left += [
            wire.ProgramDeleteCommand(program=one.program)
            for one in snapshot.programs
            if one.program.startswith(PREFIX) and one.program not in ours
        ]
        if left:
            log.info("ending self-tests that were left at the media node", connections=len(left))
            task = asyncio.get_running_loop().create_task(self._close_all(left))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _close_all(self, commands: list[wire.Command]) -> None:
        for command in commands:
            await self._close(command)


def written(where: Mapping[str, Collection[int]], kind: str) -> str:
    """ "UDP 41800-41803 → 203.0.113.7": ports by address, as a network's owner reads them. Loopback is left
    out where there is more. Ports near each other are a node's workers', not all of whom may have answered.
    """
    outside = [address for address in where if not _is_loopback(address)] or list(where)
    ports = sorted({port for address in outside for port in where[address]})
    if not ports:
        return ""
    near = ports[-1] - ports[0] < _ADDRESSES
    shown = f"{ports[0]}-{ports[-1]}" if near and len(ports) > 1 else ", ".join(map(str, ports[:6]))
    return f"{kind} {shown} → {', '.join(outside[:4])}"


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
