"""`Waves`: planned, changed, looked at. What their sites are told is `messages.py`'s. See
docs/rollout-waves.md."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from typing import Final

from sqlalchemy import delete, insert, update
from sqlalchemy.exc import IntegrityError

from diemcau.access import Access, Actor
from diemcau.clock import Clock
from diemcau.errors import BadRequest, Forbidden, JsonObject
from diemcau.ids import NewId, new_id
from diemcau.rollout.readiness import Counts, Readiness, RowFilter, State
from diemcau.rollout.waves.ledger import STREAM, Ledger, few_enough, put_in, row_of, take_out
from diemcau.rollout.waves.planning import Candidate, Draft, Wish, common, draft
from diemcau.rollout.waves.tables import wave_messages, wave_reminders, wave_sendings, wave_sites, waves
from diemcau.rollout.waves.timing import move_reminders
from diemcau.rollout.waves.wave import (
    NothingToPlan,
    PlanChanged,
    SiteInWave,
    Wave,
    WaveNotFound,
    name_of,
)
from diemcau.sites import SiteNotFound
from diemcau.store import Store, UnitOfWork
from diemcau.units import Units

MAX_AT_ONCE: Final = 1_000
"""Sites added or taken out by hand in one request."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a wish comes to. `moved`: of the sites, those that leave another wave, by wave. `elsewhere`: sites
    that fit but stay in the wave in which they are."""

    drafts: tuple[Draft, ...]
    moved: Mapping[str, str]
    elsewhere: int

    @property
    def total(self) -> int:
        """Sites in all its waves."""
        return sum(len(one.sites) for one in self.drafts)


@dataclass(frozen=True, slots=True)
class Shown:
    """A wave as an asker sees it: the figures are of the sites that he may see. `may`: he may change it."""

    wave: Wave
    counts: Counts
    may: bool


class Waves:
    """See the module."""

    def __init__(
        self,
        store: Store,
        units: Units,
        access: Access,
        readiness: Readiness,
        clock: Clock,
        *,
        make_id: NewId = new_id,
    ) -> None:
        self._store, self._units, self._access = store, units, access
        self._readiness, self._clock, self._make_id = readiness, clock, make_id
        self._ledger = Ledger(store)

    # Looking.

    async def sites_of(self, wave: str) -> list[str]:
        """The ids of the wave's sites in the tree's order, for the server's own use (no check who asks).

        Raises WaveNotFound.
        """
        known = await self._ledger.known()
        if wave not in known.waves:
            raise WaveNotFound(None, wave=wave[:64])
        rows = await self._readiness.of_sites(known.sites[wave])
        return sorted(known.sites[wave], key=lambda site: rows[site].key if site in rows else (-1, site))

    async def get(self, wave: str) -> Wave:
        """For the server's own use. Raises WaveNotFound."""
        found = (await self._ledger.known()).waves.get(wave)
        if found is None:
            raise WaveNotFound(None, wave=wave[:64])
        return found

    async def wave_of(self, sites: Collection[str]) -> dict[str, str]:
        """Site -> its wave, of those that are in one."""
        known = await self._ledger.known()
        return {site: known.wave_of[site] for site in sites if site in known.wave_of}

    async def see(self, actor: Actor, wave: str) -> Wave:
        """The wave if one of its sites is the asker's to see, or its subtree is. Raises WaveNotFound."""
        return (await self.show(actor, wave)).wave

    async def show(self, actor: Actor, wave: str) -> Shown:
        """With the funnel of what the asker may see of it. Raises WaveNotFound."""
        found = await self.get(wave)
        shown = await self._shown(actor, found)
        if shown is None:
            raise WaveNotFound(None, wave=wave[:64])
        return shown

    async def visible(self, actor: Actor) -> list[Shown]:
        """The waves that the asker may see, in the order of their days. Raises Forbidden."""
        if not self._access.units_granted(actor, "site.see"):
            raise Forbidden(None, command="site.see")
        known = await self._ledger.known()
        shown = [await self._shown(actor, wave) for wave in known.waves.values()]
        return [one for one in shown if one is not None]

    async def unplanned(self, actor: Actor) -> int:
        """Sites of the asker's that are in no wave."""
        known = await self._ledger.known()
        total = 0
        for unit in self._access.units_granted(actor, "site.see"):
            rows = await self._readiness.select(actor, unit)
            total += sum(row.site.id not in known.wave_of for row in rows)
        return total

    async def _shown(self, actor: Actor, wave: Wave) -> Shown | None:
        known = await self._ledger.known()
        counts = await self._readiness.among(actor, known.sites.get(wave.id, frozenset()))
        own = self._access.allowed(actor, "site.see", wave.unit)
        if not own and counts.total == 0:
            return None
        return Shown(wave, counts, self._access.allowed(actor, "wave.plan", wave.unit))

    async def filter_of(self, actor: Actor, wave: str, wanted: RowFilter) -> RowFilter:
        """The same filter, of this wave's sites alone. Raises WaveNotFound."""
        await self.see(actor, wave)
        return replace(wanted, among=(await self._ledger.known()).sites.get(wave, frozenset()))

    def may(self, actor: Actor, wave: Wave) -> None:
        """Raises Forbidden unless the actor may change the wave."""
        self._access.authorise(actor, "wave.plan", wave.unit)

    # Planning.

    async def preview(self, actor: Actor, wish: Wish) -> Plan:
        """What the plan would make; stores nothing. Raises Forbidden, UnitNotFound, BadRequest."""
        units = wish.units or self._access.units_granted(actor, "wave.plan")
        for unit in units:
            self._units.get(unit)
        self._access.authorise(actor, "wave.plan", *units)
        known = await self._ledger.known()
        taken: dict[str, Candidate] = {}
        moved: dict[str, str] = {}
        elsewhere: set[str] = set()
        for unit in units:
            for row in await self._readiness.select(actor, unit):
                site = row.site
                if wish.carriers and (site.carrier or "") not in wish.carriers:
                    continue
                if wish.kinds and site.kind not in wish.kinds:
                    continue
                if wish.not_ready and row.standing.state is State.READY:
                    continue
                now = known.wave_of.get(site.id)
                if now is not None:
                    leaves = known.waves.get(now)
                    if not wish.move or leaves is None or not self._may_plan(actor, leaves):
                        elsewhere.add(site.id)
                        continue
                    moved[site.id] = now
                taken[site.id] = Candidate(site.id, site.unit, row.place, now)
        names = [wave.name for wave in known.waves.values()]
        drafts = draft(wish, taken.values(), self._units, names)
        few_enough(len(known.waves) + len(drafts))
        return Plan(tuple(drafts), moved, len(elsewhere))

    async def plan(self, actor: Actor, wish: Wish, *, expected: int | None = None) -> tuple[Wave, ...]:
        """Makes the waves, all in one transaction. `expected`: how many sites the preview counted.

        Raises as `preview`, NothingToPlan, PlanChanged, SiteInWave (another plan was first).
        """
        plan = await self.preview(actor, wish)
        if expected is not None and plan.total != expected:
            raise PlanChanged(None, total=plan.total)
        if not plan.drafts:
            raise NothingToPlan
        made = [
            Wave(self._make_id("wave"), one.name, one.day, wish.start, wish.end, one.unit)
            for one in plan.drafts
        ]

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(self._ledger.forget)
            connection = await unit.connection()
            await take_out(unit, plan.moved.items(), actor=actor.key)
            stamp = {"created_at": unit.now, "created_by": actor.key}
            await connection.execute(insert(waves), [{**row_of(wave), **stamp} for wave in made])
            for wave, one in zip(made, plan.drafts, strict=True):
                data = {**wave.to_json(), "sites": len(one.sites)}
                unit.append(STREAM, "wave_planned", data, actor=actor.key)
            members = (
                (site, wave.id) for wave, one in zip(made, plan.drafts, strict=True) for site in one.sites
            )
            await self._put(unit, members, actor)
            return {}

        await self._store.write(work, streams=[STREAM])
        return tuple(made)

    async def change(
        self,
        actor: Actor,
        wave: str,
        *,
        name: str | None = None,
        day: date | None = None,
        start: time | None = None,
        end: time | None = None,
    ) -> Wave:
        """Another name, day or hours. Who was told the old day is to be told anew: see `Wave.revision`.

        Raises WaveNotFound, Forbidden, BadRequest.
        """
        before = await self.see(actor, wave)
        self.may(actor, before)
        after = replace(
            before,
            name=before.name if name is None else name_of(name),
            day=day or before.day,
            start=start or before.start,
            end=end or before.end,
        )
        if after.end <= after.start:
            raise BadRequest("a wave ends after it starts", field="end")
        if after == before:
            return before
        if (after.day, after.start, after.end) != (before.day, before.start, before.end):
            after = replace(after, revision=before.revision + 1)

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(self._ledger.forget)
            connection = await unit.connection()
            await connection.execute(update(waves).where(waves.c.id == wave).values(row_of(after)))
            await move_reminders(connection, after, unit.now)
            unit.append(STREAM, "wave_changed", after.to_json(), actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])
        return after

    async def put_sites(
        self,
        actor: Actor,
        wave: str,
        *,
        add: Sequence[str] = (),
        remove: Sequence[str] = (),
        move: bool = False,
    ) -> Wave:
        """Sites come in and go out by hand. `move`: also those that are in another wave of the actor's.

        Raises WaveNotFound, Forbidden, SiteNotFound, SiteInWave, BadRequest.
        """
        if len(add) + len(remove) > MAX_AT_ONCE:
            raise BadRequest(f"at most {MAX_AT_ONCE} sites at once", field="add")
        found = await self.see(actor, wave)
        self.may(actor, found)
        known = await self._ledger.known()
        rows = await self._readiness.of_sites([*add, *remove])
        for site in (*add, *remove):
            if site not in rows or not self._access.allowed(actor, "site.see", rows[site].site.unit):
                raise SiteNotFound(None, site=site[:64])
        fresh = [site for site in dict.fromkeys(add) if known.wave_of.get(site) != wave]
        self._access.authorise(actor, "wave.plan", found.unit, *{rows[site].site.unit for site in fresh})
        leaving = {site: known.wave_of[site] for site in fresh if site in known.wave_of}
        if leaving and not (
            move and all(self._may_plan(actor, known.waves[one]) for one in set(leaving.values()))
        ):
            raise SiteInWave(None, site=next(iter(leaving)), count=len(leaving))
        # Whoever has a wave has all its sites: with one from elsewhere it becomes the level's above.
        above = common(self._units, {found.unit, *(rows[site].site.unit for site in fresh)})
        gone = {site: wave for site in remove if known.wave_of.get(site) == wave}

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(self._ledger.forget)
            await take_out(unit, [*leaving.items(), *gone.items()], actor=actor.key)
            await self._put(unit, ((site, wave) for site in fresh), actor)
            if above != found.unit:
                await (await unit.connection()).execute(
                    update(waves).where(waves.c.id == wave).values(unit=above)
                )
            return {}

        await self._store.write(work, streams=[STREAM])
        return replace(found, unit=above)

    async def delete(self, actor: Actor, wave: str) -> None:
        """The wave is no more, with its reminders and what is not sent yet; its sites are in none.

        Raises WaveNotFound, Forbidden.
        """
        found = await self.see(actor, wave)
        self.may(actor, found)

        async def work(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(self._ledger.forget)
            connection = await unit.connection()
            inside = (await self._ledger.known()).sites.get(wave, frozenset())
            await take_out(unit, ((site, wave) for site in sorted(inside)), actor=actor.key)
            await connection.execute(delete(wave_sites).where(wave_sites.c.wave == wave))
            for table in (wave_messages, wave_sendings, wave_reminders):
                await connection.execute(delete(table).where(table.c.wave == wave))
            await connection.execute(delete(waves).where(waves.c.id == wave))
            unit.append(STREAM, "wave_deleted", {"id": wave, "name": found.name}, actor=actor.key)
            return {}

        await self._store.write(work, streams=[STREAM])

    def _may_plan(self, actor: Actor, wave: Wave) -> bool:
        return self._access.allowed(actor, "wave.plan", wave.unit)

    async def _put(self, unit: UnitOfWork, members: Iterable[tuple[str, str]], actor: Actor) -> None:
        try:
            await put_in(unit, members, actor=actor.key)
        except IntegrityError as error:
            raise SiteInWave("Another plan was first", count=1) from error
