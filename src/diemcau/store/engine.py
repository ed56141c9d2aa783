"""Engines: SQLite with one writer beside readers, or PostgreSQL; and what their errors mean."""

import asyncio
import os
import sqlite3
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import aiosqlite
from sqlalchemy import URL, event, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

from diemcau.errors import BadRequest, Busy, DiemCauError, StorageUnavailable
from diemcau.store.sqlite import SqliteFile

READERS: Final = 4
LOCK_WAIT_S: Final = 5

_DRIVERS: Final = {
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
}


@dataclass(frozen=True, slots=True)
class Engines:
    """`write` is used by the writer alone; every transaction of `read` sees one moment of the database."""

    write: AsyncEngine
    read: AsyncEngine
    file: SqliteFile | None = None

    @property
    def sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.write.dialect.name == "sqlite"

    async def dispose(self) -> None:
        """Closes all connections."""
        await self.read.dispose()
        await self.write.dispose()
        if self.file is not None:
            await self.file.aclose()


def make_engines(address: str) -> Engines:
    """Engines for `sqlite:///path` or `postgresql://...`. Raises BadRequest for other addresses."""
    try:
        url = make_url(address)
    except SQLAlchemyError as error:
        raise BadRequest("the database address is not a URL", field="database") from error
    driver = _DRIVERS.get(url.drivername)
    if driver is None:
        raise BadRequest("the database address begins with sqlite:/// or postgresql://", field="database")
    url = url.set(drivername=driver)
    return _sqlite(url) if driver.startswith("sqlite") else _postgresql(url)


def _sqlite(url: URL) -> Engines:
    if not url.database or url.database == ":memory:":
        raise BadRequest("SQLite needs a file: readers and the writer are apart", field="database")
    path = Path(url.database)
    if not path.exists():
        # The file holds password hashes: nobody but us may read it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    file = SqliteFile(path, LOCK_WAIT_S)
    write = create_async_engine(url, poolclass=NullPool, async_creator=file.connect)
    reader = partial(file.connect, reads=True)
    read = create_async_engine(url, pool_size=READERS, max_overflow=0, async_creator=reader)
    for engine, begin, pragmas in (
        # FULL: what was acknowledged survives a power cut (https://sqlite.org/pragma.html#pragma_synchronous).
        (
            write,
            "BEGIN IMMEDIATE",
            ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-65536"),
        ),
        (read, "BEGIN", ("foreign_keys=ON", "query_only=ON")),
    ):
        _prepare_sqlite(engine, begin, pragmas)
    return Engines(write, read, file)


def _prepare_sqlite(engine: AsyncEngine, begin: str, pragmas: tuple[str, ...]) -> None:
    @event.listens_for(engine.sync_engine, "connect")
    def connect(connection: Any, record: object) -> None:
        # The driver must not begin transactions of its own: DDL and savepoints belong inside ours.
        connection.isolation_level = None
        connection.run_async(lambda driver: _set(driver, pragmas))

    @event.listens_for(engine.sync_engine, "begin")
    def start(connection: Any) -> None:
        connection.exec_driver_sql(begin)


async def _set(driver: aiosqlite.Connection, pragmas: tuple[str, ...]) -> None:
    """Sets what holds for a connection. Who makes a new file a WAL one is not made to wait for others that do
    the same: SQLite answers BUSY at once, whatever the time-out, so the waiting is ours."""
    end = time.monotonic() + LOCK_WAIT_S
    for pragma in pragmas:
        while True:
            try:
                await (await driver.execute(f"PRAGMA {pragma}")).close()
                break
            except sqlite3.OperationalError as error:
                if not is_locked(error) or time.monotonic() > end:
                    raise
            await asyncio.sleep(0.02)


def _postgresql(url: URL) -> Engines:
    settings = {"lock_timeout": f"{LOCK_WAIT_S}s", "timezone": "UTC", "application_name": "diemcau"}
    arguments: dict[str, Any] = {"server_settings": settings}
    return Engines(
        create_async_engine(url, poolclass=NullPool, connect_args=arguments),
        create_async_engine(
            url,
            pool_size=READERS,
            max_overflow=READERS,
            pool_pre_ping=True,
            connect_args=arguments,
            isolation_level="REPEATABLE READ",
        ),
    )


def is_duplicate(error: Exception) -> bool:
    """Whether a unique row existed already."""
    return isinstance(error, IntegrityError)


def is_transient(error: Exception) -> bool:
    """Whether the same transaction may well succeed when run again: deadlock, serialization, a duplicate."""
    return is_duplicate(error) or _state_of(error) in ("40001", "40P01")


def is_locked(error: Exception) -> bool:
    """Whether a lock was not had in time."""
    return isinstance(translate(error), Busy)


def translate(error: Exception) -> DiemCauError:
    """What a database error means to people: Busy for locks, StorageUnavailable for the rest."""
    if isinstance(error, DiemCauError):
        return error
    if isinstance(error, PoolTimeout) or _state_of(error) in ("55P03", "40001", "40P01"):
        return Busy("The database is locked: try again.")
    origin = error.orig if isinstance(error, DBAPIError) else error
    name = getattr(origin, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return Busy("The database is locked: try again.")
    if name == "SQLITE_FULL" or _state_of(error) == "53100":
        return StorageUnavailable("The disk is full: nothing of this was stored.")
    return StorageUnavailable()


def _state_of(error: Exception) -> str:
    origin = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", None) or "")


def is_database_error(error: BaseException) -> bool:
    """Whether the database, not the program, failed."""
    return isinstance(error, (SQLAlchemyError, sqlite3.Error, OSError))
