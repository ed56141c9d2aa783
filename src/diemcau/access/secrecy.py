"""State secrets: the marks of the law, and who is cleared for which.

Law on Protection of State Secrets 29/2018/QH14, article 8: Mật (confidential), Tối mật (secret), Tuyệt mật
(top secret). A clearance is given by name, for a time, and covers its own mark and those below.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal, TypeAlias

from sqlalchemy import select

from diemcau.access.actor import SYSTEM, Actor
from diemcau.access.permissions import authorise
from diemcau.access.tables import clearances
from diemcau.clock import Clock, rfc3339
from diemcau.errors import BadRequest, Forbidden, JsonObject, JsonValue
from diemcau.store import Store, UnitOfWork
from diemcau.units import Units

Secrecy: TypeAlias = Literal["none", "confidential", "secret", "top_secret"]

MARKS: Final[tuple[Secrecy, ...]] = ("none", "confidential", "secret", "top_secret")
"""Lowest first."""

LONGEST: Final = timedelta(days=366)
"""A clearance has to be looked at again once a year."""

_RECHECK: Final = timedelta(seconds=1)


class SecrecyRefused(Forbidden):
    """The mark of the meeting forbids it."""

    code = "secrecy"
    default = "The secrecy mark of this meeting does not allow it."


@dataclass(frozen=True, slots=True)
class Clearance:
    """Up to which mark, and until when. `by`: who gave it."""

    level: Secrecy = "none"
    until: datetime | None = None
    by: str = ""

    def at(self, now: datetime) -> Secrecy:
        """What is left of it at that time."""
        return self.level if self.until is not None and now < self.until else "none"

    def to_json(self, now: datetime) -> dict[str, JsonValue]:
        """`{"level", "until"}`; a clearance that is over is none."""
        level = self.at(now)
        until = None if level == "none" or self.until is None else rfc3339(self.until)
        return {"level": level, "until": until}


def covers(level: Secrecy, mark: Secrecy) -> bool:
    """Whether who is cleared up to `level` may know of what bears `mark`."""
    return MARKS.index(level) >= MARKS.index(mark)


def covered(level: Secrecy) -> tuple[Secrecy, ...]:
    """The marks that a clearance covers."""
    return MARKS[: MARKS.index(level) + 1]


class Clearances:
    """The part of `Access` that knows who is cleared. Few are: all of them are held in memory."""

    def __init__(self, store: Store, units: Units, clock: Clock) -> None:
        self._store, self._units, self._clock = store, units, clock
        self._clearances: dict[str, Clearance] = {}
        self._cleared_at: datetime | None = None
        self._clearances_set = 0
        self._clearances_read = asyncio.Lock()

    async def clearance(self, actor: Actor) -> Secrecy:
        """Up to which mark the asker is cleared now; the system is for everything."""
        if actor == SYSTEM:
            return "top_secret"
        return (await self.clearance_of(actor.key)).at(self._clock.now())

    async def clearance_of(self, key: str) -> Clearance:
        """Of a site or person by its key ("site:s_1", "person:p_1")."""
        if not self._clearances_fresh():
            async with self._clearances_read:  # a crowd that comes asks together, and one reading answers all
                if not self._clearances_fresh():
                    await self._read_clearances()
        return self._clearances.get(key, Clearance())

    def _clearances_fresh(self) -> bool:
        since = self._cleared_at
        return since is not None and timedelta() <= self._clock.now() - since < _RECHECK

    async def _read_clearances(self) -> None:
        given = None
        while given != self._clearances_set:  # what is committed meanwhile is not in what was read
            given = self._clearances_set
            async with self._store.read() as connection:
                rows = (await connection.execute(select(clearances))).all()
        self._clearances = {row.party: Clearance(row.level, row.until, row.by) for row in rows}
        self._cleared_at = self._clock.now()

    async def cleared(self, actor: Actor, mark: Secrecy) -> bool:
        """Whether the asker may know of what bears the mark."""
        return mark == "none" or covers(await self.clearance(actor), mark)

    async def set_clearance(
        self, actor: Actor, key: str, units: Sequence[str], level: Secrecy, until: datetime | None
    ) -> Clearance:
        """Clears a site or person that stands at `units` up to a mark until a time; "none" takes it away.

        Nobody clears above his own clearance. Raises Forbidden, SecrecyRefused, BadRequest.
        """
        authorise(self._units, actor, "clearance.set", *units)
        if actor != SYSTEM and actor.key == key:
            raise Forbidden("Nobody clears himself.", command="clearance.set")
        own = await self.clearance(actor)
        before = (await self.clearance_of(key)).at(self._clock.now())
        if not (covers(own, level) and covers(own, before)):
            raise SecrecyRefused("Nobody clears above his own clearance.")
        now = self._clock.now()
        if level == "none":
            until = None
        elif until is None or not now < until <= now + LONGEST:
            raise BadRequest("a clearance ends within a year", field="until")
        kind, _, party = key.partition(":")
        stream = f"{kind}:{party}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(clearances.delete().where(clearances.c.party == key))
            row = {"party": key, "level": level, "until": until, "by": actor.key, "at": unit.now}
            await connection.execute(clearances.insert(), row)
            data: JsonObject = {"level": level, "until": None if until is None else rfc3339(until)}
            unit.append(stream, "clearance_set", data, actor=actor.key)
            unit.on_commit(self._reread)
            return {}

        await self._store.write(work, streams=[stream])
        return await self.clearance_of(key)

    def _reread(self) -> None:
        self._cleared_at = None
        self._clearances_set += 1
