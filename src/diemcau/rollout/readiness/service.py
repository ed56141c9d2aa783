"""`Readiness`: the board, kept true by events, by who is connected, and by time.

Level-triggered like the stage: an event only says which sites to read anew. So a bus that was too slow, or an
event of a kind that is not known here, costs one reading of everything.
"""

import asyncio
import contextlib
from collections.abc import Callable, Collection, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import delete, select

from diemcau.access import Access, Actor
from diemcau.access.standing import DeviceStanding, device_standings
from diemcau.bus import EVENTS, Bus, Message, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.errors import BadRequest, JsonObject
from diemcau.rollout.owners import Owners
from diemcau.rollout.readiness.board import Board, Counts, Row, RowFilter
from diemcau.rollout.readiness.forecast import Forecast, forecast
from diemcau.rollout.readiness.rule import Facts, Policy, State
from diemcau.rollout.readiness.tables import readiness_policy, site_seen
from diemcau.rollout.rehearsals.results import last_rehearsals
from diemcau.rollout.selftest.results import last_results
from diemcau.sites import ScopeEntry, Site, Sites
from diemcau.store import Store, UnitOfWork
from diemcau.units import ROOT_CODE, Level, Unit, Units

LOOK_S: Final = 2.0
"""Seconds between two looks at who is connected."""

GATHER_S: Final = 0.5
"""Seconds for which what has happened is gathered before those who wait are told."""

TICK_S: Final = 60.0
"""Seconds between two looks at what time alone has changed."""

SEEN_S: Final = 600.0
"""Seconds by which the stored time of a connected site may be old."""

TOGETHER: Final = 500
"""Sites that are put on the board before others on the event loop have their turn."""

MAX_PAGE: Final = 500
_BATCH: Final = 1000
_ALL: Final = (ScopeEntry(ROOT_CODE, tuple(level.value for level in Level)),)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class RowPage:
    """Rows with their owners, the cursor of the next page, and how many fit in all."""

    rows: tuple[tuple[Row, str], ...]
    next: str | None
    total: int


def _nobody() -> AbstractSet[str]:
    return frozenset()


