"""uvicorn's protocols as a crowd needs them: its WebSocket, with what it writes in one turn of the loop sent
at once, and its HTTP, which lets go of a connection that becomes one."""

import asyncio
from collections.abc import Callable
from types import GeneratorType
from typing import Any, cast
from weakref import WeakKeyDictionary

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.utils import is_ssl
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import apply_mask  # type: ignore[attr-defined]  # the quick one, where there is one
from websockets.protocol import Protocol, State
from websockets.streams import StreamReader

LINE = "diemcau.line"
"""Key of the ASGI extension that is the connection's `GatheringSocket`: frames come and leave without a task
and a queue of their own."""


MOST_GATHERED = 64 << 10
"""Bytes for one client in one turn; the next message waits, where it is counted and bounded."""


class Turn:
    """What was written in this turn of a loop: one callback for however many transports."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._wrote: list[GatheringTransport] = []

    def add(self, transport: "GatheringTransport") -> None:
        """It is flushed at the end of the turn."""
        if not self._wrote:
            self._loop.call_soon(self._end)
        self._wrote.append(transport)

    def _end(self) -> None:
        wrote, self._wrote = self._wrote, []
        for transport in wrote:
            transport.flush()


_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turn] = WeakKeyDictionary()


class GatheringTransport:
    """A transport whose writes leave together at the end of the loop's turn.

    A client that comes in is told half a dozen things in a row, and a cut is an event and two words of its
    stage for each of ten thousand: a packet each would cost as many system calls and wake-ups.
    """

    def __init__(self, transport: asyncio.Transport, turn: Turn) -> None:
        self._transport, self._turn = transport, turn
        self._waiting: list[bytes] = []
        self.gathered = 0
        """Bytes of this turn so far."""

    def write(self, data: bytes) -> None:
        """Leaves with whatever else is written in this turn."""
        if not self._waiting:
            self._turn.add(self)
        self._waiting.append(data)
        self.gathered += len(data)

    def close(self) -> None:
        """What was written leaves before."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """What was written leaves now."""
        waiting, self._waiting, self.gathered = self._waiting, [], 0
        if waiting and not self._transport.is_closing():
            self._transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class GatheringSocket(WebSocketsSansIOProtocol):
    """Given to uvicorn as its WebSocket protocol."""

    hear: Callable[[str], None] | None = None
    """Who is given every text message at once, instead of the application's `receive`."""

    between = False
    """Whether the parser stands before a message."""

    def take_over(self, http: HttpToolsProtocol) -> None:
        """A connection whose request asked for a WebSocket. What is known of it is not asked again: with a
        hundred a second the system calls for two addresses count."""
        turn = _turns.get(self.loop)
        if turn is None:
            turn = _turns[self.loop] = Turn(self.loop)
        self.connections.add(self)
        self.transport = cast("asyncio.Transport", GatheringTransport(http.transport, turn))
        self.server, self.client = http.server, http.client
        self.scheme = "wss" if is_ssl(http.transport) else "ws"

    def connection_lost(self, exc: Exception | None) -> None:
        """The application is told by its `receive`."""
        self.hear = None  # it holds the application's part, which holds us
        super().connection_lost(exc)

    def eof_received(self) -> None:
        """The client sends no more and the loop is about to close: our answers leave before."""
        cast("GatheringTransport", self.transport).flush()
        return super().eof_received()

    async def run_asgi(self) -> None:
        """The application's part of the connection's life."""
        extensions = cast("dict[str, Any]", self.scope["extensions"])
        extensions[LINE] = self
        try:
            await super().run_asgi()
        finally:
            self.hear = None
            del extensions[LINE]  # it is us: the connection would be freed by a collection of garbage only

    def listen(self, hear: Callable[[str], None]) -> None:
        """From now on `hear` is called with each text; with those first that wait in the queue."""
        self.hear = hear
        waiting = [self.queue.get_nowait() for _ in range(self.queue.qsize())]
        for message in waiting:
            text = message.get("text") if message["type"] == "websocket.receive" else None
            if isinstance(text, str):
                hear(text)
            else:
                self.queue.put_nowait(message)
        if self.queue.empty():
            self.hold(False)

    def hold(self, on: bool) -> None:
        """Reads no more of the client, or again."""
        if on != self.read_paused and not self.transport.is_closing():
            self.read_paused = on
            if on:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        """A text that comes whole and alone, as nearly all of a crowd's do, goes past the parser: half a
        dozen objects of each connection, and of ten thousand none is in the processor's cache."""
        if self.between and self.hear is not None and not self.close_sent:
            text = whole_text(data)
            if text is not None:
                self.hear(text)
                return
        super().data_received(data)
        self.between = stands_before_a_message(self.conn)

    def send_receive_event_to_app(self) -> None:
        """A message is whole."""
        if self.hear is None or self.curr_msg_data_type != "text" or self.close_sent:
            super().send_receive_event_to_app()
            return
        data = self.frames[0] if len(self.frames) == 1 else b"".join(self.frames)
        try:
            text = data.decode()
        except UnicodeDecodeError:
            super().send_receive_event_to_app()  # it knows how that ends
            return
        self.frames = []
        self.hear(text)

    def frame(self, text: str) -> bool:
        """Sends a text with this turn's; False, and nothing is sent, where it has to wait: the connection is
        not open, or its line is full. What goes to ten thousand clients is one object and is encoded once.
        """
        if not self.writable.is_set() or not self.handshake_complete or self.close_sent or self.disconnected:
            return False
        if self.transport.is_closing() or cast("GatheringTransport", self.transport).gathered > MOST_GATHERED:
            return False
        self.transport.write(encode(text))
        return True


