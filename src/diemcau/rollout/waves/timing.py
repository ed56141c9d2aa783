"""When a planned reminder goes: so many days before its wave's day, at a time of day in Hà Nội."""

from datetime import date, datetime, time, timedelta
from typing import Final, Literal

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.errors import BadRequest
from diemcau.rollout.waves.tables import wave_reminders
from diemcau.rollout.waves.wave import Wave, instant

MOST_BEFORE: Final = 30
LATE: Final = timedelta(hours=3)
"""How long after its time a reminder still goes (the server was down): later its words are not true."""


def at_of(day: date, days_before: int, clock: time) -> datetime:
    """When it goes, UTC. Raises BadRequest."""
    if not 0 <= days_before <= MOST_BEFORE:
        raise BadRequest(f"a reminder comes 0 to {MOST_BEFORE} days before", field="days_before")
    return instant(day - timedelta(days=days_before), clock)


def what_now(at: datetime, ends_at: datetime, now: datetime) -> Literal["wait", "send", "missed"]:
    """What is to be done with a planned reminder of a wave that ends then."""
    if now < at:
        return "wait"
    return "send" if now <= at + LATE and now < ends_at else "missed"


async def move_reminders(connection: AsyncConnection, wave: Wave, now: datetime) -> None:
    """The wave has another day: its reminders go with it, and those that told the old one go again."""
    query = select(wave_reminders).where(wave_reminders.c.wave == wave.id)
    for row in (await connection.execute(query)).all():
        at = at_of(wave.day, row.days_before, time.fromisoformat(row.clock))
        state = "planned" if at > now else row.state
        change = update(wave_reminders).where(wave_reminders.c.id == row.id)
        await connection.execute(change.values(at=at, state=state))
