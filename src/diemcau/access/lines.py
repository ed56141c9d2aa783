"""Sessions of devices that have proved their key, and how two machines with one key are noticed.

A session follows the one before: whoever opens it shows that one's cookie. All that follow each other are
one *line*. A copy of a profile has the cookie of the moment it was copied; as soon as either machine opens
another session, one of the two comes with a cookie that is not the last: two hold the key. The later one gets
a line of its own, the earlier line is out.
"""

import hmac
import secrets
import struct
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Final

from diemcau.access.proofs import BadProof, decode, encode
from diemcau.clock import Clock
from diemcau.errors import NotAuthenticated

SESSION_TTL: Final = timedelta(hours=1)
"""How long a session is good; the page renews it long before."""

IN_USE_S: Final = 150.0
"""A line that was seen within so many seconds is in use: open pages are asked anew once a minute."""

MOST_LINES: Final = 50_000

_BODY: Final = struct.Struct(">32s8sIQ")
_TAG: Final = 16


class DeviceConflict(NotAuthenticated):
    """Another machine with the same device key has taken over."""

    code = "device_conflict"
    default = "Another machine with this device's key has taken over."


@dataclass(frozen=True, slots=True)
class DeviceLine:
    """What an open page stands on: a device and the line of its sessions."""

    device: bytes
    line: bytes


@dataclass(frozen=True, slots=True)
class Opened:
    """A session. `token`: for the cookie; `conflict`: it has put out another machine's line."""

    token: str
    line: DeviceLine
    conflict: bool


@dataclass(slots=True)
class _Line:
    name: bytes
    serial: int
    used: bool
    seen: float


@dataclass(frozen=True, slots=True)
class _Token:
    device: bytes
    line: bytes
    serial: int
    expires: int


class Lines:
    """Makes and reads sessions. What is remembered of a device: its line, the last session's number, and
    when it was seen; after a restart the first that comes says it."""

    def __init__(
        self,
        secret: bytes,
        clock: Clock,
        *,
        now: Callable[[], float] = monotonic,
        most: int = MOST_LINES,
    ) -> None:
        self._key = hmac.digest(secret, b"device session", "sha256")
        self._clock, self._now, self._most = clock, now, most
        self._lines: OrderedDict[bytes, _Line] = OrderedDict()

    def __len__(self) -> int:
        return len(self._lines)

    def open(self, device: bytes, shown: str | None) -> Opened:
        """A session for who has just proved the device's key. `shown`: the cookie that came along, good or
        not, in date or not."""
        held = self._read(shown)
        if held is not None and held.device != device:
            held = None
        line = self._lines.get(device)
        conflict = False
        if line is None:
            line = _Line(held.line if held else _fresh(), held.serial if held else 0, False, self._now())
        elif held is None or held.line != line.name or not _follows(held.serial, line):
            # Without a cookie it may be the same machine, cookies cleared, unless the line is in use.
            conflict = held is not None or (line.used and self._now() - line.seen < IN_USE_S)
            line = _Line(_fresh(), 0, False, self._now())
        line.serial, line.used, line.seen = line.serial + 1, False, self._now()
        self._keep(device, line)
        expires = int((self._clock.now() + SESSION_TTL).timestamp())
        body = _BODY.pack(device, line.name, line.serial, expires)
        return Opened(encode(body + self._tag(body)), DeviceLine(device, line.name), conflict)

    def resume(self, token: str) -> DeviceLine:
        """The line of a session. Raises NotAuthenticated (not ours, out of date), DeviceConflict."""
        held = self._read(token)
        if held is None or held.expires <= self._clock.now().timestamp():
            raise NotAuthenticated
        line = self._lines.get(held.device)
        if line is None:
            line = _Line(held.line, held.serial, True, self._now())
            self._keep(held.device, line)
        if line.name != held.line:
            raise DeviceConflict
        line.seen = self._now()
        if held.serial >= line.serial:
            line.used = True
        return DeviceLine(held.device, held.line)

    def check(self, line: DeviceLine) -> None:
        """Raises DeviceConflict when another line has taken the device over."""
        known = self._lines.get(line.device)
        if known is None:
            return  # forgotten among too many: nobody has taken it over since
        if known.name != line.line:
            raise DeviceConflict
        known.used, known.seen = True, self._now()

    def device_of(self, token: str) -> bytes | None:
        """The device that a cookie was given to, in date or not."""
        held = self._read(token)
        return None if held is None else held.device

    def page_secret(self, line: DeviceLine) -> str:
        """What the page must send beside the cookie: told only to who proved the key, so that a copied cookie
        opens nothing."""
        return hmac.digest(self._key, b"page" + line.device + line.line, "sha256").hex()

    def _keep(self, device: bytes, line: _Line) -> None:
        self._lines[device] = line
        self._lines.move_to_end(device)
        if len(self._lines) > self._most:
            self._lines.popitem(last=False)

    def _read(self, token: str | None) -> _Token | None:
        if token is None:
            return None
        try:
            raw = decode(token)
        except BadProof:
            return None
        body, tag = raw[: _BODY.size], raw[_BODY.size :]
        if len(raw) != _BODY.size + _TAG or not hmac.compare_digest(tag, self._tag(body)):
            return None
        return _Token(*_BODY.unpack(body))

    def _tag(self, body: bytes) -> bytes:
        return hmac.digest(self._key, b"token" + body, "sha256")[:_TAG]


def _follows(serial: int, line: _Line) -> bool:
    # The answer with the last one may have been lost: then the one before comes again.
    return serial == line.serial or (serial + 1 == line.serial and not line.used)


def _fresh() -> bytes:
    return secrets.token_bytes(8)
