"""Random secrets and what is stored of them: tokens, activation codes, CSRF tokens, the installation's
secret."""

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from diemcau.errors import BadRequest

CODE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Figures and capitals without those that are taken for each other (0 O, 1 I L)."""

CODE_LENGTH: Final = 12
_MAX_TYPED: Final = 64


def new_token() -> str:
    """256 random bits, for a cookie or bearer: 43 characters of base64url."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> bytes:
    """What is stored of a token: SHA-256. (256 random bits need no slow hash.)"""
    return hashlib.sha256(_bytes(token)).digest()


def new_code() -> str:
    """A fresh activation code, 59 bits, in groups: "K7QF-9TXM-4RHA"."""
    letters = "".join(secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH))
    return "-".join(letters[start : start + 4] for start in range(0, CODE_LENGTH, 4))


def code_hash(secret: bytes, typed: str) -> bytes | None:
    """What is stored of a code: HMAC-SHA-256, so that a stolen database alone opens nothing.

    Case, spaces and dashes as typed do not matter. None when it cannot be a code.
    """
    if len(typed) > _MAX_TYPED:
        return None
    letters = "".join(typed.split()).replace("-", "").upper()
    if len(letters) != CODE_LENGTH or any(letter not in CODE_ALPHABET for letter in letters):
        return None
    return hmac.digest(secret, letters.encode(), "sha256")


def csrf_token(credential: str) -> str:
    """Derived from the credential that sits in the HttpOnly cookie: a page of ours can ask for it, others
    cannot."""
    return hmac.digest(_bytes(credential), b"csrf", "sha256").hex()


def same(left: str, right: str) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(_bytes(left), _bytes(right))


def load_secret(path: Path) -> bytes:
    """The 32 secret bytes of the file, made (mode 0600) when it does not exist. Raises BadRequest for other
    sizes."""
    try:
        made = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        secret = path.read_bytes()
        if len(secret) != 32:
            raise BadRequest(f"{path.name} does not hold 32 bytes", field="secret") from None
        return secret
    with os.fdopen(made, "wb") as file:
        secret = secrets.token_bytes(32)
        file.write(secret)
    return secret


def _bytes(text: str) -> bytes:
    # Whatever a client sends has bytes, half a surrogate pair too.
    return text.encode(errors="surrogatepass")
