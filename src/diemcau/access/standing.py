"""Which sites have a device and an open code, and who looks after a subtree: for whoever counts what is
ready."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select

from diemcau.access.actor import Role
from diemcau.access.tables import codes, devices, grants, people
from diemcau.store import Store

_BATCH: Final = 1000


@dataclass(frozen=True, slots=True)
class DeviceStanding:
    """`bound_at`: since when the site's device is bound. `code_until`: until when its unused code is good
    (that may be over)."""

    bound_at: datetime | None = None
    code_until: datetime | None = None


async def device_standings(
    store: Store, sites: Collection[str] | None = None
) -> Mapping[str, DeviceStanding]:
    """Of the sites that have a device or a code, of all without an argument."""
    bound = select(devices.c.site, func.max(devices.c.bound_at)).where(devices.c.ended_at.is_(None))
    opened = select(codes.c.site, func.max(codes.c.expires_at)).where(
        codes.c.used_at.is_(None), codes.c.revoked_at.is_(None)
    )
    ids = None if sites is None else list(sites)
    batches = [None] if ids is None else [ids[i : i + _BATCH] for i in range(0, len(ids), _BATCH)]
    since: dict[str, datetime] = {}
    until: dict[str, datetime] = {}
    async with store.read() as connection:
        for batch in batches:
            for query, column, into in ((bound, devices.c.site, since), (opened, codes.c.site, until)):
                asked = query if batch is None else query.where(column.in_(batch))
                into.update((row[0], row[1]) for row in await connection.execute(asked.group_by(column)))
    return {site: DeviceStanding(since.get(site), until.get(site)) for site in {*since, *until}}


async def technicians(store: Store) -> Mapping[str, str]:
    """Unit -> the technician who looks after it, name and title; the first by name where there are
    several."""
    query = (
        select(grants.c.unit, people.c.name, people.c.title)
        .join(people, people.c.id == grants.c.person)
        .where(grants.c.role == Role.TECHNICIAN.value, people.c.disabled.is_(False))
        .order_by(people.c.name.desc())
    )
    async with store.read() as connection:
        return {
            row.unit: row.name if row.title is None else f"{row.name} ({row.title})"
            for row in await connection.execute(query)
        }


async def names_of(store: Store, ids: Collection[str]) -> Mapping[str, tuple[str, str | None]]:
    """Name and title of those of the people who exist."""
    if not ids:
        return {}
    query = select(people.c.id, people.c.name, people.c.title).where(people.c.id.in_(list(ids)))
    async with store.read() as connection:
        return {row.id: (row.name, row.title) for row in await connection.execute(query)}