class Readiness:
    """See the module. `online` answers the sites that are connected now; whoever knows sets it."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        clock: Clock,
        policy: Policy | None = None,
    ) -> None:
        self._store, self._bus, self._units = store, bus, units
        self._access, self._sites, self._clock = access, sites, clock
        self.online: Callable[[], AbstractSet[str]] = _nobody
        self._board = Board(units, policy or Policy())
        self._stored: dict[str, datetime] = {}
        self._connected: frozenset[str] = frozenset()
        self._owners = Owners(store, units, clock)
        self._dirty: set[str] = set()
        self._all_dirty = True
        self._loading = asyncio.Lock()
        self._stirred = asyncio.Event()
        self._moved = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Follows events, connections and time until `aclose`."""
        async with self._store.read() as connection:
            chosen = (await connection.execute(select(readiness_policy))).one_or_none()
        if chosen is not None:
            self._board.policy = Policy(chosen.test_days, chosen.seen_hours, chosen.rehearsal)
        subscription = self._subscribe()
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name="readiness-follow"),
            asyncio.create_task(self._watch(), name="readiness-watch"),
        ]

    async def aclose(self) -> None:
        """Ends the tasks and stores who was seen last."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._tasks and len(self._board):
            with contextlib.suppress(Exception):  # it is only some minutes that are lost
                await self._store_seen(0.0)

    @property
    def policy(self) -> Policy:
        """What is demanded of a ready site."""
        return self._board.policy

    async def set_policy(self, actor: Actor, policy: Policy) -> None:
        """Demands something else from now on; needs `readiness.policy` over the nation. Raises Forbidden."""
        self._access.authorise(actor, "readiness.policy", ROOT_CODE)

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(delete(readiness_policy))
            await connection.execute(readiness_policy.insert(), {"id": 1, **asdict(policy)})
            unit.append("readiness", "policy_set", asdict(policy), actor=actor.key)
            return {}

        await self._store.write(work, streams=["readiness"])
        self._board.policy = policy
        self._board.tick(self._clock.now())
        self._board.version += 1
        self._stirred.set()

    # Questions.

    async def version(self) -> int:
        """Grows with every change of the board."""
        await self._fresh()
        return self._board.version

    async def changed(self, version: int, seconds: float) -> None:
        """Returns as soon as the board is another one than `version`, or after so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while self._board.version == version:
                    await self._moved.wait()

    def units_of(self, actor: Actor) -> tuple[Unit, ...]:
        """The topmost units that the asker may see."""
        return tuple(self._units.get(code) for code in self._access.units_granted(actor, "site.see"))

    async def counts(self, actor: Actor, unit: str) -> Counts:
        """Of one subtree. Raises UnitNotFound, Forbidden."""
        self._may_see(actor, unit)
        await self._fresh()
        return self._board.counts(unit)

    async def children(self, actor: Actor, unit: str) -> tuple[tuple[Unit, Counts], ...]:
        """Of the units right below, in the tree's order. Raises UnitNotFound, Forbidden."""
        self._may_see(actor, unit)
        await self._fresh()
        return tuple((child, self._board.counts(child.code)) for child in self._units.children(unit))

    async def carriers(self, actor: Actor, unit: str) -> Mapping[str | None, Counts]:
        """Of one subtree by carrier. Raises UnitNotFound, Forbidden."""
        self._may_see(actor, unit)
        await self._fresh()
        return self._board.by_carrier(unit)

    async def forecast(self, actor: Actor, unit: str) -> Forecast:
        """When all of the subtree will be ready. Raises UnitNotFound, Forbidden."""
        counts = await self.counts(actor, unit)
        remaining = counts.total - counts.states.get(State.READY, 0)
        return forecast(self._board.became_ready(unit), remaining, self._clock.now())

    async def with_device(self) -> frozenset[str]:
        """Sites that a device stands for, for rooms beside."""
        await self._fresh()
        return frozenset(row.site.id for row in self._board if row.facts.activated_at is not None)

    async def rows(
        self, actor: Actor, unit: str, wanted: RowFilter, *, limit: int = 100, after: str | None = None
    ) -> RowPage:
        """The subtree's rows that fit, a page of them. Raises UnitNotFound, Forbidden, BadRequest."""
        self._may_see(actor, unit)
        await self._fresh()
        limit = max(1, min(limit, MAX_PAGE))
        key = None if after is None else _cursor(after)
        total = sum(1 for _ in self._board.rows(unit, wanted))
        found: list[Row] = []
        for row in self._board.rows(unit, wanted, key):
            found.append(row)
            if len(found) > limit:
                break
        await self._owners.read()
        page = tuple((row, self._owners.of(row.site)) for row in found[:limit])
        more = len(found) > limit
        return RowPage(page, f"{found[limit - 1].place}:{found[limit - 1].site.id}" if more else None, total)

    async def all_rows(self, actor: Actor, unit: str, wanted: RowFilter) -> list[tuple[Row, str]]:
        """Every row that fits, for a file. Raises UnitNotFound, Forbidden."""
        self._may_see(actor, unit)
        await self._fresh()
        await self._owners.read()
        return [(row, self._owners.of(row.site)) for row in self._board.rows(unit, wanted)]

    async def select(self, actor: Actor, unit: str) -> list[Row]:
        """Every row of the subtree, in the tree's order. Raises UnitNotFound, Forbidden."""
        self._may_see(actor, unit)
        await self._fresh()
        return list(self._board.rows(unit))

    async def of_sites(self, sites: Iterable[str]) -> dict[str, Row]:
        """The rows of these sites, for the server's own use (no check who asks)."""
        await self._fresh()
        return {site: row for site in sites if (row := self._board.get(site)) is not None}

    async def among(self, actor: Actor, sites: Collection[str]) -> Counts:
        """Of those of the sites that the asker may see."""
        await self._fresh()
        return self._board.counts_among(self.seen_by(actor, sites))

    def seen_by(self, actor: Actor, sites: Collection[str]) -> Collection[str]:
        """Those of the sites that the asker may see; of a board that was read before."""
        granted = self._access.units_granted(actor, "site.see")
        if ROOT_CODE in granted:
            return sites
        rows = ((site, self._board.get(site)) for site in sites)
        return [
            site
            for site, row in rows
            if row is not None and any(self._units.contains(unit, row.site.unit) for unit in granted)
        ]

    def _may_see(self, actor: Actor, unit: str) -> None:
        self._units.get(unit)
        self._access.authorise(actor, "site.see", unit)

    # Keeping the board true.

    def _subscribe(self) -> Subscription:
        topics = (f"{EVENTS}sites", f"{EVENTS}access", f"{EVENTS}site:*")
        return self._bus.subscribe(*topics, limit=20_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    self._take(message)
            except SubscriberTooSlow:
                log.warning("readiness fell behind the bus; reading every site")
                subscription = self._subscribe()
                self._all_dirty = True
                self._stirred.set()
            else:
                return

    def _take(self, message: Message) -> None:
        self._stirred.set()
        stream = message.topic.removeprefix(EVENTS)
        if stream.startswith("site:"):
            self._dirty.add(stream.removeprefix("site:"))
            return
        data = message.body.get("data")
        ids = data.get("sites") if isinstance(data, Mapping) else None
        if isinstance(ids, list | tuple) and all(isinstance(one, str) for one in ids):
            self._dirty.update(str(one) for one in ids)
        elif stream == "sites":
            self._all_dirty = True  # a kind of event that is not known here

    async def _watch(self) -> None:
        ticked = asyncio.get_running_loop().time()
        told = self._board.version
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_S):
                    await self._stirred.wait()
                await asyncio.sleep(GATHER_S)  # a country that activates stirs a thousand times a second
            self._stirred.clear()
            try:
                await self._fresh()
                self._look()
                now = asyncio.get_running_loop().time()
                if now - ticked >= TICK_S:
                    ticked = now
                    self._board.tick(self._clock.now())
                    await self._store_seen(SEEN_S)
            except Exception:
                log.exception("readiness could not be brought up to date")
            if told != self._board.version:
                told = self._board.version
                self._moved.set()
                self._moved = asyncio.Event()

    async def _fresh(self) -> None:
        """Reads what events have said has changed; at first everything."""
        async with self._loading:  # whoever asks while it is read waits for the whole
            dirty, self._dirty = self._dirty, set()
            everything, self._all_dirty = self._all_dirty, False
            try:
                if everything:
                    await self._read(None)
                elif dirty:
                    await self._read(dirty)
            except BaseException:
                self._dirty |= dirty
                self._all_dirty |= everything
                raise

    async def _read(self, ids: Collection[str] | None) -> None:
        found = await self._sites.by_units(_ALL) if ids is None else await self._sites_of(ids)
        standings = await device_standings(self._store, ids)
        tests = await last_results(self._store, ids)
        rehearsed = await last_rehearsals(self._store, ids)
        if ids is None:
            async with self._store.read() as connection:
                self._stored = {row.site: row.at for row in await connection.execute(select(site_seen))}
            for gone in {row.site.id for row in self._board} - {site.id for site in found}:
                self._board.remove(gone)
            self._connected = frozenset(self.online())
        now = self._clock.now()
        for number, site in enumerate(found):
            if number % TOGETHER == TOGETHER - 1:
                await asyncio.sleep(0)  # others' turn
            before = self._board.get(site.id)
            device = standings.get(site.id, DeviceStanding())
            test = tests.get(site.id)
            rehearsal = rehearsed.get(site.id)
            seen = self._stored.get(site.id)
            if before is not None and before.facts.seen_at is not None:
                seen = before.facts.seen_at if seen is None else max(seen, before.facts.seen_at)
            connected = site.id in self._connected
            facts = Facts(
                activated_at=device.bound_at,
                code_until=device.code_until,
                tested_at=None if test is None else test.at,
                passed=test is not None and test.passed,
                rehearsed_at=None if rehearsal is None else rehearsal.rehearsed_at,
                seen_at=now if connected else seen,
                connected=connected,
            )
            self._board.put(site, facts, test, now, rehearsal)

    async def _sites_of(self, ids: Iterable[str]) -> Collection[Site]:
        return (await self._sites.get_many(ids)).values()

    def _look(self) -> None:
        """Who has come and gone since."""
        now_connected, now = frozenset(self.online()), self._clock.now()
        for site in now_connected ^ self._connected:
            connected = site in now_connected
            self._board.change(site, now, connected=connected, seen_at=now)
        self._connected = now_connected

    async def _store_seen(self, older_s: float) -> None:
        now = self._clock.now()
        limit = now - timedelta(seconds=older_s)
        due: dict[str, datetime] = {}
        for row in self._board:
            seen = now if row.facts.connected else row.facts.seen_at
            if seen is None:
                continue
            stored = self._stored.get(row.site.id)
            if stored is None or (stored < seen and (stored <= limit or not row.facts.connected)):
                due[row.site.id] = seen
        ids = list(due)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]

            async def work(unit: UnitOfWork, batch: list[str] = batch) -> JsonObject:
                connection = await unit.connection()
                await connection.execute(delete(site_seen).where(site_seen.c.site.in_(batch)))
                rows: list[dict[str, Any]] = [{"site": site, "at": due[site]} for site in batch]
                await connection.execute(site_seen.insert(), rows)
                return {}

            await self._store.write(work)
            self._stored.update((site, due[site]) for site in batch)


def _cursor(after: str) -> tuple[int, str]:
    place, _, site = after.partition(":")
    if not (place.isdecimal() and place.isascii() and len(place) < 10 and 0 < len(site) <= 64):
        raise BadRequest("this is no cursor of ours", field="after")
    return int(place), site
