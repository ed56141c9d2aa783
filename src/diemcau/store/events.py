"""Events: what the log holds, their canonical bytes, and the chain over them."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import orjson

from diemcau.clock import parse_rfc3339, rfc3339
from diemcau.errors import JsonObject, JsonValue

GENESIS: Final = bytes(32)
"""What stands for "the hash before" at the first event of a stream."""


@dataclass(frozen=True, slots=True)
class Event:
    """One stored event.

    `stream`: what it happened to ("meeting:m_1"). `seq`: 1, 2, 3 ... without gaps in its stream. `actor`:
    who did it ("person:p_1", "site:s_1", "system"). `data`: JSON, its shape is the type's.
    """

    stream: str
    seq: int
    type: str
    at: datetime
    actor: str
    data: JsonObject

    def to_json(self) -> dict[str, JsonValue]:
        """As the wire shows it: `{"stream", "seq", "type", "at", "actor", "data"}`."""
        return {
            "stream": self.stream,
            "seq": self.seq,
            "type": self.type,
            "at": rfc3339(self.at),
            "actor": self.actor,
            "data": self.data,
        }

    @staticmethod
    def from_json(value: JsonObject) -> "Event":
        """The event of `to_json`. Raises ValueError when it is none."""
        stream, seq, kind, at, actor, data = (value.get(key) for key in _KEYS)
        if (
            isinstance(stream, str)
            and isinstance(seq, int)
            and isinstance(kind, str)
            and isinstance(at, str)
            and isinstance(actor, str)
            and isinstance(data, Mapping)
        ):
            return Event(stream, seq, kind, parse_rfc3339(at), actor, data)
        raise ValueError("not an event")

    def canonical(self) -> bytes:
        """The bytes that are stored and hashed: JSON, UTF-8, keys sorted, no spaces."""
        return orjson.dumps(self.to_json(), option=orjson.OPT_SORT_KEYS)


_KEYS: Final = ("stream", "seq", "type", "at", "actor", "data")


def link(before: bytes, body: bytes) -> bytes:
    """SHA-256 over the hash of the event before (32 bytes) and the canonical bytes of this one."""
    return hashlib.sha256(before + body).digest()


@dataclass(frozen=True, slots=True)
class Head:
    """The end of a stream: its last seq (0: empty) and that event's hash."""

    stream: str
    seq: int = 0
    hash: bytes = GENESIS
