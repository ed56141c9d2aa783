"""`Lineage`: what became of the units of one dataset in a later one, and where those came from.

The file is written by `scripts/import_lineage.py`: a unit of the earlier dataset a line, how it was found
there, and its successors. Districts that have communes are not in it: what became of them is what became of
their communes.
"""

import hashlib
import json
from collections import Counter, defaultdict
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final

from diemcau.units.errors import DatasetCorrupt, DatasetNotFound
from diemcau.units.tree import Units
from diemcau.units.unit import ROOT_CODE, Level

HEADER: Final = "#diemcau-lineage 1\tcode\thow\tsuccessors"


class Fate(StrEnum):
    """What became of a unit. EXACT: one unit, and that is of nothing else. MERGED: one unit, of several.
    SPLIT: parts of it are in several. GONE: its level is no more (a district). UNKNOWN: the file says
    nothing."""

    EXACT = "exact"
    MERGED = "merged"
    SPLIT = "split"
    GONE = "gone"
    UNKNOWN = "unknown"


class Lineage:
    """Immutable. Methods take codes of the dataset they name and raise UnitNotFound for others."""

    def __init__(self, before: Units, after: Units, rows: dict[str, tuple[str, tuple[str, ...]]]) -> None:
        """`rows`: a code of `before` to how it was found ("code", "name") and codes of `after`."""
        self.before, self.after = before, after
        self._rows = rows
        origins: defaultdict[str, list[str]] = defaultdict(list)
        for code, (_, found) in rows.items():
            for successor in found:
                origins[successor].append(code)
        self._origins = {code: tuple(found) for code, found in origins.items()}
        self._doubtful = {
            unit.parent for unit in before if unit.level is Level.COMMUNE and unit.code not in rows
        }
        """Units of which a part is nobody knows where."""

    @staticmethod
    def load(before: str, after: str) -> "Lineage":
        """Between two datasets, loaded once per process. Raises DatasetNotFound, DatasetCorrupt."""
        return _load(before, after)

    def successors(self, code: str) -> tuple[str, ...]:
        """The units of `after` that hold parts of this one of `before`, those with most of it first; of a
        district its communes'. Empty: unknown."""
        if code == ROOT_CODE:
            return (ROOT_CODE,)
        self.before.get(code)
        if code in self._rows:
            return self._rows[code][1]
        counted = Counter(
            successor
            for unit in self.before.subtree(code)
            if unit.code in self._rows
            for successor in self._rows[unit.code][1]
        )
        return tuple(successor for successor, _ in counted.most_common())

    def predecessors(self, code: str) -> tuple[str, ...]:
        """The units of `before`, at the same level or the nearest below, that this one of `after` came from,
        wholly or in part."""
        self.after.get(code)
        return (ROOT_CODE,) if code == ROOT_CODE else self._origins.get(code, ())

    def by_name(self, code: str) -> bool:
        """Whether this unit of `before` was found by a former name, its code being gone."""
        return code in self._rows and self._rows[code][0] == "name"

    def within(self, successor: str, code: str) -> bool:
        """Whether `successor` holds nothing that was outside of `code`, as far as is known."""
        origins = self.predecessors(successor)
        return bool(origins) and all(self._surely_inside(code, origin) for origin in origins)

    def _surely_inside(self, code: str, origin: str) -> bool:
        district = self.before.get(origin).parent
        # A commune of the same district that nobody knows of may be in the same successor.
        whole = district is None or district not in self._doubtful or self.before.contains(code, district)
        return whole and self.before.contains(code, origin)

    def fate(self, code: str) -> Fate:
        """What became of this unit of `before`."""
        found = self.successors(code)
        if not found:
            return Fate.UNKNOWN
        exact = len(found) == 1 and self.within(found[0], code)
        if self.before.get(code).level is Level.DISTRICT and not exact:
            return Fate.GONE
        if len(found) > 1:
            return Fate.SPLIT
        return Fate.EXACT if exact else Fate.MERGED

    def choices(self, code: str) -> tuple[str, ...]:
        """What may be answered for this unit of `before`: its successors and the units above them; where they
        are unknown, everything in the successor of the unit above it."""
        found = self.successors(code)
        if not found:
            above = next((one.code for one in self.before.ancestors(code) if one.code in self._rows), None)
            tops = () if above is None else self._rows[above][1]
            return tuple(unit.code for top in tops for unit in self.after.subtree(top))
        above_them = (unit for one in found for unit in self.after.ancestors(one))
        return tuple(dict.fromkeys((*found, *(unit.code for unit in above_them if unit.code != ROOT_CODE))))


@cache
def _load(before: str, after: str) -> Lineage:
    folder = resources.files("diemcau.units").joinpath("data")
    known = json.loads(folder.joinpath("lineage.json").read_bytes())
    entry = next((one for one in known if (one["before"], one["after"]) == (before, after)), None)
    if entry is None:
        raise DatasetNotFound(
            f"nothing says what became of {before} in {after}", dataset=after, before=before
        )
    data = folder.joinpath(entry["file"]).read_bytes()
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise DatasetCorrupt(f"the file {entry['file']} was changed after its import", dataset=after)
    return Lineage(Units.load(before), Units.load(after), parse(data))


def parse(data: bytes) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The rows of a file. Raises DatasetCorrupt."""
    lines = data.decode().split("\n")
    if lines[0] != HEADER or lines[-1] != "":
        raise DatasetCorrupt("lineage has another header or a cut last line", line=1)
    found: dict[str, tuple[str, tuple[str, ...]]] = {}
    for number, line in enumerate(lines[1:-1], start=2):
        code, _, rest = line.partition("\t")
        how, _, successors = rest.partition("\t")
        if not code or code in found or how not in ("code", "name") or not successors:
            raise DatasetCorrupt(f"line {number} of the lineage is bad", line=number)
        found[code] = how, tuple(successors.split(","))
    return found
