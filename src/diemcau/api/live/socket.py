"""uvicorn's WebSocket, with what it writes in one turn of the loop sent at once."""

import asyncio
from typing import Any, cast

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class GatheringTransport:
    """A transport whose writes leave together at the end of the loop's turn.

    A client that comes in is told half a dozen things in a row, and a cut is an event and two words of its
    stage for each of ten thousand: a packet each would cost as many system calls and wake-ups.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Leaves with whatever else is written in this turn."""
        if not self._waiting:
            self._loop.call_soon(self.flush)
        self._waiting.append(data)

    def close(self) -> None:
        """What was written leaves before."""
        self.flush()
        self._transport.close()

    def flush(self) -> None:
        """What was written leaves now."""
        waiting, self._waiting = self._waiting, []
        if waiting and not self._transport.is_closing():
            self._transport.write(waiting[0] if len(waiting) == 1 else b"".join(waiting))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class GatheringSocket(WebSocketsSansIOProtocol):
    """Given to uvicorn as its WebSocket protocol."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A connection whose request asked for a WebSocket."""
        gathering = GatheringTransport(cast("asyncio.Transport", transport), self.loop)
        super().connection_made(cast("asyncio.Transport", gathering))

    def eof_received(self) -> None:
        """The client sends no more and the loop is about to close: our answers leave before."""
        cast("GatheringTransport", self.transport).flush()
        return super().eof_received()
