"""Proof that a device holds its key: a nonce of ours, and the device's signature over it.

The signature is ECDSA over P-256 with SHA-256, as WebCrypto makes it: r and s, 32 bytes each (IEEE P1363).
Time is the server's alone: a device whose clock is wrong proves its key like any other.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
import struct
from collections import OrderedDict
from collections.abc import Callable
from enum import StrEnum
from time import monotonic
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from diemcau.errors import BadRequest, Busy, NotAuthenticated

NONCE_S: Final = 60.0
"""Seconds in which a nonce can be answered."""

MOST_SPENT: Final = 200_000
"""Nonces remembered as spent. Only holders of a bound key or of a good code fill this."""

_HEAD: Final = struct.Struct(">Q16s")
_TAG: Final = 16
_POINT: Final = 65
_SIGNATURE: Final = 64
_ECDSA: Final = ec.ECDSA(hashes.SHA256())


class BadProof(NotAuthenticated):
    """The nonce is not ours, too old, spent, or of another purpose or origin; or the signature is not the
    key's."""

    code = "bad_proof"
    default = "The device did not prove that it holds its key: ask for a new challenge."


class Purpose(StrEnum):
    """What a nonce and its signature are for; good for nothing else."""

    ACTIVATE = "activate"
    SESSION = "session"
    SOCKET = "socket"


class Nonces:
    """Makes nonces without remembering them, and remembers those that were spent until they are too old."""

    def __init__(
        self, now: Callable[[], float] = monotonic, *, life_s: float = NONCE_S, most: int = MOST_SPENT
    ) -> None:
        """`now`: seconds of a clock that is never set back. The key is this process's: after a restart
        nobody's challenge is good any more, and every device asks for another."""
        self._now, self._life, self._most = now, life_s, most
        self._key = secrets.token_bytes(32)
        self._spent: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._spent)

    def issue(self, purpose: Purpose, origin: str) -> str:
        """A nonce for one proof of this purpose, given at this origin: 54 characters of base64url."""
        head = _HEAD.pack(int(self._now() * 1000), secrets.token_bytes(16))
        return encode(head + self._tag(head, purpose, origin))

    def check(self, nonce: str, purpose: Purpose, origin: str) -> None:
        """Raises BadProof unless the nonce can be answered now."""
        raw = decode(nonce)
        head, tag = raw[: _HEAD.size], raw[_HEAD.size :]
        if len(raw) != _HEAD.size + _TAG or not hmac.compare_digest(tag, self._tag(head, purpose, origin)):
            raise BadProof
        if not 0 <= self._now() - _HEAD.unpack(head)[0] / 1000 + 0.001 <= self._life:
            raise BadProof
        if encode(raw) in self._spent:
            raise BadProof

    def spend(self, nonce: str) -> None:
        """The nonce was answered. Raises Busy when too many were of late: none is forgotten early."""
        now = self._now()
        while self._spent and next(iter(self._spent.values())) <= now:
            self._spent.popitem(last=False)
        if len(self._spent) >= self._most:
            raise Busy
        self._spent[encode(decode(nonce))] = now + self._life

    def _tag(self, head: bytes, purpose: Purpose, origin: str) -> bytes:
        about = f"{purpose}\n{origin}".encode(errors="surrogatepass")
        return hmac.digest(self._key, head + about, "sha256")[:_TAG]


class DeviceKey:
    """A device's public key. `raw`: the point, uncompressed (SEC 1), 65 bytes; `id`: what names it."""

    def __init__(self, raw: bytes) -> None:
        """Raises BadRequest for what is no point of the curve."""
        if len(raw) != _POINT:
            raise BadRequest("a device key is a point of P-256, uncompressed", field="key")
        try:
            self._key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), raw)
        except ValueError:
            raise BadRequest("a device key is a point of P-256, uncompressed", field="key") from None
        self.raw = raw
        # Told apart from what bearers are stored as, by what is hashed.
        self.id = hashlib.sha256(b"diemcau device key\n" + raw).digest()

    @classmethod
    def read(cls, text: str) -> "DeviceKey":
        """Of base64url. Raises BadRequest."""
        try:
            return cls(decode(text))
        except BadProof:
            raise BadRequest("a device key is base64url", field="key") from None

    @property
    def name(self) -> str:
        """The id as pages say it, base64url."""
        return encode(self.id)

    def verify(self, signature: str, message: bytes) -> None:
        """Raises BadProof unless the key made this signature over the message."""
        raw = decode(signature)
        if len(raw) != _SIGNATURE:
            raise BadProof
        r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
        try:
            self._key.verify(encode_dss_signature(r, s), message, _ECDSA)
        except InvalidSignature:
            raise BadProof from None


def message(purpose: Purpose, origin: str, nonce: str, subject: str) -> bytes:
    """What is signed. `subject`: the device's name; for an activation the code as it is sent, and the key."""
    return "\n".join(("diemcau device 1", purpose, origin, nonce, subject)).encode(errors="surrogatepass")


def encode(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Of base64url without padding. Raises BadProof."""
    if len(text) > 512 or not text.isascii():
        raise BadProof
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise BadProof from None
