"""Calls as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.clock import parse_rfc3339
from diemcau.inspections.call import Call, Caller, Phoned
from diemcau.inspections.tables import inspections
from diemcau.sites import Site


def row_of(call: Call) -> dict[str, Any]:
    """The row of a new call: who is known to sit there is taken to be at the post until it is said better."""
    return {
        "id": call.id,
        "meeting": call.meeting,
        "site": call.site.id,
        "unit": call.site.unit,
        "caller": call.by.id,
        "caller_name": call.by.name,
        "caller_title": call.by.title,
        "answer": call.answer,
        "state": call.state,
        "why": call.why,
        "after": call.after,
        "draw": call.draw,
        "at": call.at,
        "answered_at": call.answered_at,
        "live_at": call.live_at,
        "ended_at": call.ended_at,
        "people": [],
        "note": "",
        "phoned": [],
        "entered": int(call.entered),
        "came_from": call.came_from,
    }


async def save(connection: AsyncConnection, call: Call) -> None:
    """What has changed of a call since."""
    values = {
        "state": call.state,
        "why": call.why,
        "answered_at": call.answered_at,
        "live_at": call.live_at,
        "ended_at": call.ended_at,
        "phoned": [one.to_json() for one in call.phoned],
        "entered": int(call.entered),
        "came_from": call.came_from,
    }
    await connection.execute(update(inspections).where(inspections.c.id == call.id).values(**values))


def call_of(row: Any, site: Site) -> Call:
    """The call of a row."""
    return Call(
        id=row.id,
        meeting=row.meeting,
        site=site,
        by=Caller(row.caller, row.caller_name, row.caller_title),
        at=row.at,
        answer=row.answer,
        state=row.state,
        aimed=row.state != "warm",
        entered=bool(row.entered),
        came_from=row.came_from,
        answered_at=row.answered_at,
        live_at=row.live_at,
        ended_at=row.ended_at,
        why=row.why,
        after=row.after,
        draw=row.draw,
        phoned=[Phoned(one["phone"], one["reached"], _at(one["at"])) for one in row.phoned],
    )


def _at(text: str) -> datetime:
    return parse_rfc3339(text)
