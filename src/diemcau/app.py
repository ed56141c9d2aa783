"""The composition root: makes every room from the settings, in order, and ends them in the reverse order."""

import asyncio
import contextlib
import fcntl
import importlib.metadata
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from diemcau import garbage
from diemcau.access import Access, IceServers, Passwords, load_secret
from diemcau.api import ApiOptions, Services, certificates, create
from diemcau.api.asker import CONSOLE
from diemcau.api.live.socket import GatheringSocket, UpgradingHttp
from diemcau.bus import EVENTS, LocalBus
from diemcau.clock import Clock, SystemClock
from diemcau.config import Settings, bound_ip, lan_addresses
from diemcau.errors import DiemCauError
from diemcau.inspections import InspectionPolicy, Inspections
from diemcau.media import MediaNode, MediaUnavailable
from diemcau.media.client import NodeClient
from diemcau.media.executable import find
from diemcau.media.port import Handler
from diemcau.media.supervisor import NodeOptions, Supervisor
from diemcau.media.wire import Command, ReplyData
from diemcau.meetings import Meetings
from diemcau.meetings.rollcall import RollCalls
from diemcau.rollout import Rollout
from diemcau.rollout.readiness import Readiness
from diemcau.rollout.rehearsals import Rehearsals
from diemcau.rollout.renewal import eras_of
from diemcau.rollout.selftest import SelfTests
from diemcau.rollout.selftest.results import passed_at
from diemcau.rollout.sheets.jobs import SheetJobs
from diemcau.rollout.waves import Mailer, NoMailer, SmtpMailer, SmtpOptions, WaveRooms
from diemcau.screens import Screens
from diemcau.sites import Sites
from diemcau.stage import Stage
from diemcau.store import Event, Store
from diemcau.talkback import Talkback
from diemcau.units import Eras, Units

VERSION = importlib.metadata.version("diemcau")
SWITCH_S = 0.0001
"""Seconds after which a thread that wants to run has the interpreter: the database's thread asks for it at
every row, and with Python's 5 ms a hundred rows took half a second while the loop was busy."""

ACCEPTED = 8
"""Connections that are accepted in one turn of the loop. libuv accepts one for each handle of the listening
socket (https://github.com/libuv/libuv/pull/3696): with one a crowd waited in the kernel's queue, and was told
nothing, until it gave up; and with it everybody's requests."""

DRAIN_S = 5.0
"""Seconds that clients have to take the news that the server stops."""

log = structlog.get_logger(__name__)


class AlreadyServing(DiemCauError):
    """Another server runs over the same data folder. Details: `data`."""

    code = "already_serving"
    status = 409
    default = "A server runs over this data folder already."


@dataclass(frozen=True, slots=True)
class Rooms:
    """Everything below the doors. `eras`: how codes in what was written earlier are read."""

    store: Store
    bus: LocalBus
    units: Units
    eras: Eras
    clock: Clock
    access: Access
    sites: Sites
    meetings: Meetings
    sheets: SheetJobs
    mailer: Mailer


@asynccontextmanager
async def open_rooms(
    settings: Settings, clock: Clock | None = None, passwords: Passwords | None = None
) -> AsyncIterator[Rooms]:
    """The rooms over the settings' database, migrated; meetings are not started. `passwords`: how they are
    hashed, if not as everywhere."""
    settings.data.mkdir(parents=True, exist_ok=True, mode=0o700)
    clock = clock or SystemClock()
    bus = LocalBus()

    def publish(event: Event) -> None:
        bus.publish(EVENTS + event.stream, event.to_json())

    store = await Store.open(settings.database_address, clock=clock, publish=publish)
    try:
        await store.migrate()
        eras = await eras_of(store, settings.units)
        units = eras.units
        access = Access(store, units, clock, load_secret(settings.data / "secret"), passwords=passwords)
        sites = Sites(store, units, access, clock)
        meetings = Meetings(store, bus, units, access, sites, clock, eras=eras)
        sheets = SheetJobs(sites, access, units, clock, settings.data / "sheets", hotline=settings.hotline)
        try:
            mailer = make_mailer(settings)
            yield Rooms(store, bus, units, eras, clock, access, sites, meetings, sheets, mailer)
        finally:
            await sheets.aclose()
            await meetings.aclose()  # what it tells reads the store
    finally:
        await store.aclose()


