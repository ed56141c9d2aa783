"""What rooms need of a bus: publish, subscribe, bounded. `LocalBus` is the one for a single process.

Bodies are JSON objects, so that a bus between machines (NATS) can stand in; subscribers must not change them.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final, Protocol

from diemcau.errors import DiemCauError, JsonObject

EVENTS: Final = "events:"
"""Prefix of the topics of stored events: `events:meeting:m_1`, bodies `Event.to_json()`, in order of seq."""

EPHEMERAL: Final = "eph:"
"""Prefix of what is in no log: `eph:meeting:m_1`, bodies `{"topic": "presence", "data": {...}}`."""


@dataclass(frozen=True, slots=True)
class Message:
    """What a subscriber gets."""

    topic: str
    body: JsonObject


class SubscriberTooSlow(DiemCauError):
    """The subscriber's queue was full: it was dropped, what it held is gone; it subscribes again and catches
    up."""

    code = "subscriber_too_slow"
    status = 503
    default = "This subscriber was too slow and has been dropped."


class Subscription(Protocol):
    """An open subscription: iterate over it, close it (or use it as a context manager)."""

    def __aiter__(self) -> AsyncIterator[Message]:
        """Messages until `close`; raises SubscriberTooSlow once when dropped."""
        ...

    def add(self, topic: str) -> None:
        """Listens to a further topic."""
        ...

    def remove(self, topic: str) -> None:
        """Listens to it no longer; what is queued of it still comes."""
        ...

    def close(self) -> None:
        """Ends the iteration; may be called twice."""
        ...

    def __enter__(self) -> "Subscription": ...

    def __exit__(self, *exc: object) -> None: ...


class Bus(Protocol):
    """Publish and subscribe by topic: an exact one, or one ending in ":*" for everything that begins so."""

    def publish(self, topic: str, body: JsonObject) -> None:
        """Hands the message to every subscriber of the topic, in order; never waits."""
        ...

    def publish_latest(self, topic: str, key: str, body: JsonObject) -> None:
        """The same for what grows stale: one waiting message per (topic, key), the latest wins; dropped when
        full."""
        ...

    def subscribe(self, *topics: str, limit: int = 1000) -> Subscription:
        """A subscription whose queue holds `limit` messages."""
        ...
