"""The letters that wait, as rows: one is claimed, given away, and what became of it is written down.

A letter is claimed by a commit of its own before the mail server hears of it. So whatever kills the server,
at most the one letter that was claimed is in doubt: it is found so at the next start, called `uncertain`, and
never sent again by itself.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import case, func, select, update

from diemcau.clock import Clock
from diemcau.errors import JsonObject
from diemcau.rollout.waves.ledger import STREAM
from diemcau.rollout.waves.mailer import Outcome
from diemcau.rollout.waves.sending import Sending, sending_of
from diemcau.rollout.waves.tables import wave_messages, wave_sendings
from diemcau.store import Store, UnitOfWork

BACKOFF_MIN: Final = (5, 10, 20, 40, 80)
"""Minutes before each further try of a letter that was put off (greylisting asks for about five)."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """A letter that is ours to send now. `tries`: this one included."""

    sending: Sending
    site: str
    tries: int


class Queue:
    """See the module."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def recover(self) -> int:
        """Letters that were claimed when the server ended: nobody knows of them. Answers how many."""

        async def work(unit: UnitOfWork) -> JsonObject:
            m = wave_messages.c
            change = update(wave_messages).where(m.state == "sending")
            done = await (await unit.connection()).execute(
                change.values(state="uncertain", error="interrupted", at=unit.now)
            )
            return {"count": done.rowcount}

        return int(str((await self._store.write(work))["count"]))

    async def look(self) -> tuple[Sending, datetime] | None:
        """The running sending whose next letter is first to go (reminders before invitations), and when that
        is due; None when nothing waits. Ends sendings in which nothing does."""
        m, s = wave_messages.c, wave_sendings.c
        query = (
            select(wave_sendings, func.min(m.due_at).label("due"))
            .outerjoin(wave_messages, (m.sending == s.id) & (m.state == "queued"))
            .where(s.state == "running")
            .group_by(s.id)
            .order_by(case((s.kind == "reminder", 0), else_=1), s.created_at)
        )
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
        waiting = [(sending_of(row, {}), row.due) for row in rows if row.due is not None]
        for row in rows:
            if row.due is None:
                await self._end(row.id, row.wave)
        now = self._clock.now()
        due = [one for one in waiting if one[1] <= now]
        return due[0] if due else min(waiting, key=lambda one: one[1], default=None)

    async def _end(self, sending: str, wave: str) -> None:
        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            m, s = wave_messages.c, wave_sendings.c
            left = select(func.count()).where(m.sending == sending, m.state.in_(("queued", "sending")))
            if await connection.scalar(left):
                return {}
            counted = select(m.state, func.count()).where(m.sending == sending).group_by(m.state)
            counts = {row[0]: row[1] for row in await connection.execute(counted)}
            change = update(wave_sendings).where(s.id == sending, s.state == "running")
            await connection.execute(change.values(state="done", error=None))
            data = {"sending": sending, "wave": wave, **counts}
            unit.append(STREAM, "wave_sending_done", data, actor="system")
            return {}

        await self._store.write(work, streams=[STREAM])

    async def claim(self, sending: Sending) -> Claimed | None:
        """Its first letter that is due, ours from now on; None when it was stopped, or is not due."""

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            m, s = wave_messages.c, wave_sendings.c
            running = select(s.id).where(s.id == sending.id, s.state == "running")
            first = (
                select(m.wave, m.site, m.tries)
                .where(m.sending.in_(running), m.state == "queued", m.due_at <= self._clock.now())
                .order_by(m.due_at, m.place)
                .limit(1)
            )
            row = (await connection.execute(first)).one_or_none()
            if row is None:
                return {}
            change = update(wave_messages).where(m.sending == sending.id, m.site == row.site)
            await connection.execute(change.values(state="sending", tries=row.tries + 1, at=unit.now))
            return {"site": row.site, "tries": row.tries + 1}

        found = await self._store.write(work)
        return Claimed(sending, str(found["site"]), int(str(found["tries"]))) if found else None

    async def settle(self, claimed: Claimed, outcome: Outcome, address: str) -> str:
        """What became of it; answers the state."""
        now = self._clock.now()
        values: dict[str, object] = {
            "at": now,
            "error": outcome.code or None,
            "detail": outcome.detail or None,
        }
        values["address"] = address
        if outcome.result == "later" and claimed.tries <= len(BACKOFF_MIN):
            wait = timedelta(minutes=BACKOFF_MIN[claimed.tries - 1])
            values |= {"state": "queued", "due_at": now + wait}
        else:
            states = {"accepted": "sent", "later": "failed", "refused": "failed", "uncertain": "uncertain"}
            values["state"] = states[outcome.result]
        await self._write(claimed, values)
        return str(values["state"])

    async def skip(self, claimed: Claimed, why: str) -> None:
        """It is not sent: its site has left the wave, is not meant any more, or has no address now."""
        await self._write(claimed, {"state": "skipped", "error": why, "at": self._clock.now()})

    async def put_back(self, claimed: Claimed, why: str | None) -> None:
        """It was not sent and goes again; the sending says why it waits."""
        await self._write(claimed, {"state": "queued", "tries": claimed.tries - 1})
        await self.say(claimed.sending.id, why)

    async def say(self, sending: str, error: str | None, *, stop: bool = False) -> None:
        """What keeps the sending; `stop`: it does not go on by itself."""

        async def work(unit: UnitOfWork) -> JsonObject:
            s = wave_sendings.c
            values = {"error": error} | ({"state": "stopped"} if stop else {})
            change = update(wave_sendings).where(s.id == sending, s.state == "running")
            await (await unit.connection()).execute(change.values(values))
            if stop:
                data = {"sending": sending, "state": "stopped", "error": error}
                unit.append(STREAM, "wave_sending_set", data, actor="system")
            return {}

        await self._store.write(work, streams=[STREAM])

    async def _write(self, claimed: Claimed, values: dict[str, object]) -> None:
        async def work(unit: UnitOfWork) -> JsonObject:
            m = wave_messages.c
            change = update(wave_messages).where(m.sending == claimed.sending.id, m.site == claimed.site)
            await (await unit.connection()).execute(change.values(values))
            return {}

        await self._store.write(work)
