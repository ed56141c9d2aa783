"""`Access`: people, sessions, grants, activation codes, device credentials, behind one door."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from diemcau.access.actor import SYSTEM, Actor, Grant
from diemcau.clock import Clock
from diemcau.errors import JsonValue
from diemcau.ids import NewId, new_id
from diemcau.store import Store
from diemcau.units import Units


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in."""

    id: str
    username: str
    name: str
    title: str | None
    grants: tuple[Grant, ...]
    disabled: bool = False


@dataclass(frozen=True, slots=True)
class Session:
    """A fresh login. `token` goes into the cookie and is stored only hashed."""

    token: str
    expires_at: datetime
    actor: Actor


@dataclass(frozen=True, slots=True)
class IssuedCode:
    """An activation code, readable only now. `code`: "K7QF-9TXM-4RHA"."""

    site: str
    code: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Activation:
    """A device that was bound to a site. `credential` goes into the cookie or bearer, stored only hashed."""

    site: str
    credential: str
    replaced: bool


class Access:
    """Who is asking, and what may they do."""

    def __init__(
        self, store: Store, units: Units, clock: Clock, secret: bytes, *, make_id: NewId = new_id
    ) -> None:
        """`secret`: 32 bytes from a file (`load_secret`): keys the hashes of activation codes."""
        raise NotImplementedError

    # people
    async def add_person(
        self,
        actor: Actor,
        *,
        username: str,
        password: str,
        name: str,
        title: str | None = None,
        grants: Sequence[Grant] = (),
    ) -> Person:
        """Makes a person. Only the system may (for now). Raises Forbidden, Conflict (user name), BadRequest, UnitNotFound."""
        raise NotImplementedError

    async def set_password(self, actor: Actor, person: str, password: str) -> None:
        """Sets a new password and ends the person's sessions (the person himself or the system)."""
        raise NotImplementedError

    async def set_grants(self, actor: Actor, person: str, grants: Sequence[Grant]) -> Person:
        """Replaces the person's grants; sessions see it at once."""
        raise NotImplementedError

    async def disable_person(self, actor: Actor, person: str) -> None:
        """The person cannot log in any more; sessions end."""
        raise NotImplementedError

    async def people(self) -> tuple[Person, ...]:
        """Everybody, by user name."""
        raise NotImplementedError

    async def log_in(self, username: str, password: str, *, address: str) -> Session:
        """Raises BadCredentials (after the same time whether the user exists or not), TooManyRequests, Busy."""
        raise NotImplementedError

    async def log_out(self, token: str) -> None:
        """Ends the session; unknown tokens are fine."""
        raise NotImplementedError

    async def person_of_session(self, token: str) -> Actor:
        """Who holds this session. Raises NotAuthenticated."""
        raise NotImplementedError

    # sites
    async def issue_codes(
        self, actor: Actor, sites: Sequence[tuple[str, str]], *, ttl: timedelta = timedelta(days=14)
    ) -> tuple[IssuedCode, ...]:
        """New codes for (site id, its unit); earlier unused ones of these sites are revoked. Needs `code.issue`.

        Callers go through `Sites.issue_codes`, which knows the sites.
        """
        raise NotImplementedError

    async def revoke_codes(self, actor: Actor, sites: Sequence[tuple[str, str]], *, devices: bool = False) -> int:
        """Revokes the unused codes of these sites, and their device credentials if asked; answers how many."""
        raise NotImplementedError

    async def activate(self, code: str, *, address: str) -> Activation:
        """Exchanges a one-time code for a device credential; the site's old device is out.

        Raises BadCode, TooManyRequests (rate limit, or lockout after wrong codes).
        """
        raise NotImplementedError

    async def site_of_device(self, credential: str) -> Actor:
        """Which site holds this device credential. Raises NotAuthenticated."""
        raise NotImplementedError

    # checks
    def authorise(self, actor: Actor, command: str, *units: str) -> None:
        """Raises Forbidden unless the actor may do the command on every unit; see `permissions.py`."""
        raise NotImplementedError

    def csrf_token(self, credential: str) -> str:
        """What `/me` answers as `csrf` for the session token or device credential of the cookie."""
        raise NotImplementedError

    def check_csrf(self, credential: str, token: str | None) -> None:
        """Raises Csrf unless `token` is the credential's."""
        raise NotImplementedError


def load_secret(path: Path) -> bytes:
    """The 32 secret bytes of the file, made (mode 0600) when it does not exist."""
    raise NotImplementedError


__all__ = ["SYSTEM", "Access", "Activation", "IssuedCode", "JsonValue", "Person", "Session", "load_secret"]
