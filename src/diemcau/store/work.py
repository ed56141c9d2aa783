"""`UnitOfWork`: what the work of one command may do inside the writer's transaction."""

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from typing import TypeAlias

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncTransaction

from diemcau.errors import JsonObject
from diemcau.store import tables
from diemcau.store.events import Event, Head, link

Work: TypeAlias = Callable[["UnitOfWork"], Awaitable[JsonObject]]


class UnitOfWork:
    """One command's part of a transaction. `now`: the instant its events carry.

    Events are buffered and written with those of the other commands of the group; rows go through
    `connection`, inside a savepoint of this command. The work may run twice (after a deadlock): it changes
    nothing outside but through `on_commit` and `on_rollback`.
    """

    def __init__(
        self, connection: AsyncConnection, heads: dict[str, Head], streams: Iterable[str], now: datetime
    ) -> None:
        self.now = now
        self.appended: list[tuple[Event, bytes, Head]] = []
        self.snapshots: dict[str, tuple[int, bytes]] = {}
        self._connection = connection
        self._savepoint: AsyncTransaction | None = None
        self._heads = {stream: heads[stream] for stream in streams}
        self._committed: list[Callable[[], None]] = []
        self._rolled_back: list[Callable[[], None]] = []

    def head(self, stream: str) -> Head:
        """Where the stream ends, with what this work appended. Only streams the command declared."""
        return self._heads[stream]

    def append(self, stream: str, type: str, data: JsonObject, *, actor: str) -> Event:  # noqa: A002 (the field's name)
        """Appends an event to a declared stream and answers it."""
        before = self._heads[stream]
        event = Event(stream, before.seq + 1, type, self.now, actor, data)
        body = event.canonical()
        head = Head(stream, event.seq, link(before.hash, body))
        self._heads[stream] = head
        self.appended.append((event, body, head))
        return event

    def save_snapshot(self, stream: str, data: JsonObject) -> None:
        """Stores the aggregate's state after the last event, so that loading need not start at the first."""
        self.snapshots[stream] = (self._heads[stream].seq, orjson.dumps(data))

    async def connection(self) -> AsyncConnection:
        """The transaction for rows of rooms. A savepoint is set at the first call."""
        if self._savepoint is None:
            self._savepoint = await self._connection.begin_nested()
        return self._connection

    async def events(self, stream: str, after: int) -> tuple[Event, ...]:
        """Stored events after `after`, without those that commands of this very group appended."""
        rows = await self._connection.execute(
            select(tables.events.c.body)
            .where(tables.events.c.stream == stream, tables.events.c.seq > after)
            .order_by(tables.events.c.seq)
        )
        return tuple(Event.from_json(orjson.loads(body)) for (body,) in rows)

    async def snapshot(self, stream: str) -> tuple[int, JsonObject] | None:
        """The stored state and the seq after which it was."""
        return await read_snapshot(self._connection, stream)

    def on_commit(self, call: Callable[[], None]) -> None:
        """Calls after the commit, before the events are published; must not raise."""
        self._committed.append(call)

    def on_rollback(self, call: Callable[[], None]) -> None:
        """Calls when nothing of this was kept; must not raise."""
        self._rolled_back.append(call)

    # for the writer
    def heads(self) -> dict[str, Head]:
        """The heads after this work."""
        return self._heads

    async def keep(self) -> None:
        """Releases the savepoint."""
        if self._savepoint is not None:
            await self._savepoint.commit()

    async def drop(self) -> None:
        """Rolls back to the savepoint."""
        if self._savepoint is not None:
            await self._savepoint.rollback()

    def committed(self) -> None:
        """Runs the calls of `on_commit`."""
        for call in self._committed:
            call()

    def rolled_back(self) -> None:
        """Runs the calls of `on_rollback`."""
        for call in self._rolled_back:
            call()


async def read_snapshot(connection: AsyncConnection, stream: str) -> tuple[int, JsonObject] | None:
    """The stored snapshot of a stream."""
    table = tables.snapshots
    found = await connection.execute(select(table.c.seq, table.c.data).where(table.c.stream == stream))
    row = found.one_or_none()
    return None if row is None else (row.seq, orjson.loads(row.data))
