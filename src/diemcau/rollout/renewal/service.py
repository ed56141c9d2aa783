"""`Renewal`: the plan over what the database holds, its one transaction, and the way back."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeVar

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.access.tables import grants, people, tokens
from diemcau.errors import JsonObject, JsonValue
from diemcau.meetings.tables import meetings
from diemcau.rollout.renewal.answers import Answers
from diemcau.rollout.renewal.errors import AlreadyRenewed, MeetingsPending, NoWayBack
from diemcau.rollout.renewal.followers import follow
from diemcau.rollout.renewal.ledger import read_eras
from diemcau.rollout.renewal.plan import GrantNow, Plan, SiteNow, make_plan
from diemcau.rollout.renewal.tables import renewal_moves, unit_eras
from diemcau.sites import rows
from diemcau.sites.tables import sites
from diemcau.store import Store, UnitOfWork
from diemcau.units import Lineage

T = TypeVar("T")
ACTOR: Final = "system"
_BATCH: Final = 1000
_NAMED: Final = 5
_TOKEN: Final = update(tokens).where(tokens.c.id == bindparam("token")).values(units=bindparam("moved"))


class Renewal:
    """Moves a database from one dataset to a later one. For a store without a server: what a server holds in
    memory is of the old tree."""

    def __init__(self, store: Store, lineage: Lineage) -> None:
        self._store = store
        self._lineage = lineage
        self._before, self._after = lineage.before.dataset, lineage.after.dataset

    async def plan(self, answers: Answers) -> Plan:
        """What `run` would do now. Raises AlreadyRenewed (the database is of another dataset), BadRequest."""
        async with self._store.read() as connection:
            return await self._plan(connection, answers, await self._first(connection))

    async def run(self, answers: Answers) -> Plan:
        """Moves everything that can be moved and parks the rest, all or nothing. Again, later: only what
        waits is looked at, so that the same run twice changes nothing.

        Raises MeetingsPending, AlreadyRenewed, BadRequest.
        """
        plan = await self.plan(answers)
        persons = sorted({move.grant.person for move in plan.grants})
        streams = ["units", "sites", *(f"person:{person}" for person in persons)]

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            first = await self._first(connection)
            if first:
                await _no_meetings_wait(connection)
                await connection.execute(delete(renewal_moves))
                await connection.execute(unit_eras.insert(), {"dataset": self._after, "since": unit.now})
            places = rows.Places(self._lineage.after)
            await self._move_sites(unit, connection, plan, places)
            await self._move_grants(unit, connection, plan)
            await self._move_tokens(connection)
            await follow(connection, self._lineage.after)
            if first or plan.sites or plan.grants:
                data: JsonObject = {"from": self._before, "to": self._after, **plan.counts()}
                unit.append("units", "units_renewed", data, actor=ACTOR)
            return {}

        await self._store.write(work, streams=streams)
        return plan

    async def undo(self) -> tuple[int, int]:
        """Puts sites and grants back where the run found them; answers how many. Raises NoWayBack once
        something was made on the new tree, AlreadyRenewed when the database is not of it."""
        async with self._store.read() as connection:
            if await self._first(connection):
                raise AlreadyRenewed(f"the units are those of {self._before}", database=self._before)
            query = select(renewal_moves.c.id).where(renewal_moves.c.kind == "grant").distinct()
            persons = sorted((await connection.execute(query)).scalars())

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            moved = (await connection.execute(select(renewal_moves))).all()
            await self._nothing_new(connection, moved)
            places = rows.Places(self._lineage.before)
            levels = await _levels(connection)
            before = self._lineage.before
            back = []
            for row in moved:
                if row.kind == "site":
                    level = before.get(row.before).level.value if row.before in before else levels[row.id]
                    back.append(rows.placed(row.id, row.before, row.label, level, before, places))
            for batch in batches(back):
                await connection.execute(rows.MOVE, batch)
            await follow(connection, before)
            held = [row for row in moved if row.kind == "grant"]
            await connection.execute(delete(grants))
            for batch in batches([{"person": r.id, "role": r.role, "unit": r.before} for r in held]):
                await connection.execute(grants.insert(), batch)
            await self._move_tokens(connection, back=True)
            for person in persons:
                unit.append(f"person:{person}", "grants_put_back", {"units": self._before}, actor=ACTOR)
            await connection.execute(delete(renewal_moves))
            await connection.execute(delete(unit_eras).where(unit_eras.c.dataset == self._after))
            counts = {"sites": len(back), "grants": len(held)}
            unit.append("units", "renewal_undone", {"to": self._before, **counts}, actor=ACTOR)
            return dict(counts)

        streams = ["units", *(f"person:{person}" for person in persons)]
        done: Any = await self._store.write(work, streams=streams)
        return done["sites"], done["grants"]

    # reading

    async def _first(self, connection: AsyncConnection) -> bool:
        """Whether the database is still of the earlier dataset. Raises AlreadyRenewed for any other."""
        datasets = [dataset for dataset, _ in await read_eras(connection)]
        if datasets[-1] == self._before:
            return True
        if datasets[-2:] != [self._before, self._after]:
            raise AlreadyRenewed(
                f"the units are those of {datasets[-1]}, which does not follow from {self._before}",
                units=self._after,
                database=datasets[-1],
            )
        return False

    async def _plan(self, connection: AsyncConnection, answers: Answers, first: bool) -> Plan:
        parked = self.parked("")
        query = select(sites.c.id, sites.c.unit, sites.c.label).order_by(sites.c.place, sites.c.id)
        site_rows = (await connection.execute(query)).all()
        held = (
            select(grants.c.person, people.c.username, grants.c.role, grants.c.unit)
            .select_from(grants.join(people, people.c.id == grants.c.person))
            .order_by(people.c.username, grants.c.role, grants.c.unit)
        )
        grant_rows = (await connection.execute(held)).all()
        waiting = [row for row in site_rows if first or row.unit.startswith(parked)]
        labels: defaultdict[str, set[str]] = defaultdict(set)
        if not first:
            for row in site_rows:
                labels[row.unit].add(row.label)
        return make_plan(
            self._lineage,
            [SiteNow(row.id, row.unit.removeprefix(parked), row.label) for row in waiting],
            [
                GrantNow(row.person, row.username, row.role, row.unit.removeprefix(parked))
                for row in grant_rows
                if first or row.unit.startswith(parked)
            ],
            answers,
            taken={unit: frozenset(found) for unit, found in labels.items()},
        )

    def parked(self, code: str) -> str:
        """How the old unit of what waits is written: no unit of the new tree has such a code."""
        return f"{self._before}/{code}"

    # writing

    async def _move_sites(
        self, unit: UnitOfWork, connection: AsyncConnection, plan: Plan, places: rows.Places
    ) -> None:
        levels = await _levels(connection)
        after = self._lineage.after
        for batch in batches(plan.sites):
            values, ledger, told = [], [], {}
            for move in batch:
                site, target = move.site, move.after or self.parked(move.site.unit)
                level = levels[site.id] if move.after is None else after.get(move.after).level.value
                values.append(rows.placed(site.id, target, move.label, level, after, places))
                ledger.append(_row("site", site.id, "", site.unit, [target], site.label))
                told[site.id] = [site.unit, target]
            await connection.execute(rows.MOVE, values)
            await _write_down(connection, ledger)
            unit.append("sites", "sites_renewed", {"sites": told}, actor=ACTOR)

    async def _move_grants(self, unit: UnitOfWork, connection: AsyncConnection, plan: Plan) -> None:
        ledger = []
        told: defaultdict[str, list[JsonValue]] = defaultdict(list)
        for move in plan.grants:
            grant = move.grant
            targets = move.after or (self.parked(grant.unit),)
            own = (grants.c.person == grant.person) & (grants.c.role == grant.role)
            was = grants.c.unit.in_((grant.unit, self.parked(grant.unit)))
            await connection.execute(delete(grants).where(own, was))
            ledger.append(_row("grant", grant.person, grant.role, grant.unit, targets, ""))
            told[grant.person].append([grant.role, grant.unit, list(targets)])
        # All are away before the first comes: a code may be another unit's of before.
        known = {tuple(row) for row in await connection.execute(select(grants))}
        fresh = {(row["id"], row["role"], unit) for row in ledger for unit in row["after"]} - known
        for batch in batches(sorted(fresh)):
            await connection.execute(grants.insert(), [dict(zip(_GRANT, row, strict=True)) for row in batch])
        for written in batches(ledger):
            await _write_down(connection, written)
        for person, found in told.items():
            unit.append(f"person:{person}", "grants_renewed", {"grants": found}, actor=ACTOR)

    async def _move_tokens(self, connection: AsyncConnection, *, back: bool = False) -> None:
        """A site's token is managed where the site is now; a meeting's, which has ended, at the console."""
        where = {row.id: row.unit for row in await connection.execute(select(sites.c.id, sites.c.unit))}
        parked = self.parked("")
        values = []
        for row in await connection.execute(
            select(tokens.c.id, tokens.c.kind, tokens.c.target, tokens.c.units)
        ):
            if row.kind == "whip":
                units = [where.get(row.target, unit) for unit in row.units]
            elif back:
                units = [unit.removeprefix(parked) for unit in row.units]
            else:
                units = [unit if unit.startswith(parked) else parked + unit for unit in row.units]
            if units != row.units:
                values.append({"token": row.id, "moved": units})
        for batch in batches(values):
            await connection.execute(_TOKEN, batch)

    async def _nothing_new(self, connection: AsyncConnection, moved: Sequence[Any]) -> None:
        """Raises NoWayBack unless all sites, grants and meetings are those of the run."""
        since = (await read_eras(connection))[-1][1]
        now = {row.id: row.unit for row in await connection.execute(select(sites.c.id, sites.c.unit))}
        then = {row.id: row.after[0] for row in moved if row.kind == "site"}
        held = {tuple(row) for row in await connection.execute(select(grants))}
        given = {(row.id, row.role, unit) for row in moved if row.kind == "grant" for unit in row.after}
        made = select(func.count()).select_from(meetings).where(meetings.c.created_at >= since)
        count = {
            "sites": len(now.items() ^ then.items()),
            "grants": len(held ^ given),
            "meetings": await connection.scalar(made) or 0,
        }
        if any(count.values()):
            raise NoWayBack(None, **count)


_GRANT: Final = ("person", "role", "unit")
_KEY: Final = ("kind", "id", "role", "before")
_FORGET: Final = delete(renewal_moves).where(
    *(renewal_moves.c[name] == bindparam(f"of_{name}") for name in _KEY)
)


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """The values, 1,000 at a time."""
    return (values[start : start + _BATCH] for start in range(0, len(values), _BATCH))


def _row(
    kind: str,
    id: str,  # noqa: A002
    role: str,
    before: str,
    after: Sequence[str],
    label: str,
) -> dict[str, Any]:
    return {"kind": kind, "id": id, "role": role, "before": before, "after": list(after), "label": label}


async def _levels(connection: AsyncConnection) -> dict[str, str]:
    return {row.id: row.level for row in await connection.execute(select(sites.c.id, sites.c.level))}


async def _write_down(connection: AsyncConnection, ledger: Sequence[dict[str, Any]]) -> None:
    """What waited and moves now takes the place of what was written of it before."""
    if ledger:
        keys = [{f"of_{name}": row[name] for name in _KEY} for row in ledger]
        await connection.execute(_FORGET, keys)
        await connection.execute(renewal_moves.insert(), list(ledger))


async def _no_meetings_wait(connection: AsyncConnection) -> None:
    query = (
        select(meetings.c.id, meetings.c.title)
        .where(meetings.c.status != "ended")
        .order_by(meetings.c.created_at)
    )
    if found := (await connection.execute(query)).all():
        titles = ", ".join(f"{row.title} ({row.id})" for row in found[:_NAMED])
        more = ", ..." if len(found) > _NAMED else ""
        raise MeetingsPending(
            f"{len(found)} meetings are open or scheduled ({titles}{more}): end them first, and call them "
            "again afterwards",
            meetings=[row.id for row in found],
        )
