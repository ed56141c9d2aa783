from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diemcau.units import JULY_2025, MAX_LIMIT, SEPTEMBER_2021, Level, UnitAmbiguous, UnitNotFound, Units
from diemcau.units.fold import fold

NAMES = (SEPTEMBER_2021, JULY_2025)
PATHS = {
    name: Counter(fold(Units.load(name).path_text(unit.code)) for unit in Units.load(name)) for name in NAMES
}
CODES = [(name, unit.code) for name in NAMES for unit in Units.load(name)]


def codes(units: Units, query: str, **options: object) -> list[str]:
    return [match.unit.code for match in units.search(query, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("phuoc binh thu duc", "26863"),
        ("26863", "26863"),
        ("Phước Bình, Thủ Đức", "26863"),
        ("P. Phước Bình, TP. Thủ Đức, TP.HCM", "26863"),
        ("thu duc phuoc binh", "26863"),
        ("PHUOC BINH, Thu Đuc", "26863"),
        ("phuoc binh thu d", "26863"),
        ("26863 phuoc binh", "26863"),
        ("xa tan loi dong phu", "25378"),
        ("tan loi, h. dong phu, t. binh phuoc", "25378"),
        ("quan 1", "760"),
        ("q1", "760"),
        ("Q.01", "760"),
        ("p.1 q3", "27160"),
        ("hcm", "79"),
        ("sài gòn", "79"),
        ("daklak", "66"),
        ("Đắk Lắk", "66"),
        ("ea h'leo", "645"),
        ("ea h leo", "645"),
        ("hai chau 1", "20236"),
        ("hai chau I", "20236"),
        ("thanh hoa", "38"),
        ("tp thanh hoa", "380"),
        ("huyện đảo Hoàng Sa", "498"),
        ("truong sa", "576"),
        ("N.T Phong Hải", "02902"),
        ("vn", "VN"),
        ("Việt Nam", "VN"),
    ],
)
def test_what_people_type_finds_the_unit_first(query: str, code: str, units_2021: Units) -> None:
    assert codes(units_2021, query)[0] == code


def test_an_ambiguous_name_shows_all_its_bearers_with_their_parents(units_2021: Units) -> None:
    found = units_2021.search("phuoc binh")[:5]
    assert [(match.path, match.alike) for match in found] == [
        ("xã Phước Bình, huyện Bác Ái, tỉnh Ninh Thuận", 3),
        ("phường Phước Bình, thị xã Phước Long, tỉnh Bình Phước", 2),
        ("xã Phước Bình, thị xã Trảng Bàng, tỉnh Tây Ninh", 3),
        ("xã Phước Bình, huyện Long Thành, tỉnh Đồng Nai", 3),
        ("phường Phước Bình, thành phố Thủ Đức, thành phố Hồ Chí Minh", 2),
    ]
    assert all(match.ambiguous for match in found)
    assert not units_2021.search("thu duc")[0].ambiguous


def test_higher_levels_come_first_among_equal_names(units_2021: Units) -> None:
    found = [match.unit for match in units_2021.search("hoa binh", limit=10)]
    assert [unit.level for unit in found[:3]] == [Level.PROVINCE, Level.DISTRICT, Level.DISTRICT]
    assert {unit.level for unit in found[3:]} == {Level.COMMUNE}


def test_typed_diacritics_come_first_and_do_not_hide_the_rest(units_2021: Units) -> None:
    plain = codes(units_2021, "thanh an", limit=MAX_LIMIT)
    marked = [match.unit for match in units_2021.search("Thạnh An", limit=MAX_LIMIT)]
    names = [unit.name for unit in marked]
    exact = names.count("Thạnh An")
    assert exact >= 3
    assert set(names[:exact]) == {"Thạnh An"}
    assert {"Thanh An", "Thành An"} <= set(names[exact:])
    assert {unit.code for unit in marked if fold(unit.name) == "thanh an"} <= set(plain)


def test_a_longer_name_with_the_diacritics_typed_stands_before_a_full_one_with_others(
    units_2021: Units,
) -> None:
    names = [match.unit.name for match in units_2021.search("Tân Hòa", limit=MAX_LIMIT)]
    assert names.index("Tân Hòa Thành") < names.index("Tân Hoa")
    assert names.index("Tân Hòa Thành") < names.index("Tân Hóa")


def test_the_nation_lends_its_name_to_no_match(units_2021: Units) -> None:
    found = units_2021.search("tan nam", limit=MAX_LIMIT)
    assert found
    assert all("nam" in fold(match.path) for match in found)


def test_both_ways_of_placing_a_tone_are_one_word(units_2021: Units) -> None:
    assert codes(units_2021, "Hoà Bình") == codes(units_2021, "Hòa Bình")
    assert codes(units_2021, "tỉnh Hòa Bình")[0] == "17"


def test_the_last_word_may_lack_its_end_while_typing(units_2021: Units) -> None:
    assert "25378" in codes(units_2021, "tan lo", limit=MAX_LIMIT)
    assert "25378" in codes(units_2021, "Tân Lơ", limit=MAX_LIMIT)
    # A space says that the word is complete: nothing is called "Tân Lo".
    assert codes(units_2021, "tan lo ", levels={Level.DISTRICT}) == []
    assert codes(units_2021, "tan loi, huyen dong ph")[0] == "25378"
    assert "25378" in codes(units_2021, "xa tan loi, huy", limit=MAX_LIMIT)


def test_a_name_typed_in_full_stands_before_longer_ones(units_2021: Units) -> None:
    assert codes(units_2021, "quan 1")[:4] == ["760", "761", "771", "772"]


