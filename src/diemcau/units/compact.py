"""The tree as one small JSON document for the page, which keeps it and searches and draws by it."""

import json
from collections.abc import Sequence
from typing import TypeAlias, TypedDict

from diemcau.units.unit import Unit

CompactRow: TypeAlias = tuple[str, int, int, str] | tuple[str, int, int, str, float, float]
"""Code, index of the parent's row (-1 for the nation), index into `kinds`, name; then latitude and longitude
in degrees where the dataset has them."""


class CompactUnits(TypedDict):
    """`kinds`: pairs (level, kind word). `units`: rows in pre-order, children by code, the nation first."""

    format: int
    dataset: str
    kinds: list[tuple[str, str]]
    units: list[CompactRow]


def compact_view(dataset: str, units: Sequence[Unit], parents: Sequence[int]) -> CompactUnits:
    """`parents`: for each unit the index of its parent, -1 for the nation."""
    kinds: dict[tuple[str, str], int] = {}
    rows: list[CompactRow] = []
    for unit, parent in zip(units, parents, strict=True):
        kind = kinds.setdefault((unit.level.value, unit.kind), len(kinds))
        if unit.lat is None or unit.lon is None:
            rows.append((unit.code, parent, kind, unit.name))
        else:
            rows.append((unit.code, parent, kind, unit.name, unit.lat, unit.lon))
    return {"format": 1, "dataset": dataset, "kinds": list(kinds), "units": rows}


def compact_bytes(view: CompactUnits) -> bytes:
    """UTF-8 JSON without spaces."""
    return json.dumps(view, ensure_ascii=False, separators=(",", ":")).encode()
