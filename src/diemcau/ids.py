"""Ids: a prefix that says what it names, then 128 bits that sort by time of making.

`m_06ctz0d4k8...`: 48 bits of milliseconds and 80 random bits in Crockford's base32, lower case, 26
characters (the layout of a ULID). Ids are opaque to everybody else.
"""

import itertools
import secrets
import time
from collections.abc import Callable
from typing import Final, TypeAlias

_ALPHABET: Final = "0123456789abcdefghjkmnpqrstvwxyz"

NewId: TypeAlias = Callable[[str], str]
"""Makes an id from a prefix; services take one so that tests can name what they make."""


def new_id(prefix: str) -> str:
    """A fresh id of the present millisecond: `new_id("m")` -> "m_06ctz0d4k8..."."""
    return make_id(prefix, time.time_ns() // 1_000_000, secrets.randbits(80))


def make_id(prefix: str, millis: int, entropy: int) -> str:
    """The id of given milliseconds since 1970 and 80 bits."""
    number = (millis & ((1 << 48) - 1)) << 80 | (entropy & ((1 << 80) - 1))
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))


def counted_ids() -> NewId:
    """Ids that count 1, 2, 3 for each prefix: for tests and replays."""
    counters: dict[str, itertools.count[int]] = {}

    def count(prefix: str) -> str:
        return f"{prefix}_{next(counters.setdefault(prefix, itertools.count(1)))}"

    return count
