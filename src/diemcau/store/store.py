"""`Store`: the database behind one door. Rooms write through `write`, look through `read`, replay through
`events`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import anyio
import orjson
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.clock import Clock, SystemClock
from diemcau.errors import DiemCauError, JsonObject
from diemcau.store import chain, migrate, tables
from diemcau.store.engine import Engines, is_database_error, make_engines, translate
from diemcau.store.events import Event, Head
from diemcau.store.signing import HeadSigner, SignedHeads
from diemcau.store.work import Work, read_snapshot
from diemcau.store.writer import Stats, Writer

_log = logging.getLogger(__name__)


def _nobody(event: Event) -> None:
    """Publishes to nobody."""


@dataclass(frozen=True, slots=True)
class StoredSnapshot:
    """An aggregate's state right after event `seq`."""

    seq: int
    data: JsonObject


class Store:
    """Open with `await Store.open(...)` or `async with Store.opened(...)`; close with `aclose`."""

    def __init__(self, engines: Engines, writer: Writer) -> None:
        """Use `open`."""
        self._engines = engines
        self._writer = writer
        self._task = asyncio.create_task(writer.run(), name="store writer")
        self._task.add_done_callback(_writer_ended)

    @classmethod
    async def open(
        cls,
        address: str,
        *,
        clock: Clock | None = None,
        publish: Callable[[Event], None] = _nobody,
        queue_limit: int = 16_384,
        group_limit: int = 128,
    ) -> "Store":
        """Opens `sqlite:///path` or `postgresql://...` and starts the writer; the schema is `migrate`'s.

        `publish` is called with every committed event, in order of seq within a stream. `queue_limit`:
        commands that may wait (more: Busy). `group_limit`: commands in one commit. Raises BadRequest,
        StorageUnavailable.
        """
        engines = make_engines(address)
        try:
            async with engines.read.connect() as connection:
                await connection.execute(text("SELECT 1"))
        except BaseException as error:
            with anyio.CancelScope(shield=True):
                await engines.dispose()
            if isinstance(error, Exception) and is_database_error(error):
                raise translate(error) from error
            raise
        writer = Writer(
            engines, clock or SystemClock(), publish, queue_limit=queue_limit, group_limit=group_limit
        )
        return cls(engines, writer)

    @classmethod
    @asynccontextmanager
    async def opened(
        cls,
        address: str,
        *,
        clock: Clock | None = None,
        publish: Callable[[Event], None] = _nobody,
    ) -> AsyncIterator["Store"]:
        """`open`, `migrate`, and `aclose` at the end."""
        store = await cls.open(address, clock=clock, publish=publish)
        try:
            await store.migrate()
            yield store
        finally:
            await store.aclose()

    async def aclose(self) -> None:
        """Writes what is queued, then closes everything, also where who asks is being cancelled."""
        self._writer.close()
        with anyio.CancelScope(shield=True):
            await asyncio.wait([self._task])
            await self._engines.dispose()

    async def migrate(self) -> None:
        """Brings the schema up to date. Raises SchemaTooNew when a newer program was here before."""
        await migrate.upgrade(self._engines)

    @property
    def stats(self) -> Stats:
        """The writer's counters."""
        return self._writer.stats

    @property
    def waiting(self) -> int:
        """Commands in the writer's queue."""
        return self._writer.waiting

    async def write(
        self, work: Work, *, streams: Iterable[str] = (), command: str | None = None
    ) -> JsonObject:
        """Runs `work` in a transaction and answers what it answered, after the commit.

        `streams`: all it will append to. `command`: key of idempotence ("person:p_1/c0ffee42"): a key that
        was answered before is answered the same again, refusals too, without running `work`. What `work`
        raises undoes what it did and comes out here. `work` must not call `write`, and should do nothing
        slow: others wait for it. Raises Busy (queue full, database locked), StorageUnavailable (disk full,
        connection lost): nothing was kept.
        """
        return await self._writer.submit(work, streams, command)

    async def answered(self, command: str) -> JsonObject | None:
        """What the command of this key answered when it was done; None: it was not, or was refused."""
        table = tables.commands
        async with self.read() as connection:
            query = select(table.c.answer).where(table.c.key == command, table.c.status == 0)
            found = await connection.scalar(query)
        return None if found is None else dict(orjson.loads(found))

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that sees one moment of the database and writes nothing. Raises Busy,
        StorageUnavailable."""
        try:
            async with self._engines.read.connect() as connection, connection.begin():
                yield connection
        except DiemCauError:
            raise
        except Exception as error:
            if is_database_error(error):
                raise translate(error) from error
            raise

    async def head(self, stream: str) -> Head:
        """Where the stream ends; seq 0 when it has no events."""
        async with self.read() as connection:
            table = tables.streams
            row = (await connection.execute(select(table).where(table.c.stream == stream))).one_or_none()
        return Head(stream) if row is None else Head(stream, row.seq, row.hash)

    async def events(self, stream: str, *, after: int = 0, limit: int = 1000) -> tuple[Event, ...]:
        """Up to `limit` events after seq `after`, in order."""
        table = tables.events
        async with self.read() as connection:
            rows = await connection.execute(
                select(table.c.body)
                .where(table.c.stream == stream, table.c.seq > after)
                .order_by(table.c.seq)
                .limit(limit)
            )
            return tuple(Event.from_json(orjson.loads(body)) for (body,) in rows)

    async def snapshot(self, stream: str) -> StoredSnapshot | None:
        """The latest stored snapshot."""
        async with self.read() as connection:
            found = await read_snapshot(connection, stream)
        return None if found is None else StoredSnapshot(*found)

    async def verify_chain(self, stream: str, *, expected: Head | None = None) -> Head:
        """Recomputes every hash of the stream; `expected`: a head that was exported before must still be in
        it.

        Answers the head. Raises ChainBroken.
        """
        async with self.read() as connection:
            return await chain.verify(connection, stream, expected)

    async def export_heads(self, signer: HeadSigner, *, prefix: str = "") -> SignedHeads:
        """All heads (of streams that begin with `prefix`), signed: kept elsewhere, they prove what the log
        was."""
        table = tables.streams
        async with self.read() as connection:
            rows = await connection.execute(
                select(table).where(table.c.seq > 0, table.c.stream.startswith(prefix, autoescape=True))
            )
            heads = sorted(
                (Head(row.stream, row.seq, row.hash) for row in rows), key=lambda head: head.stream
            )
        return signer.sign(heads, self._writer.clock.now())


def _writer_ended(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.critical("the writer has ended: nothing can be stored any more", exc_info=error)
