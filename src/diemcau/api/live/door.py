"""`/api/v1/ws`: authenticate, hear hello, wait for a turn, hand over to a connection."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from diemcau.access import network_of
from diemcau.api.asker import address_of, authenticate, bearer_of, check_origin, cookies_of, services_of
from diemcau.api.live import frames
from diemcau.api.live.connection import Connection
from diemcau.api.live.frames import Close
from diemcau.api.live.hub import Hub
from diemcau.errors import BadRequest, Busy, Csrf, DiemCauError, NotAuthenticated, TooManyRequests

PATH = "/api/v1/ws"


class LiveDoor:
    """ASGI middleware before everything else: a crowd comes through this door, and every message to it would
    pass each layer of routing and error handling, none of which has anything to do for it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request or WebSocket."""
        if scope["type"] == "websocket" and scope["path"] == PATH:
            await live(WebSocket(scope, receive, send))
        else:
            await self._app(scope, receive, send)


async def live(socket: WebSocket) -> None:
    """One client, until it goes."""
    services = services_of(socket)
    hub: Hub = socket.app.state.hub
    await socket.accept()
    code, reason = Close.NOT_AUTHENTICATED, "not_authenticated"
    try:
        check_origin(socket, services)
        socket.app.state.limits.sockets.take(network_of(address_of(socket)))
        async with asyncio.timeout(services.options.hello_s):
            message = await socket.receive_text()
        hello = frames.hello(frames.read(message))
        if hello.proto != 1:
            raise BadRequest("This server speaks protocol 1", field="proto")
        credential = bearer_of(socket) or cookies_of(socket).get(hello.page)
        if credential is None:
            raise NotAuthenticated
        actor = await authenticate(services, hello.page, credential)
        connection = Connection(socket, hub, actor, credential, hello.page, hello.tab)
        if hello.page == "desk":
            await connection.run(None)  # who directs the meeting never waits
            return
        ticket = hub.turns.admission.ask(actor.id, ahead=services.stage.is_asked(actor.id))
        try:
            await connection.run(ticket)
        finally:
            hub.turns.leave(ticket, connection)
        return
    except (WebSocketDisconnect, KeyError):  # KeyError: a binary frame has no text
        code, reason = Close.BAD_MESSAGE, "bad_request"
    except TimeoutError:
        code, reason = Close.SILENT, "silent"
    except (NotAuthenticated, Csrf) as error:
        reason = error.code
    except (Busy, TooManyRequests) as error:
        code, reason = Close.GOING_AWAY, error.code
    except DiemCauError as error:
        code, reason = Close.BAD_MESSAGE, error.message[:100]
    services.metrics.closes.labels(int(code)).inc()
    with contextlib.suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
        async with asyncio.timeout(2.0):
            await socket.close(code, reason)
