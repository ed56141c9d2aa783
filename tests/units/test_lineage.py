"""What became of the units of 2021: the real data, all of it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from diemcau.units import (
    JULY_2025,
    SEPTEMBER_2021,
    DatasetCorrupt,
    DatasetNotFound,
    Eras,
    Fate,
    Level,
    Lineage,
    UnitNotFound,
    Units,
)
from diemcau.units.lineage import HEADER, parse

LINEAGE = Lineage.load(SEPTEMBER_2021, JULY_2025)
RENEWED = datetime(2025, 7, 1, tzinfo=UTC)
OLD, NEW = RENEWED - timedelta(days=1400), RENEWED + timedelta(days=1)


def test_all_10599_communes_are_classified_as_the_documentation_says() -> None:
    communes = [unit.code for unit in LINEAGE.before if unit.level is Level.COMMUNE]
    found = Counter((LINEAGE.fate(code), LINEAGE.by_name(code)) for code in communes)
    assert found == {
        (Fate.EXACT, False): 130,
        (Fate.MERGED, False): 9431,
        (Fate.MERGED, True): 516,
        (Fate.SPLIT, False): 471,
        (Fate.SPLIT, True): 48,
        (Fate.UNKNOWN, False): 3,
    }
    assert sum(found.values()) == 10_599


def test_provinces_and_districts_are_classified_as_the_documentation_says() -> None:
    at = {
        level: Counter(LINEAGE.fate(unit.code) for unit in LINEAGE.before if unit.level is level)
        for level in (Level.PROVINCE, Level.DISTRICT)
    }
    assert at[Level.PROVINCE] == {Fate.EXACT: 11, Fate.MERGED: 52}
    assert at[Level.DISTRICT] == {Fate.GONE: 691, Fate.EXACT: 14}


def test_every_unit_of_2025_came_from_somewhere_in_its_own_province() -> None:
    for unit in LINEAGE.after:
        origins = LINEAGE.predecessors(unit.code)
        assert origins, unit
        if unit.level is Level.COMMUNE:
            provinces = LINEAGE.predecessors(unit.parent or "")
            assert all(any(LINEAGE.before.contains(p, code) for p in provinces) for code in origins)


def test_successors_and_predecessors_say_the_same() -> None:
    for unit in LINEAGE.before:
        if unit.level in (Level.COMMUNE, Level.PROVINCE):
            for code in LINEAGE.successors(unit.code):
                assert unit.code in LINEAGE.predecessors(code)


def test_a_code_that_lives_on_may_be_another_unit() -> None:
    assert LINEAGE.before.get("00004").label == "phường Trúc Bạch"
    assert LINEAGE.after.get("00004").label == "phường Ba Đình"
    assert LINEAGE.successors("00004") == ("00004",)
    assert set(LINEAGE.predecessors("00004")) >= {"00004", "00010"}


def test_a_commune_whose_code_was_gone_is_found_by_its_former_name_and_marked() -> None:
    assert LINEAGE.before.get("00010").label == "phường Nguyễn Trung Trực"
    assert LINEAGE.successors("00010") == LINEAGE.successors("00004")
    assert LINEAGE.by_name("00010") and not LINEAGE.by_name("00004")


def test_a_split_commune_has_several_candidates_and_its_province() -> None:
    split = next(unit.code for unit in LINEAGE.before if LINEAGE.fate(unit.code) is Fate.SPLIT)
    found = LINEAGE.successors(split)
    assert len(found) > 1
    assert LINEAGE.choices(split) == (*found, "01")


def test_of_an_unknown_commune_any_unit_of_its_province_may_be_answered_and_nothing_else() -> None:
    assert LINEAGE.fate("20239") is Fate.UNKNOWN
    choices = LINEAGE.choices("20239")
    assert LINEAGE.successors("20239") == () and choices[0] == "48"
    assert all(LINEAGE.after.contains("48", code) for code in choices)


def test_island_districts_live_on_and_a_district_on_land_is_gone() -> None:
    for district, unit in (("498", "20333"), ("576", "22736")):
        assert LINEAGE.fate(district) is Fate.EXACT
        assert LINEAGE.successors(district) == (unit,)
    dong_phu = LINEAGE.before.get("25378").parent or ""
    assert LINEAGE.fate(dong_phu) is Fate.GONE
    assert LINEAGE.choices(dong_phu)[-1] == "75"  # Đồng Nai, which Bình Phước is in now


def test_a_merged_province_is_not_within_either_of_those_it_came_from() -> None:
    assert LINEAGE.successors("02") == LINEAGE.successors("08") == ("08",)
    assert LINEAGE.predecessors("08") == ("02", "08")
    assert not LINEAGE.within("08", "02") and not LINEAGE.within("08", "08")
    assert LINEAGE.within("01", "01") and LINEAGE.within("01", "VN")


def test_a_commune_that_may_hold_an_unknown_one_is_within_no_other() -> None:
    unknown = LINEAGE.before.get("28825")
    neighbours = [unit.code for unit in LINEAGE.before.children(unknown.parent or "") if unit != unknown]
    for code in neighbours:
        assert LINEAGE.fate(code) is not Fate.EXACT


def test_unknown_codes_and_pairs_are_refused() -> None:
    for ask in (LINEAGE.successors, LINEAGE.fate):
        with pytest.raises(UnitNotFound):
            ask("99999")
    with pytest.raises(UnitNotFound):
        LINEAGE.predecessors("99999")
    with pytest.raises(DatasetNotFound):
        Lineage.load(JULY_2025, SEPTEMBER_2021)


@pytest.mark.parametrize("line", ["1\tcode\t", "1\tguess\t2", "\tcode\t2", "1", "1\tcode\t2\n1\tcode\t3"])
def test_a_damaged_file_is_refused_by_its_line(line: str) -> None:
    assert parse(f"{HEADER}\n1\tname\t2,3\n".encode()) == {"1": ("name", ("2", "3"))}
    with pytest.raises(DatasetCorrupt):
        parse(f"{HEADER}\n{line}\n".encode())
    with pytest.raises(DatasetCorrupt):
        parse(b"1\tcode\t2\n")


def test_what_was_written_before_a_renewal_is_read_in_its_own_tree() -> None:
    eras = Eras(Units.load(JULY_2025), [(RENEWED, SEPTEMBER_2021)])
    tree, codes = eras.as_of(OLD, ["08", "00004"])
    assert tree is LINEAGE.before
    assert codes == ("02", "08", *LINEAGE.predecessors("00004"))
    assert eras.as_of(NEW, ["08", "gone"]) == (eras.units, ("08",))
    assert eras.as_of(OLD, ["gone"])[1] == ()
    assert eras.predecessors("08") == ((SEPTEMBER_2021, "02"), (SEPTEMBER_2021, "08"))


def test_without_a_renewal_nothing_has_predecessors() -> None:
    eras = Eras(Units.load(SEPTEMBER_2021))
    assert eras.predecessors("02") == ()
    assert eras.as_of(OLD, ["02"]) == (eras.units, ("02",))
