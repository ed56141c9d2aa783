"""A random draw that can be shown to be fair; no IO.

The pool is every site of the chosen units and levels, by id. Each site's lot is SHA-256 of the seed, a colon
and its id; the lowest lots are drawn, in their order. Who has the seed and the pool draws the same again, and
the pool's own hash, in the same record, shows that no site was left out of it or slipped in later.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Drawn:
    """`sites`: in the order drawn. `pool`: how many there were. `pool_hash`: hex SHA-256 of their ids,
    sorted, joined by line feeds."""

    sites: tuple[str, ...]
    pool: int
    pool_hash: str


def draw(sites: Iterable[str], seed: str, count: int) -> Drawn:
    """The first `count` lots of the pool."""
    pool = sorted(set(sites))
    return Drawn(tuple(sorted(pool, key=lambda site: lot(seed, site))[:count]), len(pool), hash_of(pool))


def lot(seed: str, site: str) -> bytes:
    """The site's lot."""
    return hashlib.sha256(f"{seed}:{site}".encode()).digest()


def hash_of(pool: Sequence[str]) -> str:
    """Hex SHA-256 of a sorted pool."""
    return hashlib.sha256("\n".join(pool).encode()).hexdigest()
