import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diemcau.units.fold import accent_key, extra_forms, fold, tokens


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Xã Tân Lợi", "xa tan loi"),
        ("ĐẶC KHU Đắk R'Măng", "dac khu dak rmang"),
        ("Ðà Nẵng", "da nang"),
        ("Bà Rịa - Vũng Tàu", "ba ria vung tau"),
        ("Phường 01", "phuong 1"),
        ("00001", "00001"),
        ("ƯỠNG ượng", "uong uong"),
    ],
)
def test_folding_takes_away_marks_case_and_signs(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(unicodedata.normalize("NFD", text)) == folded


@settings(deadline=None)
@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(fold(text))) == fold(fold(text))


def test_one_word_spelt_two_ways_has_one_accent_key() -> None:
    assert accent_key("Hoà") == accent_key("hòa") == accent_key(unicodedata.normalize("NFD", "hòa"))
    assert len({accent_key(word) for word in ("hoa", "hóa", "hoá", "hoả", "hơa", "Hoạ")}) == 5


def test_names_with_signs_or_roman_numerals_have_further_forms() -> None:
    assert extra_forms("Ea H'leo") == {"ea h leo": ("Ea", "H", "leo")}
    assert extra_forms("K' Dang") == {"kdang": ("KDang",)}
    assert extra_forms("Hải Châu II") == {"hai chau 2": ("Hải", "Châu", "2")}
    assert extra_forms("Tân Lợi") == {}


def test_a_kind_and_a_number_typed_together_are_two_words() -> None:
    assert [token.word for token in tokens("P.12, q01")] == ["p", "12", "q", "1"]
    assert [token.word for token in tokens("q123")] == ["q123"]
