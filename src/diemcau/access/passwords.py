"""Passwords: argon2id (RFC 9106) in threads, few at a time, few waiting."""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

import anyio
import anyio.to_thread
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from diemcau.errors import BadRequest, Busy

MIN_LENGTH: Final = 10
MAX_LENGTH: Final = 256
_T = TypeVar("_T")


class Passwords:
    """Hashes and verifies. One hash costs 64 MiB and some 50 ms of a core: `at_once` run, `waiting` may
    queue."""

    def __init__(self, hasher: PasswordHasher | None = None, *, at_once: int = 2, waiting: int = 64) -> None:
        self._hasher = hasher or PasswordHasher()
        self._slots = asyncio.Semaphore(at_once)
        self._limit = at_once + waiting
        self._inside = 0
        # What a user who does not exist is checked against, so that he takes as long as one who does.
        self._nobody = self._hasher.hash("nobody has this password")

    async def hash(self, password: str) -> str:
        """In PHC form. Raises BadRequest for one that is too short or too long, Busy."""
        if len(password) < MIN_LENGTH or not _fits(password):
            raise BadRequest(f"a password has {MIN_LENGTH} to {MAX_LENGTH} characters", field="password")
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it is the password; `stored` None (no such user) takes as long and is False. Raises
        Busy."""
        if not _fits(password):
            password = ""
        return await self._run(lambda: self._verify(stored or self._nobody, password)) and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether it was hashed with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str, password: str) -> bool:
        try:
            return self._hasher.verify(stored, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _run(self, work: Callable[[], _T]) -> _T:
        if self._inside >= self._limit:
            raise Busy("Too many people are logging in: try again in a moment.")
        self._inside += 1
        try:
            async with self._slots:
                return await anyio.to_thread.run_sync(work)
        finally:
            self._inside -= 1


def _fits(password: str) -> bool:
    return len(password) <= MAX_LENGTH and not any("\ud800" <= letter <= "\udfff" for letter in password)
