"""Time as a value: one small Protocol, the system's clock, and one that stands still until it is moved.

Instants are aware datetimes in UTC cut to milliseconds, so that what is stored reads back equal.
"""

from datetime import UTC, datetime, timedelta
from typing import Protocol

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """The present instant: aware, UTC, whole milliseconds."""
        ...


class SystemClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """The present instant."""
        return from_millis(to_millis(datetime.now(UTC)))


class ManualClock:
    """Stands still until somebody moves it (tests, replays)."""

    def __init__(self, start: datetime = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)) -> None:
        self._now = start

    def now(self) -> datetime:
        """The instant it was last set to."""
        return self._now

    def advance(self, seconds: float) -> datetime:
        """Moves it forward and answers the new instant."""
        self._now = from_millis(to_millis(self._now + timedelta(seconds=seconds)))
        return self._now


def to_millis(instant: datetime) -> int:
    """Milliseconds since 1970-01-01 UTC, rounded down."""
    return (instant - _EPOCH) // _MS


def from_millis(millis: int) -> datetime:
    """The instant of `to_millis`."""
    return _EPOCH + millis * _MS


def rfc3339(instant: datetime) -> str:
    """As the protocol writes it: "2021-09-05T01:30:00.000Z"."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_rfc3339(text: str) -> datetime:
    """The instant written in `text`, cut to milliseconds. Raises ValueError without a time zone."""
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return from_millis(to_millis(instant.astimezone(UTC)))
