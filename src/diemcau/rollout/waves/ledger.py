"""The waves there are and who is in them, in memory; read anew after a change."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Final

from sqlalchemy import Row, delete, select

from diemcau.errors import BadRequest
from diemcau.rollout.waves.tables import wave_sites, waves
from diemcau.rollout.waves.wave import Wave
from diemcau.store import Store, UnitOfWork

STREAM: Final = "waves"
MAX_WAVES: Final = 2_000
BATCH: Final = 1_000


@dataclass(frozen=True, slots=True)
class Known:
    """`waves`: by id, in the order of their days. `sites`: of each. `wave_of`: where a site is."""

    waves: Mapping[str, Wave]
    sites: Mapping[str, frozenset[str]]
    wave_of: Mapping[str, str]


class Ledger:
    """See the module."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: Known | None = None
        self._changes = 0

    async def known(self) -> Known:
        """As it is."""
        if self._known is not None:
            return self._known
        changes = self._changes
        async with self._store.read() as connection:
            query = select(waves).order_by(waves.c.day, waves.c.start, waves.c.created_at, waves.c.id)
            found = {row.id: wave_of(row) for row in await connection.execute(query)}
            members = (await connection.execute(select(wave_sites.c.site, wave_sites.c.wave))).all()
        sites: dict[str, set[str]] = {wave: set() for wave in found}
        for row in members:
            sites.setdefault(row.wave, set()).add(row.site)
        known = Known(
            found,
            {wave: frozenset(inside) for wave, inside in sites.items()},
            {row.site: row.wave for row in members},
        )
        if changes == self._changes:  # read before a change of ours was stored, it may be what was
            self._known = known
        return known

    def forget(self) -> None:
        """Something was stored."""
        self._changes += 1
        self._known = None


async def put_in(unit: UnitOfWork, members: Iterable[tuple[str, str]], *, actor: str) -> None:
    """Rows and events of sites, each with its wave; the sites are in none. Raises IntegrityError."""
    connection = await unit.connection()
    by_wave: dict[str, list[str]] = {}
    for site, wave in members:
        by_wave.setdefault(wave, []).append(site)
    rows = [{"site": site, "wave": wave} for wave, inside in by_wave.items() for site in inside]
    for start in range(0, len(rows), BATCH):
        await connection.execute(wave_sites.insert(), rows[start : start + BATCH])
    for wave, inside in by_wave.items():
        for start in range(0, len(inside), BATCH):
            batch = inside[start : start + BATCH]
            unit.append(STREAM, "wave_sites_added", {"wave": wave, "sites": batch}, actor=actor)


async def take_out(unit: UnitOfWork, members: Iterable[tuple[str, str]], *, actor: str) -> None:
    """The same the other way round: the sites leave these waves."""
    connection = await unit.connection()
    by_wave: dict[str, list[str]] = {}
    for site, wave in members:
        by_wave.setdefault(wave, []).append(site)
    for wave, inside in by_wave.items():
        for start in range(0, len(inside), BATCH):
            batch = inside[start : start + BATCH]
            await connection.execute(
                delete(wave_sites).where(wave_sites.c.site.in_(batch), wave_sites.c.wave == wave)
            )
            unit.append(STREAM, "wave_sites_removed", {"wave": wave, "sites": batch}, actor=actor)


def row_of(wave: Wave) -> dict[str, Any]:
    """The columns of a wave that a change may change, and its id."""
    return {
        "id": wave.id,
        "name": wave.name,
        "day": wave.day.isoformat(),
        "start": f"{wave.start:%H:%M}",
        "end": f"{wave.end:%H:%M}",
        "unit": wave.unit,
        "revision": wave.revision,
    }


def wave_of(row: Row[Any]) -> Wave:
    """The wave of a row."""
    return Wave(
        row.id,
        row.name,
        date.fromisoformat(row.day),
        time.fromisoformat(row.start),
        time.fromisoformat(row.end),
        row.unit,
        row.revision,
    )


def few_enough(count: int) -> None:
    """Raises BadRequest when there would be too many waves."""
    if count > MAX_WAVES:
        raise BadRequest(f"there are at most {MAX_WAVES} waves: delete old ones", field="per_day")
