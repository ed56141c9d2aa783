"""Everybody invited to a meeting, as a desk lists them."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from diemcau.errors import JsonValue
from diemcau.sites import Site
from diemcau.units import Units


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody invited that the asker may see, and the units above them.

    `sites`: (id, unit, label, kind) in the order of units. `units`: (code, parent, name, kind, level).
    """

    sites: Sequence[tuple[str, str, str, str]]
    units: Sequence[tuple[str, str | None, str, str, str]]
    joined: Sequence[str]

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON of the protocol."""
        return {"sites": self.sites, "units": self.units, "joined": self.joined}


def roster_of(units: Units, sites: Sequence[Site], present: AbstractSet[str]) -> Roster:
    """The roster of these sites. `present`: who is in the meeting now."""
    above: dict[str, None] = {}
    for site in sites:
        if site.unit in units and site.unit not in above:
            above[site.unit] = None
            above.update((unit.code, None) for unit in units.ancestors(site.unit))
    place = {unit.code: place for place, unit in enumerate(units)}
    ordered = sorted(sites, key=lambda site: (place.get(site.unit, -1), site.id))
    shown = [units.get(code) for code in sorted(above, key=lambda code: place[code])]
    return Roster(
        tuple((site.id, site.unit, site.label, site.kind.value) for site in ordered),
        tuple((unit.code, unit.parent, unit.name, unit.kind, unit.level.value) for unit in shown),
        tuple(site.id for site in ordered if site.id in present),
    )
