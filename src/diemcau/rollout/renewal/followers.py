"""Rows that stand where their sites stand: they follow when a renewal moves those, and when it is undone."""

from collections import defaultdict

from sqlalchemy import bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.inspections.tables import findings, inspections
from diemcau.rollout.waves.tables import wave_sites, waves
from diemcau.sites.tables import sites
from diemcau.units import Units


async def follow(connection: AsyncConnection, tree: Units) -> None:
    """Calls and findings are found at the unit that their site is of now (what was logged keeps its codes), a
    wave at the lowest unit over its sites. `tree`: that of the sites now; sites that wait are in none."""
    for table in (inspections, findings):
        of_site = select(sites.c.unit).where(sites.c.id == table.c.site).scalar_subquery()
        await connection.execute(update(table).values(unit=of_site))
    within: dict[str, set[str]] = defaultdict(set)
    query = select(wave_sites.c.wave, sites.c.unit).join(sites, sites.c.id == wave_sites.c.site)
    for wave, unit in await connection.execute(query.distinct()):
        if unit in tree:
            within[wave].add(unit)
    moved = [{"wave": wave, "over": over(tree, units)} for wave, units in within.items()]
    if moved:
        statement = update(waves).where(waves.c.id == bindparam("wave")).values(unit=bindparam("over"))
        await connection.execute(statement, moved)


def over(tree: Units, units: set[str]) -> str:
    """The lowest unit that holds all of these: at least one."""
    first, *others = sorted(units)
    above = [first, *(unit.code for unit in tree.ancestors(first))]
    return next(code for code in above if all(tree.contains(code, other) for other in others))
