"""Which units were inspected when, counted over the tree; no IO."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from diemcau.units import Units


@dataclass(slots=True)
class Seen:
    """Of one subtree. `units`: its units that have a site; `inspected`: those of them that were seen since
    the day that is asked for; `inspections`: how often; `last`: when last, ever; `open`: open
    findings."""

    units: int = 0
    inspected: int = 0
    inspections: int = 0
    last: datetime | None = None
    open: int = 0


@dataclass(frozen=True, slots=True)
class UnitRecord:
    """What is stored of one unit: `last` ever, `times` since the day asked for, `open` findings."""

    last: datetime | None = None
    times: int = 0
    open: int = 0


def coverage(
    units: Units,
    with_sites: Iterable[str],
    records: Mapping[str, UnitRecord],
    since: datetime | None,
) -> dict[str, Seen]:
    """By unit, every one above a site included; each counts its whole subtree."""
    found: dict[str, Seen] = {}
    places = {*with_sites} | records.keys()
    sites = frozenset(with_sites)
    for code in places:
        if code not in units:
            continue
        record = records.get(code, UnitRecord())
        fresh = record.last is not None and (since is None or record.last >= since)
        for above in (code, *(unit.code for unit in units.ancestors(code))):
            seen = found.setdefault(above, Seen())
            seen.units += code in sites
            seen.inspected += fresh and code in sites
            seen.inspections += record.times
            seen.open += record.open
            if record.last is not None and (seen.last is None or record.last > seen.last):
                seen.last = record.last
    return found
