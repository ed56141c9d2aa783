"""Many who each store a little share a transaction: what comes within a moment is written at once.

Ten thousand sites that acknowledge one message are some ten writes; a command each would be ten thousand
savepoints and rows of answers.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Generic, TypeVar

from diemcau.errors import Busy, StorageUnavailable

T = TypeVar("T")

PAUSE_S: Final = 0.1
"""How long is gathered before a write."""

MOST: Final = 5000
"""Items in one write: other commands wait for it."""

WAITING: Final = 50_000
"""Items that may wait; more: Busy."""


class Gathering(Generic[T]):
    """`await gathering.put(items)` returns when they are stored. The items of one call are stored together,
    in the order of the calls."""

    def __init__(
        self,
        write: Callable[[list[T]], Awaitable[None]],
        *,
        pause: float = PAUSE_S,
        most: int = MOST,
        waiting: int = WAITING,
    ) -> None:
        """`write`: stores all of the items or raises."""
        self._write = write
        self._pause = pause
        self._most = most
        self._limit = waiting
        self._calls: deque[tuple[Sequence[T], asyncio.Future[None]]] = deque()
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None
        self.writes = 0

    async def put(self, items: Sequence[T]) -> None:
        """Stores the items. Raises Busy when too many wait, and what `write` raises: then none was kept."""
        # Who gives up waiting does not take back what others are told of.
        await asyncio.shield(self.add(items))

    def add(self, items: Sequence[T]) -> "asyncio.Future[None]":
        """The same for who has no task to wait in; the future is not the caller's to cancel. Raises Busy."""
        if self._waiting + len(items) > self._limit:
            raise Busy
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._calls.append((items, future))
        self._waiting += len(items)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="gathering")
        return future

    async def aclose(self) -> None:
        """Gathers no longer: what waits is refused."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        try:
            while self._calls:
                # Not a wait for anything: whoever comes in this moment comes along.
                await asyncio.sleep(self._pause)
                await self._next()
        finally:
            self._task = None
            self._settle([future for _, future in self._calls], StorageUnavailable("The server is stopping."))
            self._calls.clear()
            self._waiting = 0

    async def _next(self) -> None:
        items: list[T] = []
        futures: list[asyncio.Future[None]] = []
        while self._calls and (not items or len(items) + len(self._calls[0][0]) <= self._most):
            more, future = self._calls.popleft()
            items += more
            futures.append(future)
        self._waiting -= len(items)
        self.writes += 1
        try:
            await self._write(items)
        except Exception as error:
            self._settle(futures, error)
        except BaseException:
            self._settle(futures, StorageUnavailable("The server is stopping."))
            raise
        else:
            self._settle(futures, None)

    @staticmethod
    def _settle(futures: Sequence["asyncio.Future[None]"], error: Exception | None) -> None:
        for future in futures:
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)
                future.exception()  # the waiter may have gone