def make_mailer(settings: Settings) -> Mailer:
    """What brings letters away."""
    if settings.smtp_host is None:
        return NoMailer()
    return SmtpMailer(
        SmtpOptions(
            settings.smtp_host,
            settings.smtp_port,
            settings.smtp_from,
            settings.smtp_security,
            settings.smtp_username,
            settings.smtp_key,
            settings.smtp_name,
            settings.smtp_reply_to,
            settings.smtp_timeout_s,
            settings.smtp_ca_file,
        )
    )


def web_folder() -> Path | None:
    """The built page: inside the package (a wheel, `make setup`), else `web/dist` of a checkout."""
    here = Path(__file__).resolve()
    for folder in (here.parent / "web_dist", here.parents[2] / "web" / "dist"):
        if (folder / "index.html").is_file():
            return folder
    return None


def api_options(settings: Settings, certificate: bytes | None = None) -> ApiOptions:
    """The doors' options."""
    origins = frozenset() if settings.public_url is None else frozenset({settings.public_url})
    secure = settings.tls or (settings.public_url or "").startswith("https://")
    ice = IceServers(settings.turn_urls, settings.turn_key, timedelta(seconds=settings.turn_lifetime_s))
    return ApiOptions(
        VERSION,
        origins,
        secure,
        web_folder(),
        certificate,
        ice,
        settings.public_url,
        settings.wall_kbits,
        settings.walls_kbits,
    )


async def make_api(
    rooms: Rooms,
    node: MediaNode,
    options: ApiOptions,
    stack: AsyncExitStack,
    policy: InspectionPolicy = InspectionPolicy(),  # noqa: B008 - it never changes
) -> FastAPI:
    """The application over started rooms; `stack` ends what was started."""
    await rooms.sites.start()
    await rooms.meetings.start()
    stack.push_async_callback(rooms.meetings.aclose)
    stage = Stage(node, rooms.meetings, rooms.bus, clock=rooms.clock)
    await stage.start()
    stack.push_async_callback(stage.aclose)
    rollout = Rollout(rooms.units, rooms.access, rooms.sites, rooms.clock)
    stack.push_async_callback(rollout.aclose)
    self_tests = SelfTests(rooms.store, rooms.access, rooms.sites, stage, node)
    roll_calls = RollCalls(
        rooms.store,
        rooms.bus,
        rooms.units,
        rooms.access,
        rooms.sites,
        rooms.meetings,
        rooms.clock,
        tests=lambda sites: passed_at(rooms.store, sites),
    )
    await roll_calls.start()
    stack.push_async_callback(roll_calls.aclose)
    readiness = Readiness(rooms.store, rooms.bus, rooms.units, rooms.access, rooms.sites, rooms.clock)
    rehearsals = Rehearsals(
        rooms.store,
        rooms.bus,
        rooms.units,
        rooms.access,
        rooms.sites,
        rooms.meetings,
        stage,
        node,
        rooms.clock,
    )

    waves = WaveRooms.make(
        rooms.store, rooms.units, rooms.access, rooms.sites, readiness, rooms.mailer, rooms.clock
    )
    screens = Screens(rooms.store, rooms.bus, rooms.units, rooms.access, rooms.meetings, rooms.clock)

    inspections = Inspections(
        rooms.store,
        rooms.bus,
        rooms.units,
        rooms.access,
        rooms.sites,
        rooms.meetings,
        stage,
        rooms.clock,
        policy,
    )

    talkback = Talkback(
        rooms.store, rooms.bus, rooms.access, rooms.sites, rooms.meetings, stage, node, rooms.clock
    )

    async def ready() -> None:
        async with rooms.store.read():
            pass

    return create(
        Services(
            units=rooms.units,
            bus=rooms.bus,
            clock=rooms.clock,
            access=rooms.access,
            sites=rooms.sites,
            meetings=rooms.meetings,
            stage=stage,
            rollout=rollout,
            sheets=rooms.sheets,
            node=node,
            self_tests=self_tests,
            readiness=readiness,
            waves=waves,
            roll_calls=roll_calls,
            screens=screens,
            rehearsals=rehearsals,
            inspections=inspections,
            talkback=talkback,
            ready=ready,
            options=options,
        )
    )


