"""`Rehearsals`: the door to rehearsals. See docs/rehearsals.md."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from diemcau.access import SYSTEM, Access, Actor
from diemcau.bus import Bus
from diemcau.clock import Clock
from diemcau.errors import BadRequest, Forbidden, JsonObject, JsonValue, WrongState
from diemcau.ids import NewId, new_id
from diemcau.media import MediaNode
from diemcau.meetings import Meetings, NewMeeting
from diemcau.meetings.commands import check_command_id
from diemcau.meetings.meeting import Codec
from diemcau.rollout.owners import Owners
from diemcau.rollout.rehearsals import results
from diemcau.rollout.rehearsals.board import Seat, SeatFilter, Tally, chosen, tallies, worst_first
from diemcau.rollout.rehearsals.errors import NobodyToRehearse, RehearsalNotFound
from diemcau.rollout.rehearsals.hall import Hall
from diemcau.rollout.rehearsals.plan import MOST_MINUTES, expected_s, minutes_for
from diemcau.rollout.rehearsals.results import STREAM, Rehearsal
from diemcau.rollout.rehearsals.run import Answer
from diemcau.rollout.rehearsals.scope import Scope, sites_in, units_over
from diemcau.rollout.rehearsals.tables import rehearsal_sites, rehearsals
from diemcau.rollout.rehearsals.walk import Walk
from diemcau.sites import ScopeEntry, Site, Sites
from diemcau.stage import Stage
from diemcau.store import Store, UnitOfWork
from diemcau.units import Level, Unit, Units

RUN: Final = "rehearsal.run"
AHEAD: Final = timedelta(days=60)
_LEVELS: Final = tuple(level.value for level in Level)
_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class NewRehearsal:
    """What is asked for. `id`: the client's command id; `starts_at` None: now; `minutes` None: as many as it
    takes, twice."""

    id: str
    scope: Scope
    title: str = ""
    starts_at: datetime | None = None
    minutes: int | None = None
    codec: Codec = "h264"


@dataclass(frozen=True, slots=True)
class Preview:
    """What a rehearsal would be: how many sites, how many of them have a device, about how many seconds until
    those who are there are through, how long it would be held open."""

    sites: int
    ready: int
    seconds: int
    minutes: int


@dataclass(frozen=True, slots=True)
class Board:
    """A rehearsal's counts inside the asker's grants, and of the units below `unit`. `machine`: it
    presents."""

    rehearsal: Rehearsal
    unit: Unit
    above: tuple[Unit, ...]
    whole: Tally
    parts: tuple[tuple[Unit, Tally], ...]
    version: int
    machine: bool


class Rehearsals:
    """`start` goes on with what is planned and held; `aclose` stores it."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        meetings: Meetings,
        stage: Stage,
        node: MediaNode,
        clock: Clock,
        *,
        make_id: NewId = new_id,
    ) -> None:
        self._store, self._units, self._access, self._sites = store, units, access, sites
        self._meetings, self._clock, self._make_id = meetings, clock, make_id
        self._owners = Owners(store, units, clock)
        self.hall = Hall(store, bus, meetings, stage, node, clock)
        self._ended: tuple[str, list[Seat]] | None = None

    async def start(self) -> None:
        """Holds rehearsals until `aclose`."""
        await self.hall.start()

    async def aclose(self) -> None:
        """Ends the loop."""
        await self.hall.aclose()

    # What pages say and are told.

    def you(self, site: str) -> dict[str, JsonValue] | None:
        """`You.rehearsal` of docs/protocol.md: of the rehearsal that the site is in now."""
        run = self.hall.runs.get(self._meetings.meeting_of(site) or "")
        return None if run is None else run.you(site)

    def answer(self, site: str, said: Answer) -> None:
        """What the site's page saw and heard; of a site that is in no rehearsal it is nothing."""
        meeting = self._meetings.meeting_of(site)
        if meeting is not None:
            self.hall.answer(meeting, site, said)

    # Planning.

    async def preview(self, actor: Actor, scope: Scope, devices: Collection[str]) -> Preview:
        """How many and how long. `devices`: sites that have one. Raises Forbidden, and what a scope does."""
        found = await self._allowed(actor, scope)
        ready = sum(site.id in devices for site in found)
        return Preview(len(found), ready, round(expected_s(ready)), minutes_for(len(found)))

    async def create(self, actor: Actor, new: NewRehearsal) -> Rehearsal:
        """Plans one, with its meeting, and begins it at its time; idempotent by (actor, `new.id`).

        Raises Forbidden, NobodyToRehearse, BadRequest, UnitNotFound, SiteNotFound.
        """
        check_command_id(new.id)
        now = self._clock.now()
        starts_at = max(now, new.starts_at or now)
        if starts_at - now > AHEAD:
            raise BadRequest("A rehearsal begins within 60 days", field="starts_at")
        if new.minutes is not None and not 1 <= new.minutes <= MOST_MINUTES:
            raise BadRequest(f"A rehearsal takes 1 to {MOST_MINUTES} minutes", field="minutes")
        found = await self._allowed(actor, new.scope)
        if not found:
            raise NobodyToRehearse
        units = (
            (new.scope.unit,)
            if new.scope.unit is not None
            else units_over(self._units, [site.unit for site in found])
        )
        title = " ".join(new.title.split()) or f"Chạy thử {self._named(units)}"
        ids = tuple(site.id for site in found)
        meeting = await self._meetings.create(
            SYSTEM,
            NewMeeting(
                f"{actor.id}-{new.id}"[:64],
                title[:200],
                tuple(ScopeEntry(unit, _LEVELS) for unit in units),
                new.codec,
                kind="rehearsal",
                sites=ids,
            ),
        )
        minutes = new.minutes or minutes_for(len(ids))
        made = Rehearsal(
            self._make_id("r"),
            meeting.title,
            meeting.id,
            actor.key,
            units,
            len(ids),
            minutes,
            "scheduled",
            starts_at,
        )

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            row = {**made.to_json(), "by": made.by, "starts_at": starts_at, "status": "scheduled"}
            row |= {"started_at": None, "ended_at": None}
            await connection.execute(rehearsals.insert(), row)
            rows = [results.row_of(made.id, Walk(site), "absent", over=False) for site in ids]
            for start in range(0, len(rows), _BATCH):
                await connection.execute(rehearsal_sites.insert(), rows[start : start + _BATCH])
            data: JsonObject = {"rehearsal": made.id, "meeting": made.meeting, "sites": len(ids)}
            unit.append(STREAM, "rehearsal_planned", data, actor=actor.key)
            unit.on_commit(lambda: self.hall.plan(made))
            return {"rehearsal": made.id}

        key = f"{actor.key}/rehearsal-{new.id}"
        answer = await self._store.write(work, streams=[STREAM], command=key)
        known = await results.rehearsal(self._store, str(answer["rehearsal"]))
        if known is None:
            raise RehearsalNotFound
        return known

    async def end(self, actor: Actor, rehearsal: str) -> Rehearsal:
        """Ends one, or calls it off. Raises RehearsalNotFound, Forbidden, WrongState."""
        found = await self.get(actor, rehearsal)
        if found.by != actor.key:
            self._access.authorise(actor, RUN, *found.units)
        if found.status == "ended":
            raise WrongState("This rehearsal has ended.")
        await self.hall.end(rehearsal)
        return await self.get(actor, rehearsal)

    # Looking.

    async def listed(self, actor: Actor) -> list[Rehearsal]:
        """Those that concern the asker, newest first, with what is counted now of those that are held."""
        granted = self._access.units_granted(actor, "site.see")
        return [self._now(one) for one in await results.listed(self._store) if self._concerns(granted, one)]

    async def get(self, actor: Actor, rehearsal: str) -> Rehearsal:
        """One. Raises RehearsalNotFound when it does not concern the asker."""
        found = await results.rehearsal(self._store, rehearsal)
        if found is None or not self._concerns(self._access.units_granted(actor, "site.see"), found):
            raise RehearsalNotFound
        return self._now(found)

    async def board(self, actor: Actor, rehearsal: str, unit: str | None = None) -> Board:
        """Counts. `unit`: of this subtree; None: the smallest that holds all that the asker sees.

        Raises RehearsalNotFound, UnitNotFound.
        """
        found = await self.get(actor, rehearsal)
        seats = await self._seats(actor, found)
        top = self._units.get(unit) if unit is not None else self._top(seat.site.unit for seat in seats)
        inside = [seat for seat in seats if self._units.contains(top.code, seat.site.unit)]
        below = {child.code for child in self._units.children(top.code)}

        def group(code: str) -> str:
            line = (code, *(above.code for above in self._units.ancestors(code)))
            return next((one for one in line if one in below), top.code)

        whole, parts = tallies(inside, group)
        rows = [(self._units.get(code), tally) for code, tally in parts.items()]
        order = {child.code: place for place, child in enumerate(self._units.children(top.code))}
        rows.sort(key=lambda row: order.get(row[0].code, -1))
        above = tuple(
            one
            for one in reversed(self._units.ancestors(top.code))
            if self._access.allowed(actor, "site.see", one.code)
        )
        run = self.hall.runs.get(found.meeting)
        version = 0 if run is None else run.version
        return Board(found, top, above, whole, tuple(rows), version, self.hall.presents(found.meeting))

    async def seats(
        self, actor: Actor, rehearsal: str, unit: str | None, wanted: SeatFilter
    ) -> list[tuple[Seat, str]]:
        """The sites that fit with their owners, failures first. Raises RehearsalNotFound, UnitNotFound."""
        found = await self.get(actor, rehearsal)
        top = None if unit is None else self._units.get(unit).code
        seats = [
            seat
            for seat in await self._seats(actor, found)
            if top is None or self._units.contains(top, seat.site.unit)
        ]
        await self._owners.read()
        return [(seat, self._owners.of(seat.site)) for seat in worst_first(chosen(seats, wanted))]

    # Inside.

    async def _allowed(self, actor: Actor, scope: Scope) -> list[Site]:
        if scope.unit is not None:
            self._units.get(scope.unit)
            self._access.authorise(actor, RUN, scope.unit)
        found = await sites_in(self._sites, scope)
        if found:
            self._access.authorise(actor, RUN, *{site.unit for site in found})
        elif not self._access.units_granted(actor, RUN):
            raise Forbidden(None, command=RUN)
        if scope.todo:
            last = await results.last_rehearsals(self._store, [site.id for site in found])
            found = [site for site in found if site.id not in last or last[site.id].rehearsed_at is None]
        return found

    def _concerns(self, granted: tuple[str, ...], rehearsal: Rehearsal) -> bool:
        units = self._units
        return any(
            mine in units
            and theirs in units
            and (units.contains(mine, theirs) or units.contains(theirs, mine))
            for mine in granted
            for theirs in rehearsal.units
        )

    def _now(self, rehearsal: Rehearsal) -> Rehearsal:
        run = self.hall.runs.get(rehearsal.meeting)
        if run is None:
            return rehearsal
        return replace(rehearsal, passed=sum(walk.step is None for walk in run.walks.values()))

    async def _seats(self, actor: Actor, rehearsal: Rehearsal) -> list[Seat]:
        """All that the asker may see, in the order of units."""
        seats = await self._all_seats(rehearsal)
        return [seat for seat in seats if self._access.allowed(actor, "site.see", seat.site.unit)]

    async def _all_seats(self, rehearsal: Rehearsal) -> list[Seat]:
        run = self.hall.runs.get(rehearsal.meeting)
        if run is not None:
            walks, causes = run.walks, {site: run.cause(site) for site in run.walks}
        elif self._ended is not None and self._ended[0] == rehearsal.id:
            return self._ended[1]
        else:
            stored, kept = await results.walks_of(self._store, rehearsal.id)
            walks, causes = stored, {site: kept.get(site) for site in stored}
        sites = await self._sites.get_many(walks)
        place = {unit.code: number for number, unit in enumerate(self._units)}
        seats = [Seat(sites[site], walk, causes[site]) for site, walk in walks.items() if site in sites]
        seats.sort(key=lambda seat: (place.get(seat.site.unit, -1), seat.site.id))
        if rehearsal.status == "ended":
            self._ended = (rehearsal.id, seats)  # it changes no more
        return seats

    def _top(self, codes: object) -> Unit:
        lines = [
            [*(one.code for one in reversed(self._units.ancestors(code))), code]
            for code in dict.fromkeys(codes)  # type: ignore[call-overload]
        ]
        top = self._units.get("VN") if not lines else self._units.get(lines[0][0])
        for level in zip(*lines, strict=False):
            if len(set(level)) > 1:
                break
            top = self._units.get(level[0])
        if self._units.children(top.code) or top.parent is None:
            return top
        return self._units.get(top.parent)

    def _named(self, units: tuple[str, ...]) -> str:
        first = self._units.get(units[0])
        name = f"{first.kind} {first.name}" if first.parent is not None else "toàn quốc"
        return name if len(units) == 1 else f"{name} và {len(units) - 1} đơn vị khác"
