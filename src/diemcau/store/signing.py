"""Signed heads: Ed25519 (RFC 8032) over the canonical list of all streams' ends.

A chain alone proves little to who can rewrite all of it; a signed list that somebody else keeps does.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, JsonValue
from diemcau.store.events import Head


@dataclass(frozen=True, slots=True)
class SignedHeads:
    """`document`: the signed bytes, JSON `{"at", "heads": [[stream, seq, hash in hex]]}`. `key`: raw, 32
    bytes."""

    document: bytes
    key: bytes
    signature: bytes

    def to_json(self) -> dict[str, JsonValue]:
        """For a file: `{"document": text, "key": hex, "signature": hex}`."""
        return {"document": self.document.decode(), "key": self.key.hex(), "signature": self.signature.hex()}

    @staticmethod
    def from_json(value: JsonValue) -> "SignedHeads":
        """The value of `to_json`. Raises BadRequest."""
        match value:
            case {"document": str(document), "key": str(key), "signature": str(signature)}:
                try:
                    return SignedHeads(document.encode(), bytes.fromhex(key), bytes.fromhex(signature))
                except ValueError as error:
                    raise BadRequest("signed heads hold hexadecimal key and signature") from error
        raise BadRequest("these are no signed heads")

    def verify(self, key: bytes) -> tuple[Head, ...]:
        """The heads, if they were signed with the private part of `key` (raw, 32 bytes). Raises
        BadRequest."""
        try:
            Ed25519PublicKey.from_public_bytes(key).verify(self.signature, self.document)
        except (InvalidSignature, ValueError) as error:
            raise BadRequest("the signature of the heads is wrong") from error
        return tuple(
            Head(stream, seq, bytes.fromhex(digest))
            for stream, seq, digest in orjson.loads(self.document)["heads"]
        )


class HeadSigner:
    """Signs heads with a key from a file."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @staticmethod
    def load(path: Path) -> "HeadSigner":
        """The key of a PEM file (PKCS #8), made with mode 0600 when there is none. Raises BadRequest for
        others."""
        try:
            made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        except FileExistsError:
            try:
                key = serialization.load_pem_private_key(path.read_bytes(), password=None)
            except (ValueError, TypeError) as error:
                raise BadRequest(f"{path.name} is not a private key", field="key") from error
            if not isinstance(key, Ed25519PrivateKey):
                raise BadRequest(f"{path.name} is not an Ed25519 key", field="key") from None
            return HeadSigner(key)
        key = Ed25519PrivateKey.generate()
        with os.fdopen(made, "wb") as file:
            file.write(
                key.private_bytes(
                    serialization.Encoding.PEM,
                    serialization.PrivateFormat.PKCS8,
                    serialization.NoEncryption(),
                )
            )
        return HeadSigner(key)

    @property
    def public_key(self) -> bytes:
        """Raw, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, heads: Sequence[Head], at: datetime) -> SignedHeads:
        """Signs the heads as they are at this instant."""
        document = orjson.dumps(
            {"at": rfc3339(at), "heads": [[head.stream, head.seq, head.hash.hex()] for head in heads]}
        )
        return SignedHeads(document, self.public_key, self._key.sign(document))
