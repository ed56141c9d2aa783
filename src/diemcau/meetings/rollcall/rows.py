"""Roll calls as rows: reading and writing them, inside a transaction that is somebody else's."""

import zlib
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from sqlalchemy import Row, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.meetings.rollcall.book import Confirmation, RollCall
from diemcau.meetings.rollcall.entry import Entry, Head, Statement
from diemcau.meetings.tables import message_receipts, roll_calls, roll_confirmations, roll_entries

_BATCH = 1000
_LISTED = 200

_SAID: Final = ("version", "says", "reason", "text", "head_name", "head_title", "note", "by", "by_name", "at")


def _putting(dialect: Any) -> Any:
    insert = dialect.insert(roll_entries)
    return insert.on_conflict_do_update(
        index_elements=["call", "site"], set_={name: getattr(insert.excluded, name) for name in _SAID}
    )


# Made once: building the statement is a third of what writing an entry costs.
_PUT: Final = {"sqlite": _putting(sqlite), "postgresql": _putting(postgresql)}


async def calls_of(connection: AsyncConnection, meeting: str) -> list[RollCall]:
    """The meeting's roll calls, newest first."""
    c = roll_calls.c
    columns = [column for column in c if column.name != "result"]
    query = select(*columns).where(c.meeting == meeting).order_by(c.number.desc()).limit(_LISTED)
    return [_call(row) for row in await connection.execute(query)]


async def call_of(connection: AsyncConnection, call: str) -> RollCall:
    """One roll call. Raises NoResultFound."""
    columns = [column for column in roll_calls.c if column.name != "result"]
    return _call((await connection.execute(select(*columns).where(roll_calls.c.id == call))).one())


async def result_of(connection: AsyncConnection, call: str) -> bytes | None:
    """The sealed result, as it was hashed."""
    packed = await connection.scalar(select(roll_calls.c.result).where(roll_calls.c.id == call))
    return None if packed is None else zlib.decompress(packed)


async def add_call(connection: AsyncConnection, call: RollCall) -> None:
    """A new one."""
    row = {
        "id": call.id,
        "meeting": call.meeting,
        "number": call.number,
        "corrects": call.corrects,
        "status": call.status,
        "opened_at": call.opened_at,
        "opened_by": call.opened_by,
    }
    await connection.execute(roll_calls.insert(), row)


async def seal_call(connection: AsyncConnection, call: RollCall, packed: bytes) -> None:
    """It is sealed; `packed`: its result, compressed."""
    await connection.execute(
        roll_calls.update()
        .where(roll_calls.c.id == call.id)
        .values(
            status=call.status,
            sealed_at=call.sealed_at,
            sealed_by=call.sealed_by,
            digest=call.digest,
            seq=call.seq,
            result=packed,
        )
    )


async def entries_of(
    connection: AsyncConnection, call: str, sites: Collection[str] | None = None
) -> dict[str, Entry]:
    """The stored entries of a roll call, or of these sites of it."""
    c = roll_entries.c
    query = select(roll_entries).where(c.call == call)
    found: dict[str, Entry] = {}
    wanted = [None] if sites is None else [list(sites)[n : n + _BATCH] for n in range(0, len(sites), _BATCH)]
    for batch in wanted:
        rows = await connection.execute(query if batch is None else query.where(c.site.in_(batch)))
        found.update((row.site, _entry(row)) for row in rows)
    return found


async def put_entries(connection: AsyncConnection, call: str, entries: Iterable[Entry]) -> None:
    """Stores entries in the place of those before."""
    await connection.execute(_PUT[connection.dialect.name], [_values(call, entry) for entry in entries])


async def confirmations_of(connection: AsyncConnection, call: str) -> list[Confirmation]:
    """Who has confirmed."""
    query = select(roll_confirmations).where(roll_confirmations.c.call == call)
    return [Confirmation(row.unit, row.at, row.by_name) for row in await connection.execute(query)]


async def put_confirmation(
    connection: AsyncConnection, call: str, unit: str, confirmation: Confirmation | None
) -> None:
    """Stores it, or takes it away."""
    c = roll_confirmations.c
    await connection.execute(roll_confirmations.delete().where(c.call == call, c.unit == unit))
    if confirmation is not None:
        row = {"call": call, "unit": unit, "at": confirmation.at, "by_name": confirmation.by_name}
        await connection.execute(roll_confirmations.insert(), row)


async def acks_of(connection: AsyncConnection, meeting: str) -> Mapping[str, tuple[int, int]]:
    """Of each site: how many messages of the meeting its page has, how many were answered there."""
    c = message_receipts.c
    query = (
        select(c.site, func.count(), func.count(c.answered_at)).where(c.meeting == meeting).group_by(c.site)
    )
    return {site: (got, answered) for site, got, answered in await connection.execute(query)}


def pack(result: bytes) -> bytes:
    """Compressed as the table holds it."""
    return zlib.compress(result, 6)


def _call(row: Row[Any]) -> RollCall:
    return RollCall(
        row.id,
        row.meeting,
        row.number,
        row.corrects,
        row.status,
        row.opened_at,
        row.opened_by,
        row.sealed_at,
        row.sealed_by,
        row.digest,
        row.seq,
    )


def _entry(row: Row[Any]) -> Entry:
    head = None if row.head_name is None else Head(row.head_name, row.head_title)
    statement = Statement(row.says, row.reason, row.text, head, row.note)
    return Entry(row.site, row.version, statement, row.by, row.by_name, row.at)


def _values(call: str, entry: Entry) -> dict[str, object]:
    statement = entry.statement
    return {
        "call": call,
        "site": entry.site,
        "version": entry.version,
        "says": statement.says,
        "reason": statement.reason,
        "text": statement.text,
        "head_name": None if statement.head is None else statement.head.name,
        "head_title": None if statement.head is None else statement.head.title,
        "note": statement.note,
        "by": entry.by,
        "by_name": entry.by_name,
        "at": entry.at,
    }
