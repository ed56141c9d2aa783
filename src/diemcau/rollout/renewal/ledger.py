"""Which dataset the database's codes are of: kept in the database, as a code alone does not say."""

from datetime import datetime
from itertools import pairwise
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.errors import JsonObject
from diemcau.rollout.renewal.errors import UnitsDiffer
from diemcau.rollout.renewal.tables import unit_eras
from diemcau.store import Store, UnitOfWork
from diemcau.units import SEPTEMBER_2021, Eras, Units

HELD: Final = {
    ("sites", "unit"): "moved",
    ("grants", "unit"): "moved",
    ("tokens", "units"): "moved",
    ("meetings", "scope"): "read in the tree of its time",
    ("inspections", "unit"): "follows its site",
    ("inspections", "after"): "no unit: the call before",
    ("findings", "unit"): "follows its site",
    ("waves", "unit"): "the lowest over its sites",
    ("draws", "units"): "as it was drawn",
    ("rehearsals", "units"): "as it was held",
    ("roll_confirmations", "unit"): "read in the tree of its meeting's time",
    ("unit_eras", "dataset"): "the mark itself",
    ("renewal_moves", "before"): "the way back",
    ("renewal_moves", "after"): "the way back",
}
"""Every column that holds codes of units or names a dataset, and what a renewal does about it."""


async def read_eras(connection: AsyncConnection) -> list[tuple[str, datetime]]:
    """The datasets and since when, the present one last."""
    rows = await connection.execute(select(unit_eras).order_by(unit_eras.c.since, unit_eras.c.dataset))
    return [(row.dataset, row.since) for row in rows]


async def datasets_of(store: Store, first: str | None) -> tuple[str, ...]:
    """The datasets of this database, oldest first; a new one begins with `first`, or that of September 2021.

    Raises DatasetNotFound.
    """
    return tuple(dataset for dataset, _ in await _begun(store, first))


async def eras_of(store: Store, wanted: str | None) -> Eras:
    """The trees of this database; a new one begins with `wanted`, or that of September 2021.

    Raises UnitsDiffer when `wanted` is not the present one, DatasetNotFound.
    """
    found = await _begun(store, wanted)
    present = found[-1][0]
    if wanted not in (None, present):
        raise UnitsDiffer(
            f"the settings say units {wanted}, the database holds those of {present}: leave the setting out, "
            "or move the database with `diemcau units renew`",
            units=wanted,
            database=present,
        )
    past = [(until, dataset) for (dataset, _), (_, until) in pairwise(found)]
    return Eras(Units.load(present), past)


async def _begun(store: Store, first: str | None) -> list[tuple[str, datetime]]:
    async with store.read() as connection:
        found = await read_eras(connection)
    if found:
        return found
    dataset = Units.load(first or SEPTEMBER_2021).dataset

    async def work(unit: UnitOfWork) -> JsonObject:
        connection = await unit.connection()
        if not await read_eras(connection):
            await connection.execute(unit_eras.insert(), {"dataset": dataset, "since": unit.now})
        return {}

    await store.write(work)
    async with store.read() as connection:
        return await read_eras(connection)
