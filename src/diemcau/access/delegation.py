"""Who manages people: the console, and each manager his own subtree (docs/access.md, "Delegated")."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import delete, select, true
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.access.actor import Actor, Grant, Role
from diemcau.access.passwords import Passwords
from diemcau.access.people import Person, PersonNotFound, username_of, words_of
from diemcau.access.permissions import allowed, may_give, units_granted
from diemcau.access.tables import grants, people, sessions
from diemcau.errors import BadRequest, Conflict, Forbidden, JsonObject, JsonValue
from diemcau.ids import NewId
from diemcau.store import Store, UnitOfWork
from diemcau.units import ROOT_CODE, Units
from diemcau.units.fold import fold

MAX_GRANTS: Final = 100
_COMMAND: Final = "person.manage"


@dataclass(frozen=True, slots=True)
class PersonSeen:
    """A person as a manager sees him: grants inside the manager's subtrees only. `elsewhere`: there are
    others. `changeable`: whether this manager may change him."""

    person: Person
    elsewhere: bool
    changeable: bool


@dataclass(frozen=True, slots=True)
class PersonPage:
    """People by user name, and the user name after which the next page begins (None: the last)."""

    people: tuple[PersonSeen, ...]
    next: str | None


class Delegation:
    """The part of `Access` that changes people."""

    def __init__(self, store: Store, units: Units, make_id: NewId, passwords: Passwords) -> None:
        self._store = store
        self._units = units
        self._make_id = make_id
        self._passwords = passwords

    async def add_person(
        self,
        actor: Actor,
        *,
        username: str,
        password: str,
        name: str,
        title: str | None = None,
        grants: Sequence[Grant] = (),
        temporary: bool = False,
    ) -> Person:
        """Makes a person; the actor must be able to give every grant. `temporary`: the password only lets
        him choose another.

        Raises Forbidden, Conflict (the user name is taken), BadRequest, UnitNotFound.
        """
        self._may_hold(actor, grants)
        person = Person(
            self._make_id("p"),
            username_of(username),
            words_of(name, "name"),
            None if title is None else words_of(title, "title"),
            self._checked(grants),
            temporary=temporary,
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
                "temporary": temporary,
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

    async def set_password(
        self, actor: Actor, person: str, password: str, *, temporary: bool = False
    ) -> None:
        """Sets a new password and ends the person's sessions (the person himself, or who may change him;
        a temporary one only somebody else gives)."""
        himself = actor.key == f"person:{person}" and not temporary
        if not himself:
            async with self._store.read() as connection:  # before a hash is spent on it
                await self._may_change(connection, actor, person)
        hashed = await self._passwords.hash(password)
        values = {"password": hashed, "temporary": temporary}
        await self._change(actor, person, "password_set", values, himself=himself)

    async def disable_person(self, actor: Actor, person: str) -> None:
        """The person cannot log in any more; sessions end."""
        await self._change(actor, person, "person_disabled", {"disabled": True})

    async def enable_person(self, actor: Actor, person: str) -> None:
        """The person can log in again."""
        await self._change(actor, person, "person_enabled", {"disabled": False})

    async def set_grants(self, actor: Actor, person: str, granted: Sequence[Grant]) -> None:
        """Replaces the person's grants; open sessions have them at their next request."""
        self._may_hold(actor, granted)
        checked = self._checked(granted)
        stream = f"person:{person}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await self._may_change(connection, actor, person)
            await connection.execute(delete(grants).where(grants.c.person == person))
            await _write_grants(connection, person, checked)
            unit.append(stream, "grants_set", {"grants": _grants_json(checked)}, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])

    async def people(self) -> tuple[Person, ...]:
        """Everybody, by user name; for the server's own use (no check who asks)."""
        return await self._load(None)

    async def _load(self, ids: Sequence[str] | None) -> tuple[Person, ...]:
        """These people (None: all), by user name."""
        found: list[Person] = []
        async with self._store.read() as connection:
            for batch in [None] if ids is None else _batches(ids):
                which = people.c.id.in_(batch) if batch is not None else true()
                whose = grants.c.person.in_(batch) if batch is not None else true()
                held: defaultdict[str, list[Grant]] = defaultdict(list)
                query = select(grants).where(whose).order_by(grants.c.unit, grants.c.role)
                for row in await connection.execute(query):
                    held[row.person].append(Grant(Role(row.role), row.unit))
                for row in await connection.execute(select(people).where(which)):
                    who = (row.id, row.username, row.name, row.title, tuple(held[row.id]))
                    found.append(Person(*who, row.disabled, row.temporary))
        return tuple(sorted(found, key=lambda person: person.username))

    async def _inside(self, actor: Actor) -> Sequence[str] | None:
        """The ids of those who hold a grant inside what the actor manages; None: everybody."""
        if self._manages_all(actor):
            return None
        managed = units_granted(self._units, actor, _COMMAND)
        codes = [unit.code for unit in self._units.select(managed)]
        found: dict[str, None] = {}
        async with self._store.read() as connection:
            for batch in _batches(codes):
                query = select(grants.c.person).where(grants.c.unit.in_(batch)).distinct()
                found |= dict.fromkeys((await connection.execute(query)).scalars())
        return list(found)

    async def people_seen(
        self, actor: Actor, *, text: str = "", limit: int = 100, after: str | None = None
    ) -> PersonPage:
        """People who hold a grant inside the subtrees that the actor manages, by user name; who manages the
        nation sees everybody. `text`: every word begins a word of name, title or user name (without
        diacritics). `after`: a page's `next`. Raises Forbidden when he manages nobody.
        """
        if not units_granted(self._units, actor, _COMMAND):
            raise Forbidden(None, command=_COMMAND)
        limit = max(1, min(limit, 500))
        words = fold(text[:200]).split()[:8]
        found: list[PersonSeen] = []
        for person in await self._load(await self._inside(actor)):
            if after is not None and person.username <= after:
                continue
            if words and not _has_words(person, words):
                continue
            if (seen := self._seen(actor, person)) is not None:
                found.append(seen)
                if len(found) > limit:
                    break
        more = len(found) > limit
        return PersonPage(tuple(found[:limit]), found[limit - 1].person.username if more else None)

    async def person_seen(self, actor: Actor, person: str) -> PersonSeen:
        """One of them. Raises PersonNotFound for whom the actor does not see."""
        for one in await self._load([person]):
            if (seen := self._seen(actor, one)) is not None:
                return seen
        raise PersonNotFound(None, person=person[:64])

    def roles_given(self, actor: Actor, unit: str) -> tuple[Role, ...]:
        """The roles that the actor may give over this unit."""
        return tuple(role for role in Role if may_give(self._units, actor, Grant(role, unit)))

    def _seen(self, actor: Actor, person: Person) -> PersonSeen | None:
        everywhere = self._manages_all(actor)
        inside = tuple(g for g in person.grants if everywhere or self._manages(actor, g.unit))
        if not inside and not everywhere:
            return None
        changeable = self._is_changeable(actor, person.id, person.grants)
        return PersonSeen(replace(person, grants=inside), len(inside) < len(person.grants), changeable)

    def _manages(self, actor: Actor, unit: str) -> bool:
        return allowed(self._units, actor, _COMMAND, unit)

    def _manages_all(self, actor: Actor) -> bool:
        return self._manages(actor, ROOT_CODE)

    def _is_changeable(self, actor: Actor, person: str, held: Sequence[Grant]) -> bool:
        if actor.kind == "system":
            return True
        # Nobody's subtree holds who has no grant: only who manages the nation may make him somebody again.
        if not held and not self._manages_all(actor):
            return False
        return actor.key != f"person:{person}" and all(may_give(self._units, actor, g) for g in held)

    def _may_hold(self, actor: Actor, granted: Sequence[Grant]) -> None:
        """Raises Forbidden unless the actor may give all of these; who has none is in nobody's subtree."""
        if actor.kind == "system":
            return
        if not granted and not self._manages_all(actor):
            raise Forbidden("A person needs a role inside your own subtree", command=_COMMAND)
        for grant in granted:
            if not may_give(self._units, actor, grant):
                raise Forbidden(None, command=_COMMAND, role=grant.role.value, unit=grant.unit)

    async def _may_change(self, connection: AsyncConnection, actor: Actor, person: str) -> None:
        """Raises PersonNotFound, Forbidden. Inside the transaction: grants may have changed meanwhile."""
        query = (
            select(people.c.id, grants.c.role, grants.c.unit)
            .select_from(people.outerjoin(grants, grants.c.person == people.c.id))
            .where(people.c.id == person)
        )
        rows = (await connection.execute(query)).all()
        held = [Grant(Role(row.role), row.unit) for row in rows if row.role is not None]
        visible = self._manages_all(actor) or any(self._manages(actor, grant.unit) for grant in held)
        if not rows or not visible:
            raise PersonNotFound(None, person=person[:64])
        if not self._is_changeable(actor, person, held):
            raise Forbidden(None, command=_COMMAND)

    async def _change(
        self, actor: Actor, person: str, kind: str, values: dict[str, object], *, himself: bool = False
    ) -> None:
        stream = f"person:{person}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            if not himself:
                await self._may_change(connection, actor, person)
            done = await connection.execute(people.update().where(people.c.id == person).values(**values))
            if not done.rowcount:
                raise PersonNotFound(None, person=person[:64])
            await connection.execute(delete(sessions).where(sessions.c.person == person))
            unit.append(stream, kind, {}, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])

    def _checked(self, granted: Sequence[Grant]) -> tuple[Grant, ...]:
        if len(granted) > MAX_GRANTS:
            raise BadRequest(f"a person has at most {MAX_GRANTS} grants", field="grants")
        for grant in granted:
            self._units.get(grant.unit)
        return tuple(sorted(set(granted), key=lambda grant: (grant.unit, grant.role)))


def _batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    return (values[start : start + 500] for start in range(0, len(values), 500))


def _has_words(person: Person, words: Sequence[str]) -> bool:
    own = f" {fold(f'{person.name} {person.title or str()}')} {person.username}"
    return all(f" {word}" in own for word in words)


async def _write_grants(connection: AsyncConnection, person: str, granted: Sequence[Grant]) -> None:
    if granted:
        rows = [{"person": person, "role": grant.role.value, "unit": grant.unit} for grant in granted]
        await connection.execute(grants.insert(), rows)


def _grants_json(granted: Sequence[Grant]) -> list[JsonValue]:
    return [{"role": grant.role.value, "unit": grant.unit} for grant in granted]
