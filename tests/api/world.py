"""A server on port 0 with real rooms over SQLite and a media node in memory, and clients that speak to it."""

import asyncio
import atexit
import contextlib
import json
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import uvicorn
from fastapi import FastAPI
from websockets.asyncio.client import ClientConnection, connect

from diemcau.access import SYSTEM, Grant, Role
from diemcau.api import ApiOptions
from diemcau.api.live.socket import GatheringSocket, UpgradingHttp
from diemcau.app import Console, Rooms, make_api, open_rooms
from diemcau.config import Settings
from diemcau.media.fake import FakeNode
from diemcau.meetings import NewMeeting
from diemcau.sites import NewSite, ScopeEntry
from diemcau.store import Store
from tests.passwords import cheap_passwords

OFFER = "v=0\r\nm=audio\r\nm=video\r\nm=video\r\nm=video\r\nm=video\r\na=rtpmap:96 H264/90000\r\n"
PASSWORD = "mot-mat-khau-dai"
CENTRE, NORTH, SOUTH = "s_centre", "s_north", "s_south"
"""Sites of the nation, of Hà Giang (02) and of Cần Thơ (92)."""


@dataclass
class World:
    rooms: Rooms
    app: FastAPI
    node: FakeNode
    url: str
    _numbers: list[int] = field(default_factory=lambda: [0])

    def client(self, **options: Any) -> httpx2.AsyncClient:
        # Plain HTTP: without `verify` each client reads the machine's authorities.
        return httpx2.AsyncClient(base_url=self.url, timeout=10, verify=False, **options)

    def command_id(self) -> str:
        self._numbers[0] += 1
        return f"command-{self._numbers[0]}"

    async def device(self, site: str) -> str:
        """Credential of a freshly activated device of the site."""
        [issued] = await self.rooms.sites.issue_codes(SYSTEM, [site])
        activation = await self.rooms.access.activate(issued.code, address=f"test-{site}")
        return activation.credential

    async def person(self, role: str = "director", unit: str = "VN", username: str = "daodien") -> None:
        await self.rooms.access.add_person(
            SYSTEM,
            username=username,
            password=PASSWORD,
            name="Trần Thị Bình",
            title="Đạo diễn hình",
            grants=[Grant(Role(role), unit)],
        )

    @asynccontextmanager
    async def log_in(self, username: str = "daodien") -> AsyncIterator[httpx2.AsyncClient]:
        """A logged-in client that sends its CSRF token."""
        async with self.client() as client:
            answer = await client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
            assert answer.status_code == 200, answer.text
            client.headers["X-CSRF-Token"] = answer.json()["me"]["csrf"]
            yield client

    async def meeting(self, codec: str = "h264", *, opened: bool = True) -> str:
        """A meeting of all sites, chaired from the centre."""
        made = await self.rooms.meetings.create(
            SYSTEM,
            NewMeeting(
                self.command_id(),
                "Họp",
                (ScopeEntry("VN", ("nation", "province", "district", "commune")),),
                codec,  # type: ignore[arg-type]
                CENTRE,
            ),
        )
        if opened:
            await self.command("meeting.open", made.id)
        return made.id

    async def command(self, kind: str, meeting: str, **arguments: Any) -> None:
        """A command of the system's."""
        from diemcau.meetings import parse

        message = {"id": self.command_id(), "type": kind, "meeting": meeting, **arguments}
        await self.rooms.meetings.execute(SYSTEM, parse(message))

    @asynccontextmanager
    async def socket(
        self, credential: str | None = None, page: str = "site", tab: str = "tab-1", **options: Any
    ) -> AsyncIterator["Socket"]:
        """A WebSocket that has said hello and been welcomed."""
        async with self.knock(credential, page, tab, **options) as opened:
            opened.welcome = await opened.next("welcome")
            yield opened

    @asynccontextmanager
    async def knock(
        self, credential: str | None = None, page: str = "site", tab: str = "tab-1", **options: Any
    ) -> AsyncIterator["Socket"]:
        """A WebSocket that has said hello."""
        headers = dict(options.pop("headers", {}))
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential}"
        address = self.url.replace("http", "ws", 1) + "/api/v1/ws"
        async with connect(address, additional_headers=headers, compression=None, **options) as raw:
            opened = Socket(raw, self)
            await opened.send({"op": "hello", "proto": 1, "page": page, "tab": tab})
            yield opened

    @asynccontextmanager
    async def desk(self, username: str = "daodien", **options: Any) -> AsyncIterator["Socket"]:
        """The same for an operator."""
        async with self.log_in(username) as client:
            cookie = f"dc_session={client.cookies['dc_session']}"
            async with self.socket(page="desk", headers={"Cookie": cookie}, **options) as opened:
                yield opened


