"""One roll call in memory: its entries, who has confirmed, totals of any subtree, what changed since when.

No IO. What is stored is in the tables; a book is made of them and thrown away like any cache.
"""

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, TypeAlias

from diemcau.clock import rfc3339
from diemcau.errors import JsonValue
from diemcau.meetings.rollcall.contradictions import BranchContradiction, of_branch, of_entry, unit_says
from diemcau.meetings.rollcall.entry import Entry, Said
from diemcau.sites import Site
from diemcau.units import Level, Units

Status: TypeAlias = Literal["open", "sealed"]

LEVELS: Final = tuple(level.value for level in Level)


@dataclass(frozen=True, slots=True)
class RollCall:
    """One roll call. `number` counts those of its meeting. `opened_by`, `sealed_by`: names. `digest`: SHA-256
    of the sealed result, `seq`: the event of its stream that holds it."""

    id: str
    meeting: str
    number: int
    corrects: str | None
    status: Status
    opened_at: datetime
    opened_by: str
    sealed_at: datetime | None = None
    sealed_by: str | None = None
    digest: str | None = None
    seq: int | None = None

    @property
    def stream(self) -> str:
        """Where its events are."""
        return stream_of(self.id)

    def to_json(self) -> dict[str, JsonValue]:
        """As the protocol writes it."""
        return {
            "id": self.id,
            "number": self.number,
            "corrects": self.corrects,
            "status": self.status,
            "opened_at": rfc3339(self.opened_at),
            "opened_by": self.opened_by,
            "sealed_at": None if self.sealed_at is None else rfc3339(self.sealed_at),
            "sealed_by": self.sealed_by,
            "digest": self.digest,
            "seq": self.seq,
        }


