"""The administrative tree: datasets, codes, search.

    units = Units.load(SEPTEMBER_2021)
    units.path_text("25378")        "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước"
    units.contains("70", "25378")   True
    units.search("phuoc binh thu duc")[0].unit.code    "26863"

Everything here is immutable and safe to share between threads.
"""

from diemcau.units.compact import CompactRow, CompactUnits
from diemcau.units.datasets import JULY_2025, SEPTEMBER_2021, Dataset, known_datasets
from diemcau.units.eras import Eras
from diemcau.units.errors import DatasetCorrupt, DatasetNotFound, UnitAmbiguous, UnitNotFound, UnitsError
from diemcau.units.lineage import Fate, Lineage
from diemcau.units.search import MAX_LIMIT, Match
from diemcau.units.tree import Units
from diemcau.units.unit import ROOT_CODE, Level, Unit

__all__ = [
    "JULY_2025",
    "MAX_LIMIT",
    "ROOT_CODE",
    "SEPTEMBER_2021",
    "CompactRow",
    "CompactUnits",
    "Dataset",
    "DatasetCorrupt",
    "DatasetNotFound",
    "Eras",
    "Fate",
    "Level",
    "Lineage",
    "Match",
    "Unit",
    "UnitAmbiguous",
    "UnitNotFound",
    "Units",
    "UnitsError",
    "known_datasets",
]
