"""Draws as they are kept: what is needed to draw them again."""

import secrets
from collections.abc import Sequence
from typing import Any, Final

from diemcau.access import Access, Actor
from diemcau.errors import BadRequest, JsonObject
from diemcau.ids import NewId
from diemcau.inspections.draw import draw
from diemcau.inspections.tables import draws
from diemcau.sites import ScopeEntry, Sites
from diemcau.store import Store, UnitOfWork

MAX_DRAW: Final = 50


class Draws:
    """Each is an event of a stream of its own."""

    def __init__(self, store: Store, access: Access, sites: Sites, make_id: NewId) -> None:
        self._store, self._access, self._sites, self._make_id = store, access, sites, make_id

    async def draw(
        self,
        actor: Actor,
        units: Sequence[str],
        levels: Sequence[str],
        count: int,
    ) -> dict[str, Any]:
        """Draws sites out of the chosen units by a fresh seed, and keeps what is needed to draw them again.

        Raises Forbidden, UnitNotFound, BadRequest (nobody to draw from).
        """
        if not 1 <= count <= MAX_DRAW:
            raise BadRequest(f"a draw takes 1 to {MAX_DRAW}", field="count")
        self._access.authorise(actor, "call.start", *units)
        scope = tuple(ScopeEntry(unit, tuple(levels)) for unit in units)
        pool = {site.id: site for site in await self._sites.by_units(scope)}
        if not pool:
            raise BadRequest("there is no site to draw from", field="units")
        seed, name = secrets.token_hex(16), self._make_id("d")
        drawn = draw(pool, seed, count)
        stream = f"draw:{name}"

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            data: dict[str, Any] = {
                "units": list(units),
                "levels": list(levels),
                "seed": seed,
                "pool": drawn.pool,
                "pool_hash": drawn.pool_hash,
                "drawn": list(drawn.sites),
            }
            row = {"id": name, "at": unit.now, "by": actor.key, "by_name": actor.name, **data}
            await connection.execute(draws.insert(), row)
            unit.append(stream, "drawn", data, actor=actor.key)
            return {"id": name, **data}

        answer = await self._store.write(work, streams=[stream])
        return {**answer, "sites": [pool[site].to_json() for site in drawn.sites]}