def stream_of(call: str) -> str:
    """The stream of a roll call: its own, so that no site's page is sent ten thousand edits."""
    return f"rollcall:{call}"


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A province has confirmed."""

    unit: str
    at: datetime
    by_name: str

    def to_json(self) -> dict[str, JsonValue]:
        """`{"at", "by"}`."""
        return {"at": rfc3339(self.at), "by": self.by_name}


@dataclass(frozen=True, slots=True)
class Total:
    """Units of one level: there, absent, in all; the rest is not said yet."""

    level: str
    present: int
    absent: int
    of: int

    def to_json(self) -> dict[str, JsonValue]:
        """`{"level", "present", "absent", "of"}`."""
        return {"level": self.level, "present": self.present, "absent": self.absent, "of": self.of}


@dataclass(frozen=True, slots=True)
class Place:
    """A site of the roll call. `branch`: the unit that confirms it."""

    site: Site
    level: str
    branch: str
    order: int


def places(units: Units, sites: Collection[Site]) -> list[Place]:
    """The sites in the order of units, each with its branch: its province, or, when all lie in one province,
    the unit right below that. Sites whose unit this tree does not have are a branch of their own: "".
    """
    lines = {
        code: [unit.code for unit in (*reversed(units.ancestors(code)), units.get(code))]
        for code in {site.unit for site in sites}
        if code in units
    }
    order = {code: units.span(code)[0] for code in lines}
    found = sorted(sites, key=lambda site: (order.get(site.unit, -1), site.id))
    provinces = {line[1] for line in lines.values() if len(line) > 1}
    depth = 1 if len(provinces) != 1 else 2
    made = []
    for site in found:
        line = lines.get(site.unit)
        branch = "" if line is None else line[min(depth, len(line) - 1)]
        level = "" if line is None else units.get(site.unit).level.value
        made.append(Place(site, level, branch, order.get(site.unit, -1)))
    return made


class Book:
    """See the module. `number` rises with every change; a book that is made anew begins above all before."""

    def __init__(
        self,
        call: RollCall,
        units: Units,
        sites: Sequence[Place],
        entries: Iterable[Entry],
        confirmed: Iterable[Confirmation],
        *,
        first: int,
        seq: int,
    ) -> None:
        """`first`: the first number. `seq`: where the roll call's stream ended."""
        self.call = call
        self.seq = seq
        self.first = self.number = first
        self.places = {place.site.id: place for place in sites}
        self.confirmed = {one.unit: one for one in confirmed}
        self.confirmed_number = first
        self._units = units
        self._entries = {entry.site: entry for entry in entries}
        self._changed: OrderedDict[str, int] = OrderedDict()
        self._order = [place.order for place in sites]
        self._sites = [place.site.id for place in sites]
        self._of_unit: dict[str, list[str]] = {}
        for place in sites:
            self._of_unit.setdefault(place.site.unit, []).append(place.site.id)
        self.branches: dict[str, list[str]] = {}
        for place in sites:
            self.branches.setdefault(place.branch, []).append(place.site.id)
        # Of each set of subtrees that was asked for: its spans, and by level present, absent and all units.
        # Kept in step with the entries: at a desk of the nation they are asked for four times a second.
        self._totals: dict[tuple[str, ...], tuple[list[tuple[int, int]], dict[str, list[int]]]] = {}

    def entry(self, site: str) -> Entry:
        """The site's entry; version 0 when nothing was said."""
        return self._entries.get(site) or Entry(site)

    def says(self, site: str) -> Said | None:
        """What is said of it."""
        return self.entry(site).statement.says

    def put(self, entries: Iterable[Entry]) -> None:
        """What was stored just now; an older version than the known one is left out."""
        for entry in entries:
            if entry.site in self.places and entry.version > self.entry(entry.site).version:
                place = self.places[entry.site]
                before = self._unit_says(place.site.unit)
                self._entries[entry.site] = entry
                self._recount(place, before, self._unit_says(place.site.unit))
                # What is said of a site may contradict what is said of the others of its unit.
                self.touch(self._of_unit[place.site.unit])

    def confirm(self, unit: str, confirmation: Confirmation | None) -> None:
        """A province has confirmed, or not any more."""
        if confirmation is None:
            self.confirmed.pop(unit, None)
        else:
            self.confirmed[unit] = confirmation
        self.number += 1
        self.confirmed_number = self.number

    def sealed(self, call: RollCall) -> None:
        """It is sealed: nothing of it changes any more."""
        self.call = call
        self.number += 1

    def touch(self, sites: Iterable[str]) -> bool:
        """Something is to be told of these, new evidence say; whether any of them is here."""
        known = [site for site in sites if site in self.places]
        if known:
            for site in known:
                self.number += 1
                self._changed[site] = self.number
                self._changed.move_to_end(site)
        return bool(known)

    def inside(self, units: Collection[str]) -> list[str]:
        """The sites of these subtrees, in the order of units."""
        found: list[str] = []
        for first, end in self._spans(units):
            found += self._sites[bisect_left(self._order, first) : bisect_left(self._order, end)]
        return found

    def changed_since(
        self, number: int, units: Collection[str], most: int = 1 << 30
    ) -> tuple[list[str], int]:
        """Of these subtrees the sites of which something is to be told since, at most so many, what waits
        longest first; and the number that who is told these knows."""
        late = []
        for site in reversed(self._changed):
            if self._changed[site] <= number:
                break
            late.append(site)
        spans = self._spans(units)
        found = [
            site
            for site in reversed(late)
            if any(first <= self.places[site].order < end for first, end in spans)
        ]
        if len(found) <= most:
            return found, self.number
        return found[:most], self._changed[found[most - 1]]

    def totals(self, units: Collection[str]) -> tuple[Total, ...]:
        """Of the units of these subtrees that have sites here, by level from the top."""
        key = tuple(sorted(units))
        if key not in self._totals:
            if len(self._totals) > 500:
                self._totals.clear()
            self._totals[key] = (self._spans(units), self._counted(units))
        counts = self._totals[key][1]
        return tuple(Total(level, *counts[level]) for level in LEVELS if level in counts)

    def contradictions(self, site: str, connected: bool) -> tuple[str, ...]:
        """Of one site."""
        others = (self.says(other) for other in self._of_unit[self.places[site].site.unit] if other != site)
        return of_entry(self.says(site), connected, others)

    def branch_contradictions(self, unit: str) -> tuple[BranchContradiction, ...]:
        """Of one province."""
        confirmed = self.confirmed.get(unit)
        if confirmed is None:
            return ()
        return of_branch(confirmed.at, (self.entry(site) for site in self.branches.get(unit, ())))

    def confirmations(self, units: Collection[str]) -> Mapping[str, JsonValue]:
        """Of the branches inside these subtrees: who has confirmed, and what does not fit."""
        spans = self._spans(units)
        found: dict[str, JsonValue] = {}
        for unit, one in self.confirmed.items():
            place = self._units.span(unit)[0] if unit in self._units else -1
            if any(first <= place < end for first, end in spans):
                found[unit] = {**one.to_json(), "contradictions": self.branch_contradictions(unit)}
        return found

    def _unit_says(self, unit: str) -> Said | None:
        return unit_says(self.says(site) for site in self._of_unit[unit])

    def _counted(self, units: Collection[str]) -> dict[str, list[int]]:
        counts: dict[str, list[int]] = {}
        done: set[str] = set()
        for site in self.inside(units):
            place = self.places[site]
            unit = place.site.unit
            if unit not in done:
                done.add(unit)
                count = counts.setdefault(place.level, [0, 0, 0])
                says = self._unit_says(unit)
                count[0] += says == "present"
                count[1] += says == "absent"
                count[2] += 1
        return counts

    def _recount(self, place: Place, before: Said | None, after: Said | None) -> None:
        if before == after:
            return
        for spans, counts in self._totals.values():
            if any(first <= place.order < end for first, end in spans):
                count = counts[place.level]
                count[0] += (after == "present") - (before == "present")
                count[1] += (after == "absent") - (before == "absent")

    def _spans(self, units: Collection[str]) -> list[tuple[int, int]]:
        """Of subtrees beside each other: one inside another is in it already."""
        spans: list[tuple[int, int]] = []
        for span in sorted(self._units.span(code) for code in units if code in self._units):
            if not spans or span[0] >= spans[-1][1]:
                spans.append(span)
        return spans
