"""The datasets inside the package: which there are, where they come from, and how to read one undamaged.

`data/manifest.json` is written by `scripts/import_units.py` together with the files it describes.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final

from diemcau.units.errors import DatasetCorrupt, DatasetNotFound
from diemcau.units.unit import Level

SEPTEMBER_2021: Final = "2021-09"
"""63 provinces, 705 districts, 10,599 communes: the tree of the first national bridge."""
JULY_2025: Final = "2025-07"
"""34 provinces and 3,321 communes, no districts: the tree since 1 July 2025."""


@dataclass(frozen=True, slots=True)
class Dataset:
    """`sha256`: of the file in `data/`; `counts`: units at each level below the nation."""

    name: str
    file: str
    sha256: str
    counts: dict[Level, int]
    source: str


@cache
def known_datasets() -> dict[str, Dataset]:
    """All datasets by name, oldest first."""
    raw = json.loads(_data_file("manifest.json").decode())
    return {
        name: Dataset(
            name=name,
            file=entry["file"],
            sha256=entry["sha256"],
            counts={Level(level): count for level, count in entry["counts"].items()},
            source=entry["source"],
        )
        for name, entry in raw.items()
    }


def read(name: str) -> bytes:
    """The dataset's file. Raises DatasetNotFound, or DatasetCorrupt when its hash is not the manifest's."""
    known = known_datasets()
    if name not in known:
        raise DatasetNotFound(f"no dataset of units named {name!r}", dataset=name, known=list(known))
    data = _data_file(known[name].file)
    if hashlib.sha256(data).hexdigest() != known[name].sha256:
        raise DatasetCorrupt(f"the file of dataset {name} was changed after its import", dataset=name)
    return data


def _data_file(file: str) -> bytes:
    return resources.files("diemcau.units").joinpath("data", file).read_bytes()
