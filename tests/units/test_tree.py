import gzip
import json
import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diemcau.units import JULY_2025, SEPTEMBER_2021, DatasetCorrupt, Level, Unit, UnitNotFound, Units

N, P, D, C = Level
NATION = Unit("VN", "Việt Nam", "nước", N, None)
CODES = {name: [unit.code for unit in Units.load(name)] for name in (SEPTEMBER_2021, JULY_2025)}

any_code = st.sampled_from([SEPTEMBER_2021, JULY_2025]).flatmap(
    lambda name: st.tuples(st.just(name), st.sampled_from(CODES[name]), st.sampled_from(CODES[name]))
)


def test_a_path_names_every_parent_up_to_the_province(units_2021: Units, units_2025: Units) -> None:
    assert units_2021.path_text("25378") == "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước"
    assert units_2021.path_text("70") == "tỉnh Bình Phước"
    assert units_2021.path_text("VN") == "nước Việt Nam"
    assert units_2025.path_text("00004") == "phường Ba Đình, thành phố Hà Nội"


def test_labels_stand_in_text_and_alone(units_2021: Units) -> None:
    unit = units_2021.get("25378")
    assert (unit.label, unit.title) == ("xã Tân Lợi", "Xã Tân Lợi")


def test_children_come_by_code_and_know_their_parent(any_units: Units) -> None:
    for unit in any_units.subtree("VN", {N, P}):
        children = any_units.children(unit.code)
        assert all(child.parent == unit.code for child in children)
        assert all(one.code < two.code for one, two in pairwise(children))
    assert sum(len(any_units.children(unit.code)) for unit in any_units) == len(any_units) - 1


def test_depth_is_data(units_2021: Units, units_2025: Units) -> None:
    assert [unit.level for unit in units_2021.ancestors("26863")] == [D, P, N]
    assert [unit.level for unit in units_2025.ancestors("20333")] == [P, N]
    assert units_2021.ancestors("VN") == ()


@settings(deadline=None)
@given(any_code)
def test_contains_says_what_a_walk_upwards_says(case: tuple[str, str, str]) -> None:
    dataset, above, below = case
    units = Units.load(dataset)
    walk = {below, *(unit.code for unit in units.ancestors(below))}
    assert units.contains(above, below) == (above in walk)
    assert all(units.contains(code, below) for code in walk)


@settings(deadline=None)
@given(any_code)
def test_a_subtree_is_what_it_contains(case: tuple[str, str, str]) -> None:
    dataset, above, _ = case
    units = Units.load(dataset)
    found = [unit.code for unit in units.subtree(above)]
    assert found == [code for code in CODES[dataset] if units.contains(above, code)]
    assert sum(units.level_counts(above).values()) == len(found)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(CODES[SEPTEMBER_2021]), max_size=6), st.none() | st.sets(st.sampled_from(Level))
)
def test_selected_subtrees_are_their_union(codes: list[str], levels: set[Level] | None) -> None:
    units = Units.load(SEPTEMBER_2021)
    union = {unit.code for code in codes for unit in units.subtree(code, levels)}
    selected = [unit.code for unit in units.select(codes, levels)]
    assert selected == [code for code in CODES[SEPTEMBER_2021] if code in union]


@pytest.mark.parametrize("code", ["", "1", "1 ", "vn", "99999", "🏝"])
def test_an_unknown_code_is_a_coded_error(code: str, units_2021: Units) -> None:
    asks = (
        units_2021.get,
        units_2021.children,
        units_2021.ancestors,
        units_2021.path_text,
        units_2021.subtree,
        units_2021.level_counts,
        lambda code: units_2021.contains("VN", code),
        lambda code: units_2021.contains(code, "VN"),
        lambda code: units_2021.search("tan loi", within=code),
        lambda code: units_2021.select([code]),
    )
    for ask in asks:
        with pytest.raises(UnitNotFound) as caught:
            ask(code)
        assert (caught.value.code, caught.value.status) == ("unit_not_found", 404)
        assert caught.value.details == {"unit": code}
    assert code not in units_2021


def test_a_tree_may_have_any_depth() -> None:
    one = Unit("01", "Một", "tỉnh", P, "VN")
    commune = Unit("00001", "Sâu", "xã", C, "001")
    direct = Unit("00002", "Thẳng", "đặc khu", C, "VN")
    units = Units("odd", [NATION, direct, one, Unit("001", "Hai", "huyện", D, "01"), commune])
    assert units.path_text("00001") == "xã Sâu, huyện Hai, tỉnh Một"
    assert units.path_text("00002") == "đặc khu Thẳng"
    assert [match.unit.code for match in units.search("sau mot")] == ["00001"]
    assert units.level_counts("01") == {N: 0, P: 1, D: 1, C: 1}
    assert Units("bare", [NATION]).search("viet nam")[0].unit is NATION


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [Unit("01", "X", "tỉnh", P, None)],
        [NATION, Unit("01", "X", "tỉnh", P, "02")],
        [NATION, Unit("01", "X", "tỉnh", P, "VN"), Unit("01", "Y", "tỉnh", P, "VN")],
        [NATION, Unit("01", "X", "tỉnh", P, "VN"), Unit("02", "Y", "tỉnh", P, "01")],
        [NATION, NATION],
        [
            NATION,
            Unit("01", "X", "tỉnh", P, "VN"),
            Unit("02", "Y", "tỉnh", P, "VN"),
            Unit("001", "Z", "huyện", D, "01"),
        ],
    ],
    ids=[
        "empty",
        "no nation",
        "unknown parent",
        "code twice",
        "level not below",
        "two roots",
        "not in pre-order",
    ],
)
def test_what_is_not_a_tree_is_refused(rows: list[Unit]) -> None:
    with pytest.raises(DatasetCorrupt):
        Units("bad", rows)


def test_the_compact_form_says_the_same_tree(any_units: Units) -> None:
    view = json.loads(any_units.compact())
    assert (view["format"], view["dataset"]) == (1, any_units.dataset)
    rebuilt = []
    for code, parent, kind, name, *point in view["units"]:
        level, word = view["kinds"][kind]
        above = view["units"][parent][0] if parent >= 0 else None
        rebuilt.append(Unit(code, name, word, Level(level), above, *point))
    assert rebuilt == list(any_units)


def test_the_compact_form_is_small_and_always_the_same(units_2021: Units) -> None:
    again = Units("2021-09", units_2021)
    assert again.compact() == units_2021.compact()
    assert len(gzip.compress(units_2021.compact())) < 110_000


def test_a_warmed_tree_has_its_search_index_before_the_first_search() -> None:
    units = Units("fresh", Units.load(JULY_2025))
    assert "_searcher" not in vars(units)
    units.warm()
    assert "_searcher" in vars(units)


def test_nothing_handed_out_can_change_the_tree(units_2021: Units) -> None:
    unit = random.Random(7).choice(list(units_2021))
    with pytest.raises(AttributeError):
        unit.name = "other"  # type: ignore[misc]
    before = units_2021.level_counts()
    units_2021.level_counts()[Level.COMMUNE] = 0
    assert units_2021.level_counts() == before
