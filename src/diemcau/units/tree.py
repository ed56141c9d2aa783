"""`Units`: one dataset's tree, immutable, with everything other rooms ask of it."""

from array import array
from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator
from functools import cache, cached_property

from diemcau.units import codec
from diemcau.units.compact import CompactUnits, compact_bytes, compact_view
from diemcau.units.datasets import read
from diemcau.units.errors import DatasetCorrupt, UnitAmbiguous, UnitNotFound
from diemcau.units.index import Index
from diemcau.units.search import Match, Searcher
from diemcau.units.unit import ROOT_CODE, Level, Unit


class Units:
    """A tree of units of any depth.

    Units are kept in pre-order, children by code: a subtree is one slice, `contains` two comparisons.
    Methods that take a code raise UnitNotFound for one the dataset does not have.
    """

    def __init__(self, dataset: str, units: Iterable[Unit]) -> None:
        """`units` in pre-order, the nation first. Raises DatasetCorrupt when they are not such a tree."""
        self.dataset = dataset
        self._units = tuple(units)
        self._index: dict[str, int] = {}
        self._parents = array("i")
        self._ends = array("i", bytes(4 * len(self._units)))
        path: list[int] = []
        for index, unit in enumerate(self._units):
            while path and self._units[path[-1]].code != unit.parent:
                self._ends[path.pop()] = index
            self._check_place(unit, self._units[path[-1]] if path else None, first=index == 0)
            self._index[unit.code] = index
            self._parents.append(path[-1] if path else -1)
            path.append(index)
        for index in path:
            self._ends[index] = len(self._units)
        if not self._units:
            raise DatasetCorrupt("the tree has no nation", dataset=dataset)
        self._at_level = {
            level: array("i", (index for index, unit in enumerate(self._units) if unit.level is level))
            for level in Level
        }

    def _check_place(self, unit: Unit, parent: Unit | None, *, first: bool) -> None:
        if first:
            right = unit.code == ROOT_CODE and unit.level is Level.NATION and unit.parent is None
        else:
            right = (
                parent is not None and parent.level.rank < unit.level.rank and unit.code not in self._index
            )
        if not right:
            raise DatasetCorrupt(f"unit {unit.code!r} is out of its place in the tree", unit=unit.code)

    @staticmethod
    def load(dataset: str) -> "Units":
        """The dataset of this name, loaded once per process. Raises DatasetNotFound, DatasetCorrupt."""
        return _load(dataset)

    def __len__(self) -> int:
        return len(self._units)

    def __iter__(self) -> Iterator[Unit]:
        """All units in pre-order, the nation first."""
        return iter(self._units)

    def __contains__(self, code: object) -> bool:
        return code in self._index

    @property
    def root(self) -> Unit:
        """The nation."""
        return self._units[0]

    def _at(self, code: str) -> int:
        try:
            return self._index[code]
        except KeyError:
            raise UnitNotFound(f"no unit has the code {code!r} in {self.dataset}", unit=code) from None

    def get(self, code: str) -> Unit:
        """The unit with this code."""
        return self._units[self._at(code)]

    def children(self, code: str) -> tuple[Unit, ...]:
        """The units directly under it, by code."""
        index = self._at(code)
        found: list[Unit] = []
        child, end = index + 1, self._ends[index]
        while child < end:
            found.append(self._units[child])
            child = self._ends[child]
        return tuple(found)

    def ancestors(self, code: str) -> tuple[Unit, ...]:
        """The units above it, nearest first, the nation last; empty for the nation."""
        found: list[Unit] = []
        index = self._parents[self._at(code)]
        while index >= 0:
            found.append(self._units[index])
            index = self._parents[index]
        return tuple(found)

    def path_text(self, code: str) -> str:
        """Labels going up to the province: "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước"."""
        return self._path_text(self._at(code))

    def _path_text(self, index: int) -> str:
        labels = [self._units[index].label]
        while (index := self._parents[index]) > 0:
            labels.append(self._units[index].label)
        return ", ".join(labels)

    def contains(self, ancestor: str, code: str) -> bool:
        """Whether `code` is `ancestor` or anywhere under it. O(1)."""
        above, index = self._at(ancestor), self._at(code)
        return above <= index < self._ends[above]

    def subtree(self, code: str, levels: Collection[Level] | None = None) -> Iterator[Unit]:
        """The unit and everything under it in pre-order, of these levels if given."""
        index = self._at(code)
        found = self._units[index : self._ends[index]]
        return iter(found) if levels is None else (unit for unit in found if unit.level in levels)

    def select(self, codes: Iterable[str], levels: Collection[Level] | None = None) -> tuple[Unit, ...]:
        """The union of several subtrees in pre-order, each unit once, of these levels if given."""
        found: list[Unit] = []
        done = 0
        for index in sorted(self._at(code) for code in codes):
            # Subtrees lie beside or inside each other: what starts before `done` is already in.
            if index >= done:
                done = self._ends[index]
                found.extend(self.subtree(self._units[index].code, levels))
        return tuple(found)

    def span(self, code: str) -> tuple[int, int]:
        """The subtree in the tree's order: the unit's own place, and the place after its last. O(1)."""
        return self._span(code)

    def level_counts(self, code: str = ROOT_CODE) -> dict[Level, int]:
        """How many units of each level the subtree has, itself included. O(log n)."""
        start = self._at(code)
        end = self._ends[start]
        return {level: bisect_left(at, end) - bisect_left(at, start) for level, at in self._at_level.items()}

    def search(
        self,
        query: str,
        *,
        within: str | None = None,
        levels: Collection[Level] | None = None,
        limit: int = 20,
    ) -> list[Match]:
        """Units whose code or name answers to what was typed, best first; see `docs/units.md` for the order.

        `within`: only that unit and what is under it. At most `limit` matches, never more than `MAX_LIMIT`.
        No text raises; one that says nothing finds nothing.
        """
        found = self._searcher.search(query, self._span(within), levels, limit)
        return [Match(self._units[index], self._path_text(index), twins) for index, twins in found]

    def resolve(
        self, text: str, *, within: str | None = None, levels: Collection[Level] | None = None
    ) -> Unit:
        """The one unit that the text names in full (code, or name with as many parents as it takes).

        For commands that act: raises UnitAmbiguous when several answer, UnitNotFound when none does.
        """
        found = [self._units[index] for index in self._searcher.named(text, self._span(within), levels)]
        if not found:
            raise UnitNotFound(f"no unit is named {text!r} in {self.dataset}", unit=text)
        if len(found) > 1:
            codes = [unit.code for unit in found]
            raise UnitAmbiguous(f"{len(found)} units answer to {text!r}", query=text, candidates=codes)
        return found[0]

    def _span(self, within: str | None) -> tuple[int, int]:
        index = 0 if within is None else self._at(within)
        return index, self._ends[index]

    def warm(self) -> None:
        """Builds the search index now (0.2 s, some 8 MB) instead of at the first search."""
        _ = self._searcher

    @cached_property
    def _searcher(self) -> Searcher:
        return Searcher(Index(self._units, self._parents, self._ends))

    def compact(self) -> bytes:
        """The tree as JSON for the page; see `CompactUnits`. The same dataset gives the same bytes."""
        return self._compact

    @cached_property
    def _compact(self) -> bytes:
        return compact_bytes(self.compact_view())

    def compact_view(self) -> CompactUnits:
        """What `compact` encodes, typed."""
        return compact_view(self.dataset, self._units, self._parents)


@cache
def _load(dataset: str) -> Units:
    # Bounded: an unknown name raises and is not kept.
    return Units(dataset, codec.parse(read(dataset)))
