"""Inspections as they are kept: who was there, what was found, the picture, and what follows from them."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, bindparam, delete, false, func, or_, select, true, update

from diemcau.access import Access, Actor, covered
from diemcau.clock import Clock, rfc3339
from diemcau.errors import BadRequest, Conflict, Forbidden, JsonObject
from diemcau.ids import NewId
from diemcau.inspections.asked import ZONE, Asked, search_of
from diemcau.inspections.coverage import Seen, UnitRecord, coverage
from diemcau.inspections.draw import draw
from diemcau.inspections.errors import FindingNotFound, InspectionNotFound
from diemcau.inspections.finding import Finding, NewFinding, may_close, words
from diemcau.inspections.tables import draws, findings, inspection_pictures, inspections
from diemcau.meetings.tables import meetings
from diemcau.sites import PersonPresent, ScopeEntry, Site, Sites
from diemcau.store import Store, UnitOfWork
from diemcau.units import ROOT_CODE, Level, Units

MAX_PAGE: Final = 200
MAX_DRAW: Final = 50
MAX_PEOPLE: Final = 30
MAX_EXPORT: Final = 20_000
_BATCH: Final = 1000
_ALL: Final = (ScopeEntry(ROOT_CODE, tuple(level.value for level in Level)),)


@dataclass(frozen=True, slots=True)
class Page:
    """Rows and the cursor of the next page (None: the last). `total`: of all pages, with the first."""

    rows: tuple[Any, ...]
    next: str | None
    total: int | None


class Records:
    """Reads and changes what calls left behind. Everything is checked against the unit of the site."""

    def __init__(
        self,
        store: Store,
        units: Units,
        access: Access,
        sites: Sites,
        clock: Clock,
        make_id: NewId,
        pictures: timedelta,
    ) -> None:
        self._store, self._units, self._access, self._sites = store, units, access, sites
        self._clock, self._make_id, self._kept = clock, make_id, pictures

    # inspections

    async def page(
        self,
        actor: Actor,
        asked: Asked,
        *,
        site: str | None = None,
        limit: int = 50,
        after: str | None = None,
    ) -> Page:
        """Newest first, of all that is asked for or of one site of it. Raises Forbidden, UnitNotFound."""
        query = select(inspections).where(self._inside(actor, asked.unit, inspections.c.unit))
        query = query.where(await self._known(actor), asked.of_inspections())
        if site is not None:
            query = query.where(inspections.c.site == site)
        rows, following, total = await self._page(query, inspections.c.id, limit, after)
        known = await self._sites.get_many({row.site for row in rows})
        counts = await self._findings_of([row.id for row in rows])
        return Page(
            tuple(self._json(row, known.get(row.site), counts.get(row.id, (0, 0))) for row in rows),
            following,
            total,
        )

    async def get(self, actor: Actor, inspection: str) -> dict[str, Any]:
        """One with its findings. Raises InspectionNotFound."""
        row = await self._seen(actor, inspection)
        known = await self._sites.get_many([row.site])
        async with self._store.read() as connection:
            own = (
                select(findings).where(findings.c.inspection == row.id).order_by(findings.c.at, findings.c.id)
            )
            found = (await connection.execute(own)).all()
            pictured = await connection.scalar(
                select(inspection_pictures.c.at).where(inspection_pictures.c.inspection == row.id)
            )
        still_open = sum(one.closed_at is None for one in found)
        return {
            **self._json(row, known.get(row.site), (len(found), still_open)),
            "note": row.note,
            "pictured_at": None if pictured is None else rfc3339(pictured),
            "findings": [self._finding(one, known.get(one.site)).to_json() for one in found],
        }

    async def change(
        self, actor: Actor, inspection: str, people: Sequence[PersonPresent] | None, note: str | None
    ) -> None:
        """Who was at the post, and the note. Raises InspectionNotFound, Forbidden, BadRequest."""
        row = await self._writable(actor, inspection)
        values: dict[str, Any] = {}
        if people is not None:
            if len(people) > MAX_PEOPLE:
                raise BadRequest(f"at most {MAX_PEOPLE} people", field="people")
            values["people"] = [
                {
                    "name": words(one.name, "people", 200, least=1),
                    "title": words(one.title or "", "people", 200) or None,
                }
                for one in people
            ]
        if note is not None:
            values["note"] = words(note, "note", 4000)
        if not values:
            return
        stream = f"inspection:{row.id}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(update(inspections).where(inspections.c.id == row.id).values(**values))
            # Names of people stay out of the log, which nothing can be taken out of.
            data: dict[str, Any] = {"fields": sorted(values)}
            if "note" in values:
                data["note"] = values["note"]
            unit.append(stream, "inspection_changed", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[stream])

    # pictures

    async def keep_picture(self, inspection: str, jpeg: bytes) -> bool:
        """The first picture of a site that is called, and with it those go whose time is over."""
        stream, kept = f"inspection:{inspection}", False

        async def work(unit: UnitOfWork) -> JsonObject:
            nonlocal kept
            connection = await unit.connection()
            table = inspection_pictures
            await connection.execute(delete(table).where(table.c.at < unit.now - self._kept))
            there = await connection.scalar(select(table.c.at).where(table.c.inspection == inspection))
            if kept := there is None:
                await connection.execute(table.insert().values(inspection=inspection, at=unit.now, jpeg=jpeg))
                unit.append(stream, "picture_kept", {"bytes": len(jpeg)}, actor="system")
            return {}

        await self._store.write(work, streams=[stream])
        return kept

    async def picture(self, actor: Actor, inspection: str) -> bytes:
        """Its JPEG. Raises InspectionNotFound."""
        row = await self._seen(actor, inspection)
        async with self._store.read() as connection:
            table = inspection_pictures
            jpeg = await connection.scalar(select(table.c.jpeg).where(table.c.inspection == row.id))
        if jpeg is None:
            raise InspectionNotFound("The picture of this inspection is not kept.", inspection=inspection)
        return bytes(jpeg)

    # findings

    async def find(self, actor: Actor, inspection: str, new: NewFinding) -> Finding:
        """Something was found. Raises InspectionNotFound, Forbidden, BadRequest, Conflict."""
        row = await self._writable(actor, inspection)
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
        self._may(actor, "inspection.see", known.unit, FindingNotFound(None, finding=finding))
        await self._seen(actor, known.inspection)
        by = await self._writable(actor, inspection)
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

    async def findings(
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
        query = self._findings_query(actor, asked, is_open, overdue).where(await self._found(actor))
        rows, following, total = await self._page(query, findings.c.id, limit, after)
        return Page(await self._named(rows), following, total)

    async def all_findings(
        self, actor: Actor, asked: Asked, is_open: bool | None, overdue: bool
    ) -> tuple[Finding, ...]:
        """The same for a file: at most 20,000."""
        query = self._findings_query(actor, asked, is_open, overdue).order_by(findings.c.id.desc())
        query = query.where(await self._found(actor))
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

    def _findings_query(self, actor: Actor, asked: Asked, is_open: bool | None, overdue: bool) -> Select[Any]:
        query = select(findings).where(self._inside(actor, asked.unit, findings.c.unit))
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
        return tuple(self._finding(row, known.get(row.site)) for row in rows)

    # coverage

    async def coverage(self, actor: Actor, since: datetime | None) -> Mapping[str, Seen]:
        """By unit, of everything that the asker may see. Raises Forbidden."""
        granted = self._access.units_granted(actor, "inspection.see")
        if not granted:
            raise Forbidden(None, command="inspection.see")
        sites = await self._sites.by_units(_ALL)
        seen = inspections.c.live_at.is_not(None) & await self._known(actor)
        fresh = seen if since is None else seen & (inspections.c.live_at >= since)
        async with self._store.read() as connection:
            last = select(inspections.c.unit, func.max(inspections.c.live_at)).where(seen)
            lasts = {row[0]: row[1] for row in await connection.execute(last.group_by(inspections.c.unit))}
            times = select(inspections.c.unit, func.count()).where(fresh).group_by(inspections.c.unit)
            counted = {row[0]: row[1] for row in await connection.execute(times)}
            open_now = select(findings.c.unit, func.count()).where(
                findings.c.closed_at.is_(None), await self._found(actor)
            )
            opened = {row[0]: row[1] for row in await connection.execute(open_now.group_by(findings.c.unit))}
        records = {
            code: UnitRecord(lasts.get(code), counted.get(code, 0), opened.get(code, 0))
            for code in {*lasts, *counted, *opened}
        }
        codes = [site.unit for site in sites]
        return await asyncio.to_thread(coverage, self._units, codes, records, since)

    # draws

    async def draw(
        self,
        actor: Actor,
        units: Sequence[str],
        levels: Sequence[str],
        count: int,
    ) -> dict[str, Any]:
        """Draws sites out of the chosen units by a fresh seed, and keeps what is needed to draw them again.

        Raises Forbidden, UnitNotFound, BadRequest (nobody to draw from).
        """
        if not 1 <= count <= MAX_DRAW:
            raise BadRequest(f"a draw takes 1 to {MAX_DRAW}", field="count")
        self._access.authorise(actor, "call.start", *units)
        scope = tuple(ScopeEntry(unit, tuple(levels)) for unit in units)
        pool = {site.id: site for site in await self._sites.by_units(scope)}
        if not pool:
            raise BadRequest("there is no site to draw from", field="units")
        seed, name = secrets.token_hex(16), self._make_id("d")
        drawn = draw(pool, seed, count)
        stream = f"draw:{name}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            data: dict[str, Any] = {
                "units": list(units),
                "levels": list(levels),
                "seed": seed,
                "pool": drawn.pool,
                "pool_hash": drawn.pool_hash,
                "drawn": list(drawn.sites),
            }
            row = {"id": name, "at": unit.now, "by": actor.key, "by_name": actor.name, **data}
            await connection.execute(draws.insert(), row)
            unit.append(stream, "drawn", data, actor=actor.key)
            return {"id": name, **data}

        answer = await self._store.write(work, streams=[stream])
        return {**answer, "sites": [pool[site].to_json() for site in drawn.sites]}

    # inside

    def _may(self, actor: Actor, command: str, unit: str, hidden: Exception) -> None:
        if actor.kind == "site" or not self._access.allowed(actor, command, unit):
            raise hidden

    async def _seen(self, actor: Actor, inspection: str) -> Any:
        hidden = InspectionNotFound(None, inspection=inspection[:64])
        known = await self._known(actor)
        async with self._store.read() as connection:
            query = select(inspections).where(inspections.c.id == inspection, known)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise hidden
        self._may(actor, "inspection.see", row.unit, hidden)
        return row

    async def _writable(self, actor: Actor, inspection: str) -> Any:
        row = await self._seen(actor, inspection)
        self._access.authorise(actor, "inspection.record", row.unit)
        return row

    async def _one(self, finding: str) -> Finding:
        async with self._store.read() as connection:
            query = select(findings).where(findings.c.id == finding)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise FindingNotFound(None, finding=finding[:64])
        return (await self._named([row]))[0]

    async def _known(self, actor: Actor) -> ColumnElement[bool]:
        """The inspections out of meetings whose mark the asker is cleared for."""
        marks = covered(await self._access.clearance(actor))
        return inspections.c.meeting.not_in(select(meetings.c.id).where(meetings.c.secrecy.not_in(marks)))

    async def _found(self, actor: Actor) -> ColumnElement[bool]:
        """The findings of those."""
        known = await self._known(actor)
        return findings.c.inspection.in_(select(inspections.c.id).where(known))

    def _inside(self, actor: Actor, unit: str | None, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """The rows of a subtree, or of everything that the asker may see."""
        granted = self._access.units_granted(actor, "inspection.see")
        if unit is not None:
            self._units.get(unit)
            self._access.authorise(actor, "inspection.see", unit)
            granted = (unit,)
        elif not granted:
            raise Forbidden(None, command="inspection.see")
        if ROOT_CODE in granted:
            return true()
        codes = [one.code for top in granted for one in self._units.subtree(top)]
        return or_(false(), *(column.in_(codes[i : i + 900]) for i in range(0, len(codes), 900)))

    async def _page(
        self, query: Select[Any], key: Any, limit: int, after: str | None
    ) -> tuple[Sequence[Any], str | None, int | None]:
        """Ids sort by the time of their making: newest first."""
        limit = max(1, min(limit, MAX_PAGE))
        total = None
        async with self._store.read() as connection:
            if after is None:
                total = await connection.scalar(select(func.count()).select_from(query.subquery()))
            else:
                query = query.where(key < after)
            rows = (await connection.execute(query.order_by(key.desc()).limit(limit + 1))).all()
        return rows[:limit], rows[limit - 1].id if len(rows) > limit else None, total

    async def _findings_of(self, ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        closed = func.count(findings.c.closed_at)
        query = select(findings.c.inspection, func.count(), closed).where(findings.c.inspection.in_(ids))
        async with self._store.read() as connection:
            rows = await connection.execute(query.group_by(findings.c.inspection))
            return {row[0]: (row[1], row[1] - row[2]) for row in rows}

    def _json(self, row: Any, site: Site | None, counts: tuple[int, int]) -> dict[str, Any]:
        instants = {
            key: None if (at := getattr(row, key)) is None else rfc3339(at)
            for key in ("at", "answered_at", "live_at", "ended_at")
        }
        return {
            "id": row.id,
            "meeting": row.meeting,
            "site": row.site,
            "unit": row.unit,
            "label": row.site if site is None else site.label,
            "path": "" if site is None else site.path,
            "by": {"id": row.caller, "name": row.caller_name, "title": row.caller_title},
            "answer": row.answer,
            "state": row.state,
            "why": row.why,
            "after": row.after,
            "draw": row.draw,
            **instants,
            "people": list(row.people),
            "known": [] if site is None else [{"name": p.name, "title": p.title} for p in site.people],
            "findings_made": counts[0],
            "findings_open": counts[1],
        }

    @staticmethod
    def _finding(row: Any, site: Site | None) -> Finding:
        return Finding(
            row.id, row.inspection, row.site, row.unit, row.site if site is None else site.label,
            "" if site is None else site.path, row.at, row.by_name, row.text, row.severity, row.owner,
            row.due, row.closed_at, row.closed_by, row.closing,
        )  # fmt: skip
