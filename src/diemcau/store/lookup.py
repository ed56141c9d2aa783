"""Many who each look up one key share a query: while one is under way, those who come gather for the next.

When ten thousand sites come back at once, a query each would take half a minute of thread hops; this takes
twenty. And when they all say something within a second, those that come within a moment share one too: a
query costs as much as ten of what they say.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Generic, TypeVar

from diemcau.errors import Busy

K = TypeVar("K")
V = TypeVar("V")

MOST: Final = 500
"""Keys in one query."""

WAITING: Final = 50_000
"""Keys that may wait; more: Busy."""


APART_S: Final = 0.02
"""Between the beginnings of two queries; one that comes alone waits for nothing."""


class Lookup(Generic[K, V]):
    """`await lookup.get(key)`. Answers nothing from memory: every answer is of a query that began after the
    call."""

    def __init__(
        self,
        load: Callable[[list[K]], Awaitable[Mapping[K, V]]],
        *,
        most: int = MOST,
        waiting: int = WAITING,
        apart: float = APART_S,
    ) -> None:
        """`load`: the values of those of the keys that have one. `apart`: seconds between two queries."""
        self._load = load
        self._most = most
        self._limit = waiting
        self._apart = apart
        self._next = float("-inf")
        self._waiting: dict[K, asyncio.Future[V | None]] = {}
        self._task: asyncio.Task[None] | None = None
        self.queries = 0

    async def get(self, key: K) -> V | None:
        """The key's value, None when it has none. Raises Busy, and what `load` raises."""
        future = self._waiting.get(key)
        if future is None:
            if len(self._waiting) >= self._limit:
                raise Busy
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
            if self._task is None:
                self._task = asyncio.create_task(self._run())
        return await asyncio.shield(future)

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        # Whoever is about to ask in this turn of the loop asks along.
        await asyncio.sleep(0)
        try:
            while self._waiting:
                # Not a wait for anything: in a crowd, who comes until then asks along.
                if (pause := self._next - loop.time()) > 0 and len(self._waiting) < self._most:
                    await asyncio.sleep(pause)
                self._next = loop.time() + self._apart
                batch = {key: self._waiting.pop(key) for key in list(self._waiting)[: self._most]}
                self.queries += 1
                try:
                    found = await self._load(list(batch))
                except Exception as error:
                    for future in batch.values():
                        future.set_exception(error)
                        future.exception()  # the waiter may have gone
                except BaseException:
                    for future in batch.values():
                        future.cancel()
                    raise
                else:
                    for key, future in batch.items():
                        future.set_result(found.get(key))
        finally:
            self._task = None
            for future in self._waiting.values():
                future.cancel()
            self._waiting.clear()
