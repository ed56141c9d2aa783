"""`Sites`: the directory of sites."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

import anyio
import anyio.to_thread
from sqlalchemy import ColumnElement, Select, func, select, update
from sqlalchemy.exc import IntegrityError

from diemcau.access import Access, Actor, IssuedCode
from diemcau.clock import Clock
from diemcau.errors import BadRequest, Conflict, JsonObject
from diemcau.ids import NewId, new_id
from diemcau.sites import rows
from diemcau.sites.site import NewSite, ScopeEntry, Site, SiteChange, SiteNotFound, SitePage
from diemcau.sites.tables import sites
from diemcau.sites.words import has_words
from diemcau.store import Lookup, Store, UnitOfWork
from diemcau.units import Units

STREAM: Final = "sites"
MAX_NEW: Final = 50_000
MAX_PAGE: Final = 1000
_BATCH: Final = 1000
_FEW: Final = 8
_CACHE: Final = 50_000


class Sites:
    """Makes, finds and names sites."""

    def __init__(
        self, store: Store, units: Units, access: Access, clock: Clock, *, make_id: NewId = new_id
    ) -> None:
        self._store = store
        self._units = units
        self._access = access
        self._clock = clock
        self._make_id = make_id
        self._places = rows.Places(units)
        # A meeting names its sites in every event; the longest unused go first.
        self._cache: OrderedDict[str, Site] = OrderedDict()
        self._changes = 0
        self._lookup = Lookup(self._load)

    async def start(self) -> int:
        """Puts sites at their places in this dataset's tree; answers how many had others (another dataset was
        loaded before). Sites of units that the tree does not have stay out of every subtree.
        """
        async with self._store.read() as connection:
            found = (await connection.execute(select(sites.c.unit, sites.c.place).distinct())).all()
        moved = {row.unit: self._places.get(row.unit) for row in found}
        moved = {row.unit: moved[row.unit] for row in found if row.place != moved[row.unit]}

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            count = 0
            for code, place in moved.items():
                done = await connection.execute(update(sites).where(sites.c.unit == code).values(place=place))
                count += done.rowcount
            return {"count": count}

        return int(str((await self._store.write(work))["count"])) if moved else 0

    async def create(self, actor: Actor, new: Sequence[NewSite]) -> tuple[Site, ...]:
        """Makes sites, all or none (10,000 in a few seconds); needs `site.create` over their units.

        Raises Forbidden, UnitNotFound, BadRequest, Conflict (an id exists).
        """
        if not new:
            return ()
        if len(new) > MAX_NEW:
            raise BadRequest(f"at most {MAX_NEW} sites at once", field="sites")
        self._access.authorise(actor, "site.create", *{site.unit for site in new})
        ids = [site.id or self._make_id("s") for site in new]

        def make() -> list[dict[str, object]]:
            pairs = zip(new, ids, strict=True)
            return [rows.row_of(site, name, self._units, self._places) for site, name in pairs]

        # Folding the words of a thousand sites takes a fifth of a second.
        made = await anyio.to_thread.run_sync(make) if len(new) > _FEW else make()

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            for start in range(0, len(made), _BATCH):
                try:
                    await connection.execute(sites.insert(), made[start : start + _BATCH])
                except IntegrityError as error:
                    raise Conflict("A site with one of these ids exists already.", field="id") from error
                data: JsonObject = {"sites": ids[start : start + _BATCH]}
                unit.append(STREAM, "sites_created", data, actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])
        found = await self.get_many(ids)
        return tuple(found[site] for site in ids)

    async def change(self, actor: Actor, changes: Sequence[SiteChange]) -> tuple[Site, ...]:
        """Changes sites, all or none; needs `site.change` over their units. What is as it was is not written.

        The log says which fields were changed, not what they hold: phone numbers and names would stay in it
        for good. Raises Forbidden, SiteNotFound (also for sites that the actor may not see), BadRequest.
        """
        if len(changes) > MAX_NEW:
            raise BadRequest(f"at most {MAX_NEW} sites at once", field="sites")
        ids = [change.id for change in changes]
        known = await self.get_many(ids)
        for change in changes:
            site = known.get(change.id)
            if site is None or not (actor.kind == "system" or self._may_see(actor, site)):
                raise SiteNotFound(None, site=change.id[:64])
        if changes:
            self._access.authorise(actor, "site.change", *{site.unit for site in known.values()})

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            changed: list[str] = []
            for start in range(0, len(changes), _BATCH):
                batch = changes[start : start + _BATCH]
                query = select(sites).where(sites.c.id.in_([change.id for change in batch]))
                now = {row.id: row for row in await connection.execute(query)}
                fields: dict[str, list[str]] = {}
                new: list[dict[str, object]] = []
                for change in batch:
                    row = now[change.id]
                    if values := rows.values_of(change, rows.site_of(row, self._units), self._units):
                        new.append({**rows.changeable(row), **values, "changed": row.id})
                        fields[change.id] = sorted(values.keys() - {"search"})
                if fields:
                    await connection.execute(rows.CHANGE, new)
                    unit.append(STREAM, "sites_changed", {"sites": fields}, actor=actor.key)
                    changed += fields
            unit.on_commit(lambda: self._forget(changed))
            return {}

        await self._store.write(work, streams=[STREAM])
        found = await self.get_many(ids)
        return tuple(found[site] for site in ids)

    async def at_units(self, units: Iterable[str]) -> tuple[Site, ...]:
        """All sites that stand exactly at these units, for the server's own use (no check who asks)."""
        codes = list(dict.fromkeys(units))
        found: list[Site] = []
        async with self._store.read() as connection:
            for start in range(0, len(codes), _BATCH):
                query = rows.in_order().where(sites.c.unit.in_(codes[start : start + _BATCH]))
                found += [rows.site_of(row, self._units) for row in await connection.execute(query)]
        return tuple(found)

    async def inside(self, units: Iterable[str], *, limit: int) -> tuple[Site, ...]:
        """The sites inside these subtrees in the order of units, at most `limit`, for the server's own use.

        Raises UnitNotFound.
        """
        query = rows.in_order().where(self._places.inside_any(tuple(units))).limit(limit)
        async with self._store.read() as connection:
            return tuple(rows.site_of(row, self._units) for row in await connection.execute(query))

    async def get(self, site: str) -> Site:
        """The site, for the server's own use (no check who asks). Raises SiteNotFound."""
        found = await self.get_many((site,))
        if site not in found:
            raise SiteNotFound(None, site=site)
        return found[site]

    async def get_many(self, ids: Iterable[str]) -> dict[str, Site]:
        """Those of the ids that exist."""
        found: dict[str, Site] = {}
        missing: list[str] = []
        for site in dict.fromkeys(ids):
            if (known := self._cache.get(site)) is not None:
                self._cache.move_to_end(site)
                found[site] = known
            elif rows.is_id(site):
                missing.append(site)
        if len(missing) <= _FEW:
            for site in missing:
                if (loaded := await self._lookup.get(site)) is not None:
                    found[site] = loaded
        else:
            for start in range(0, len(missing), _BATCH):
                found |= await self._load(missing[start : start + _BATCH])
        return found

    async def _load(self, ids: list[str]) -> dict[str, Site]:
        changes = self._changes
        async with self._store.read() as connection:
            found = await connection.execute(select(sites).where(sites.c.id.in_(ids)))
            loaded = {row.id: rows.site_of(row, self._units) for row in found}
        # Read before a change of ours was stored, it may be what was.
        if changes == self._changes:
            for site in loaded.values():
                self._remember(site)
        return loaded

    async def see(self, actor: Actor, site: str) -> Site:
        """The site if the asker may see it: itself, or inside his grants. Raises SiteNotFound."""
        found = await self.get(site)
        if actor.site == site or self._may_see(actor, found):
            return found
        raise SiteNotFound(None, site=site)

    async def find(
        self,
        actor: Actor,
        *,
        unit: str | None = None,
        text: str = "",
        limit: int = 100,
        after: str | None = None,
    ) -> SitePage:
        """Sites within the asker's grants, inside `unit`, in whose label, path or code every word of `text`
        begins a word (without diacritics), in the order of units. `limit`: 1 to 1000; `after`: a page's
        `next`.

        Raises BadRequest (cursor), UnitNotFound.
        """
        limit = max(1, min(limit, MAX_PAGE))
        conditions: list[ColumnElement[bool]] = []
        if actor.kind != "system":
            granted = self._access.units_granted(actor, "site.see")
            conditions.append(self._places.inside_any(granted))
        if unit is not None:
            conditions.append(self._places.inside(unit))
        if (words := has_words(sites.c.search, text)) is not None:
            conditions.append(words)
        if after is not None:
            conditions.append(rows.after(after))
        async with self._store.read() as connection:
            found = (await connection.execute(rows.in_order().where(*conditions).limit(limit + 1))).all()
        page = tuple(rows.site_of(row, self._units) for row in found[:limit])
        return SitePage(page, rows.cursor_of(found[limit - 1]) if len(found) > limit else None)

    async def ids_at(self, units: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """The sites that stand exactly at these units: `{unit: (site ids)}`, units without sites left out."""
        codes = list(dict.fromkeys(units))
        found: dict[str, tuple[str, ...]] = {}
        async with self._store.read() as connection:
            for start in range(0, len(codes), _BATCH):
                query = select(sites.c.unit, sites.c.id).where(
                    sites.c.unit.in_(codes[start : start + _BATCH])
                )
                for row in await connection.execute(query.order_by(sites.c.id)):
                    found[row.unit] = (*found.get(row.unit, ()), row.id)
        return found

    async def by_units(self, scope: Sequence[ScopeEntry]) -> tuple[Site, ...]:
        """Every site that the scope names, each once, in the order of units. Raises UnitNotFound,
        BadRequest."""
        async with self._store.read() as connection:
            found = await connection.execute(rows.in_order().where(self._places.in_scope(scope)))
            return tuple(rows.site_of(row, self._units) for row in found)

    def ids_in_scope(self, scope: Sequence[ScopeEntry]) -> Select[tuple[str]]:
        """The query for the ids that the scope names, for use inside another room's transaction.

        Raises UnitNotFound, BadRequest.
        """
        return select(sites.c.id).where(self._places.in_scope(scope))

    async def count_devices(self, scope: Sequence[ScopeEntry]) -> tuple[int, int, int]:
        """Of the sites that the scope names: how many there are, how many are activated, and how many others
        have a code that is good. Raises UnitNotFound, BadRequest."""
        ids = self.ids_in_scope(scope)
        async with self._store.read() as connection:
            total = await connection.scalar(select(func.count()).select_from(ids.subquery())) or 0
        return (total, *await self._access.count_devices(ids))

    async def count(self) -> int:
        """How many sites there are."""
        async with self._store.read() as connection:
            return await connection.scalar(select(func.count()).select_from(sites)) or 0

    async def issue_codes(
        self, actor: Actor, ids: Sequence[str], *, ttl: timedelta = timedelta(days=14)
    ) -> tuple[IssuedCode, ...]:
        """Activation codes for sites; see `Access.issue_codes`. Raises SiteNotFound, Forbidden."""
        return await self._access.issue_codes(actor, await self._with_units(ids), ttl=ttl)

    async def store_codes(self, actor: Actor, issued: Sequence[IssuedCode]) -> None:
        """Makes drawn codes good; see `Access.store_codes`. Raises SiteNotFound, Forbidden."""
        await self._access.store_codes(actor, await self._with_units([code.site for code in issued]), issued)

    async def revoke_codes(self, actor: Actor, ids: Sequence[str], *, devices: bool = False) -> int:
        """See `Access.revoke_codes`. Raises SiteNotFound, Forbidden."""
        return await self._access.revoke_codes(actor, await self._with_units(ids), devices_too=devices)

    async def _with_units(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        found = await self.get_many(ids)
        for site in ids:
            if site not in found:
                raise SiteNotFound(None, site=site)
        return [(site, found[site].unit) for site in ids]

    def _may_see(self, actor: Actor, site: Site) -> bool:
        return actor.kind != "site" and self._access.allowed(actor, "site.see", site.unit)

    def _forget(self, ids: Iterable[str]) -> None:
        self._changes += 1
        for site in ids:
            self._cache.pop(site, None)

    def _remember(self, site: Site) -> None:
        self._cache[site.id] = site
        if len(self._cache) > _CACHE:
            self._cache.popitem(last=False)