class NoNode:
    """For commands that use the rooms without a server: there are no pictures."""

    connected = False

    def listen(self, handler: Handler) -> None:
        """There is nothing to hear."""

    async def call(self, command: Command, *, patience: float = 5.0) -> ReplyData:
        """Raises MediaUnavailable."""
        raise MediaUnavailable("No media node: the server is not running")


class Console:
    """The same application for whoever can open the console's socket (mode 0600): asks as the system."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        await self._app({**scope, CONSOLE: True}, receive, send)


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers; tells WebSockets before it closes them."""

    def __init__(self, config: uvicorn.Config, drain: Callable[[], Any] | None = None) -> None:
        super().__init__(config)
        self._drain = drain

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are `serve`'s."""
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """No newcomer; clients first."""
        for server in self.servers:
            server.close()
        if self._drain is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(DRAIN_S):
                    await self._drain()
        await super().shutdown(sockets)


def node_options(settings: Settings) -> NodeOptions:
    """How the media node is started."""
    bind, announce = settings.media_bind, settings.media_announce
    if not announce and not settings.loopback and (bind is None or bound_ip(bind).is_unspecified):
        four = bind is not None and bound_ip(bind).version == 4
        found = tuple(a for a in lan_addresses() if not (four and ":" in a))
        announce = tuple(sorted(found, key=lambda a: ":" in a)) or ("127.0.0.1",)
    if bind is None:
        # A machine without IPv6 may not let us bind [::].
        bind = "[::]:0" if any(":" in a for a in announce) else "0.0.0.0:0"
        if settings.loopback and not announce:
            bind = "[::1]:0" if settings.host == "::1" else "127.0.0.1:0"
    return NodeOptions(
        executable=find(setting=settings.media_executable),
        control=settings.control_socket,
        bind=bind,
        announce=announce,
        workers=settings.media_workers,
        tcp=settings.media_tcp,
        tcp_port=settings.media_tcp_port,
        log_file=settings.data.resolve() / "media.log",
        start=settings.media_start,
    )


@dataclass(frozen=True, slots=True)
class Running:
    """A server that serves. `local_url`: without TLS, this machine only. `node_pid`: the media node's
    process, while there is one. `stop`: ends it, from its loop."""

    url: str
    local_url: str
    fingerprint: str | None
    rooms: Rooms
    node_pid: Callable[[], int | None]
    stop: Callable[[], None]


@asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Running]:
    """Serves until the block ends."""
    async with AsyncExitStack() as stack:
        stack.enter_context(alone(settings.data))
        rooms = await stack.enter_async_context(open_rooms(settings))
        client = NodeClient(settings.control_socket)
        options_of_node = node_options(settings)
        supervisor = Supervisor(options_of_node, client)
        made = None
        if settings.tls:
            names = (*lan_addresses(), *settings.tls_names)
            made = certificates.ensure(settings.data / "tls", names, rooms.clock.now())
        options = api_options(settings, None if made is None else made.authority.read_bytes())
        policy = InspectionPolicy(settings.call_ring_s, timedelta(days=settings.call_pictures_days))
        app = await make_api(rooms, client, options, stack, policy)
        bound = bound_ip(options_of_node.bind)
        app.state.services.rehearsals.hall.near = "127.0.0.1" if bound.is_unspecified else str(bound)

        async def stop_node() -> None:
            if settings.media_start and not settings.keep_media:
                await supervisor.stop()

        stack.push_async_callback(stop_node)
        _own(stack, supervisor.run(), "media")
        await stack.enter_async_context(app.router.lifespan_context(app))
        listener = _listen(settings.host, settings.port)
        config = _plain(app)
        config.proxy_headers = bool(settings.trusted_proxies)
        config.forwarded_allow_ips = settings.trusted_proxies
        if made is not None:
            config.ssl_certfile, config.ssl_keyfile = made.certificate, made.key
        server = _Server(config, drain=app.state.hub.aclose)
        settings.console_socket.unlink(missing_ok=True)
        door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stack.callback(settings.console_socket.unlink, missing_ok=True)
        door.bind(str(settings.console_socket))
        settings.console_socket.chmod(0o600)
        door.listen(64)
        console = _Server(
            uvicorn.Config(
                Console(app), loop="none", ws="none", lifespan="off", log_config=None, access_log=False
            )
        )
        for one, listening in ((server, listener), (console, door)):
            _serve(stack, one, listening)
        local = listener
        if made is not None:
            local = _listen("127.0.0.1", 0)  # this machine's own clients need no certificate
            _serve(stack, _Server(_plain(app)), local)
        host, port = listener.getsockname()[:2]
        local_url = f"http://127.0.0.1:{local.getsockname()[1]}"
        url = _url(settings, host, port)
        fingerprint = None if made is None else made.fingerprint
        app.state.address = url
        garbage.begin()
        _own(stack, garbage.keep(), "garbage")
        sys.setswitchinterval(SWITCH_S)
        log.info("serving", url=url, data=str(settings.data), units=rooms.units.dataset)
        yield Running(
            url,
            local_url,
            fingerprint,
            rooms,
            lambda: supervisor.pid,
            lambda: setattr(server, "should_exit", True),
        )


