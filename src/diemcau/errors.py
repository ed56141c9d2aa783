"""The base of every error this project raises on purpose."""

from typing import Any, ClassVar


class DiemCauError(Exception):
    """An error with a stable `code`, an HTTP `status`, a message for people, and details for machines."""

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details
