"""When a site was seen and by whom: the site's own right to know.

Level-triggered, as the stage is: a part that changed says which site to look at. Whoever has a site's picture
on a line of his own (a preview, a pinned tile) is one sighting, being on the stage another, by everybody in
the meeting. Each is stored when it begins and when it ends.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import delete, select, update

from diemcau.access import Access, Actor, covered
from diemcau.access.standing import names_of
from diemcau.bus import Bus, SubscriberTooSlow, Subscription
from diemcau.clock import Clock, rfc3339
from diemcau.errors import JsonObject
from diemcau.ids import NewId
from diemcau.inspections.tables import sightings
from diemcau.meetings.tables import meetings
from diemcau.sites import Sites
from diemcau.stage import PARTS, Part, Stage
from diemcau.store import Store, UnitOfWork

KEPT: Final = 1000
"""Sightings that are kept of one site; the log keeps all of them."""

SHOWN: Final = 200

Key = tuple[str, str, str | None]
"""Meeting, site, person; None: on the stage."""

log = structlog.get_logger(__name__)


class Sightings:
    """See the module."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        access: Access,
        sites: Sites,
        stage: Stage,
        clock: Clock,
        make_id: NewId,
    ) -> None:
        self._store, self._bus, self._sites, self._stage = store, bus, sites, stage
        self._access = access
        self._clock, self._make_id = clock, make_id
        self._open: dict[Key, str] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Ends what a server that was killed left open, then follows the stage until `aclose`."""
        now = self._clock.now()

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(update(sightings).where(sightings.c.ended.is_(None)).values(ended=now))
            return {}

        await self._store.write(work)
        self._task = asyncio.create_task(self._follow(self._subscribe()), name="sightings")

    async def aclose(self) -> None:
        """Ends the task and what is open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def of_site(self, actor: Actor, site: str) -> list[dict[str, Any]]:
        """Newest first, for the site itself and for those who may see it. Raises SiteNotFound."""
        found = await self._sites.see(actor, site)
        query = select(sightings).where(sightings.c.site == found.id)
        if actor.site is None:  # the site knows what it was seen in
            marks = covered(await self._access.clearance(actor))
            hidden = select(meetings.c.id).where(meetings.c.secrecy.not_in(marks))
            query = query.where(sightings.c.meeting.not_in(hidden))
        async with self._store.read() as connection:
            rows = await connection.execute(query.order_by(sightings.c.began.desc()).limit(SHOWN))
            return [
                {
                    "id": row.id,
                    "meeting": row.meeting,
                    "how": row.how,
                    "name": row.name,
                    "title": row.title,
                    "began": rfc3339(row.began),
                    "ended": None if row.ended is None else rfc3339(row.ended),
                }
                for row in rows
            ]

    def _subscribe(self) -> Subscription:
        return self._bus.subscribe(PARTS, limit=20_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    try:
                        await self._take(message.body)
                    except Exception:
                        log.exception("sightings could not be stored")
            except SubscriberTooSlow:
                log.warning("sightings fell behind the bus")
                subscription = self._subscribe()
                for meeting in {key[0] for key in self._open}:
                    sites = [site for where, site, _ in self._open if where == meeting]
                    await self._take({"meeting": meeting, "sites": sites})
            else:
                return

    async def _take(self, body: Mapping[str, Any]) -> None:
        meeting = str(body.get("meeting"))
        begun: list[Key] = []
        over: list[Key] = []
        for site in body.get("sites", ()):
            now = set(_seen(meeting, site, self._stage.part(meeting, site)))
            before = {key for key in self._open if key[0] == meeting and key[1] == site}
            begun += now - before
            over += before - now
        if begun or over:
            await self._write(begun, over)

    async def _write(self, begun: Sequence[Key], over: Sequence[Key]) -> None:
        names = await names_of(self._store, [person for _, _, person in begun if person is not None])
        ids = {key: self._make_id("v") for key in begun}
        streams = {f"site:{site}" for _, site, _ in (*begun, *over)}

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            for key in over:
                which = sightings.c.id == self._open[key]
                await connection.execute(update(sightings).where(which).values(ended=unit.now))
                unit.append(f"site:{key[1]}", "site_unseen", {"sighting": self._open[key]}, actor="system")
            for key, name in ids.items():
                meeting, site, person = key
                who = names.get(person, ("", None)) if person is not None else ("", None)
                how = "on_air" if person is None else "preview"
                row: dict[str, Any] = {
                    "id": name, "site": site, "meeting": meeting, "person": person, "name": who[0],
                    "title": who[1], "how": how, "began": unit.now,
                }  # fmt: skip
                await connection.execute(sightings.insert(), row)
                data = {"sighting": name, "meeting": meeting, "how": how, "person": person, "name": who[0]}
                unit.append(f"site:{site}", "site_seen", data, actor="system")
                await connection.execute(_older(site, unit.now))
            return {}

        await self._store.write(work, streams=sorted(streams))
        for key in over:
            self._open.pop(key, None)
        self._open.update(ids)


def _seen(meeting: str, site: str, part: Part) -> list[Key]:
    found: list[Key] = [(meeting, site, person) for person in part.seen_by]
    return [*found, (meeting, site, None)] if part.state == "on_air" else found


def _older(site: str, now: datetime) -> Any:
    """Forgets the site's oldest beyond `KEPT`."""
    own = sightings.c.site == site
    newest = select(sightings.c.began).where(own).order_by(sightings.c.began.desc()).offset(KEPT).limit(1)
    return delete(sightings).where(
        own, sightings.c.ended.is_not(None), sightings.c.began <= newest.scalar_subquery()
    )
