import dataclasses
import hashlib
import json
from collections import Counter
from pathlib import Path

import pytest

from diemcau.units import (
    JULY_2025,
    ROOT_CODE,
    SEPTEMBER_2021,
    DatasetCorrupt,
    DatasetNotFound,
    Level,
    Unit,
    Units,
    codec,
    known_datasets,
)
from diemcau.units.datasets import read
from diemcau.units.kinds import KINDS, split_title

OVERRIDES = Path(__file__).parents[2] / "scripts/overrides_2021-09.json"

# What the import wrote when this was last looked at; a change of the trees is a decision, never an accident.
HASHES = {
    SEPTEMBER_2021: "876f8704bad6666d5c8698d1975b84126d387de3b6c01e49dec1b89a8d39a719",
    JULY_2025: "045bb6287134837ac96152b8ed6be94525a5edfba9d5bc545bb4eb4b3f922793",
}


@pytest.mark.parametrize("name", HASHES)
def test_the_file_is_the_one_that_was_imported(name: str) -> None:
    assert hashlib.sha256(read(name)).hexdigest() == HASHES[name] == known_datasets()[name].sha256


@pytest.mark.parametrize("name", HASHES)
def test_units_written_again_give_the_same_bytes(name: str) -> None:
    assert codec.dump(Units.load(name)) == read(name)


def test_counts_of_september_2021(units_2021: Units) -> None:
    assert units_2021.level_counts() == {
        Level.NATION: 1,
        Level.PROVINCE: 63,
        Level.DISTRICT: 705,
        Level.COMMUNE: 10_599,
    }


def test_counts_of_july_2025(units_2025: Units) -> None:
    assert units_2025.level_counts() == {
        Level.NATION: 1,
        Level.PROVINCE: 34,
        Level.DISTRICT: 0,
        Level.COMMUNE: 3_321,
    }
    kinds = Counter(unit.kind for unit in units_2025.subtree(ROOT_CODE, {Level.COMMUNE}))
    assert kinds == {"xã": 2_621, "phường": 687, "đặc khu": 13}


def test_every_2025_unit_has_a_point_inside_the_country(units_2025: Units) -> None:
    below = [unit for unit in units_2025 if unit is not units_2025.root]
    assert all(unit.lat is not None and 8 < unit.lat < 24 for unit in below)
    assert all(unit.lon is not None and 102 < unit.lon < 115 for unit in below)


def test_codes_are_padded_strings_of_their_level(any_units: Units) -> None:
    length = {Level.PROVINCE: 2, Level.DISTRICT: 3, Level.COMMUNE: 5}
    assert all(
        len(unit.code) == length[unit.level] and unit.code.isdecimal()
        for unit in any_units
        if unit is not any_units.root
    )
    assert any_units.get("01").name == "Hà Nội"


def test_names_have_neither_kind_nor_stray_spaces(any_units: Units) -> None:
    kinds = tuple(f"{kind} " for kind in KINDS)
    for unit in any_units:
        assert unit.name == " ".join(unit.name.split())
        assert unit.level in KINDS[unit.kind].levels
        # Two names do begin with such a word: phường Phường Đúc in Huế, thị trấn Nước Hai in Cao Bằng.
        assert not unit.name.lower().startswith(kinds) or unit.code in {"19780", "01654"}


@pytest.mark.parametrize("group", ["districts", "communes"])
def test_labels_of_september_2021_are_restored(group: str, units_2021: Units) -> None:
    overrides: dict[str, str] = json.loads(OVERRIDES.read_text(encoding="utf-8"))[group]
    assert len(overrides) == {"districts": 7, "communes": 17}[group]
    assert {code: units_2021.get(code).title for code in overrides} == overrides