def test_a_wrong_kind_hides_nothing(units_2021: Units) -> None:
    assert "26863" in codes(units_2021, "xa phuoc binh thu duc")


def test_within_and_levels_narrow_a_search(units_2021: Units) -> None:
    assert codes(units_2021, "phuoc binh", within="70", levels={Level.COMMUNE})[0] == "25219"
    assert all(units_2021.contains("70", code) for code in codes(units_2021, "tan", within="70", limit=50))
    assert codes(units_2021, "binh phuoc", levels={Level.PROVINCE}) == ["70"]
    assert codes(units_2021, "binh phuoc", levels=()) == []


def test_the_number_of_matches_is_bounded(units_2021: Units) -> None:
    assert len(units_2021.search("t", limit=10**9)) == MAX_LIMIT
    assert len(units_2021.search("t", limit=3)) == 3
    assert units_2021.search("t", limit=0) == units_2021.search("t", limit=-1) == []


@pytest.mark.parametrize("query", ["", "   ", "?!.,", "'", "\u0301", "\ud800", "\x00", "qwrtz", "tan qwrtz"])
def test_text_that_says_nothing_finds_nothing(query: str, units_2021: Units) -> None:
    assert units_2021.search(query) == []


def test_diacritics_count_in_every_way_to_type_a_name(units_2021: Units) -> None:
    found = [match.unit for match in units_2021.search("é", limit=MAX_LIMIT)]
    assert found[0].code == "03742"  # é Tòng
    assert "Ea H'leo" in [unit.name for unit in found]
    assert codes(units_2021, "É", limit=3) == [unit.code for unit in found[:3]]
    assert codes(units_2021, "Sài Gòn")[0] == "79"
    assert codes(units_2021, "Ea H đinh")[0] == "24274"


vietnamese = st.text(alphabet="aăâeêioôơuưyđtnhgcbmlk '-.,1230̣́̀ÁẶĐ'", max_size=40)
typed = st.lists(
    st.sampled_from(
        [
            "xa",
            "tan",
            "loi",
            "dong",
            "phu",
            "binh",
            "phuoc",
            "quan",
            "1",
            "01",
            "p.",
            "TP.",
            "Đức",
            "huyen",
            "dao",
            "26863",
            "thị",
            "h'leo",
        ]
    ),
    max_size=20,
)


@settings(deadline=None)
@given(st.text() | vietnamese | typed.map(" ".join) | st.text(min_size=300), st.sampled_from(NAMES))
def test_no_text_raises_and_the_order_is_stable(query: str, dataset: str) -> None:
    units = Units.load(dataset)
    found = units.search(query, limit=7)
    assert found == units.search(query, limit=7)
    assert len({match.unit.code for match in found}) == len(found) <= 7
    # A shorter list is the beginning of a longer one.
    assert units.search(query, limit=3) == found[:3]


@settings(deadline=None)
@given(st.sampled_from(CODES))
def test_every_unit_is_found_by_its_code_and_by_its_path(case: tuple[str, str]) -> None:
    dataset, code = case
    units = Units.load(dataset)
    assert units.search(code)[0].unit.code == code
    path = units.path_text(code)
    assert units.search(path)[0].unit.code == code
    assert units.resolve(path).code == code
    plain = fold(path)
    assert PATHS[dataset][plain] > 1 or units.search(plain)[0].unit.code == code


@settings(deadline=None)
@given(st.sampled_from(CODES), st.data())
def test_every_unit_is_found_while_its_path_is_typed(case: tuple[str, str], data: st.DataObject) -> None:
    dataset, code = case
    units = Units.load(dataset)
    path = units.path_text(code)
    cut = data.draw(st.integers(len(path) - 5, len(path)))
    bearers = PATHS[dataset][fold(path)]
    assert code in codes(units, path[:cut], limit=10 + bearers)


def test_what_acts_takes_only_a_name_that_one_unit_answers_to(units_2021: Units) -> None:
    assert units_2021.resolve("phuoc binh thu duc").code == "26863"
    assert units_2021.resolve("26863").code == "26863"
    assert units_2021.resolve("tỉnh Bình Phước").code == "70"
    assert units_2021.resolve("phuoc binh", within="769").code == "26863"
    assert units_2021.resolve("huyện đảo Trường Sa").code == "576"
    with pytest.raises(UnitAmbiguous) as caught:
        units_2021.resolve("phuoc binh")
    assert caught.value.details["candidates"] == ["22783", "25219", "25729", "26416", "26863"]
    assert (caught.value.code, caught.value.status) == ("unit_ambiguous", 409)


def test_a_number_that_is_a_code_and_a_name_does_not_act(units_2021: Units) -> None:
    with pytest.raises(UnitAmbiguous):
        units_2021.resolve("10")
    assert units_2021.resolve("10", levels={Level.PROVINCE}).name == "Lào Cai"


@pytest.mark.parametrize("text", ["", "phuoc bin", "xã Phước Bình, Thủ Đức", "Phuốc Bình", "a " * 500])
def test_what_acts_guesses_nothing(text: str, units_2021: Units) -> None:
    with pytest.raises(UnitNotFound):
        units_2021.resolve(text)


def test_a_name_without_marks_among_marked_ones_is_taken_as_typed(units_2021: Units) -> None:
    assert units_2021.resolve("xã Hoằng Thanh, huyện Hoằng Hóa").name == "Hoằng Thanh"
    assert units_2021.search("xã Hoằng Thanh")[0].unit.name == "Hoằng Thanh"
    with pytest.raises(UnitAmbiguous):
        units_2021.resolve("xa hoang thanh, huyen hoang hoa")
