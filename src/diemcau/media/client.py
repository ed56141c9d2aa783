"""Client of one media node over its Unix socket: a JSON document per line (docs/control.md)."""

import asyncio
import contextlib
import itertools
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import structlog
from pydantic import TypeAdapter, ValidationError

from diemcau.media import wire
from diemcau.media.errors import MediaBusy, MediaUnavailable, refusal
from diemcau.media.port import Handler, NodeDown, NodeUp

VERSION = 1
"""Version of the control protocol that this client speaks."""

MAX_LINE = 64 << 20
"""Longest line accepted from a node, bytes: a snapshot of 100,000 viewers is some 15 MB."""

MAX_WAITING = 4096
"""Commands without a reply; more are refused with `busy`."""

MAX_UNSENT = 32 << 20
"""Bytes waiting in the socket's buffer before commands are refused with `busy`."""

HELLO_S = 5.0
"""Seconds in which a node must have said hello and given its snapshot."""

_REPLY: TypeAdapter[wire.Reply] = TypeAdapter(wire.Reply)
_EVENT: TypeAdapter[wire.Event] = TypeAdapter(wire.Event)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Waiting:
    line: bytes
    reply: "asyncio.Future[wire.ReplyData]"


@dataclass(slots=True)
class ClientCounters:
    """What the client saw, since start."""

    connects: int = 0
    commands: int = 0
    refused: int = 0
    timeouts: int = 0
    bad_lines: int = 0
    event_gaps: int = 0
    by_command: dict[str, int] = field(default_factory=dict)


