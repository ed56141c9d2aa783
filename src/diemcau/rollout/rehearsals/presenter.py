"""The machine as presenter: publishers at the media node that show the pictures and play the notes.

They are clients like everybody else's, of the executable `diemcau-load`, which plays clips that are
shipped: a server needs no encoder, and pages get pictures as a meeting's are. One process for all rehearsals
of a codec.
"""

import asyncio
import contextlib
import json
import re
import secrets
from typing import Any, Final, Protocol

import structlog

from diemcau.errors import DiemCauError
from diemcau.media import MediaError, MediaNode, NodeUp, Signal, wire
from diemcau.media.executable import find
from diemcau.rollout.rehearsals.source import CLIPS, PICTURES, clip_name

READY_S: Final = 10.0
"""Seconds in which the process must have begun, and answered an order."""

SHORTEST_S: Final = 0.5
LONGEST_S: Final = 10.0
"""Seconds before it is tried again, doubling."""

_CANDIDATE: Final = re.compile(r"^(a=candidate:\S+ 1 udp \d+) (\S+) ", re.MULTILINE | re.IGNORECASE)

log = structlog.get_logger(__name__)


class Source(Protocol):
    """What a rehearsal shows and plays."""

    @property
    def ready(self) -> bool:
        """Whether every picture and note is at the node."""

    def tracks(self, picture: int, note: int) -> tuple[str, str]:
        """The tracks of a picture and of a note."""

    def start(self) -> None:
        """Begins."""

    async def aclose(self) -> None:
        """Ends it."""


class Presenter:
    """See the module. `near`: the address by which this machine reaches its node; None: as announced."""

    def __init__(self, node: MediaNode, codec: wire.VideoCodec, near: str | None = None) -> None:
        self._node, self._codec, self._near = node, codec, near
        self._name = ""
        self._live: set[str] = set()
        self._up, self._lost = asyncio.Event(), asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        if node.connected:
            self._up.set()

    def start(self) -> None:
        """Begins, and begins anew whenever process or node have gone, until `aclose`."""
        self._task = asyncio.create_task(self._run(), name="rehearsal-presenter")

    async def aclose(self) -> None:
        """Ends the process and its publishers."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def ready(self) -> bool:
        """Whether every picture and note is at the node."""
        return len(self._live) == 2 * PICTURES

    def tracks(self, picture: int, note: int) -> tuple[str, str]:
        """The tracks of a picture and of a note."""
        return f"{self._name}/{picture}/video", f"{self._name}/{note}/audio"

    def hear(self, signal: Signal) -> None:
        """What the node says."""
        match signal:
            case NodeUp():
                if signal.fresh:
                    self._live.clear()
                    self._lost.set()
                self._up.set()
            case wire.TrackLiveEvent() if self._own(signal.track):
                self._live.add(signal.track)
            case wire.TrackLostEvent() if self._own(signal.track):
                self._live.discard(signal.track)
            case _:
                pass

    def _own(self, name: str) -> bool:
        return self._name != "" and name.startswith(f"{self._name}/")

    async def _run(self) -> None:
        wait = SHORTEST_S
        while True:
            await self._up.wait()
            began = asyncio.get_running_loop().time()
            try:
                await self._live_once()
            except (DiemCauError, OSError, ValueError, TimeoutError) as error:
                log.warning("the rehearsals' machine ended", error=str(error))
            if asyncio.get_running_loop().time() - began > LONGEST_S:
                wait = SHORTEST_S
            await asyncio.sleep(wait)
            wait = min(LONGEST_S, wait * 2)

    async def _live_once(self) -> None:
        self._lost.clear()
        self._name = f"rehearsal/{secrets.token_hex(6)}"
        process = await asyncio.create_subprocess_exec(
            find("diemcau-load"),
            *("endpoints", "--clips", str(CLIPS), "--allow-remote"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            assert process.stdin is not None and process.stdout is not None
            await _said(process.stdout, "ready")
            for number in range(PICTURES):
                await self._publish(process.stdin, process.stdout, number)
            await self._until_lost(process.stdout)
        finally:
            self._live.clear()
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            for number in range(PICTURES):
                with contextlib.suppress(MediaError):
                    await self._node.call(wire.PublisherCloseCommand(publisher=f"{self._name}/{number}"))

    async def _publish(self, into: asyncio.StreamWriter, out: asyncio.StreamReader, number: int) -> None:
        order = {"id": number, "site": clip_name(number), "vp8": self._codec == "vp8"}
        _tell(into, {"publish": order})
        offer = await _said(out, "offer", number)
        reply = await self._node.call(
            wire.PublisherOpenCommand(
                publisher=f"{self._name}/{number}", party=self._name, offer=str(offer), codec=self._codec
            ),
            patience=READY_S,
        )
        if not isinstance(reply, wire.PublisherReply):
            raise MediaError("The media node answered something else")
        _tell(into, {"answer": {"id": number, "sdp": nearer(reply.answer, self._near)}})

    async def _until_lost(self, out: asyncio.StreamReader) -> None:
        lost = asyncio.create_task(self._lost.wait())
        try:
            while not lost.done():
                line = asyncio.create_task(out.readline())
                await asyncio.wait((line, lost), return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    line.cancel()
                    return
                said = line.result()
                if not said or json.loads(said).get("happened") == "ended":
                    raise OSError("a publisher of its own ended")
        finally:
            lost.cancel()


def nearer(answer: str, near: str | None) -> str:
    """The node's answer with the address by which this machine reaches it: one that is announced to the world
    may lead out and not back in."""
    return answer if near is None else _CANDIDATE.sub(rf"\1 {near} ", answer)


def _tell(into: asyncio.StreamWriter, order: dict[str, Any]) -> None:
    into.write(json.dumps(order).encode() + b"\n")


async def _said(out: asyncio.StreamReader, key: str, number: int | None = None) -> object:
    """The value of the first line that has the key. Raises OSError, TimeoutError."""
    async with asyncio.timeout(READY_S):
        while line := await out.readline():
            said = json.loads(line)
            if "error" in said or said.get("happened") == "ended":
                raise OSError(f"diemcau-load: {said}")
            if key in said and said.get("id") == number:
                return said[key]
    raise OSError("diemcau-load ended")
