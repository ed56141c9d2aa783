"""Units are matched by code and name; what could be several is asked, never guessed."""

import pytest

from diemcau.rollout.fields import Field
from diemcau.rollout.matching import Matcher, NoUnit, Question, Said
from diemcau.units import JULY_2025, Level, Units

F = Field


def match(units: Units, answers: dict[str, str | None] | None = None, **cells: str) -> object:
    return Matcher(units, answers or {}).match(Said({Field(name): cell for name, cell in cells.items()}))


@pytest.mark.parametrize(
    ("cells", "code"),
    [
        ({"unit_code": "26863"}, "26863"),
        ({"commune_code": "1"}, "00001"),
        ({"province_code": "1"}, "01"),
        ({"district_code": "1"}, "001"),
        ({"unit_code": "001"}, "001"),
        ({"unit_code": "'00001"}, "00001"),
        ({"unit_code": "vn"}, "VN"),
        ({"unit_code": "1", "province": "Hà Nội"}, "01"),
        ({"unit_code": "1", "province": "Hà Nội", "district": "Ba Đình"}, "001"),
        ({"unit_code": "1", "commune": "Phúc Xá"}, "00001"),
        ({"province": "TP.HCM", "district": "TP Thủ Đức", "commune": "P. Phước Bình"}, "26863"),
        ({"province": "tp hcm", "district": "thu duc", "commune": "phuoc binh"}, "26863"),
        ({"province": "Thừa Thiên - Huế"}, "46"),
        ({"province": "Bình Phước", "unit": "UBND xã Tân Lợi, huyện Đồng Phú"}, "25378"),
        ({"unit": "Xã Tân Lợi, H. Đồng Phú, T. Bình Phước"}, "25378"),
        ({"unit": "Ủy ban nhân dân tỉnh Bình Phước"}, "70"),
        ({"unit": "Trung ương"}, "VN"),
        (
            {"province": "Bình Phước", "district": "Đồng Phú", "commune": "5", "commune_code": "25378"},
            "25378",
        ),
        ({"commune_code": "25378", "commune": "Tên cũ không ai nhớ"}, "25378"),
    ],
)
def test_what_names_one_unit_is_matched(units: Units, cells: dict[str, str], code: str) -> None:
    assert match(units, **cells) == code


@pytest.mark.parametrize(
    ("cells", "reason"),
    [
        ({}, "no_unit"),
        ({"commune_code": "99999"}, "bad_code"),
        ({"unit_code": "26863a"}, "bad_code"),
        ({"province_code": "26863"}, "bad_code"),
        ({"unit_code": "١"}, "bad_code"),
        ({"commune": "Qqqqq"}, "unit_unknown"),
    ],
)
def test_what_names_none_is_refused(units: Units, cells: dict[str, str], reason: str) -> None:
    found = match(units, **cells)
    assert isinstance(found, NoUnit)
    assert found.code == reason


def asked(units: Units, **cells: str) -> Question:
    found = match(units, **cells)
    assert isinstance(found, Question)
    return found


def test_a_name_that_several_share_is_asked(units: Units) -> None:
    question = asked(units, commune="Phước Bình")
    assert len(question.candidates) == 5
    assert {"26863"} < set(question.candidates)
    below = asked(units, province="Bình Phước", commune="Xã Tân Lợi")
    assert below.within == "70"
    assert set(below.candidates) == {"25378", "25405"} or len(below.candidates) > 1
    assert all(units.contains("70", code) for code in below.candidates)


def test_a_code_that_lost_its_zeros_and_says_nothing_else_is_asked(units: Units) -> None:
    assert set(asked(units, unit_code="1").candidates) == {"01", "001", "00001"}


def test_a_code_and_a_name_that_disagree_are_asked(units: Units) -> None:
    question = asked(
        units, province="Bình Phước", district="Đồng Phú", commune="Tân Lợi", commune_code="26863"
    )
    assert question.candidates == ("26863", "25378")


def test_a_code_outside_the_unit_above_it_is_asked(units: Units) -> None:
    assert asked(units, province="Bình Phước", commune_code="26863").candidates == ("26863",)


def test_another_spelling_kind_or_older_name_is_asked_with_what_may_be_meant(units: Units) -> None:
    assert asked(units, province="Đăk Lăk").candidates[0] == "66"
    assert (
        asked(units, province="Bình Phước", commune="Xã Thanh Bình", district="Bù Đốp").candidates[0]
        == "25308"
    )
    newer = Units.load(JULY_2025)
    # Of the tree of 2021: a commune that keeps its code and has another kind since.
    renamed = next(
        unit
        for unit in units
        if unit.level is Level.COMMUNE
        and unit.code in newer
        and newer.get(unit.code).kind != unit.kind
        and newer.get(unit.code).name != unit.name
    )
    found = Matcher(newer, {}).match(Said({F.COMMUNE: units.path_text(renamed.code)}))
    assert isinstance(found, Question)
    assert found.candidates[0] == renamed.code


def test_one_answer_holds_for_the_same_words_below_the_same_unit(units: Units) -> None:
    question = asked(units, province="Bình Phước", commune="Xã Tân Lợi")
    answers: dict[str, str | None] = {question.key: "25378"}
    assert match(units, answers, province="T. Bình Phước", commune=" xã  TÂN LỢI") == "25378"
    assert isinstance(match(units, answers, province="Đồng Nai", commune="Phước Bình"), (str, Question))
    assert asked(units, province="Bình Phước", commune="Xã Tân Lợi").key == question.key
    refused = match(units, {question.key: None}, province="Bình Phước", commune="Xã Tân Lợi")
    assert isinstance(refused, NoUnit)
    assert refused.code == "unit_refused"


def test_an_answer_for_a_province_opens_what_is_below(units: Units) -> None:
    question = asked(units, province="Đăk Lăk", commune="Xã Ea Nuôl")
    assert question.level is Level.PROVINCE
    found = match(units, {question.key: "66"}, province="Đăk Lăk", commune="Xã Ea Nuôl")
    assert isinstance(found, str)
    assert units.contains("66", found)


def test_a_tree_without_districts_takes_no_notice_of_them() -> None:
    newer = Units.load(JULY_2025)
    commune = next(unit for unit in newer if unit.level is Level.COMMUNE)
    province = newer.ancestors(commune.code)[0]
    assert (
        match(newer, province=province.title, district="Huyện nào đó", commune=commune.title) == commune.code
    )


def test_every_commune_is_found_by_its_path_in_columns(units: Units) -> None:
    matcher = Matcher(units, {})
    for unit in units:
        if unit.level is Level.COMMUNE and int(unit.code) % 7 == 0:
            district, province, _ = units.ancestors(unit.code)
            said = Said({F.PROVINCE: province.title, F.DISTRICT: district.title, F.COMMUNE: unit.title})
            assert matcher.match(said) == unit.code


def test_a_list_that_lies_in_one_unit_is_looked_for_there_first(units: Units) -> None:
    inside = Matcher(units, {}, within="70")
    assert inside.match(Said({F.DISTRICT: "Phước Long"})) == "688"
    assert inside.match(Said({F.PROVINCE: "Cần Thơ"})) == "92"
    assert inside.match(Said({F.COMMUNE_CODE: "26863"})) == "26863"
    found = inside.match(Said({F.COMMUNE: "Xã Tân Lợi"}))
    assert isinstance(found, Question)
    assert found.within == "70"
    assert isinstance(match(units, district="Phước Long"), Question)
