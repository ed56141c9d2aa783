"""Every site's standing in memory, and the counts over every subtree, kept as standings change.

A change costs one step a level of the tree; a question about a unit's children costs a look-up a child. Lists
are one pass over the sites of a subtree, which lie side by side.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from diemcau.rollout.readiness.rule import Cause, Facts, Policy, Standing, State, assess
from diemcau.rollout.rehearsals.results import LastRehearsal
from diemcau.rollout.selftest import TestResult
from diemcau.sites import Site
from diemcau.units import Units
from diemcau.units.fold import fold

_STATES: Final = tuple(State)
_NO_CARRIER: Final = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One site on the board. `place`: its unit's in the tree's order."""

    site: Site
    place: int
    facts: Facts
    standing: Standing
    test: TestResult | None = None
    rehearsal: LastRehearsal | None = None
    words: str = field(default="", repr=False)

    @property
    def key(self) -> tuple[int, str]:
        """Its place in every list."""
        return (self.place, self.site.id)


@dataclass(frozen=True, slots=True)
class Counts:
    """How many sites stand where. `states`: exactly there; `causes`: why no further."""

    states: dict[State, int]
    causes: dict[Cause, int]

    @property
    def total(self) -> int:
        """All of them."""
        return sum(self.states.values())

    def add(self, standing: Standing) -> None:
        """One more."""
        self.states[standing.state] = self.states.get(standing.state, 0) + 1
        if standing.cause is not None:
            self.causes[standing.cause] = self.causes.get(standing.cause, 0) + 1

    def to_json(self) -> dict[str, object]:
        """`{"total", "states", "causes"}`; a state's figure is of sites exactly there."""
        return {
            "total": self.total,
            "states": {state.value: self.states.get(state, 0) for state in State},
            "causes": {cause: count for cause, count in self.causes.items() if count},
        }


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Which rows. `text`: every word must begin a word of code, label or path. `among`: only these sites
    (a wave's). `missing`: only those that are not ready."""

    state: State | None = None
    cause: Cause | None = None
    carrier: str | None = None
    text: str = ""
    among: frozenset[str] | None = None
    missing: bool = False


class Board:
    """See the module."""

    def __init__(self, units: Units, policy: Policy) -> None:
        self._units, self.policy = units, policy
        self._place = {unit.code: place for place, unit in enumerate(units)}
        self._rows: dict[str, Row] = {}
        self._order: list[tuple[int, str]] = []
        self._counts: dict[str, dict[State, int]] = {}
        self._causes: dict[str, dict[Cause, int]] = {}
        self.version = 0

    def __len__(self) -> int:
        return len(self._rows)

    def get(self, site: str) -> Row | None:
        """The site's row."""
        return self._rows.get(site)

    def __iter__(self) -> Iterator[Row]:
        return iter(list(self._rows.values()))

    def put(
        self,
        site: Site,
        facts: Facts,
        test: TestResult | None,
        now: datetime,
        rehearsal: LastRehearsal | None = None,
    ) -> None:
        """A site as it is now. One whose unit the tree does not have stays out of every subtree."""
        place = self._place.get(site.unit)
        before = self._rows.get(site.id)
        if place is None:
            self.remove(site.id)
            return
        words = (
            before.words
            if before is not None and before.site == site
            else f" {fold(f'{site.unit} {site.label} {site.path}')}"
        )
        row = Row(site, place, facts, assess(facts, now, self.policy), test, rehearsal, words)
        if row == before:
            return
        self._swap(before, row)

    def change(self, site: str, now: datetime, **facts: object) -> bool:
        """Other facts of a site that is on the board; whether anything that is shown changed."""
        before = self._rows.get(site)
        if before is None:
            return False
        changed = replace(before.facts, **facts)  # type: ignore[arg-type]
        standing = assess(changed, now, self.policy)
        if changed == before.facts and standing == before.standing:
            return False
        self._swap(before, replace(before, facts=changed, standing=standing))
        return True

    def tick(self, now: datetime) -> int:
        """Standings that time alone has changed; how many."""
        return sum(self.change(row.site.id, now) for row in self)

    def remove(self, site: str) -> None:
        """The site is no more."""
        before = self._rows.pop(site, None)
        if before is not None:
            self._count(before, -1)
            del self._order[bisect_left(self._order, before.key)]
            self.version += 1

    def _swap(self, before: Row | None, row: Row) -> None:
        if before is None or before.key != row.key:
            if before is not None:
                del self._order[bisect_left(self._order, before.key)]
            insort(self._order, row.key)
        if before is not None:
            self._count(before, -1)
        self._count(row, 1)
        self._rows[row.site.id] = row
        self.version += 1

    def _count(self, row: Row, step: int) -> None:
        standing = row.standing
        for code in self._line(row.site.unit):
            states = self._counts.setdefault(code, {})
            states[standing.state] = states.get(standing.state, 0) + step
            if standing.cause is not None:
                causes = self._causes.setdefault(code, {})
                causes[standing.cause] = causes.get(standing.cause, 0) + step

    def _line(self, unit: str) -> Iterable[str]:
        return (unit, *(above.code for above in self._units.ancestors(unit)))

    def counts(self, unit: str) -> Counts:
        """Of the unit's subtree."""
        return Counts(dict(self._counts.get(unit, {})), dict(self._causes.get(unit, {})))

    def counts_among(self, sites: Iterable[str]) -> Counts:
        """Of these sites, each once."""
        counts = Counts({}, {})
        for site in sites:
            if (row := self._rows.get(site)) is not None:
                counts.add(row.standing)
        return counts

    def by_carrier(self, unit: str) -> dict[str | None, Counts]:
        """Of the unit's subtree, by carrier (None: not known), the largest first."""
        found: dict[str | None, Counts] = {}
        for row in self._within(unit):
            counts = found.setdefault(row.site.carrier, Counts({}, {}))
            counts.add(row.standing)
        return dict(sorted(found.items(), key=lambda one: -one[1].total))

    def rows(
        self, unit: str, wanted: RowFilter = RowFilter(), after: tuple[int, str] | None = None
    ) -> Iterator[Row]:
        """The subtree's rows that fit, in the order of units, after a key."""
        words = [f" {word}" for word in fold(wanted.text[:200]).split()[:8]]
        for row in self._within(unit, after):
            if wanted.among is not None and row.site.id not in wanted.among:
                continue
            if wanted.missing and row.standing.cause is None:
                continue
            if wanted.state is not None and row.standing.state is not wanted.state:
                continue
            if wanted.cause is not None and row.standing.cause != wanted.cause:
                continue
            if wanted.carrier is not None and (row.site.carrier or _NO_CARRIER) != wanted.carrier:
                continue
            if all(word in row.words for word in words):
                yield row

    def became_ready(self, unit: str) -> list[datetime]:
        """When the subtree's ready sites passed their first self-test."""
        return [
            row.test.first_passed_at
            for row in self._within(unit)
            if row.standing.state is State.READY
            and row.test is not None
            and row.test.first_passed_at is not None
        ]

    def _within(self, unit: str, after: tuple[int, str] | None = None) -> Iterator[Row]:
        first = self._place[unit]
        size = sum(self._units.level_counts(unit).values())
        start = bisect_left(self._order, (first, ""))
        end = bisect_left(self._order, (first + size, ""))
        if after is not None:
            start = max(start, bisect_left(self._order, (after[0], after[1] + "\0")))
        return (self._rows[site] for _, site in self._order[start:end])
