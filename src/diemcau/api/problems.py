"""Every error leaves as an RFC 9457 problem document with a stable code."""

from http import HTTPStatus
from typing import Any

import orjson
import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from diemcau.errors import BadRequest, DiemCauError

log = structlog.get_logger(__name__)

_CODES = {404: "not_found", 405: "method_not_allowed", 413: "too_large", 415: "unsupported_media_type"}


def problem(error: DiemCauError) -> dict[str, Any]:
    """The document of an error; its details (`field`, `retry_after`, ...) are members of it."""
    return {**error.details, **error.problem()}


def respond(error: DiemCauError) -> Response:
    """The response of an error."""
    headers = {}
    if isinstance(after := error.details.get("retry_after"), int):
        headers["Retry-After"] = str(after)
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    return _response(error.status, problem(error), headers)


def _response(status: int, document: dict[str, Any], headers: dict[str, str] | None = None) -> Response:
    return Response(
        orjson.dumps(document, default=str),
        status_code=status,
        media_type="application/problem+json",
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def install(app: FastAPI) -> None:
    """Has the application answer every exception so."""

    async def coded(_: Request, error: Exception) -> Response:
        if not isinstance(error, DiemCauError):
            raise error
        if error.status >= 500 and "retry_after" not in error.details:  # being asked to wait is no failure
            log.warning("request failed", code=error.code, error=error.message)
        return respond(error)

    async def invalid(_: Request, error: Exception) -> Response:
        if not isinstance(error, RequestValidationError):
            raise error
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"] if part not in ("body", "query", "path"))[:100]
        return respond(BadRequest(f"{where or 'body'}: {first['msg']}"[:300], field=where))

    async def http(_: Request, error: Exception) -> Response:
        if not isinstance(error, HTTPException):
            raise error
        title = HTTPStatus(error.status_code).phrase
        code = _CODES.get(error.status_code, "bad_request" if error.status_code < 500 else "internal")
        document = {"type": "about:blank", "title": title, "status": error.status_code, "code": code}
        return _response(error.status_code, {**document, "detail": title}, dict(error.headers or {}))

    async def left(_: Request, __: Exception) -> Response:
        return Response(status_code=499)  # the client went in the middle of its request: nobody reads this

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("request crashed", path=request.url.path, exc_info=error)
        return respond(DiemCauError())

    app.add_exception_handler(DiemCauError, coded)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(ClientDisconnect, left)
    app.add_exception_handler(Exception, unexpected)
