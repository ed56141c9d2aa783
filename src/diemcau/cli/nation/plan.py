"""Which units have a site and which sites are simulated; decided by a seed, without IO."""

import random
from dataclasses import dataclass

from diemcau.sites import NewSite, SiteKind
from diemcau.units import Level, Unit, Units

COMMUNES = 9043
"""Communes that took part on 5 September 2021."""

SPARE = 5
"""Sites that are left to real browsers."""

CENTRE = "s_vn"
PROVINCES_SHARE = 0.6
"""Of the simulated sites, as long as not every province has one."""

_CARRIERS = ("VNPT", "Viettel", "MobiFone")


@dataclass(frozen=True, slots=True)
class Plan:
    """`sites`: all of them, the centre first. `simulated`: ids, the centre first. `newcomer`: a commune's
    site that is left to a real browser. `spare`: further ones."""

    sites: tuple[NewSite, ...]
    simulated: tuple[str, ...]
    newcomer: str
    spare: tuple[str, ...]
    communes: int
    of_communes: int


def site_id(unit: Unit) -> str:
    """A demo site's id says where it is."""
    return CENTRE if unit.level is Level.NATION else f"s_{unit.code}"


def plan(units: Units, *, simulated: int, seed: int) -> Plan:
    """The nation of this seed with so many simulated sites (the centre's among them)."""
    chance = random.Random(seed)  # noqa: S311 - a seed that is said, not a secret
    provinces = list(units.subtree("VN", {Level.PROVINCE}))
    districts = list(units.subtree("VN", {Level.DISTRICT}))
    communes = list(units.subtree("VN", {Level.COMMUNE}))
    chosen = sorted(chance.sample(communes, min(COMMUNES, len(communes))), key=lambda unit: unit.code)
    everybody = [units.root, *provinces, *districts, *chosen]
    wanted = max(1, min(simulated, len(everybody))) - 1
    of_provinces = min(len(provinces), max(wanted - 2, int(wanted * PROVINCES_SHARE)) if wanted < 90 else 63)
    of_provinces = min(of_provinces, wanted)
    of_districts = min(len(districts), (wanted - of_provinces) // 3)
    of_communes = wanted - of_provinces - of_districts
    standing = [
        *chance.sample(provinces, of_provinces),
        *chance.sample(districts, of_districts),
        *chance.sample(chosen, min(of_communes, len(chosen))),
    ]
    taken = {unit.code for unit in standing}
    free = [unit for unit in chosen if unit.code not in taken]
    if len(free) < SPARE:
        # Everybody is simulated: the newcomers come from communes that did not take part.
        free = chance.sample([unit for unit in communes if unit not in chosen], SPARE)
        everybody += free
    spare = chance.sample(free, SPARE)
    return Plan(
        sites=tuple(_site(units, unit, chance) for unit in everybody),
        simulated=(CENTRE, *(site_id(unit) for unit in standing)),
        newcomer=site_id(spare[0]),
        spare=tuple(site_id(unit) for unit in spare[1:]),
        communes=len(chosen),
        of_communes=len(communes),
    )


def _site(units: Units, unit: Unit, chance: random.Random) -> NewSite:
    if unit.level is Level.NATION:
        return NewSite(unit.code, "Điểm cầu Trung ương", SiteKind.ROOM, CENTRE, "VNPT")
    kind = SiteKind.ROOM if unit.level is Level.PROVINCE else SiteKind.POST
    return NewSite(unit.code, f"Điểm cầu {unit.label}", kind, site_id(unit), chance.choice(_CARRIERS))
