"""Headings are found where people put them, and phone numbers read however they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.errors import BadRequest
from diemcau.rollout.fields import HEADINGS, IGNORED, Field, guess
from diemcau.rollout.heading import chosen, find
from diemcau.rollout.phones import one, phones_of
from diemcau.spreadsheet import Table
from diemcau.spreadsheet.__main__ import parse

from .conftest import book

F = Field


@pytest.mark.parametrize("field", Field)
def test_headings_that_we_write_are_guessed_back(field: Field) -> None:
    assert guess(HEADINGS[field]) is field
    assert guess(f"{IGNORED}{HEADINGS[field]}") is None


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("STT", None),
        ("Ghi chú", None),
        ("TỈNH/TP", F.PROVINCE),
        ("Tinh, thanh pho", F.PROVINCE),
        ("Quận/Huyện/Thị xã/Thành phố", F.DISTRICT),
        ("Xã, phường, thị trấn", F.COMMUNE),
        ("Đơn vị hành chính cấp xã", F.COMMUNE),
        ("Tên đơn vị (xã, phường)", F.UNIT),
        ("Mã ĐVHC", F.UNIT_CODE),
        ("Mã xã", F.COMMUNE_CODE),
        ("SĐT người phụ trách", F.PHONE),
        ("Số điện thoại di động", F.PHONE),
        ("Người phụ trách", F.PERSON),
        ("Chức vụ người phụ trách", F.TITLE),
        ("Đường truyền", F.CARRIER),
        ("Địa điểm họp", F.LABEL),
        ("", None),
        ("x" * 10_000, None),
    ],
)
def test_what_a_heading_means(heading: str, field: Field | None) -> None:
    assert guess(heading) is field


def found(*rows: tuple[object, ...], merged: tuple[str, ...] = ()) -> tuple[Table, list[Field | None], int]:
    def change(sheet: object) -> None:
        for cells in merged:
            sheet.merge_cells(cells)  # type: ignore[attr-defined]

    table = parse(book(*rows, change=change), None)
    heading = find(table)
    return table, list(heading.columns), table.numbers[heading.end]


def test_a_heading_below_merged_titles_and_above_numbered_columns() -> None:
    _, columns, first = found(
        ("ỦY BAN NHÂN DÂN TỈNH BÌNH PHƯỚC",),
        ("DANH SÁCH ĐIỂM CẦU CÁC XÃ, PHƯỜNG",),
        (),
        ("STT", "Huyện", "Xã", "Điện thoại"),
        ("(1)", "(2)", "(3)", "(4)"),
        (1, "Đồng Phú", "Tân Lợi", "0912345678"),
        merged=("A1:D1", "A2:D2"),
    )
    assert columns == [None, F.DISTRICT, F.COMMUNE, F.PHONE]
    assert first == 6


def test_a_heading_of_two_rows_with_merged_cells() -> None:
    _, columns, first = found(
        ("TT", "Đơn vị", None, "Liên hệ", None, None),
        (None, "Huyện", "Xã", "Họ tên", "Chức vụ", "Điện thoại"),
        (1, "Đồng Phú", "Tân Lợi", "A", "B", "0912345678"),
        merged=("A1:A2", "B1:C1", "D1:F1"),
    )
    assert columns == [None, F.DISTRICT, F.COMMUNE, F.PERSON, F.TITLE, F.PHONE] or columns[3:] == [
        F.PERSON,
        F.TITLE,
        F.PHONE,
    ]
    assert columns[1:3] == [F.DISTRICT, F.COMMUNE]
    assert first == 3


def test_several_columns_hold_phones_but_one_each_the_rest() -> None:
    _, columns, _ = found(
        ("Xã", "Xã cũ", "ĐT bàn", "ĐT di động"), ("Tân Lợi", "", "02713879123", "0912345678")
    )
    assert columns == [F.COMMUNE, None, F.PHONE, F.PHONE]


def test_what_the_operator_says_is_held_to_the_table() -> None:
    table = parse(book(("a", "b"), ("c", "d")), None)
    assert chosen(table, 0, 0, {1: F.COMMUNE}).columns == (None, F.COMMUNE)
    for first, end, columns in (
        (0, 3, {}),
        (2, 1, {}),
        (0, 1, {2: F.UNIT}),
        (0, 1, {-1: F.UNIT}),
        (0, 1, {0: F.UNIT, 1: F.UNIT}),
    ):
        with pytest.raises(BadRequest):
            chosen(table, first, end, columns)


@pytest.mark.parametrize(
    ("cell", "numbers"),
    [
        ("0912.345.678", ["0912 345 678"]),
        ("912345678", ["0912 345 678"]),
        ("+84 912 345 678", ["0912 345 678"]),
        ("(+84) 912-345-678", ["0912 345 678"]),
        ("0084912345678", ["0912 345 678"]),
        ("84912345678", ["0912 345 678"]),
        ("0168 234 5678", ["0382 345 678"]),
        ("02713879123", ["0271 387 9123"]),
        ("2713879123", ["0271 387 9123"]),
        ("(024) 3845.1234 máy lẻ 12", ["024 3845 1234 máy lẻ 12"]),
        ("0912345678; 0987.654.321", ["0912 345 678", "0987 654 321"]),
        ("0912 345 678 - 0987 654 321", ["0912 345 678", "0987 654 321"]),
        ("0912345678 0987654321", ["0912 345 678", "0987 654 321"]),
        ("ĐT: 0912345678\nDĐ: 0912 345 678", ["0912 345 678"]),
        ("+66 81 234 5678", ["+66812345678"]),
        ("1900 1234", ["1900 1234"]),
        ("", []),
    ],
)
def test_phones_come_in_one_form(cell: str, numbers: list[str]) -> None:
    assert phones_of(cell) == (numbers, [])
    # In that form they are read as themselves.
    assert phones_of("; ".join(numbers)) == (numbers, [])


@pytest.mark.parametrize("cell", ["chưa có", "113", "0912 345", "091234567890", "١٢٣٤٥٦٧٨٩", "12345678"])
def test_what_is_no_phone_is_said(cell: str) -> None:
    assert phones_of(cell)[1] == [cell]


@given(st.text(max_size=60))
def test_any_text_is_phones_or_not(cell: str) -> None:
    for number in phones_of(cell)[0]:
        assert one(number) == number
        assert len(number) <= 40