def test_hoang_sa_and_truong_sa_are_in_the_tree(units_2021: Units, units_2025: Units) -> None:
    assert units_2021.path_text("498") == "huyện Hoàng Sa, thành phố Đà Nẵng"
    assert units_2021.path_text("576") == "huyện Trường Sa, tỉnh Khánh Hòa"
    assert units_2025.path_text("20333") == "đặc khu Hoàng Sa, thành phố Đà Nẵng"
    assert units_2025.path_text("22736") == "đặc khu Trường Sa, tỉnh Khánh Hòa"


def test_five_island_districts_have_no_communes(units_2021: Units) -> None:
    bare = [
        unit.name for unit in units_2021.subtree("VN", {Level.DISTRICT}) if not units_2021.children(unit.code)
    ]
    assert sorted(bare) == ["Bạch Long Vĩ", "Côn Đảo", "Cồn Cỏ", "Hoàng Sa", "Lý Sơn"]


def test_communes_that_share_kind_and_name(units_2021: Units) -> None:
    # 3,836 with the package's own labels; putting the 17 back and collapsing spaces adds 20.
    names = Counter((unit.kind, unit.name) for unit in units_2021.subtree("VN", {Level.COMMUNE}))
    assert sum(count for count in names.values() if count > 1) == 3_856


def test_an_unknown_dataset_is_said_to_be_unknown() -> None:
    with pytest.raises(DatasetNotFound) as caught:
        Units.load("1945-09")
    assert caught.value.details == {"dataset": "1945-09", "known": [SEPTEMBER_2021, JULY_2025]}


def test_a_file_changed_after_its_import_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = known_datasets()[SEPTEMBER_2021]
    swapped = dataclasses.replace(known, file=known_datasets()[JULY_2025].file)
    monkeypatch.setitem(known_datasets(), SEPTEMBER_2021, swapped)
    with pytest.raises(DatasetCorrupt) as caught:
        read(SEPTEMBER_2021)
    assert (caught.value.code, caught.value.details) == ("units_dataset_corrupt", {"dataset": SEPTEMBER_2021})


@pytest.mark.parametrize("name", ["Hai\tCột", "Hai\nDòng"])
def test_a_name_that_would_break_the_file_is_not_written(name: str) -> None:
    with pytest.raises(DatasetCorrupt):
        codec.dump([Unit("VN", name, "nước", Level.NATION, None)])


def test_a_title_without_a_kind_is_refused() -> None:
    assert split_title("Thị xã Phổ Yên") == ("thị xã", "Phổ Yên")
    with pytest.raises(DatasetCorrupt):
        split_title("Xãtân Lợi")


def test_a_dataset_is_loaded_once() -> None:
    assert Units.load(SEPTEMBER_2021) is Units.load(SEPTEMBER_2021)


GOOD_LINE = "01\tVN\tprovince\ttỉnh\tX"


@pytest.mark.parametrize(
    "bad",
    [
        "01\tVN\tprovince\ttỉnh",
        "01\tVN\tcounty\ttỉnh\tX",
        "01\tVN\tprovince\txã\tX",
        "01\tVN\tprovince\ttỉnh\t",
        "\tVN\tprovince\ttỉnh\tX",
        GOOD_LINE + "\t1.0",
        GOOD_LINE + "\t1.0\tnan",
        GOOD_LINE + "\t91\t1",
        GOOD_LINE + "\t1\t2\t3",
    ],
)
def test_a_bad_line_is_named(bad: str) -> None:
    assert len(list(codec.parse(f"{codec.HEADER}\n{GOOD_LINE}\n".encode()))) == 1
    with pytest.raises(DatasetCorrupt) as caught:
        list(codec.parse(f"{codec.HEADER}\n{GOOD_LINE}\n{bad}\n".encode()))
    assert caught.value.details == {"line": 3}


@pytest.mark.parametrize("data", [b"", b"\xff\n", b"something else\n", codec.HEADER.encode() + b"\ncut"])
def test_a_file_that_is_not_a_dataset_is_refused(data: bytes) -> None:
    with pytest.raises(DatasetCorrupt):
        list(codec.parse(data))
