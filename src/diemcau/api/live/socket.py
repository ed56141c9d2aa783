"""uvicorn's WebSocket, with what it writes in one turn of the loop sent at once."""

import asyncio
from typing import Any, cast
from weakref import WeakKeyDictionary

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

FRAME = "diemcau.frame"
"""Key of the ASGI extension by which a client's frames leave without a task of their own."""


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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection whose request asked for a WebSocket."""
        turn = _turns.get(self.loop)
        if turn is None:
            turn = _turns[self.loop] = Turn(self.loop)
        gathering = GatheringTransport(cast("asyncio.Transport", transport), turn)
        super().connection_made(cast("asyncio.Transport", gathering))

    def eof_received(self) -> None:
        """The client sends no more and the loop is about to close: our answers leave before."""
        cast("GatheringTransport", self.transport).flush()
        return super().eof_received()

    async def run_asgi(self) -> None:
        """The application's part of the connection's life."""
        extensions = cast("dict[str, Any]", self.scope["extensions"])
        extensions[FRAME] = self.frame
        try:
            await super().run_asgi()
        finally:
            del extensions[
                FRAME
            ]  # it holds us: the connection would be freed by a collection of garbage only

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
