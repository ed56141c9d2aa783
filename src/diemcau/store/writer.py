"""The one writer: a bounded queue of commands, done in groups, one commit a group.

A group locks the heads of all its streams in sorted order (so that two processes on PostgreSQL cannot lock
each other out), runs every command behind a savepoint of its own, writes all events at once, commits once,
and only then answers and publishes. Nothing is acknowledged that was not committed.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

import orjson
from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.clock import Clock
from diemcau.errors import Busy, DiemCauError, JsonObject, StorageUnavailable
from diemcau.store import tables
from diemcau.store.engine import Engines, is_database_error, is_locked, is_transient, translate
from diemcau.store.events import GENESIS, Event, Head
from diemcau.store.work import UnitOfWork, Work

_log = logging.getLogger(__name__)

ATTEMPTS: Final = 4
REMEMBERED: Final = timedelta(days=2)
"""How long the answer of a command id is kept."""
_FORGET_EVERY: Final = timedelta(minutes=10)


@lru_cache(maxsize=256)
def _refusal(code: str, status: int) -> type[DiemCauError]:
    return type("RepeatedRefusal", (DiemCauError,), {"code": code, "status": status})


def repeated(answer: JsonObject) -> DiemCauError:
    """The refusal that a command id got before, with its code, status, message and details."""
    details = answer["details"]
    kind = _refusal(str(answer["code"]), int(str(answer["status"])))
    return kind(str(answer["message"]), **(dict(details) if isinstance(details, dict) else {}))


@dataclass(slots=True)
class Stats:
    """Counters of the writer, for metrics and tests."""

    commits: int = 0
    commands: int = 0
    replayed: int = 0
    refused: int = 0
    failed: int = 0
    rejected_full: int = 0
    largest_group: int = 0


@dataclass(slots=True)
class _Item:
    work: Work
    streams: tuple[str, ...]
    command: str | None
    future: "asyncio.Future[JsonObject]"
    unit: UnitOfWork | None = None
    answer: JsonObject | None = None
    error: Exception | None = None
    remember: bool = True


class Writer:
    """`submit` from any task; `run` is the one task that writes."""

    def __init__(
        self,
        engines: Engines,
        clock: Clock,
        publish: Callable[[Event], None],
        *,
        queue_limit: int,
        group_limit: int,
    ) -> None:
        self.engines = engines
        self.clock = clock
        self.publish = publish
        self.queue_limit = queue_limit
        self.group_limit = group_limit
        self.stats = Stats()
        self._queue: asyncio.Queue[_Item | None] = asyncio.Queue()
        self._connection: AsyncConnection | None = None
        self._closed = False
        self._forget_at = self.clock.now()

    @property
    def waiting(self) -> int:
        """Commands in the queue."""
        return self._queue.qsize()

    async def submit(self, work: Work, streams: Iterable[str], command: str | None) -> JsonObject:
        """Queues a command and waits for its commit. Raises Busy when the queue is full."""
        if self._closed:
            raise StorageUnavailable("The server is stopping.")
        if self._queue.qsize() >= self.queue_limit:
            self.stats.rejected_full += 1
            raise Busy
        future: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait(_Item(work, tuple(sorted(set(streams))), command, future))
        return await future

    def close(self) -> None:
        """Takes nothing more; `run` ends after what is queued."""
        if not self._closed:
            self._closed = True
            self._queue.put_nowait(None)

    async def run(self) -> None:
        """Writes until closed."""
        try:
            while (first := await self._queue.get()) is not None:
                group = [first]
                while len(group) < self.group_limit and not self._queue.empty():
                    further = self._queue.get_nowait()
                    if further is None:
                        self._queue.put_nowait(None)
                        break
                    group.append(further)
                # Whoever gave up before his turn is not written.
                await self._write([item for item in group if not item.future.done()])
        finally:
            self._closed = True
            await self._disconnect()
            while not self._queue.empty():
                left = self._queue.get_nowait()
                if left is not None and not left.future.done():
                    left.future.set_exception(StorageUnavailable("The server is stopping."))

    async def _write(self, group: list[_Item]) -> None:
        if not group:
            return
        self.stats.largest_group = max(self.stats.largest_group, len(group))
        try:
            await self._transaction(group)
        except Exception as error:
            await self._disconnect()
            self._undo(group)
            if not is_database_error(error):
                _log.exception("a transaction failed in the program itself")
            elif len(group) > 1 and not (self.engines.sqlite and is_locked(error)):
                # One of them may be to blame: each gets its own transaction, the others must not suffer.
                # (SQLite's one lock is nobody's fault: waiting for it again, one by one, would take minutes.)
                await self._one_by_one(group)
                return
            elif is_transient(error):
                await self._alone(group[0])
                return
            self._fail(group, error)

    async def _one_by_one(self, group: Sequence[_Item]) -> None:
        stuck: set[str] = set()
        for item in group:
            if stuck.intersection(item.streams):
                self._fail([item], Busy("The database is locked: try again."))  # waited for once already
            elif (error := await self._alone(item)) is not None and is_locked(error):
                stuck.update(item.streams)

    async def _alone(self, item: _Item) -> Exception | None:
        """Answers why the item was not stored."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                await self._transaction([item])
            except Exception as error:
                await self._disconnect()
                self._undo([item])
                if attempt == ATTEMPTS or not is_transient(error):
                    self._fail([item], error)
                    return error
            else:
                return None
        return None

    def _undo(self, group: Sequence[_Item]) -> None:
        for item in group:
            if item.unit is not None:
                item.unit.rolled_back()
            item.unit = item.answer = item.error = None
            item.remember = True

    def _fail(self, group: Sequence[_Item], error: Exception) -> None:
        self.stats.failed += len(group)
        shown = translate(error) if is_database_error(error) else error
        _log.error("%d commands were not stored: %s", len(group), error)
        for item in group:
            if not item.future.done():
                item.future.set_exception(shown)

    async def _transaction(self, group: list[_Item]) -> None:
        connection = self._connection = self._connection or await self.engines.write.connect()
        transaction = await connection.begin()
        known = await self._known(connection, [item.command for item in group if item.command])
        # What was answered before appends nothing: its streams are not even looked up.
        fresh = [item for item in group if item.command not in known]
        heads = await self._lock_heads(connection, sorted({name for item in fresh for name in item.streams}))
        before = dict(heads)
        for item in group:
            if item.command is not None and item.command in known:
                self._replay(item, *known[item.command])
                continue
            await self._run(connection, heads, item)
            if item.command is not None and item.remember:
                known[item.command] = _answer_of(item)
        await self._flush(connection, group, before, heads)
        await transaction.commit()
        self.stats.commits += 1
        self._announce(group)

    def _replay(self, item: _Item, status: int, answer: bytes) -> None:
        stored: JsonObject = orjson.loads(answer)
        item.remember = False
        self.stats.replayed += 1
        if status:
            item.error = repeated(stored)
        else:
            item.answer = stored

    async def _run(self, connection: AsyncConnection, heads: dict[str, Head], item: _Item) -> None:
        unit = item.unit = UnitOfWork(connection, heads, item.streams, self.clock.now())
        try:
            item.answer = await item.work(unit)
        except Exception as error:
            if is_database_error(error):
                raise
            await unit.drop()
            unit.rolled_back()
            item.unit, item.error = None, error
            # What failed on our side may succeed the next time: only what was refused is remembered.
            item.remember = isinstance(error, DiemCauError) and error.status < 500
            return
        await unit.keep()
        heads.update(unit.heads())

    async def _known(self, connection: AsyncConnection, keys: list[str]) -> dict[str, tuple[int, bytes]]:
        if not keys:
            return {}
        table = tables.commands
        rows = await connection.execute(
            select(table.c.key, table.c.status, table.c.answer).where(table.c.key.in_(keys))
        )
        return {row.key: (row.status, row.answer) for row in rows}

    async def _lock_heads(self, connection: AsyncConnection, streams: list[str]) -> dict[str, Head]:
        if not streams:
            return {}
        table = tables.streams
        found: dict[str, Head] = {}
        query = select(table).where(table.c.stream.in_(streams)).order_by(table.c.stream).with_for_update()
        for row in await connection.execute(query):
            found[row.stream] = Head(row.stream, row.seq, row.hash)
        if missing := [stream for stream in streams if stream not in found]:
            insert = sqlite.insert if self.engines.sqlite else postgresql.insert
            rows = [{"stream": stream, "seq": 0, "hash": GENESIS} for stream in missing]
            await connection.execute(insert(table).on_conflict_do_nothing(), rows)
            for row in await connection.execute(query):
                found[row.stream] = Head(row.stream, row.seq, row.hash)
        return found

    async def _flush(
        self, connection: AsyncConnection, group: list[_Item], before: dict[str, Head], heads: dict[str, Head]
    ) -> None:
        rows: list[dict[str, object]] = []
        saved: dict[str, tuple[int, bytes]] = {}
        answers: list[dict[str, object]] = []
        now = self.clock.now()
        for item in group:
            if item.unit is not None:
                saved |= item.unit.snapshots
                for event, body, head in item.unit.appended:
                    rows.append(
                        {
                            "stream": event.stream,
                            "seq": event.seq,
                            "at": event.at,
                            "type": event.type,
                            "body": body,
                            "hash": head.hash,
                        }
                    )
            if item.command is not None and item.remember:
                status, answer = _answer_of(item)
                answers.append({"key": item.command, "at": now, "status": status, "answer": answer})
        if rows:
            await connection.execute(tables.events.insert(), rows)
        table = tables.streams
        for stream, head in heads.items():
            if head.seq != before[stream].seq:
                await connection.execute(
                    table.update().where(table.c.stream == stream).values(seq=head.seq, hash=head.hash)
                )
        if saved:
            await connection.execute(
                tables.snapshots.delete().where(tables.snapshots.c.stream.in_(list(saved)))
            )
            await connection.execute(
                tables.snapshots.insert(),
                [{"stream": stream, "seq": seq, "data": data} for stream, (seq, data) in saved.items()],
            )
        if answers:
            await connection.execute(tables.commands.insert(), answers)
        if now >= self._forget_at:
            self._forget_at = now + _FORGET_EVERY
            await connection.execute(delete(tables.commands).where(tables.commands.c.at < now - REMEMBERED))

    def _announce(self, group: list[_Item]) -> None:
        self.stats.commands += len(group)
        for item in group:
            if item.unit is not None:
                item.unit.committed()
        for item in group:
            for event, _, _ in item.unit.appended if item.unit is not None else ():
                try:
                    self.publish(event)
                except Exception:
                    # It is stored: a subscriber's mistake must not turn it into a failure.
                    _log.exception("event %s %d was not published", event.stream, event.seq)
        for item in group:
            if item.error is not None:
                self.stats.refused += 1
            if item.future.done():
                continue
            if item.error is not None:
                item.future.set_exception(item.error)
            else:
                item.future.set_result(item.answer or {})

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # After a full disk SQLite has rolled back by itself, and the rollback of ours fails.
            with suppress(Exception):
                await connection.invalidate()
            with suppress(Exception):
                await connection.close()


def _answer_of(item: _Item) -> tuple[int, bytes]:
    error = item.error
    if isinstance(error, DiemCauError):
        refusal = {
            "code": error.code,
            "status": error.status,
            "message": error.message,
            "details": error.details,
        }
        return error.status, orjson.dumps(refusal)
    return 0, orjson.dumps(item.answer or {})
