"""Verifying the hash chain of a stream."""

from typing import Final

import orjson
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.errors import DiemCauError
from diemcau.store import tables
from diemcau.store.events import GENESIS, Event, Head, link

_BATCH: Final = 1000


class ChainBroken(DiemCauError):
    """The log is not what was written. Details: `stream`, `seq` of the first event that does not fit."""

    code = "chain_broken"
    status = 500
    default = "The event log has been changed."


async def verify(connection: AsyncConnection, stream: str, expected: Head | None) -> Head:
    """The head of the stream after checking every event. Raises ChainBroken."""
    seq, before = 0, GENESIS
    table = tables.events
    while True:
        rows = (
            await connection.execute(
                select(table)
                .where(table.c.stream == stream, table.c.seq > seq)
                .order_by(table.c.seq)
                .limit(_BATCH)
            )
        ).all()
        for row in rows:
            if row.seq != seq + 1:
                raise ChainBroken("an event is missing", stream=stream, seq=seq + 1)
            seq = row.seq
            event = _event(row.body)
            if event is None or (before := link(before, row.body)) != row.hash:
                raise ChainBroken("an event does not fit the one before", stream=stream, seq=seq)
            if (event.stream, event.seq, event.type, event.at) != (stream, seq, row.type, row.at):
                raise ChainBroken("an event's columns differ from its body", stream=stream, seq=seq)
            if expected is not None and expected.seq == seq and expected.hash != before:
                raise ChainBroken("the log differs from the exported head", stream=stream, seq=seq)
        if len(rows) < _BATCH:
            break
    head = (
        await connection.execute(select(tables.streams).where(tables.streams.c.stream == stream))
    ).one_or_none()
    if (head.seq, head.hash) != (seq, before) if head is not None else seq:
        raise ChainBroken("the end of the log is missing", stream=stream, seq=seq + 1)
    if expected is not None and expected.seq > seq:
        raise ChainBroken("the log ends before the exported head", stream=stream, seq=seq + 1)
    return Head(stream, seq, before)


def _event(body: object) -> Event | None:
    # SQLite keeps whatever type somebody wrote into the column.
    try:
        return Event.from_json(orjson.loads(body)) if isinstance(body, bytes) else None
    except ValueError:
        return None
