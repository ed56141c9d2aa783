"""Connections to an SQLite file. Each has the thread that aiosqlite gives it; none outlives the file.

A hop to that thread and back takes a turn of the loop and, while the loop is busy, the interpreter has to be
asked for: a transaction of ten statements took forty of them, some seconds while ten thousand sites answered.
So a statement is one hop: what begins a transaction goes with the first of it, its rows come with it, and
what touches no file needs none.
"""

import asyncio
import re
import sqlite3
from collections.abc import Callable, Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import aiosqlite

ROWS: Final = 500
"""Rows that one statement inserts; SQLite takes 32,766 values in one."""

FETCHED: Final = 500
"""Rows that come with their statement; further ones are fetched when they are asked for."""

_SAVEPOINTS: Final = ("SAVEPOINT ", "RELEASE ")

_VALUES: Final = re.compile(r"\bVALUES (\(\?(?:, \?)*\))")


class SqliteFile:
    """`path` and its connections; `timeout_s`: how long one waits for a lock."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        """Connects nothing yet."""
        self._connector = partial(
            sqlite3.connect, path, timeout=timeout_s, factory=_Sqlite, check_same_thread=False
        )
        self._open: set[_Connection] = set()
        self._ending: set[asyncio.Future[None]] = set()

    async def connect(self, *, reads: bool = False) -> aiosqlite.Connection:
        """A new connection. `reads`: it is told to write nothing. Raises sqlite3.Error."""
        connection = _Connection(self, reads=reads)
        self._open.add(connection)
        return await connection

    async def aclose(self) -> None:
        """Stops what is still open and waits for every thread: one that answers after the loop was closed
        would die of it."""
        for connection in tuple(self._open):
            connection.stop()
        while self._ending:
            await asyncio.wait(self._ending)


class _Connection(aiosqlite.Connection):
    """A connection that is stopped once. When who closes it is cancelled, SQLAlchemy stops it too, and the
    driver would then wait for ever for an ended thread's answer: a program that is told to end would not
    (https://github.com/wapiti-scanner/wapiti/issues/802)."""

    def __init__(self, file: SqliteFile, *, reads: bool) -> None:
        super().__init__(file._connector, iter_chunk_size=64)
        self._file = file
        self._thread.daemon = True
        self._reads = reads
        self._queued = self._finished = 0
        self._begun: list[str] = []  # statements that wait for the next one

    async def _execute(self, fn: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """As the base; what only looks at memory is done at once, if the thread is not (who was cancelled
        does not wait for what it had begun) busy with this connection."""
        if self._queued == self._finished and self._running and self._connection:
            if self._waits(fn, args):
                self._begun.append(args[0])
                return fn.__self__  # type: ignore[attr-defined]
            if self._is_light(fn, args):
                if _ends(fn):
                    self._begun.clear()  # nothing of the transaction has been done
                return fn(*args, **named)
        begun, self._begun = self._begun, []
        self._queued += 1
        return await super()._execute(  # type: ignore[no-untyped-call]
            partial(self._in_thread, begun, fn), *args, **named
        )

    def _in_thread(self, begun: list[str], fn: Callable[..., Any], *args: Any, **named: Any) -> Any:
        try:
            for statement in begun:
                self._conn.execute(statement)
            return fn(*args, **named)
        finally:
            self._finished += 1

    def _waits(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        """Whether it is a statement that says nothing and does nothing before another one."""
        if getattr(fn, "__func__", None) is not _Cursor.execute:
            return False
        sql = str(args[0])
        return sql.startswith("BEGIN") or (bool(self._begun) and sql.startswith(_SAVEPOINTS))

    def _is_light(self, fn: Callable[..., Any], args: tuple[Any, ...]) -> bool:
        """Whether a call of a method of a connection or cursor touches no file."""
        method = getattr(fn, "__func__", None)
        if method is _Cursor.execute:
            return str(args[0]).startswith(_SAVEPOINTS)
        if method is _Cursor.fetchall:
            return bool(fn.__self__.whole)  # type: ignore[attr-defined]
        if _ends(fn):
            return self._reads or bool(self._begun)
        return method is _Sqlite.cursor or method is _Cursor.close

    def stop(self) -> asyncio.Future[None] | None:
        """Ends the thread after what is queued; None: it was told already, or nobody can wait for it."""
        if not self._running:
            return None
        ended = super().stop()
        self._file._open.discard(self)
        if ended is not None and ended.get_loop().is_running():
            self._file._ending.add(ended)
            ended.add_done_callback(self._file._ending.discard)
        return ended


def _ends(fn: Callable[..., Any]) -> bool:
    """Whether it ends a transaction."""
    return getattr(fn, "__func__", None) in (_Sqlite.commit, _Sqlite.rollback)


class _Cursor(sqlite3.Cursor):
    """A cursor that fetches the first rows with their statement, and inserts many rows by few statements.

    `sqlite3` lets go of the interpreter at every row and asks for it again; while the loop is busy it has to
    wait for that each time, and five thousand receipts took three seconds instead of thirty milliseconds.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection)
        self.fetched: list[Any] = []
        self.whole = True
        """Whether no rows but `fetched` are left."""

    def execute(self, sql: str, parameters: Any = ()) -> "_Cursor":
        """As the base."""
        self.fetched, self.whole = [], True
        super().execute(sql, parameters)
        self.fetched = [] if self.description is None else super().fetchmany(FETCHED)
        self.whole = len(self.fetched) < FETCHED
        return self

    def executemany(self, sql: str, rows: Iterable[Any]) -> "_Cursor":
        """As the base, but `rowcount` is of the last statement."""
        found = _VALUES.search(sql)
        if not sql.startswith("INSERT ") or found is None or sql.count("?") != found[1].count("?"):
            super().executemany(sql, rows)
            return self
        every = list(rows)
        many = max(1, min(ROWS, 32_000 // found[1].count("?")))
        for start in range(0, len(every), many):
            some = every[start : start + many]
            statement = f"{sql[: found.end()]}{f', {found[1]}' * (len(some) - 1)}{sql[found.end() :]}"
            super().execute(statement, tuple(chain.from_iterable(some)))
        return self

    def fetchone(self) -> Any:
        """As the base."""
        return next(iter(self.fetchmany(1)), None)

    def fetchmany(self, size: int | None = None) -> list[Any]:
        """As the base."""
        count = self.arraysize if size is None else size
        some, self.fetched = self.fetched[:count], self.fetched[count:]
        if len(some) < count and not self.whole:
            some += super().fetchmany(count - len(some))
        return some

    def fetchall(self) -> list[Any]:
        """As the base."""
        rows, self.fetched = self.fetched, []
        if not self.whole:
            rows += super().fetchall()
            self.whole = True
        return rows

    def close(self) -> None:
        """As the base."""
        super().close()


class _Sqlite(sqlite3.Connection):
    """Gives such cursors."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        """A cursor of the connection."""
        return super().cursor(factory)

    def commit(self) -> None:
        """As the base."""
        super().commit()

    def rollback(self) -> None:
        """As the base."""
        super().rollback()
