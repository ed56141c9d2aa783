"""Puts the routers together."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from fastapi import FastAPI

from diemcau.api import console, media, meetings, operations, people, places, problems, schemas
from diemcau.api.guard import Guard
from diemcau.api.limits import RateLimit
from diemcau.api.live import door
from diemcau.api.live.hub import Hub
from diemcau.api.pages import Pages
from diemcau.api.services import Services


@dataclass(frozen=True, slots=True)
class Limits:
    """Rate limits of the doors; log-in and activation have their own in `access`."""

    sockets: RateLimit
    media: RateLimit
    ice: RateLimit
    pictures: RateLimit


def create(services: Services) -> FastAPI:
    """The application. Its lifespan runs the hub; the rooms below are started by whoever made them."""
    hub = Hub(services)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await hub.start()
        try:
            yield
        finally:
            await hub.aclose()

    app = FastAPI(
        title="Điểm Cầu",
        version=services.options.version,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        responses={"4XX": {"model": schemas.Problem, "description": "A problem (RFC 9457)"}},
    )
    app.state.services = services
    app.state.hub = hub
    app.state.limits = Limits(
        # An office of a thousand posts may stand behind one address: generous, but not endless.
        sockets=RateLimit(200, 2000, time.monotonic),
        media=RateLimit(1, 20, time.monotonic),
        ice=RateLimit(1, 20, time.monotonic),
        pictures=RateLimit(1, 5, time.monotonic),
    )
    problems.install(app)
    for router in (
        people.router,
        places.router,
        meetings.router,
        media.router,
        operations.router,
        console.router,
        door.router,
    ):
        app.include_router(router)
    app.add_route(
        "/{path:path}", Pages(services.options.web).serve, methods=["GET", "HEAD"], include_in_schema=False
    )
    app.add_middleware(Guard, metrics=services.metrics, secure=services.options.secure)
    services.metrics.add_gauge("diemcau_ws_open", "Open WebSockets", lambda: len(hub.connections))
    return app
