"""Which sites go into which wave. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from diemcau.errors import BadRequest
from diemcau.rollout.waves.wave import name_of
from diemcau.sites import SiteKind
from diemcau.units import Units

MAX_WAVES: Final = 366
"""Of one plan."""

SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A site that a plan may take. `place`: its unit's in the tree's order. `wave`: the one it is in."""

    site: str
    unit: str
    place: int
    wave: str | None = None


@dataclass(frozen=True, slots=True)
class Wish:
    """What is planned. `units`: subtrees (none: all of the planner's). `carriers` ("" is not known),
    `kinds`: none means any. `move`: also sites that are in another wave, which they leave. `per_day`: 0 puts
    all on the first day. `weekends`: Saturdays and Sundays are days too."""

    name: str
    first_day: date
    start: time
    end: time
    units: tuple[str, ...] = ()
    carriers: tuple[str, ...] = ()
    kinds: tuple[SiteKind, ...] = ()
    not_ready: bool = False
    move: bool = False
    per_day: int = 0
    weekends: bool = True


@dataclass(frozen=True, slots=True)
class Draft:
    """A wave that is not stored yet."""

    name: str
    day: date
    unit: str
    sites: tuple[str, ...]


def draft(wish: Wish, candidates: Iterable[Candidate], units: Units, taken: Iterable[str]) -> list[Draft]:
    """The waves of a plan, in order of days. Sites go in the tree's order, so neighbours come together; the
    sites of one unit are never parted, unless they alone are more than a day's. `taken`: names there are.

    Raises BadRequest.
    """
    name = name_of(wish.name)
    if wish.end <= wish.start:
        raise BadRequest("a wave ends after it starts", field="end")
    if wish.per_day < 0:
        raise BadRequest("sites a day: 0 or more", field="per_day")
    ordered = sorted(candidates, key=lambda one: (one.place, one.site))
    batches = split(ordered, wish.per_day or len(ordered) or 1)
    if len(batches) > MAX_WAVES:
        raise BadRequest(f"a plan has at most {MAX_WAVES} days: take more sites a day", field="per_day")
    days = days_from(wish.first_day, len(batches), weekends=wish.weekends)
    names = numbered(name, len(batches), taken)
    return [
        Draft(title, day, common(units, {one.unit for one in batch}), tuple(one.site for one in batch))
        for title, day, batch in zip(names, days, batches, strict=True)
    ]


def split(ordered: Sequence[Candidate], per_day: int) -> list[list[Candidate]]:
    """Batches of at most `per_day`; the sites of a unit stay together where they fit into one."""
    batches: list[list[Candidate]] = []
    start = 0
    while start < len(ordered):
        end = start
        while end < len(ordered) and ordered[end].place == ordered[start].place:
            end += 1
        group = list(ordered[start:end])
        if batches and len(batches[-1]) + len(group) <= per_day:
            batches[-1] += group
        else:
            batches += [group[at : at + per_day] for at in range(0, len(group), per_day)]
        start = end
    return batches


def days_from(first: date, count: int, *, weekends: bool) -> list[date]:
    """So many days from the first on."""
    found: list[date] = []
    day = first
    while len(found) < count:
        if weekends or day.weekday() < SATURDAY:
            found.append(day)
        day += timedelta(days=1)
    return found


def numbered(name: str, count: int, taken: Iterable[str]) -> list[str]:
    """One wave has the name as it is, several are numbered, after those that have this name already."""
    known = set(taken)
    if count == 1 and name not in known:
        return [name]
    mark = re.compile(rf"{re.escape(name)} (\d{{1,6}})")
    last = max((int(match[1]) for one in known if (match := mark.fullmatch(one))), default=0)
    if count == 1 and last == 0:
        last = 1  # the one that has the bare name is the first
    return [f"{name} {last + n}" for n in range(1, count + 1)]


def common(units: Units, codes: Iterable[str]) -> str:
    """The lowest unit under which all of these stand; of none the nation."""
    found: list[str] | None = None
    for code in codes:
        line = [*(above.code for above in reversed(units.ancestors(code))), code]
        if found is None:
            found = line
        else:
            same = 0
            while same < min(len(found), len(line)) and found[same] == line[same]:
                same += 1
            found = found[:same]
    return found[-1] if found else units.root.code
