"""How commands reach the rooms: through a running server's console socket, else over the database itself.

Either way they speak to the same doors, so a command never changes behind a server's back what that server
holds in memory.
"""

import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import anyio
import httpx2
import typer

from diemcau.cli.output import Refused, errors
from diemcau.config import Settings
from diemcau.processes import peer

T = TypeVar("T")

Data = Annotated[
    Path | None, typer.Option("--data", help="Data folder of the server (DIEMCAU_DATA).", show_default="var")
]


class Door:
    """The server's doors, asked as the system."""

    def __init__(self, client: httpx2.AsyncClient, live: bool) -> None:
        self._client, self.live = client, live

    async def ask(self, method: str, path: str, body: Any = None, **query: Any) -> Any:
        """One request; answers its JSON. Raises Refused."""
        answer = await self._send(method, path, query, json=body)
        return answer.json() if answer.content else None

    async def send(self, path: str, data: bytes, **query: Any) -> Any:
        """POSTs a file; answers its JSON. Raises Refused."""
        headers = {"Content-Type": "application/octet-stream"}
        return (await self._send("POST", path, query, content=data, headers=headers)).json()

    async def fetch(self, path: str, **query: Any) -> bytes:
        """GETs a file. Raises Refused."""
        return (await self._send("GET", path, query)).content

    async def post_for_file(self, path: str, body: Any) -> bytes:
        """POSTs JSON; answers the file that comes back. Raises Refused."""
        return (await self._send("POST", path, {}, json=body)).content

    async def _send(self, method: str, path: str, query: dict[str, Any], **what: Any) -> httpx2.Response:
        params = {key: value for key, value in query.items() if value is not None}
        answer = await self._client.request(method, path, params=params, **what)
        if answer.status_code >= 400:
            try:
                raise Refused(answer.json())
            except ValueError:
                raise Refused({"code": "internal", "detail": f"status {answer.status_code}"}) from None
        return answer

    async def save(self, path: str, file: Path) -> int:
        """One document into a new file of mode 0600; answers its bytes. Raises Refused, FileExistsError."""
        with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as out:
            async with self._client.stream("GET", path) as answer:
                if answer.status_code >= 400:
                    await answer.aread()
                    raise Refused(answer.json())
                async for chunk in answer.aiter_bytes():
                    out.write(chunk)
            return out.tell()


@asynccontextmanager
async def door(settings: Settings) -> AsyncIterator[Door]:
    """See the module."""
    async with AsyncExitStack() as stack:
        live = await anyio.to_thread.run_sync(answers, settings.console_socket, settings.data)
        transport: httpx2.AsyncBaseTransport
        if live:
            transport = httpx2.AsyncHTTPTransport(uds=str(settings.console_socket))
        else:
            # Loaded only here: asking a running server needs none of it.
            from diemcau.app import Console, NoNode, api_options, make_api, open_rooms

            rooms = await stack.enter_async_context(open_rooms(settings))
            app = await make_api(rooms, NoNode(), api_options(settings), stack)
            transport = httpx2.ASGITransport(app=Console(app))
        client = httpx2.AsyncClient(transport=transport, base_url="http://console", timeout=60.0)
        yield Door(await stack.enter_async_context(client), live)


def answers(path: Path, data: Path) -> bool:
    """Whether a server listens on its console socket: one of this user's, or of the data folder's owner.

    Passwords are said through it, and a long path's socket stands where others may make one.
    """
    found = peer(path)
    try:
        return found is not None and found.uid in (os.getuid(), data.stat().st_uid)
    except OSError:
        return False


def through(data: Path | None, work: Callable[[Door], Awaitable[T]], *, as_json: bool) -> T:
    """Opens the door, does the work, turns errors into messages."""

    async def run() -> T:
        async with door(settings) as opened:
            return await work(opened)

    with errors(as_json=as_json):
        settings = Settings(log_level="warning") if data is None else Settings(data=data, log_level="warning")
        logging.basicConfig(level=logging.WARNING)
        return anyio.run(run)
    raise typer.Exit(1)
