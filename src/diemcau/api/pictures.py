"""The last picture of each site, in memory: a national wall is 9,812 of them, some 30 kB each."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from diemcau.errors import BadRequest, TooLarge

MAX_PICTURE = 128 << 10
"""Bytes of one picture (docs/protocol.md)."""

_JPEG = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG and when it came."""

    jpeg: bytes
    at: datetime
    etag: str


class Pictures:
    """Bounded by bytes: the site whose picture was replaced longest ago loses it first."""

    def __init__(self, max_bytes: int = 512 << 20) -> None:
        self.max_bytes = max_bytes
        self.bytes = 0
        self.dropped = 0
        self._by_site: OrderedDict[str, Picture] = OrderedDict()

    def put(self, site: str, jpeg: bytes, now: datetime) -> Picture:
        """Keeps the picture. Raises TooLarge, BadRequest when it does not begin as a JPEG does."""
        if len(jpeg) > MAX_PICTURE:
            raise TooLarge(None, limit=MAX_PICTURE)
        if not jpeg.startswith(_JPEG):
            raise BadRequest("The picture is not a JPEG")
        self._forget(site)
        picture = Picture(jpeg, now, f'"{hashlib.blake2b(jpeg, digest_size=12).hexdigest()}"')
        self._by_site[site] = picture
        self.bytes += len(jpeg)
        while self.bytes > self.max_bytes:
            self._forget(next(iter(self._by_site)))
            self.dropped += 1
        return picture

    def get(self, site: str) -> Picture | None:
        """The site's last picture, if it is still kept."""
        return self._by_site.get(site)

    def __len__(self) -> int:
        return len(self._by_site)

    def _forget(self, site: str) -> None:
        old = self._by_site.pop(site, None)
        if old is not None:
            self.bytes -= len(old.jpeg)
