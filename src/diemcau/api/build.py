"""Puts the routers together."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.routing import BaseRoute

from diemcau.api import (
    board,
    clearances,
    console,
    devices,
    direction,
    imports,
    inspections,
    media,
    meetings,
    operations,
    people,
    places,
    problems,
    readiness,
    rehearsals,
    rollcall,
    schemas,
    screens,
    selftests,
    sheets,
    staff,
    stills,
    tokens,
    wall,
    waves,
)
from diemcau.api.guard import Guard
from diemcau.api.limits import RateLimit
from diemcau.api.live import door
from diemcau.api.live.hub import Hub
from diemcau.api.live.secrecy import SecrecyWatch
from diemcau.api.pages import Pages
from diemcau.api.pictures import Allowance
from diemcau.api.services import Services
from diemcau.api.whip import door as whip
from diemcau.api.whip.cors import Cors
from diemcau.api.whip.watch import TokenWatch


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits of the doors; log-in and activation have their own in `access`."""

    sockets: RateLimit
    ice: RateLimit
    pictures: RateLimit
    strangers: RateLimit
    tokens: RateLimit
    devices: RateLimit
    self_tests: RateLimit
    exports: RateLimit
    walls: RateLimit


@cache
def _routes() -> list[BaseRoute]:
    """Every door. What FastAPI works out of them takes 0.2 s and is the same for all applications."""
    problem = {"model": schemas.Problem, "description": "A problem (RFC 9457)"}
    doors = APIRouter()
    for router in (
        stills.router,  # first: a nation's sites knock here 40 times a second
        people.router,
        devices.router,
        staff.router,
        places.router,
        imports.router,
        meetings.router,
        rollcall.router,
        media.router,
        tokens.router,
        sheets.router,
        selftests.router,
        readiness.router,
        waves.router,
        wall.router,
        screens.router,
        direction.router,
        rehearsals.router,
        inspections.router,
        board.router,
        clearances.router,
        whip.router,
        operations.router,
        console.router,
    ):
        doors.include_router(router, responses={"4XX": problem})
    return doors.routes


def create(services: Services) -> FastAPI:
    """The application. Its lifespan runs the hub; the rooms below are started by whoever made them."""
    hub = Hub(services, RateLimit(1, 20, time.monotonic))
    watch = TokenWatch(services)
    secrecy = SecrecyWatch(services, hub)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as started:
            await hub.start()
            started.push_async_callback(hub.aclose)
            watch.start()
            started.push_async_callback(watch.aclose)
            secrecy.start()
            started.push_async_callback(secrecy.aclose)
            services.self_tests.start()
            started.push_async_callback(services.self_tests.aclose)
            services.readiness.online = services.inspections.calls.online = lambda: hub.online
            for room in (
                services.inspections,
                services.talkback,
                services.readiness,
                services.waves.sender,
                services.rehearsals,
            ):
                await room.start()
                started.push_async_callback(room.aclose)
            yield

    app = FastAPI(
        title="Điểm Cầu",
        version=services.options.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.hub = hub
    app.state.address = None  # where clients reach this server, once it listens
    app.state.exporting = asyncio.Semaphore(1)
    app.state.limits = Limits(
        # A carrier's network may bring all communes from one address at once, and they wait their turn
        # inside: generous, but not endless.
        sockets=RateLimit(500, 10_000, time.monotonic),
        ice=RateLimit(1, 20, time.monotonic),
        pictures=RateLimit(1, 5, time.monotonic),
        # Before a token is looked up, by address; a token may be many players'.
        strangers=RateLimit(50, 500, time.monotonic),
        tokens=RateLimit(5, 50, time.monotonic),
        devices=RateLimit(500, 20_000, time.monotonic),  # as sockets, two requests a page
        self_tests=RateLimit(1, 30, time.monotonic),
        exports=RateLimit(1 / 10, 5, time.monotonic),
        walls=RateLimit(8, 60, time.monotonic),  # a person has several windows, each asks twice a second
    )
    options = services.options
    app.state.allowance = Allowance(options.wall_kbits * 125, options.walls_kbits * 125, time.monotonic)
    problems.install(app)
    app.router.routes.extend(_routes())
    app.add_route(
        "/{path:path}", Pages(services.options.web).serve, methods=["GET", "HEAD"], include_in_schema=False
    )
    app.add_middleware(Guard, metrics=services.metrics, secure=services.options.secure)
    app.add_middleware(Cors)
    app.add_middleware(door.LiveDoor)
    services.metrics.add_gauge(
        "diemcau_admission_waiting", "Parties in the queue", lambda: hub.turns.admission.waiting
    )
    turns = services.self_tests.turns
    services.metrics.add_gauge("diemcau_selftests_running", "Self-tests that run", lambda: turns.running)
    services.metrics.add_gauge("diemcau_selftests_waiting", "Sites that wait for one", lambda: turns.waiting)
    services.metrics.add_gauge("diemcau_ws_open", "Open WebSockets", lambda: len(hub.connections))
    services.metrics.add_gauge("diemcau_whep_viewers", "Players that watch", services.stage.players)
    services.metrics.add_gauge("diemcau_whip_publishers", "Encoders that publish", services.stage.encoders)
    return app