class NodeClient:
    """Connects, reconnects, and matches replies to commands.

    A lost connection to a node that lives on is mended: commands that wait are sent again with the same
    ids, which the node answers once. If another process answers, they fail with `MediaUnavailable` instead,
    since what they spoke of is gone. `run` is owned by the caller.
    """

    def __init__(self, path: Path, *, retry: float = 0.05, retry_max: float = 1.0) -> None:
        self.path = path
        self.counters = ClientCounters()
        self.incarnation: str | None = None
        self._retry, self._retry_max = retry, retry_max
        self._handlers: list[Handler] = []
        self._waiting: dict[str, _Waiting] = {}
        self._names = (f"{secrets.token_hex(6)}-{number}" for number in itertools.count(1))
        self._writer: asyncio.StreamWriter | None = None
        self._hello: wire.HelloReply | None = None
        self._hello_id = ""
        self._seq: int | None = None
        self._up = asyncio.Event()
        self._poke = asyncio.Event()

    @property
    def connected(self) -> bool:
        """Whether a node has said hello and given its snapshot on the connection that stands."""
        return self._up.is_set()

    async def wait_connected(self) -> None:
        """Returns as soon as a node is connected."""
        await self._up.wait()

    def poke(self) -> None:
        """Tries to connect now instead of after the wait (the supervisor saw the node become ready)."""
        self._poke.set()

    def listen(self, handler: Handler) -> None:
        """See `MediaNode.listen`."""
        self._handlers.append(handler)

    async def call(self, command: wire.Command, *, patience: float = 5.0) -> wire.ReplyData:
        """See `MediaNode.call`."""
        if not self.connected or self._writer is None:
            raise MediaUnavailable("No media node is connected")
        unsent = self._writer.transport.get_write_buffer_size()
        if len(self._waiting) >= MAX_WAITING or unsent > MAX_UNSENT:
            self.counters.refused += 1
            raise MediaBusy("Too many commands wait for the media node", waiting=len(self._waiting))
        self.counters.commands += 1
        self.counters.by_command[command.cmd] = self.counters.by_command.get(command.cmd, 0) + 1
        return await self._send(command, patience)

    async def run(self) -> None:
        """Keeps the connection until cancelled."""
        wait = self._retry
        try:
            while True:
                try:
                    reader, writer = await asyncio.open_unix_connection(str(self.path), limit=MAX_LINE)
                except OSError:
                    self._poke.clear()
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(self._poke.wait(), wait)
                    wait = min(wait * 2, self._retry_max)
                    continue
                before = self.counters.connects
                await self._converse(reader, writer)
                if self.counters.connects > before:
                    wait = self._retry
                    continue
                # It answers and is of no use (another version, no free link): asked again, not in a hurry.
                await asyncio.sleep(wait)
                wait = min(wait * 2, self._retry_max)
        finally:
            self._fail_all("The server is stopping")

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer, self._hello, self._seq = writer, None, None
        self._hello_id = next(self._names)
        self._write({"id": self._hello_id, "cmd": "hello", "version": VERSION})
        patience = asyncio.get_running_loop().call_later(HELLO_S, self._hang_up, "no hello in time")
        reason = "the node closed the connection"
        try:
            while line := await reader.readline():
                self._take(line)
        except (OSError, ValueError) as error:  # ValueError: a line longer than MAX_LINE
            reason = str(error)
        except asyncio.CancelledError:
            self._up.clear()  # we go, not the node: nothing is lost
            raise
        finally:
            patience.cancel()
            self._writer = None
            writer.close()
            if self._up.is_set():
                self._up.clear()
                log.warning("media node lost", reason=reason)
                self._tell(NodeDown(reason))

    def _hang_up(self, why: str) -> None:
        if self._writer is not None and not self._up.is_set():
            log.error("media node refused", why=why)
            self._writer.transport.abort()

    def _write(self, document: dict[str, Any]) -> bytes:
        line = orjson.dumps(document) + b"\n"
        if self._writer is not None:
            self._writer.write(line)
        return line

    def _take_hello(self, reply: wire.Reply) -> None:
        if not isinstance(reply.ok, wire.HelloReply) or reply.ok.version != VERSION:
            self._hang_up(f"expected version {VERSION}, was answered {reply}")
            return
        self._hello = reply.ok

    def _go_up(self, hello: wire.HelloReply, snapshot: wire.SnapshotEvent) -> None:
        """In the same turn as the snapshot's line: no event can fall between the two."""
        fresh = hello.incarnation != self.incarnation
        self.incarnation = hello.incarnation
        self.counters.connects += 1
        if fresh:
            self._fail_all("The media node restarted")
        else:
            for waiting in self._waiting.values():
                if self._writer is not None and not waiting.reply.done():
                    self._writer.write(waiting.line)
        self._up.set()
        log.info("media node connected", incarnation=hello.incarnation, fresh=fresh, workers=hello.workers)
        self._tell(NodeUp(hello.incarnation, fresh, snapshot))

    async def _send(self, command: wire.Command, patience: float) -> wire.ReplyData:
        name = next(self._names)
        line = self._write({"id": name, **command.model_dump(exclude_none=True)})
        waiting = _Waiting(line, asyncio.get_running_loop().create_future())
        self._waiting[name] = waiting
        try:
            async with asyncio.timeout(patience):
                return await waiting.reply
        except TimeoutError:
            self.counters.timeouts += 1
            raise MediaUnavailable("The media node did not answer in time", command=command.cmd) from None
        finally:
            del self._waiting[name]

    def _take(self, line: bytes) -> None:
        try:
            document = orjson.loads(line)
            if isinstance(document, dict) and "re" in document:
                self._take_reply(_REPLY.validate_python(document))
            else:
                self._take_event(_EVENT.validate_python(document))
        except (orjson.JSONDecodeError, ValidationError) as error:
            # A newer node may say what this client does not know: counted, never fatal.
            self.counters.bad_lines += 1
            shown = line[:200].decode("utf-8", "replace")
            log.warning("line from the media node not understood", line=shown, error=str(error)[:300])

    def _take_reply(self, reply: wire.Reply) -> None:
        if reply.re == self._hello_id:
            self._take_hello(reply)
            return
        waiting = self._waiting.get(reply.re)
        if waiting is None or waiting.reply.done():
            return  # its caller has given up
        if reply.ok is not None:
            waiting.reply.set_result(reply.ok)
        else:
            failure = reply.error or wire.Failure(code="bad_reply", message="neither ok nor error")
            waiting.reply.set_exception(refusal(failure))

    def _take_event(self, event: wire.Event) -> None:
        gap = self._seq is not None and event.seq != self._seq + 1
        self._seq = event.seq
        if not self._up.is_set():
            if isinstance(event, wire.SnapshotEvent) and self._hello is not None:
                self._go_up(self._hello, event)
            return  # what came before the snapshot is in it
        if not isinstance(event, wire.SnapshotEvent) and (gap or isinstance(event, wire.LaggedEvent)):
            self.counters.event_gaps += 1
            # Its reply has no reader: the snapshot event that follows is what counts.
            self._write({"id": next(self._names), "cmd": "snapshot"})
        self._tell(event)

    def _tell(self, signal: NodeUp | NodeDown | wire.Event) -> None:
        for handler in self._handlers:
            try:
                handler(signal)
            except Exception:
                log.exception("handler of media signals failed", signal=type(signal).__name__)

    def _fail_all(self, message: str) -> None:
        for waiting in self._waiting.values():
            if not waiting.reply.done():
                waiting.reply.set_exception(MediaUnavailable(message))
