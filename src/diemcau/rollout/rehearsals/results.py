"""Stored rehearsals: what was planned, and how far each site came."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from sqlalchemy import Row, delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject, JsonValue
from diemcau.rollout.rehearsals.tables import rehearsal_sites, rehearsals
from diemcau.rollout.rehearsals.walk import STEPS, Cause, Step, Walk
from diemcau.store import Store

Status: TypeAlias = Literal["scheduled", "running", "ended"]
STREAM: Final = "rehearsals"
LISTED: Final = 200
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """One rehearsal. `units`: the topmost units of its sites, as far as it takes to name it; `by`: who made
    it; `passed`: sites that did all steps."""

    id: str
    title: str
    meeting: str
    by: str
    units: tuple[str, ...]
    sites: int
    minutes: int
    status: Status
    starts_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    passed: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """`Rehearsal` of docs/protocol.md."""
        return {
            "id": self.id,
            "title": self.title,
            "meeting": self.meeting,
            "units": list(self.units),
            "sites": self.sites,
            "minutes": self.minutes,
            "status": self.status,
            "starts_at": rfc3339(self.starts_at),
            "started_at": None if self.started_at is None else rfc3339(self.started_at),
            "ended_at": None if self.ended_at is None else rfc3339(self.ended_at),
            "passed": self.passed,
        }


@dataclass(frozen=True, slots=True)
class LastRehearsal:
    """What readiness wants to know of a site. `step`, `cause`: where and why its last one ended before it was
    through (None: it was through, or the last is still held)."""

    rehearsed_at: datetime | None = None
    step: Step | None = None
    cause: Cause | None = None


async def last_rehearsals(store: Store, sites: Collection[str] | None = None) -> Mapping[str, LastRehearsal]:
    """Of each of the sites that was in one, of all without an argument."""
    own = rehearsal_sites.c
    # Ids sort by time of making.
    last = select(own.site, func.max(own.rehearsal).label("id"), func.max(own.speak_at).label("at"))
    ids = None if sites is None else list(sites)
    batches = [None] if ids is None else [ids[i : i + _BATCH] for i in range(0, len(ids), _BATCH)]
    found: dict[str, LastRehearsal] = {}
    async with store.read() as connection:
        for batch in batches:
            asked = last.group_by(own.site)
            newest = (asked if batch is None else asked.where(own.site.in_(batch))).subquery()
            query = select(rehearsal_sites, newest.c.at).join(
                newest, (own.site == newest.c.site) & (own.rehearsal == newest.c.id)
            )
            for row in await connection.execute(query):
                walk = walk_of(row)
                failed = row.over and row.speak_at is None
                found[row.site] = LastRehearsal(
                    row.at, walk.step if failed else None, row.cause if failed else None
                )
    return found


def walk_of(row: Row[Any]) -> Walk:
    """A walk as it was stored."""
    walk = Walk(row.site, came=row.came, figures=dict(row.figures))
    for step in STEPS:
        if (at := getattr(row, f"{step.value}_at")) is not None:
            walk.done[step] = at
    return walk


def row_of(rehearsal: str, walk: Walk, cause: Cause | None, *, over: bool) -> dict[str, Any]:
    """The row of a walk."""
    times = {f"{step.value}_at": walk.done.get(step) for step in STEPS}
    base = {"rehearsal": rehearsal, "site": walk.site, "came": walk.came, "cause": cause, "over": over}
    return {**base, **times, "figures": walk.figures}


async def save(connection: AsyncConnection, rehearsal: str, rows: Iterable[dict[str, Any]]) -> None:
    """Writes the rows anew."""
    todo = list(rows)
    for start in range(0, len(todo), _BATCH):
        batch = todo[start : start + _BATCH]
        own = rehearsal_sites.c
        ids = [row["site"] for row in batch]
        await connection.execute(delete(rehearsal_sites).where(own.rehearsal == rehearsal, own.site.in_(ids)))
        await connection.execute(rehearsal_sites.insert(), batch)


async def walks_of(store: Store, rehearsal: str) -> tuple[dict[str, Walk], dict[str, Cause]]:
    """The sites' walks as they were stored, and why those that are over came no further."""
    query = select(rehearsal_sites).where(rehearsal_sites.c.rehearsal == rehearsal)
    async with store.read() as connection:
        rows = (await connection.execute(query)).all()
    return {row.site: walk_of(row) for row in rows}, {row.site: row.cause for row in rows if row.cause}


async def listed(store: Store, status: Collection[Status] = ()) -> list[Rehearsal]:
    """Rehearsals, newest first, at most `LISTED` of those that are over."""
    query = select(rehearsals).order_by(rehearsals.c.starts_at.desc(), rehearsals.c.id.desc())
    if status:
        query = query.where(rehearsals.c.status.in_(list(status)))
    async with store.read() as connection:
        return [rehearsal_of(row) for row in await connection.execute(query.limit(LISTED))]


async def rehearsal(store: Store, rehearsal_id: str) -> Rehearsal | None:
    """One of them."""
    async with store.read() as connection:
        query = select(rehearsals).where(rehearsals.c.id == rehearsal_id)
        row = (await connection.execute(query)).one_or_none()
    return None if row is None else rehearsal_of(row)


def rehearsal_of(row: Row[Any]) -> Rehearsal:
    """A rehearsal's row."""
    return Rehearsal(
        row.id,
        row.title,
        row.meeting,
        row.by,
        tuple(row.units),
        row.sites,
        row.minutes,
        row.status,
        row.starts_at,
        row.started_at,
        row.ended_at,
        row.passed,
    )


def told(rehearsal_id: str, sites: Collection[str], *, passed: bool) -> Iterable[JsonObject]:
    """Data of `site_rehearsed`, of a thousand sites each."""
    ids = list(sites)
    for start in range(0, len(ids), _BATCH):
        yield {"rehearsal": rehearsal_id, "passed": passed, "sites": ids[start : start + _BATCH]}
