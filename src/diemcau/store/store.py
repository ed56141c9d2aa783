"""`Store`: the engine, the one writer, the log."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.errors import JsonObject
from diemcau.store.events import Event, Head


class UnitOfWork:
    """What one command's work may use."""

    def head(self, stream: str) -> Head:
        """Where the stream ends, with what this work has appended."""
        raise NotImplementedError

    async def connection(self) -> AsyncConnection:
        """The transaction, for rows of rooms; opens the savepoint at the first call."""
        raise NotImplementedError


class Store:
    """`await Store.open(url)`, `migrate()`, `read()`, `write()`, `aclose()`."""

    async def migrate(self) -> None:
        """Brings the schema up to date."""
        raise NotImplementedError
