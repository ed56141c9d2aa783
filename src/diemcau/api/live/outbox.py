"""A client's send queue: bounded, and able to let the latest win."""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Late: TypeAlias = Callable[[], str]
"""Text made when it is sent, so that what changed since it was queued is in it."""


@dataclass(slots=True)
class _Item:
    text: str | Late
    size: int
    key: str | None
    ephemeral: bool


class Outbox:
    """Messages to one client in order.

    Full means `limit` messages or `limit_bytes`. What is ephemeral goes first; if there is none, `overflowed`
    is set and the owner closes the connection. A message with a key replaces the waiting one of that key.
    """

    def __init__(self, limit: int = 1000, limit_bytes: int = 4 << 20) -> None:
        self.limit, self.limit_bytes = limit, limit_bytes
        self.dropped = 0
        self.overflowed = False
        self._items: deque[_Item] = deque()
        self._keyed: dict[str, _Item] = {}
        self._ephemeral = 0
        self._bytes = 0
        self._some = asyncio.Event()

    def put(self, text: str) -> None:
        """A message that must arrive, in order."""
        self._append(_Item(text, len(text), None, False))

    def put_late(self, key: str, make: Late) -> None:
        """A message that must arrive, one for all under the key; `make` is called when it goes out."""
        if key not in self._keyed:
            self._append(_Item(make, 256, key, False))

    def put_latest(self, key: str, text: str) -> None:
        """A message that may be dropped or replaced by a later one of its key."""
        waiting = self._keyed.get(key)
        if waiting is not None:
            self._bytes += len(text) - waiting.size
            waiting.text, waiting.size = text, len(text)
            return
        if self._full(len(text)):
            self.dropped += 1
            return
        self._append(_Item(text, len(text), key, True))

    async def get(self) -> str:
        """The next message; waits for one."""
        while not self._items:
            self._some.clear()
            await self._some.wait()
        item = self._items.popleft()
        self._bytes -= item.size
        self._ephemeral -= item.ephemeral
        if item.key is not None:
            del self._keyed[item.key]
        return item.text if isinstance(item.text, str) else item.text()

    def __len__(self) -> int:
        return len(self._items)

    def _full(self, more: int) -> bool:
        return len(self._items) >= self.limit or self._bytes + more > self.limit_bytes

    def _append(self, item: _Item) -> None:
        if self._full(item.size) and not item.ephemeral:
            self._drop_ephemeral()
            if self._full(item.size):
                self.overflowed = True
                self._some.set()
                return
        self._items.append(item)
        self._bytes += item.size
        self._ephemeral += item.ephemeral
        if item.key is not None:
            self._keyed[item.key] = item
        self._some.set()

    def _drop_ephemeral(self) -> None:
        if not self._ephemeral:
            return
        kept = deque(item for item in self._items if not item.ephemeral)
        self.dropped += len(self._items) - len(kept)
        self._items = kept
        self._bytes = sum(item.size for item in kept)
        self._keyed = {item.key: item for item in kept if item.key is not None}
        self._ephemeral = 0
