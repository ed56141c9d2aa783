"""The dataset file: UTF-8 text, one unit a line in pre-order, tab between the columns.

Plain text rather than gzip: the wheel compresses it anyway, a change can be read in a diff, and the bytes do
not depend on the version of zlib that packed them.
"""

import math
from collections.abc import Iterable, Iterator
from typing import Final

from diemcau.units.errors import DatasetCorrupt
from diemcau.units.kinds import KINDS
from diemcau.units.unit import Level, Unit

HEADER: Final = "#diemcau-units 1\tcode\tparent\tlevel\tkind\tname\tlat\tlon"
_LEVELS: Final = {level.value: level for level in Level}


def dump(units: Iterable[Unit]) -> bytes:
    """The file for units given in pre-order. The same units always give the same bytes."""
    lines = [HEADER]
    for unit in units:
        columns = [unit.code, unit.parent or "", unit.level.value, unit.kind, unit.name]
        if unit.lat is not None and unit.lon is not None:
            columns += [repr(unit.lat), repr(unit.lon)]
        if any("\t" in column or "\n" in column for column in columns):
            raise DatasetCorrupt(f"unit {unit.code!r} holds a tab or a line break", unit=unit.code)
        lines.append("\t".join(columns))
    return ("\n".join(lines) + "\n").encode()


def parse(data: bytes) -> Iterator[Unit]:
    """The units of a file, in its order. Raises DatasetCorrupt with the number of the bad line."""
    try:
        lines = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise DatasetCorrupt(f"dataset is not UTF-8: {error}") from error
    if lines[0] != HEADER or lines[-1] != "":
        raise DatasetCorrupt("dataset has another header or a cut last line", line=1)
    for number, line in enumerate(lines[1:-1], start=2):
        try:
            yield _unit(line)
        except (ValueError, KeyError) as error:
            raise DatasetCorrupt(f"line {number} of the dataset is bad: {error}", line=number) from error


def _unit(line: str) -> Unit:
    code, parent, level_word, kind_word, name, *point = line.split("\t")
    level, kind = _LEVELS[level_word], KINDS[kind_word]
    if not code or not name or level not in kind.levels:
        raise ValueError(f"{kind_word} {name!r} ({code!r}) at level {level_word}")
    lat = lon = None
    if point:
        lat, lon = map(float, point)
        if not (math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180):
            raise ValueError(f"no point on earth: {point}")
    # The kind's own string: one object for all units of the kind instead of one a line.
    return Unit(code, name, kind.word, level, parent or None, lat, lon)
