"""People: who they are, log-in, sessions, one's own password. Who manages them: `delegation.py`."""

import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select

from diemcau.access.actor import SYSTEM, Actor, Grant, Role
from diemcau.access.limits import Lockout, RateLimiter, network_of
from diemcau.access.passwords import Passwords
from diemcau.access.secrets import new_token, token_hash
from diemcau.access.tables import grants, people, sessions
from diemcau.clock import Clock
from diemcau.errors import BadCredentials, BadRequest, JsonObject, NotAuthenticated, NotFound
from diemcau.store import Store, UnitOfWork

SESSION: Final = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can log in. `temporary`: his password is one that somebody else gave him."""

    id: str
    username: str
    name: str
    title: str | None
    grants: tuple[Grant, ...]
    disabled: bool = False
    temporary: bool = False


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
    """The part of `Access` that lets people in."""

    def __init__(self, store: Store, clock: Clock, passwords: Passwords) -> None:
        self._store = store
        self._clock = clock
        self._passwords = passwords
        # A login costs 50 ms of a core: by address (offices share one), and by user name whoever asks.
        self._by_address = RateLimiter(burst=30, per_second=1)
        self._by_username = RateLimiter(burst=20, per_second=0.5)
        # Per name and address: nobody can shut a director out from somewhere else.
        self._wrong = Lockout(limit=10, period=timedelta(minutes=15))

    @property
    def store(self) -> Store:
        """Where people are kept."""
        return self._store

    async def log_in(self, username: str, password: str, *, address: str) -> Session:
        """Raises BadCredentials (after the same time whether the user exists or not), TooManyRequests,
        Busy."""
        now = self._clock.now()
        folded = fold_username(username)[:64]
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
            await connection.execute(sessions.insert(), _session_row(token, row.id, unit.now))
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
        """Who holds this session, with the grants of this moment. Raises NotAuthenticated.

        Whose password was given to him by somebody else has none until he has chosen his own: who gave it
        must not be able to act as him.
        """
        query = (
            select(
                people.c.id, people.c.name, people.c.title, people.c.temporary, grants.c.role, grants.c.unit
            )
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
        person = rows[0]
        held = tuple(Grant(Role(row.role), row.unit) for row in rows if row.role is not None)
        if person.temporary:
            held = ()
        return Actor("person", person.id, person.name, person.title, held, temporary=person.temporary)

    async def actor_of(self, key: str) -> Actor | None:
        """Who has this key ("person:p_1", "system"), with the grants of this moment: for work that somebody
        began and that goes on without him. None when he may do nothing any more."""
        if key == SYSTEM.key:
            return SYSTEM
        kind, _, person = key.partition(":")
        query = (
            select(people.c.id, people.c.name, people.c.title, grants.c.role, grants.c.unit)
            .select_from(people.outerjoin(grants, grants.c.person == people.c.id))
            .where(people.c.id == person, ~people.c.disabled, ~people.c.temporary)
            .order_by(grants.c.unit, grants.c.role)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
        if kind != "person" or not rows:
            return None
        held = tuple(Grant(Role(row.role), row.unit) for row in rows if row.role is not None)
        return Actor("person", rows[0].id, rows[0].name, rows[0].title, held)

    async def grants_of(self, person: str) -> tuple[Grant, ...]:
        """All that the person holds."""
        query = select(grants.c.role, grants.c.unit).where(grants.c.person == person)
        async with self._store.read() as connection:
            rows = (await connection.execute(query.order_by(grants.c.unit, grants.c.role))).all()
        return tuple(Grant(Role(row.role), row.unit) for row in rows)

    async def choose_password(self, token: str, old: str, new: str, *, address: str) -> Session:
        """The holder of the session sets a password of his own; all his sessions end and he gets a new one.

        Raises NotAuthenticated, BadCredentials (the old one is wrong), BadRequest, TooManyRequests, Busy.
        """
        actor = await self.person_of_session(token)
        async with self._store.read() as connection:
            query = select(people.c.username, people.c.password).where(people.c.id == actor.id)
            row = (await connection.execute(query)).one()
        if new == old:
            raise BadRequest("The new password is the old one", field="password")
        now, network = self._clock.now(), network_of(address)
        who = f"{row.username}\n{network}"
        self._wrong.check(who, now)
        self._by_address.take(network, now)
        if not await self._passwords.verify(row.password, old):
            self._wrong.failed(who, now)
            raise BadCredentials
        hashed = await self._passwords.hash(new)
        fresh = new_token()
        stream = f"person:{actor.id}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            same = (people.c.id == actor.id) & (people.c.password == row.password) & ~people.c.disabled
            done = await connection.execute(
                people.update().where(same).values(password=hashed, temporary=False)
            )
            if not done.rowcount:
                raise BadCredentials
            await connection.execute(delete(sessions).where(sessions.c.person == actor.id))
            await connection.execute(sessions.insert(), _session_row(fresh, actor.id, unit.now))
            unit.append(stream, "password_set", {"own": True}, actor=stream)
            return {}

        await self._store.write(work, streams=[stream])
        return Session(fresh, now + SESSION, await self.person_of_session(fresh))


def _session_row(token: str, person: str, now: datetime) -> dict[str, object]:
    return {
        "token": token_hash(token),
        "person": person,
        "created_at": now,
        "expires_at": now + SESSION,
    }


def fold_username(username: str) -> str:
    """Lower case, without spaces around it: however it is typed."""
    return unicodedata.normalize("NFKC", username).strip().casefold()


def username_of(username: str) -> str:
    """The user name as it is stored. Raises BadRequest."""
    folded = fold_username(username)
    if not 1 <= len(folded) <= 64 or not folded.isprintable() or " " in folded:
        raise BadRequest("a user name has 1 to 64 characters and no spaces", field="username")
    return folded


def words_of(text: str, field: str) -> str:
    """A name or title in one line. Raises BadRequest."""
    clean = " ".join(unicodedata.normalize("NFC", text).split())
    if not 1 <= len(clean) <= 200 or not clean.isprintable():
        raise BadRequest(f"{field} has 1 to 200 characters", field=field)
    return clean
