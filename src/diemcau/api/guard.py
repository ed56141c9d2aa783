"""What stands before every route: size of bodies, security headers, counts."""

import sys
import time
from collections.abc import MutableMapping
from typing import Any

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from diemcau.api.metrics import Metrics
from diemcau.api.problems import respond
from diemcau.errors import TooLarge
from diemcau.spreadsheet import MAX_FILE

MAX_BODY = 256 << 10
"""Bytes of any request body: an SDP offer is some 60 kB, a picture 128 kB."""

LARGER: dict[tuple[str, str], int] = {("POST", "/api/v1/imports"): MAX_FILE}
"""Doors that take more, once they know who asks: the list of an import."""

_CSP = (
    "default-src 'self'; connect-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)

_HEADERS: list[tuple[bytes, bytes]] = [
    (b"content-security-policy", _CSP.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(self), microphone=(self), display-capture=(self), geolocation=()"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000")


class Guard:
    """ASGI middleware. `secure`: tell browsers to come by TLS only."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics, secure: bool) -> None:
        self._app, self._metrics = app, metrics
        self._headers = [*_HEADERS, _HSTS] if secure else _HEADERS

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def guarded_send(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                present = {name for name, _ in message["headers"]}
                message["headers"] = [
                    *message["headers"],
                    *(header for header in self._headers if header[0] not in present),
                ]
            await send(message)

        length = _content_length(scope)
        limit = LARGER.get((scope["method"], scope["path"]), MAX_BODY)
        if length is not None and length > limit:
            await respond(TooLarge(None, limit=limit))(scope, receive, guarded_send)
        else:
            await self._app(scope, _Limited(receive, limit), guarded_send)
        route = scope.get("route")
        path = getattr(route, "path", "(none)")
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self._metrics.requests.labels(method, path, status).inc()
        self._metrics.request_seconds.labels(path).observe(time.perf_counter() - started)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})


class _Limited:
    """A body without a length is counted as it comes."""

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._limit = limit
        self._taken = 0

    async def __call__(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        if message["type"] == "http.request":
            self._taken += len(message.get("body", b""))
            if self._taken > self._limit:
                raise HTTPException(TooLarge.status)  # FastAPI turns any other kind into a 400
        return message


def _content_length(scope: Scope) -> int | None:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 20 else sys.maxsize
    return None