class UpgradingHttp(HttpToolsProtocol):
    """Given to uvicorn as its HTTP protocol."""

    def handle_websocket_upgrade(self) -> None:
        """The request asked for a WebSocket."""
        self.connections.discard(self)
        socket = GatheringSocket(config=self.config, server_state=self.server_state, app_state=self.app_state)
        socket.take_over(self)
        lines = [self.scope["method"].encode() + b" " + self.url + b" HTTP/1.1"]
        lines += (name + b": " + value for name, value in self.headers)
        socket.data_received(b"\r\n".join([*lines, b"", b""]))
        self.transport.set_protocol(socket)
        # Each holds the other: ten thousand parsers would wait for a collection of garbage.
        self.parser = None  # type: ignore[assignment]  # as uvicorn does when it ends


_AT_EOF = StreamReader.at_eof.__code__


def stands_before_a_message(protocol: Protocol) -> bool:
    """Whether everything that came has been taken, and what comes next begins a message."""
    if protocol.state is not State.OPEN or protocol.parser_exc or protocol.current_size is not None:
        return False
    parser = cast("GeneratorType[None, None, None]", protocol.parser)
    while (inner := parser.gi_yieldfrom) is not None:
        parser = cast("GeneratorType[None, None, None]", inner)
    return parser.gi_code is _AT_EOF


def whole_text(data: bytes) -> str | None:
    """The text of a client's frame (RFC 6455, 5.2) that is a whole message of up to 65,535 bytes and all of
    `data`; None: it is for the parser, which knows what is wrong with it."""
    size = len(data)
    if size < 6 or data[0] != 0x81 or data[1] < 0x80:  # FIN and text; masked
        return None
    length, start = data[1] & 0x7F, 6
    if length == 126:
        length, start = int.from_bytes(data[2:4]), 8
    elif length == 127:
        return None
    if size != start + length:
        return None
    try:
        return apply_mask(data[start:], data[start - 4 : start]).decode()
    except UnicodeDecodeError:
        return None


_encoded: tuple[str, bytes] = ("", b"\x81\x00")


def encode(text: str) -> bytes:
    """A server's frame: FIN, text, not masked (RFC 6455, 5.2)."""
    global _encoded
    if text is not _encoded[0]:
        data = text.encode()
        length = len(data)
        if length < 126:
            head = bytes((0x81, length))
        elif length < 1 << 16:
            head = b"\x81\x7e" + length.to_bytes(2)
        else:
            head = b"\x81\x7f" + length.to_bytes(8)
        _encoded = (text, head + data)
    return _encoded[1]
