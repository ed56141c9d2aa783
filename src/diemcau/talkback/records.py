"""What is kept of talkbacks: that each took place, as rows and in the log of the meeting's talkbacks.

The log is a stream of its own, `talkback:<meeting>`, hash-chained like all: an event in the meeting's own
goes to every page of it, and thousands of posts are not to be told that a word is said in private.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, update

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject
from diemcau.store import Store, UnitOfWork
from diemcau.talkback.tables import talkbacks
from diemcau.talkback.talk import Talk, Why


class Records:
    """Rows and events of talkbacks."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def open(self) -> Sequence[Any]:
        """Rows of talkbacks that have no end, oldest first."""
        query = select(talkbacks).where(talkbacks.c.until.is_(None)).order_by(talkbacks.c.since)
        async with self._store.read() as connection:
            return (await connection.execute(query)).all()

    async def begin(self, talk: Talk, actor: str, command: str) -> bool:
        """Stores that it began. False: the command was answered before, and nothing begins anew."""
        stream, fresh = stream_of(talk.meeting), False

        async def work(unit: UnitOfWork) -> JsonObject:
            nonlocal fresh
            fresh = True
            row = {
                "id": talk.id,
                "meeting": talk.meeting,
                "site": talk.site.id,
                "person": talk.by.id,
                "person_name": talk.by.name,
                "person_title": talk.by.title,
                "since": talk.since,
            }
            await (await unit.connection()).execute(talkbacks.insert(), row)
            data: JsonObject = {"talk": talk.id, "site": talk.site.id, "by": talk.by.to_json()}
            return {"seq": unit.append(stream, "talkback_opened", data, actor=actor).seq}

        await self._store.write(work, streams=[stream], command=command)
        return fresh

    async def end(self, talk: Talk, why: Why, actor: str, until: datetime) -> None:
        """Stores that it ended: once, whoever says so again."""
        stream = stream_of(talk.meeting)

        async def work(unit: UnitOfWork) -> JsonObject:
            ended = (
                update(talkbacks)
                .where(talkbacks.c.id == talk.id, talkbacks.c.until.is_(None))
                .values(until=until, why=why)
            )
            if (await (await unit.connection()).execute(ended)).rowcount:
                data: JsonObject = {
                    "talk": talk.id,
                    "site": talk.site.id,
                    "by": talk.by.to_json(),
                    "since": rfc3339(talk.since),
                    "until": rfc3339(until),
                    "why": why,
                }
                unit.append(stream, "talkback_ended", data, actor=actor)
            return {}

        await self._store.write(work, streams=[stream])


def stream_of(meeting: str) -> str:
    """The stream of a meeting's talkbacks."""
    return f"talkback:{meeting}"
