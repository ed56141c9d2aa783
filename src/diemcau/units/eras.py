"""`Eras`: which dataset was in force when, so that what was written before a renewal is read as it was meant.

A code may be another unit in another dataset (00004: phường Trúc Bạch in 2021, phường Ba Đình since July
2025), so a code without its time says nothing.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from diemcau.units.lineage import Lineage
from diemcau.units.tree import Units


class Eras:
    """The trees of an installation, by time. Immutable."""

    def __init__(self, units: Units, past: Sequence[tuple[datetime, str]] = ()) -> None:
        """`units`: of now. `past`: until when which dataset was in force, oldest first. Raises
        DatasetNotFound when no lineage leads from one to the next."""
        self.units = units
        self._back: list[tuple[datetime, Lineage]] = []
        then = units.dataset
        for until, dataset in reversed(past):  # the way back, newest first
            self._back.append((until, Lineage.load(dataset, then)))
            then = dataset

    def as_of(self, at: datetime, codes: Iterable[str]) -> tuple[Units, tuple[str, ...]]:
        """The tree of that moment, and the units there that these units of now came from. Units that the tree
        of now does not have are left out."""
        tree, found = self.units, tuple(code for code in codes if code in self.units)
        for until, lineage in self._back:
            if at >= until:
                break
            tree = lineage.before
            found = tuple(dict.fromkeys(old for code in found for old in lineage.predecessors(code)))
        return tree, found

    def predecessors(self, code: str) -> tuple[tuple[str, str], ...]:
        """All units that this one of now came from: (dataset, code), newest dataset first. Raises
        UnitNotFound."""
        self.units.get(code)
        found: list[tuple[str, str]] = []
        codes: tuple[str, ...] = (code,)
        for _, lineage in self._back:
            codes = tuple(dict.fromkeys(old for one in codes for old in lineage.predecessors(one)))
            found += [(lineage.before.dataset, old) for old in codes]
        return tuple(found)
