"""The last picture of each site, in memory: a national wall is 9,812 of them, some 14 kB each."""

import hashlib
import itertools
import secrets
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from diemcau.errors import BadRequest, TooLarge

MAX_PICTURE = 128 << 10
"""Bytes of one picture (docs/protocol.md)."""

MAX_SMALL = 32 << 10
"""Bytes of the smaller copy of it that a wall shows."""

MAX_AGE_S = 60.0
"""Seconds before its request that a page may say a picture was taken."""

_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG and when it was taken. `number`: counts all pictures that came, of all sites; `small`: the same
    picture for a wall's tile, of pages that send one."""

    jpeg: bytes
    at: datetime
    etag: str
    number: int
    small: bytes | None = None

    @property
    def held(self) -> int:
        """Bytes of memory, about."""
        return len(self.jpeg) + len(self.small or b"")

    def of_size(self, *, small: bool) -> bytes:
        """The copy to send."""
        return self.small if small and self.small is not None else self.jpeg


class Pictures:
    """Bounded by bytes: the site whose picture was replaced longest ago loses it first.

    `run`: names this memory; numbers of another run mean nothing here.
    """

    def __init__(self, max_bytes: int = 512 << 20) -> None:
        self.max_bytes = max_bytes
        self.run = secrets.token_hex(6)
        self.bytes = 0
        self.dropped = 0
        self._numbers = itertools.count(1)
        self._by_site: OrderedDict[str, Picture] = OrderedDict()  # in the order of their numbers

    def put(self, site: str, jpeg: bytes, at: datetime, small: bytes | None = None) -> Picture:
        """Keeps the picture. Raises TooLarge, BadRequest when it does not begin as a JPEG does."""
        for body, most in ((jpeg, MAX_PICTURE), (small or _JPEG, MAX_SMALL)):
            if len(body) > most:
                raise TooLarge(None, limit=most)
            if not body.startswith(_JPEG):
                raise BadRequest("The picture is not a JPEG")
        self._forget(site)
        etag = f'"{hashlib.blake2b(jpeg, digest_size=12).hexdigest()}"'
        picture = Picture(jpeg, at, etag, next(self._numbers), small)
        self._by_site[site] = picture
        self.bytes += picture.held
        while self.bytes > self.max_bytes:
            self._forget(next(iter(self._by_site)))
            self.dropped += 1
        return picture

    def get(self, site: str) -> Picture | None:
        """The site's last picture, if it is still kept."""
        return self._by_site.get(site)

    def forget(self, site: str) -> None:
        """It is kept no longer."""
        self._forget(site)

    def since(self, number: int) -> list[tuple[str, Picture]]:
        """The pictures that came after the one with this number, oldest first."""
        found: list[tuple[str, Picture]] = []
        for site, picture in reversed(self._by_site.items()):
            if picture.number <= number:
                break
            found.append((site, picture))
        found.reverse()
        return found

    def __len__(self) -> int:
        return len(self._by_site)

    def _forget(self, site: str) -> None:
        old = self._by_site.pop(site, None)
        if old is not None:
            self.bytes -= old.held


@dataclass(frozen=True, slots=True)
class Chosen:
    """What an answer carries of the pictures that were asked for. `full`: some that are newer did not fit."""

    pictures: tuple[tuple[str, Picture, bytes], ...]
    full: bool

    @property
    def size(self) -> int:
        """Bytes of all bodies."""
        return sum(len(body) for _, _, body in self.pictures)


def choose(
    wanted: Sequence[tuple[str, int]],
    get: Callable[[str], Picture | None],
    most: int,
    *,
    small: bool,
) -> Chosen:
    """The wanted pictures (site, number that the asker has) that are newer, in the order asked, within `most`
    bytes.

    It ends at the first that does not fit: were it passed over for a smaller one, it would never come.
    """
    taken: list[tuple[str, Picture, bytes]] = []
    left = most
    for site, have in wanted:
        picture = get(site)
        if picture is None or picture.number <= have:
            continue
        body = picture.of_size(small=small)
        if len(body) > left:
            return Chosen(tuple(taken), True)
        left -= len(body)
        taken.append((site, picture, body))
    return Chosen(tuple(taken), False)


class Allowance:
    """Bytes of pictures that each asker, and all askers together, may be sent: token buckets.

    `rate`, `total`: bytes a second of one and of all. Within any time of t seconds one asker gets at most
    `rate * (t + BURST_S)` bytes. The buckets hold at least one picture of the largest size, so that each
    comes at some time. At most `keys` askers are remembered.
    """

    BURST_S = 2.0

    def __init__(self, rate: float, total: float, now: Callable[[], float], *, keys: int = 1000) -> None:
        self.rate, self.total, self.keys = rate, total, keys
        self._now = now
        self._all = (self._burst(total), now())
        self._own: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def left(self, key: str) -> int:
        """Bytes that the asker may be sent now."""
        return int(min(self._level(self._own.get(key), self.rate), self._level(self._all, self.total)))

    def spend(self, key: str, count: int) -> None:
        """So many bytes were sent to him."""
        now = self._now()
        self._own[key] = (self._level(self._own.pop(key, None), self.rate) - count, now)
        self._all = (self._level(self._all, self.total) - count, now)
        if len(self._own) > self.keys:
            self._own.popitem(last=False)

    def _burst(self, rate: float) -> float:
        return max(rate * self.BURST_S, float(MAX_PICTURE))

    def _level(self, bucket: tuple[float, float] | None, rate: float) -> float:
        if bucket is None:
            return self._burst(rate)
        level, since = bucket
        return min(self._burst(rate), level + (self._now() - since) * rate)