@contextlib.contextmanager
def alone(data: Path) -> Iterator[None]:
    """One server a data folder: a second would take over the node and end the floors of sites unseen by it.

    The lock goes with the process, however that ends. Raises AlreadyServing.
    """
    data.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(data / "serve.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AlreadyServing(f"A server runs over {data} already", data=str(data)) from None
        yield
    finally:
        os.close(descriptor)


async def serve(settings: Settings, ready: Callable[[Running], Any] | None = None) -> None:
    """Serves until SIGTERM or SIGINT; a second signal does not wait for clients."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as server:
        if ready is not None:
            ready(server)
        await stop.wait()
        log.info("stopping")


def _plain(app: ASGIApp) -> uvicorn.Config:
    """How both kinds of doors are served."""
    return uvicorn.Config(
        app,
        loop="none",
        http=UpgradingHttp,
        ws=GatheringSocket,
        lifespan="off",
        ws_per_message_deflate=False,
        ws_max_size=64 << 10,
        ws_ping_interval=None,  # the protocol's own beats do
        proxy_headers=False,
        timeout_graceful_shutdown=5,
        backlog=4096,
        log_config=None,
        access_log=False,
        server_header=False,
    )


def _own(stack: AsyncExitStack, work: Any, name: str) -> "asyncio.Task[Any]":
    task = asyncio.create_task(work, name=name)

    async def end() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(end)
    return task


def _serve(stack: AsyncExitStack, server: _Server, listening: socket.socket) -> None:
    every = [listening, *(listening.dup() for _ in range(ACCEPTED - 1))]
    task = asyncio.create_task(server.serve(sockets=every), name="serve")

    async def end() -> None:
        server.should_exit = True
        await task

    stack.push_async_callback(end)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(4096)  # who comes before the server's first turn waits instead of being refused
    except OSError:
        listener.close()
        raise
    return listener


def _url(settings: Settings, host: str, port: int) -> str:
    if settings.public_url is not None:
        return settings.public_url
    if host in ("0.0.0.0", "::"):  # noqa: S104 - a comparison
        host = next(iter(lan_addresses()), "127.0.0.1")
    shown = f"[{host}]" if ":" in host else host
    return f"{'https' if settings.tls else 'http'}://{shown}:{port}"


def configure_logs(settings: Settings) -> None:
    """structlog for everything, the libraries' too: to standard error, as lines for people or as JSON."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    # Local variables would put names and credentials into the log, and take seconds to write.
    traced = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    )
    plain = structlog.dev.plain_traceback
    last: list[Any] = (
        [traced, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if settings.log == "json"
        else [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for noisy in ("uvicorn.access", "uvicorn.error", "alembic", "sqlalchemy", "httpx"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, root.level))
