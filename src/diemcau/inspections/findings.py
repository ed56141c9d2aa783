"""`Findings`: what inspections found, as it is kept, searched for and closed."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, bindparam, select, update

from diemcau.access import Actor
from diemcau.clock import Clock
from diemcau.errors import Conflict, JsonObject
from diemcau.ids import NewId
from diemcau.inspections.asked import ZONE, Asked, search_of
from diemcau.inspections.errors import FindingNotFound
from diemcau.inspections.finding import Finding, NewFinding, finding_of, may_close, words
from diemcau.inspections.paging import Page, page_of
from diemcau.inspections.sight import Sight
from diemcau.inspections.tables import findings
from diemcau.sites import Sites
from diemcau.store import Store, UnitOfWork

MAX_EXPORT: Final = 20_000
_BATCH: Final = 1000


class Findings:
    """Reads and changes them. Everything is checked against the unit of the site."""

    def __init__(self, store: Store, sight: Sight, sites: Sites, clock: Clock, make_id: NewId) -> None:
        self._store, self._sight, self._sites = store, sight, sites
        self._clock, self._make_id = clock, make_id

    async def find(self, actor: Actor, inspection: str, new: NewFinding) -> Finding:
        """Something was found. Raises InspectionNotFound, Forbidden, BadRequest, Conflict."""
        row = await self._sight.writable(actor, inspection)
        if row.live_at is None:
            raise Conflict("Nothing was seen in this inspection: its call was never taken.")
        new = new.checked()
        finding, stream = self._make_id("f"), f"inspection:{row.id}"
        due = None if new.due is None else new.due.isoformat()

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            values: dict[str, Any] = {
                "id": finding,
                "inspection": row.id,
                "site": row.site,
                "unit": row.unit,
                "at": unit.now,
                "by": actor.key,
                "by_name": actor.name,
                "text": new.text,
                "severity": new.severity,
                "owner": new.owner,
                "due": due,
                "search": search_of(new.text, new.owner, None),
            }
            await connection.execute(findings.insert(), values)
            data = {
                "finding": finding,
                "text": new.text,
                "severity": new.severity,
                "owner": new.owner,
                "due": due,
            }
            unit.append(stream, "finding_made", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])
        return await self._one(finding)

    async def close(self, actor: Actor, finding: str, inspection: str, closing: str) -> Finding:
        """A re-inspection found it done.

        Raises FindingNotFound, InspectionNotFound, Forbidden, BadRequest, WrongState.
        """
        known = await self._one(finding)
        self._sight.may(actor, "inspection.see", known.unit, FindingNotFound(None, finding=finding))
        await self._sight.seen(actor, known.inspection)
        by = await self._sight.writable(actor, inspection)
        text = words(closing, "closing", 2000)
        stream = f"inspection:{known.inspection}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            row = (await connection.execute(select(findings).where(findings.c.id == finding))).one()
            may_close(
                finding_at=row.at,
                finding_unit=row.unit,
                closed=row.closed_at is not None,
                seen_at=by.live_at,
                unit=by.unit,
            )
            search = search_of(row.text, row.owner, text)
            values = {"closed_at": unit.now, "closed_by": by.id, "closing": text, "search": search}
            await connection.execute(update(findings).where(findings.c.id == finding).values(**values))
            data = {"finding": finding, "by": by.id, "closing": text}
            unit.append(stream, "finding_closed", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])
        return await self._one(finding)

    async def page(
        self,
        actor: Actor,
        asked: Asked,
        *,
        is_open: bool | None = None,
        overdue: bool = False,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """Newest first. Raises Forbidden, UnitNotFound."""
        query = self._query(actor, asked, is_open, overdue).where(await self._sight.found(actor))
        rows, following, total = await page_of(self._store, query, findings.c.id, limit, after)
        return Page(await self._named(rows), following, total)

    async def all(
        self, actor: Actor, asked: Asked, is_open: bool | None, overdue: bool
    ) -> tuple[Finding, ...]:
        """The same for a file: at most 20,000."""
        query = self._query(actor, asked, is_open, overdue).order_by(findings.c.id.desc())
        query = query.where(await self._sight.found(actor))
        async with self._store.read() as connection:
            rows = (await connection.execute(query.limit(MAX_EXPORT))).all()
        return await self._named(rows)

    async def make_searchable(self) -> None:
        """Findings of releases that did not search get their words."""
        bare = findings.c.search == ""

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            rows = (await connection.execute(select(findings).where(bare).limit(_BATCH))).all()
            values = [{"found": r.id, "words": search_of(r.text, r.owner, r.closing)} for r in rows]
            if values:
                change = update(findings).where(findings.c.id == bindparam("found"))
                await connection.execute(change.values(search=bindparam("words")), values)
            return {}

        while True:
            async with self._store.read() as connection:
                if await connection.scalar(select(findings.c.id).where(bare).limit(1)) is None:
                    return
            await self._store.write(work)

    def _query(self, actor: Actor, asked: Asked, is_open: bool | None, overdue: bool) -> Select[Any]:
        query = select(findings).where(self._sight.inside(actor, asked.unit, findings.c.unit))
        query = query.where(asked.of_findings())
        if is_open is not None or overdue:
            still = findings.c.closed_at.is_(None)
            query = query.where(still if is_open is not False else ~still)
        if overdue:
            today = (self._clock.now() + ZONE).date().isoformat()
            query = query.where(findings.c.due < today)
        return query

    async def _named(self, rows: Sequence[Any]) -> tuple[Finding, ...]:
        known = await self._sites.get_many({row.site for row in rows})
        return tuple(finding_of(row, known.get(row.site)) for row in rows)

    async def _one(self, finding: str) -> Finding:
        async with self._store.read() as connection:
            query = select(findings).where(findings.c.id == finding)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise FindingNotFound(None, finding=finding[:64])
        return (await self._named([row]))[0]
