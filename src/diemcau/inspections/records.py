"""Inspections as they are kept: who was there, the note, the picture, and which units they covered."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import delete, func, select, update

from diemcau.access import Actor
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, JsonObject
from diemcau.inspections.asked import Asked
from diemcau.inspections.coverage import Seen, UnitRecord, coverage
from diemcau.inspections.errors import InspectionNotFound
from diemcau.inspections.finding import finding_of, words
from diemcau.inspections.paging import Page, page_of
from diemcau.inspections.sight import Sight
from diemcau.inspections.tables import findings, inspection_pictures, inspections
from diemcau.sites import PersonPresent, ScopeEntry, Site, Sites
from diemcau.store import Store, UnitOfWork
from diemcau.units import ROOT_CODE, Level, Units

MAX_PEOPLE: Final = 30
_ALL: Final = (ScopeEntry(ROOT_CODE, tuple(level.value for level in Level)),)


class Records:
    """Reads and changes what calls left behind. Everything is checked against the unit of the site."""

    def __init__(self, store: Store, sight: Sight, units: Units, sites: Sites, pictures: timedelta) -> None:
        """`pictures`: how long they are kept."""
        self._store, self._sight, self._units, self._sites = store, sight, units, sites
        self._kept = pictures

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
        query = select(inspections).where(self._sight.inside(actor, asked.unit, inspections.c.unit))
        query = query.where(await self._sight.known(actor), asked.of_inspections())
        if site is not None:
            query = query.where(inspections.c.site == site)
        rows, following, total = await page_of(self._store, query, inspections.c.id, limit, after)
        known = await self._sites.get_many({row.site for row in rows})
        counts = await self._findings_of([row.id for row in rows])
        return Page(
            tuple(self._json(row, known.get(row.site), counts.get(row.id, (0, 0))) for row in rows),
            following,
            total,
        )

    async def get(self, actor: Actor, inspection: str) -> dict[str, Any]:
        """One with its findings. Raises InspectionNotFound."""
        row = await self._sight.seen(actor, inspection)
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
            "findings": [finding_of(one, known.get(one.site)).to_json() for one in found],
        }

    async def change(
        self, actor: Actor, inspection: str, people: Sequence[PersonPresent] | None, note: str | None
    ) -> None:
        """Who was at the post, and the note. Raises InspectionNotFound, Forbidden, BadRequest."""
        row = await self._sight.writable(actor, inspection)
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
        row = await self._sight.seen(actor, inspection)
        async with self._store.read() as connection:
            table = inspection_pictures
            jpeg = await connection.scalar(select(table.c.jpeg).where(table.c.inspection == row.id))
        if jpeg is None:
            raise InspectionNotFound("The picture of this inspection is not kept.", inspection=inspection)
        return bytes(jpeg)

    # coverage

    async def coverage(self, actor: Actor, since: datetime | None) -> Mapping[str, Seen]:
        """By unit, of everything that the asker may see. Raises Forbidden."""
        self._sight.granted(actor)
        sites = await self._sites.by_units(_ALL)
        seen = inspections.c.live_at.is_not(None) & await self._sight.known(actor)
        fresh = seen if since is None else seen & (inspections.c.live_at >= since)
        async with self._store.read() as connection:
            last = select(inspections.c.unit, func.max(inspections.c.live_at)).where(seen)
            lasts = {row[0]: row[1] for row in await connection.execute(last.group_by(inspections.c.unit))}
            times = select(inspections.c.unit, func.count()).where(fresh).group_by(inspections.c.unit)
            counted = {row[0]: row[1] for row in await connection.execute(times)}
            open_now = select(findings.c.unit, func.count()).where(
                findings.c.closed_at.is_(None), await self._sight.found(actor)
            )
            opened = {row[0]: row[1] for row in await connection.execute(open_now.group_by(findings.c.unit))}
        records = {
            code: UnitRecord(lasts.get(code), counted.get(code, 0), opened.get(code, 0))
            for code in {*lasts, *counted, *opened}
        }
        codes = [site.unit for site in sites]
        return await asyncio.to_thread(coverage, self._units, codes, records, since)

    # inside

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
