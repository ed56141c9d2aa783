"""People: rows, grants, sessions."""

import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.access.actor import Actor, Grant, Role
from diemcau.access.limits import Lockout, RateLimiter, network_of
from diemcau.access.passwords import Passwords
from diemcau.access.permissions import authorise
from diemcau.access.secrets import new_token, token_hash
from diemcau.access.tables import grants, people, sessions
from diemcau.clock import Clock
from diemcau.errors import (
    BadCredentials,
    BadRequest,
    Conflict,
    JsonObject,
    JsonValue,
    NotAuthenticated,
    NotFound,
)
from diemcau.ids import NewId
from diemcau.store import Store, UnitOfWork
from diemcau.units import ROOT_CODE, Units

SESSION: Final = timedelta(hours=12)
MAX_GRANTS: Final = 100


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


class PersonNotFound(NotFound):
    """No person has this id. Details: `person`."""

    default = "There is no such person."


class People:
    """The part of `Access` that knows people."""

    def __init__(
        self, store: Store, units: Units, clock: Clock, make_id: NewId, passwords: Passwords
    ) -> None:
        self._store = store
        self._units = units
        self._clock = clock
        self._make_id = make_id
        self._passwords = passwords
        # A login costs 50 ms of a core: by address (offices share one), and by user name whoever asks.
        self._by_address = RateLimiter(burst=30, per_second=1)
        self._by_username = RateLimiter(burst=20, per_second=0.5)
        # Per name and address: nobody can shut a director out from somewhere else.
        self._wrong = Lockout(limit=10, period=timedelta(minutes=15))

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
        """Makes a person. Nobody's role allows it yet: the system does it.

        Raises Forbidden, Conflict (the user name is taken), BadRequest, UnitNotFound.
        """
        authorise(self._units, actor, "person.manage", ROOT_CODE)
        person = Person(
            self._make_id("p"),
            _username(username),
            _words(name, "name"),
            None if title is None else _words(title, "title"),
            self._grants(grants),
        )
        hashed = await self._passwords.hash(password)
        stream = f"person:{person.id}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            row = {
                "id": person.id,
                "username": person.username,
                "name": person.name,
                "title": person.title,
                "password": hashed,
                "disabled": False,
                "created_at": unit.now,
            }
            try:
                await connection.execute(people.insert(), row)
            except IntegrityError as error:
                raise Conflict("The user name is taken.", field="username") from error
            await _write_grants(connection, person.id, person.grants)
            data: dict[str, JsonValue] = {
                "username": person.username,
                "name": person.name,
                "title": person.title,
                "grants": _grants_json(person.grants),
            }
            unit.append(stream, "person_added", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])
        return person

    async def set_password(self, actor: Actor, person: str, password: str) -> None:
        """Sets a new password and ends the person's sessions (the person himself or the system)."""
        if actor.key != f"person:{person}":
            authorise(self._units, actor, "person.manage", ROOT_CODE)
        hashed = await self._passwords.hash(password)
        await self._change(actor, person, "password_set", {}, password=hashed)

    async def disable_person(self, actor: Actor, person: str) -> None:
        """The person cannot log in any more; sessions end."""
        authorise(self._units, actor, "person.manage", ROOT_CODE)
        await self._change(actor, person, "person_disabled", {}, disabled=True)

    async def set_grants(self, actor: Actor, person: str, granted: Sequence[Grant]) -> None:
        """Replaces the person's grants; open sessions have them at their next request."""
        authorise(self._units, actor, "person.manage", ROOT_CODE)
        checked = self._grants(granted)
        stream = f"person:{person}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            found = await connection.execute(select(people.c.id).where(people.c.id == person))
            if found.one_or_none() is None:
                raise PersonNotFound(None, person=person)
            await connection.execute(delete(grants).where(grants.c.person == person))
            await _write_grants(connection, person, checked)
            unit.append(stream, "grants_set", {"grants": _grants_json(checked)}, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])

    async def people(self) -> tuple[Person, ...]:
        """Everybody, by user name."""
        async with self._store.read() as connection:
            held: defaultdict[str, list[Grant]] = defaultdict(list)
            for row in await connection.execute(select(grants).order_by(grants.c.unit, grants.c.role)):
                held[row.person].append(Grant(Role(row.role), row.unit))
            rows = await connection.execute(select(people).order_by(people.c.username))
            return tuple(
                Person(row.id, row.username, row.name, row.title, tuple(held[row.id]), row.disabled)
                for row in rows
            )

    async def log_in(self, username: str, password: str, *, address: str) -> Session:
        """Raises BadCredentials (after the same time whether the user exists or not), TooManyRequests,
        Busy."""
        now = self._clock.now()
        folded = _fold(username)[:64]
        if not folded.isprintable():
            folded = ""  # nobody's: what cannot be stored is not looked up
        network = network_of(address)
        who = f"{folded}\n{network}"
        self._wrong.check(who, now)
        self._by_address.take(network, now)
        self._by_username.take(folded, now)
        async with self._store.read() as connection:
            row = (await connection.execute(select(people).where(people.c.username == folded))).one_or_none()
        stored = None if row is None or row.disabled else row.password
        if not await self._passwords.verify(stored, password) or row is None:
            self._wrong.failed(who, now)
            raise BadCredentials
        self._wrong.succeeded(who)
        rehashed = await self._passwords.hash(password) if self._passwords.outdated(row.password) else None
        token = new_token()
        stream = f"person:{row.id}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            mine = people.c.id == row.id
            # Between the check and now the password may have been changed or the person disabled.
            still = select(people.c.id).where(mine, people.c.password == row.password, ~people.c.disabled)
            if (await connection.execute(still)).one_or_none() is None:
                raise BadCredentials
            if rehashed is not None:
                await connection.execute(people.update().where(mine).values(password=rehashed))
            await connection.execute(delete(sessions).where(sessions.c.expires_at <= unit.now))
            await connection.execute(
                sessions.insert(),
                {
                    "token": token_hash(token),
                    "person": row.id,
                    "created_at": unit.now,
                    "expires_at": unit.now + SESSION,
                },
            )
            unit.append(stream, "logged_in", {}, actor=stream)
            return {}

        await self._store.write(work, streams=[stream])
        return Session(token, now + SESSION, await self.person_of_session(token))

    async def log_out(self, token: str) -> None:
        """Ends the session; unknown tokens are fine."""
        hashed = token_hash(token)
        async with self._store.read() as connection:
            person = await connection.scalar(select(sessions.c.person).where(sessions.c.token == hashed))
        if person is None:
            return

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(delete(sessions).where(sessions.c.token == hashed))
            unit.append(f"person:{person}", "logged_out", {}, actor=f"person:{person}")
            return {}

        await self._store.write(work, streams=[f"person:{person}"])

    async def person_of_session(self, token: str) -> Actor:
        """Who holds this session, with the grants of this moment. Raises NotAuthenticated."""
        query = (
            select(people.c.id, people.c.name, people.c.title, grants.c.role, grants.c.unit)
            .select_from(sessions.join(people).outerjoin(grants, grants.c.person == people.c.id))
            .where(
                sessions.c.token == token_hash(token),
                sessions.c.expires_at > self._clock.now(),
                ~people.c.disabled,
            )
            .order_by(grants.c.unit, grants.c.role)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
        if not rows:
            raise NotAuthenticated
        held = tuple(Grant(Role(row.role), row.unit) for row in rows if row.role is not None)
        return Actor("person", rows[0].id, rows[0].name, rows[0].title, held)

    async def _change(self, actor: Actor, person: str, kind: str, data: JsonObject, **values: object) -> None:
        stream = f"person:{person}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            done = await connection.execute(people.update().where(people.c.id == person).values(**values))
            if not done.rowcount:
                raise PersonNotFound(None, person=person)
            await connection.execute(delete(sessions).where(sessions.c.person == person))
            unit.append(stream, kind, data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])

    def _grants(self, granted: Sequence[Grant]) -> tuple[Grant, ...]:
        if len(granted) > MAX_GRANTS:
            raise BadRequest(f"a person has at most {MAX_GRANTS} grants", field="grants")
        for grant in granted:
            self._units.get(grant.unit)
        return tuple(sorted(set(granted), key=lambda grant: (grant.unit, grant.role)))


async def _write_grants(connection: AsyncConnection, person: str, granted: Sequence[Grant]) -> None:
    if granted:
        rows = [{"person": person, "role": grant.role.value, "unit": grant.unit} for grant in granted]
        await connection.execute(grants.insert(), rows)


def _grants_json(granted: Sequence[Grant]) -> list[JsonValue]:
    return [{"role": grant.role.value, "unit": grant.unit} for grant in granted]


def _fold(username: str) -> str:
    return unicodedata.normalize("NFKC", username).strip().casefold()


def _username(username: str) -> str:
    folded = _fold(username)
    if not 1 <= len(folded) <= 64 or not folded.isprintable() or " " in folded:
        raise BadRequest("a user name has 1 to 64 characters and no spaces", field="username")
    return folded


def _words(text: str, field: str) -> str:
    clean = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(clean) <= 200 or not clean.isprintable():
        raise BadRequest(f"{field} has 1 to 200 characters", field=field)
    return clean
