"""Which sites a rehearsal is for."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from diemcau.errors import BadRequest
from diemcau.sites import ScopeEntry, Site, SiteKind, SiteNotFound, Sites
from diemcau.units import Level, Units

MOST_SITES: Final = 20_000
MOST_UNITS: Final = 64
_LEVELS: Final = tuple(level.value for level in Level)


@dataclass(frozen=True, slots=True)
class Scope:
    """Exactly one of a subtree (`carrier`: only those of it) and a list of sites. `todo`: only sites that
    have not rehearsed yet."""

    unit: str | None = None
    carrier: str | None = None
    sites: tuple[str, ...] = field(default=())
    todo: bool = False


async def sites_in(sites: Sites, scope: Scope) -> list[Site]:
    """The sites, feeds left out: nobody sits there. Raises BadRequest, UnitNotFound, SiteNotFound."""
    if (scope.unit is None) == (not scope.sites):
        raise BadRequest("name one of a unit, a wave and sites", field="unit")
    found: Iterable[Site]
    if scope.unit is not None:
        found = await sites.by_units((ScopeEntry(scope.unit, _LEVELS),))
    else:
        known = await sites.get_many(scope.sites)
        for site in scope.sites:
            if site not in known:
                raise SiteNotFound(None, site=site)
        found = known.values()
    chosen = [
        site
        for site in found
        if site.kind is not SiteKind.FEED and (scope.carrier is None or (site.carrier or "") == scope.carrier)
    ]
    if len(chosen) > MOST_SITES:
        raise BadRequest(f"at most {MOST_SITES} sites in one rehearsal", field="unit")
    return chosen


def units_over(units: Units, codes: Iterable[str]) -> tuple[str, ...]:
    """At most `MOST_UNITS` units that hold all of these: themselves, where they are few, else those above."""
    found = dict.fromkeys(codes)
    while len(found) > MOST_UNITS:
        found = dict.fromkeys(units.get(code).parent or code for code in found)
    return tuple(
        code for code in found if not any(other != code and units.contains(other, code) for other in found)
    )