class Socket:
    """Reads frames in order; `next` answers the first of a kind and keeps what it passed for others."""

    def __init__(self, raw: ClientConnection, world: World) -> None:
        self.raw, self.world = raw, world
        self.welcome: dict[str, Any] = {}
        self.passed: list[dict[str, Any]] = []

    async def send(self, document: dict[str, Any]) -> None:
        await self.raw.send(json.dumps(document))

    async def next(
        self, *ops: str, when: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        for index, frame in enumerate(self.passed):
            if frame["op"] in ops and when(frame):
                return self.passed.pop(index)
        async with asyncio.timeout(10):
            while True:
                frame = json.loads(await self.raw.recv())
                if frame["op"] in ops and when(frame):
                    return frame
                self.passed.append(frame)

    async def closed(self) -> tuple[int, str]:
        """The code and reason of the server's close."""
        async with asyncio.timeout(10):
            while self.raw.close_code is None:
                with contextlib.suppress(Exception):
                    await self.raw.recv()
        return self.raw.close_code or 0, self.raw.close_reason or ""

    async def command(self, kind: str, meeting: str, **arguments: Any) -> dict[str, Any]:
        """Sends a command; answers the ack or nack."""
        name = self.world.command_id()
        await self.send({"op": "cmd", "id": name, "type": kind, "meeting": meeting, **arguments})
        async with asyncio.timeout(10):
            while True:
                for index, frame in enumerate(self.passed):
                    if frame["op"] in ("ack", "nack") and frame.get("id") == name:
                        return self.passed.pop(index)
                self.passed.append(json.loads(await self.raw.recv()))

    async def subscribe(self, meeting: str, **options: Any) -> dict[str, Any]:
        """Subscribes and answers the snapshot."""
        await self.send({"op": "sub", "stream": f"meeting:{meeting}", "since": None, **options})
        return await self.next("snap")

    async def you(self, when: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first `you` that fits."""
        frame = await self.next("you", when=lambda frame: when(frame["you"]))
        return dict(frame["you"])


_template: Path | None = None


async def _migrated() -> Path:
    """A database with all tables and no rows, made once a run: a third of what a world costs."""
    global _template
    if _template is None:
        made = tempfile.TemporaryDirectory(prefix="diemcau-template-")
        atexit.register(made.cleanup)
        path = Path(made.name) / "diemcau.db"
        async with Store.opened(f"sqlite:///{path}"):
            pass
        _template = path
    return _template


def _put(template: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(template, folder / "diemcau.db")


@asynccontextmanager
async def world(folder: Path, **changes: Any) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        _put(await _migrated(), folder)
        rooms = await stack.enter_async_context(
            open_rooms(Settings(data=folder), passwords=cheap_passwords())
        )
        node = FakeNode()
        options = replace(ApiOptions("0-test"), **changes)
        app = await make_api(rooms, node, options, stack)
        node.start()
        await rooms.sites.create(
            SYSTEM,
            [
                NewSite("VN", "Điểm cầu Trung ương", id=CENTRE),
                NewSite("02", "Điểm cầu Hà Giang", id=NORTH),
                NewSite("92", "Điểm cầu Cần Thơ", id=SOUTH),
            ],
        )
        await stack.enter_async_context(app.router.lifespan_context(app))
        url = await stack.enter_async_context(listening(app))
        yield World(rooms, app, node, url)


@asynccontextmanager
async def listening(app: Any) -> AsyncIterator[str]:
    """Serves an application on a free port of loopback, as `diemcau serve` does."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 << 10)  # accepted sockets inherit it
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(
        app,
        loop="none",
        http=UpgradingHttp,
        ws=GatheringSocket,
        lifespan="off",
        log_config=None,
        access_log=False,
        ws_per_message_deflate=False,
        ws_max_size=64 << 10,
        ws_ping_interval=None,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def small_socket(url: str) -> socket.socket:
    """A connected socket that the kernel holds little for."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 10)
    host, port = url.removeprefix("http://").split(":")
    made.connect((host, int(port)))
    made.setblocking(False)
    return made


def console(app: FastAPI) -> httpx2.AsyncClient:
    """A client at the console's door."""
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=Console(app)), base_url="http://console")
