"""`/api/v1/ws`: authenticate, hear hello, wait for a turn, hand over to a connection."""

import asyncio
import contextlib

from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from diemcau.access import Actor, DeviceConflict, DeviceLine, Proof, Purpose, network_of
from diemcau.api.asker import address_of, authenticate, bearer_of, cookies_of, origin_of, services_of
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
        origin = origin_of(socket, services)
        socket.app.state.limits.sockets.take(network_of(address_of(socket)))
        bearer = bearer_of(socket)
        nonce = services.access.challenge(Purpose.SOCKET, origin)
        if bearer is None and "site" in cookies_of(socket):
            # On its way before anybody asks: the proof costs no turn of the line.
            await socket.send_text(frames.challenge(nonce))
        async with asyncio.timeout(services.options.hello_s):
            message = await socket.receive_text()
        hello = frames.hello(frames.read(message))
        if hello.proto != 1:
            raise BadRequest("This server speaks protocol 1", field="proto")
        actor, credential = await _who(socket, hello, bearer, Proof(nonce, hello.proof or "", origin))
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
    except DeviceConflict as error:
        code, reason = Close.REPLACED, error.code
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


async def _who(
    socket: WebSocket, hello: frames.Hello, bearer: str | None, proof: Proof
) -> tuple[Actor, str | DeviceLine]:
    """Who says hello: a program by its bearer, a person by a cookie, a device by its cookie and its key."""
    services = services_of(socket)
    if bearer is not None:
        return await authenticate(services, hello.page, bearer), bearer
    cookie = cookies_of(socket).get(hello.page)
    if cookie is None:
        raise NotAuthenticated
    if hello.page == "site":
        return await services.access.open_socket(cookie, proof)
    return await authenticate(services, hello.page, cookie), cookie
