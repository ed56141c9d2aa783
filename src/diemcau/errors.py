"""The one exception base: a stable code, an HTTP status, a message for people, details for programs.

    DiemCauError
    ├── BadRequest 400 · NotAuthenticated, BadCredentials, BadCode 401 · Forbidden, Csrf 403
    ├── NotFound 404 · Conflict, WrongState 409 · TooLarge 413 · TooManyRequests 429
    ├── Busy, StorageUnavailable 503
    └── rooms add their own beside their rules (`meetings/errors.py`, `units/errors.py`, ...)

Codes are what clients look at (docs/protocol.md) and never change; messages may.
"""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar, TypeAlias

JsonValue: TypeAlias = "Mapping[str, JsonValue] | Sequence[JsonValue] | str | int | float | bool | None"
JsonObject: TypeAlias = Mapping[str, JsonValue]


class DiemCauError(Exception):
    """Base of everything this product raises on purpose.

    `code`: stable, snake_case. `status`: HTTP status. `message`: for people, English; pages translate by
    code. `details`: JSON, never secrets.
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    default: ClassVar[str] = "Something went wrong on the server."

    def __init__(self, message: str | None = None, /, **details: JsonValue) -> None:
        self.message = message or self.default
        self.details: dict[str, JsonValue] = dict(details)
        super().__init__(self.message)

    def problem(self) -> dict[str, JsonValue]:
        """The RFC 9457 problem document of this error."""
        return {
            "type": "about:blank",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.message,
        }


class BadRequest(DiemCauError):
    """The request is malformed. Details may name the `field`."""

    code = "bad_request"
    status = 400
    default = "The request is malformed."


class NotAuthenticated(DiemCauError):
    """No valid session or device credential came with the request."""

    code = "not_authenticated"
    status = 401
    default = "Log in first."


class BadCredentials(DiemCauError):
    """Unknown user name or wrong password: the two are not told apart."""

    code = "bad_credentials"
    status = 401
    default = "The user name or the password is wrong."


class BadCode(DiemCauError):
    """Unknown, used, revoked or expired activation code: they are not told apart."""

    code = "bad_code"
    status = 401
    default = "The activation code is not valid."


class Forbidden(DiemCauError):
    """The actor may not do this, or not here. Details: `command`, `unit` where known."""

    code = "forbidden"
    status = 403
    default = "You may not do this here."


class Csrf(DiemCauError):
    """A changing request with a cookie came without the right X-CSRF-Token or from another origin."""

    code = "csrf"
    status = 403
    default = "The page is out of date: reload it."


class NotFound(DiemCauError):
    """What the request names does not exist (or the asker may not know that it does)."""

    code = "not_found"
    status = 404
    default = "There is no such thing."


class Conflict(DiemCauError):
    """Somebody else changed it first."""

    code = "conflict"
    status = 409
    default = "Somebody else changed this first."


class WrongState(DiemCauError):
    """The thing is not in a state in which this can be done."""

    code = "wrong_state"
    status = 409
    default = "This cannot be done now."


class TooLarge(DiemCauError):
    """The request holds more than is taken. Details: `limit`."""

    code = "too_large"
    status = 413
    default = "The request is too large."


class TooManyRequests(DiemCauError):
    """A rate limit was hit. Details: `retry_after`, whole seconds (header Retry-After)."""

    code = "too_many_requests"
    status = 429
    default = "Too many attempts: wait a little."

    @property
    def retry_after(self) -> int:
        """Seconds to wait, at least 1."""
        value = self.details.get("retry_after")
        return value if isinstance(value, int) else 1


class Busy(DiemCauError):
    """A bounded queue is full or a lock was not had in time; the same request may be sent again."""

    code = "busy"
    status = 503
    default = "The server is busy: try again."


class StorageUnavailable(DiemCauError):
    """The database refused to store (disk full, connection lost). Nothing of the request was kept."""

    code = "storage_unavailable"
    status = 503
    default = "The server cannot store this now."
