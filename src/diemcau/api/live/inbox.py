"""What a client says: frame by frame, at once where that takes no waiting, and no faster than it may."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from diemcau.api.live import frames
from diemcau.errors import DiemCauError

RATE, BURST = 20.0, 100
"""Frames a second and at once from a client; a faster one is read more slowly."""

UNREAD = 16
"""Frames of a client that may wait while one is being done; then no more is read of it."""


class Line(Protocol):
    """The client's connection."""

    def hold(self, on: bool) -> None:
        """Reads no more of the client, or again."""


class Inbox:
    """`take`: does a frame. `take_at_once`: does one that takes no waiting; False: it did nothing. `fail` is
    given what either raised, which ends the connection."""

    def __init__(
        self,
        line: Line,
        take: Callable[[dict[str, Any]], Awaitable[None]],
        take_at_once: Callable[[dict[str, Any]], bool],
        fail: Callable[[Exception], None],
    ) -> None:
        self.heard = asyncio.get_running_loop().time()
        """When the client said something last."""
        self._line, self._take, self._take_at_once, self._fail = line, take, take_at_once, fail
        self._tokens, self._tokens_at = float(BURST), self.heard
        self._waiting: deque[dict[str, Any]] = deque()
        self._work: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def idle(self) -> bool:
        """Whether nothing waits or is being done."""
        return self._work is None and not self._waiting

    def hear(self, text: str) -> None:
        """A frame of the client's, the moment that it comes. What takes no waiting is done here: ten thousand
        who say something at once would have to wake a task each. The rest is done one after the other."""
        self.heard = asyncio.get_running_loop().time()
        if self._closed:
            return
        try:
            document = frames.read(text)
            self._refill(self.heard)
            if self._work is None and self._tokens >= 1 and self._take_at_once(document):
                self._tokens -= 1
                return
        except DiemCauError as error:
            self._fail(error)
            return
        self._waiting.append(document)
        if len(self._waiting) >= UNREAD:
            self._line.hold(True)
        if self._work is None:
            self._work = asyncio.create_task(self._take_all(), name="ws-take")

    def stop(self) -> None:
        """Begins nothing more."""
        self._closed = True

    def close(self) -> list[asyncio.Task[None]]:
        """The same for good; answers what is still at work, to be cancelled."""
        self.stop()
        # They hold the connection, which holds us: it would be freed by a collection of garbage only.
        del self._take, self._take_at_once, self._fail
        return [] if self._work is None else [self._work]

    def _refill(self, now: float) -> None:
        self._tokens = min(BURST, self._tokens + (now - self._tokens_at) * RATE)
        self._tokens_at = now

    async def _take_all(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._waiting and not self._closed:
                # A client that talks faster than it may is read more slowly: it waits, nobody else does.
                self._refill(loop.time())
                self._tokens -= 1
                if self._tokens < 0:
                    await asyncio.sleep(-self._tokens / RATE)
                await self._take(self._waiting.popleft())
            self._line.hold(False)
        except Exception as error:
            if not self._closed:
                self._fail(error)
        finally:
            self._work = None
