"""`Reminders`: planned ones, which go by themselves when their time has come, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Row as DbRow
from sqlalchemy import delete, insert, select, update

from diemcau.access import Access, Actor
from diemcau.clock import Clock
from diemcau.errors import BadRequest, JsonObject
from diemcau.ids import NewId, new_id
from diemcau.rollout.readiness import Cause, Readiness
from diemcau.rollout.waves.ledger import STREAM
from diemcau.rollout.waves.letter import Words
from diemcau.rollout.waves.messages import Messages
from diemcau.rollout.waves.service import Waves
from diemcau.rollout.waves.tables import wave_reminders
from diemcau.rollout.waves.timing import at_of, what_now
from diemcau.rollout.waves.wave import MailNotSet, NobodyToTell, SendingNotFound, Wave, clock_of
from diemcau.store import Store, UnitOfWork

MOST = 10
"""Planned reminders of a wave."""

PER_MINUTE = 120

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Reminder:
    """`at`: when it goes. `state`: planned; sent (`sending`: None when nobody was left to remind); missed:
    the server was down, or who planned it may not any more."""

    id: str
    wave: str
    days_before: int
    clock: str
    at: datetime
    words: Words
    causes: tuple[Cause, ...]
    state: str
    sending: str | None
    created_by: str


class Reminders:
    """See the module."""

    def __init__(
        self,
        store: Store,
        access: Access,
        readiness: Readiness,
        waves: Waves,
        messages: Messages,
        clock: Clock,
        *,
        make_id: NewId = new_id,
    ) -> None:
        self._store, self._access, self._readiness = store, access, readiness
        self._waves, self._messages, self._clock, self._make_id = waves, messages, clock, make_id

    async def planned(self, actor: Actor, wave: str) -> list[Reminder]:
        """Of the wave, in order. Raises WaveNotFound."""
        await self._waves.see(actor, wave)
        return await self._find(wave)

    async def add(
        self, actor: Actor, wave: str, days_before: int, clock: str, words: Words, causes: Sequence[Cause]
    ) -> Reminder:
        """Plans one. Raises WaveNotFound, Forbidden, BadRequest, MailNotSet."""
        found = await self._waves.see(actor, wave)
        self._waves.may(actor, found)
        words.template()
        if words.link:
            raise BadRequest("a planned reminder brings no codes: nobody looks on", field="link")
        if not self._messages.mail:
            raise MailNotSet
        at = at_of(found.day, days_before, clock_of(clock, "clock"))
        if what_now(at, found.ends_at, self._clock.now()) != "wait":
            raise BadRequest("that time is over", field="days_before")
        if len(await self._find(wave)) >= MOST:
            raise BadRequest(f"a wave has at most {MOST} planned reminders", field="wave")
        name = self._make_id("reminder")

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(lambda: self._messages.begun())
            await (await unit.connection()).execute(
                insert(wave_reminders).values(
                    id=name,
                    wave=wave,
                    days_before=days_before,
                    clock=clock,
                    at=at,
                    subject=words.subject,
                    body=words.body,
                    causes=list(causes),
                    base=words.base,
                    hotline=words.hotline,
                    state="planned",
                    sending=None,
                    created_by=actor.key,
                )
            )
            unit.append(STREAM, "wave_reminder_planned", {"reminder": name, "wave": wave}, actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])
        return next(one for one in await self._find(wave) if one.id == name)

    async def remove(self, actor: Actor, wave: str, reminder: str) -> None:
        """It does not go. Raises WaveNotFound, Forbidden, SendingNotFound."""
        found = await self._waves.see(actor, wave)
        self._waves.may(actor, found)
        if reminder not in {one.id for one in await self._find(wave)}:
            raise SendingNotFound(None, sending=reminder[:64])

        async def work(unit: UnitOfWork) -> JsonObject:
            await (await unit.connection()).execute(
                delete(wave_reminders).where(wave_reminders.c.id == reminder)
            )
            unit.append(
                STREAM, "wave_reminder_removed", {"reminder": reminder, "wave": wave}, actor=actor.key
            )
            return {}

        await self._store.write(work, streams=[STREAM])

    async def tick(self) -> int:
        """Begins those whose time has come; answers how many sites they are for. A reminder is marked and its
        letters are written in one transaction: so it goes once, whatever happens."""
        now = self._clock.now()
        query = select(wave_reminders).where(wave_reminders.c.state == "planned", wave_reminders.c.at <= now)
        async with self._store.read() as connection:
            due = [_reminder(row) for row in (await connection.execute(query)).all()]
        return sum([await self._go(one, now) for one in due])

    async def _go(self, reminder: Reminder, now: datetime) -> int:
        wave = await self._waves.get(reminder.wave)
        actor = await self._access.actor_of(reminder.created_by)
        may = actor is not None and self._access.allowed(actor, "wave.plan", wave.unit)
        if not may or what_now(reminder.at, wave.ends_at, now) != "send":
            log.warning("a planned reminder was missed", reminder=reminder.id, wave=wave.id, allowed=may)
            await self._mark(reminder, wave, "missed")
            return 0
        return await self._mark(reminder, wave, "sent")

    async def _mark(self, reminder: Reminder, wave: Wave, state: str) -> int:
        order = await self._waves.sites_of(wave.id)
        found = await self._readiness.of_sites(order)
        rows = [found[site] for site in order if site in found]
        name = self._make_id("sending")

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            r = wave_reminders.c
            done = await connection.execute(
                update(wave_reminders).where(r.id == reminder.id, r.state == "planned").values(state=state)
            )
            if state != "sent" or done.rowcount == 0:
                return {"count": 0}
            try:
                count = await self._messages.begin(
                    unit,
                    name,
                    wave,
                    "reminder",
                    reminder.words,
                    rows,
                    reminder.causes,
                    PER_MINUTE,
                    reminder.created_by,
                )
            except NobodyToTell:
                return {"count": 0}
            await connection.execute(update(wave_reminders).where(r.id == reminder.id).values(sending=name))
            return {"count": count}

        return int(str((await self._store.write(work, streams=[STREAM]))["count"]))

    async def _find(self, wave: str) -> list[Reminder]:
        r = wave_reminders.c
        async with self._store.read() as connection:
            rows = await connection.execute(select(wave_reminders).where(r.wave == wave).order_by(r.at, r.id))
            return [_reminder(row) for row in rows]


def _reminder(row: DbRow[Any]) -> Reminder:
    words = Words(row.subject, row.body, row.base, row.hotline)
    return Reminder(
        row.id,
        row.wave,
        row.days_before,
        row.clock,
        row.at,
        words,
        tuple(row.causes),
        row.state,
        row.sending,
        row.created_by,
    )
