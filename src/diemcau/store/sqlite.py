"""Connections to an SQLite file. Each has the thread that aiosqlite gives it; none outlives the file."""

import asyncio
import re
import sqlite3
from collections.abc import Iterable
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

import aiosqlite

ROWS: Final = 500
"""Rows that one statement inserts; SQLite takes 32,766 values in one."""

_VALUES: Final = re.compile(r"\bVALUES (\(\?(?:, \?)*\))")


class SqliteFile:
    """`path` and its connections; `timeout_s`: how long one waits for a lock."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        """Connects nothing yet."""
        self._connector = partial(sqlite3.connect, path, timeout=timeout_s, factory=_Sqlite)
        self._open: set[_Connection] = set()
        self._ending: set[asyncio.Future[None]] = set()

    async def connect(self) -> aiosqlite.Connection:
        """A new connection. Raises sqlite3.Error."""
        connection = _Connection(self)
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

    def __init__(self, file: SqliteFile) -> None:
        super().__init__(file._connector, iter_chunk_size=64)
        self._file = file
        self._thread.daemon = True

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


class _Cursor(sqlite3.Cursor):
    """A cursor that inserts many rows by few statements.

    `sqlite3` lets go of the interpreter at every row and asks for it again; while the loop is busy it has to
    wait for that each time, and five thousand receipts took three seconds instead of thirty milliseconds.
    """

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
            self.execute(statement, tuple(chain.from_iterable(some)))
        return self


class _Sqlite(sqlite3.Connection):
    """Gives such cursors."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        """A cursor of the connection."""
        return super().cursor(factory)
