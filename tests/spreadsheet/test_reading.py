"""Files as programs save them, read in a process of their own; hostile ones are refused by name."""

import io
import unicodedata
import zipfile
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from diemcau.spreadsheet import MAX_COLUMNS, MAX_FILE, MAX_ROWS, BadSheet, read
from diemcau.spreadsheet.__main__ import parse

TONES = "\u0300\u0301\u0303\u0309\u0323"
LINES = (("Tỉnh", "Xã", "Điện thoại"), ("Bình Phước", "Tân Lợi", "0271 3"), ("Cần Thơ", "Ngã Bảy", "09"))


def saved(workbook: Workbook) -> bytes:
    made = io.BytesIO()
    workbook.save(made)
    return made.getvalue()


def book(*rows: tuple[object, ...], change: Callable[[Workbook], None] = lambda _: None) -> bytes:
    workbook = Workbook()
    for row in rows:
        workbook.active.append(row)  # type: ignore[union-attr]
    change(workbook)
    return saved(workbook)


def reason(data: bytes, sheet: str | None = None) -> str:
    with pytest.raises(BadSheet) as error:
        parse(data, sheet)
    return error.value.reason


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1258"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_text_of_every_encoding_and_delimiter(encoding: str, delimiter: str) -> None:
    text = "\r\n".join(delimiter.join(f'"{cell}"' for cell in line) for line in LINES)
    # The code page writes tones as marks of their own behind the letter.
    data = b"".join(map(_cp1258, text)) if encoding == "cp1258" else text.encode(encoding)
    table = parse(data, None)
    assert table.rows == LINES
    assert table.numbers == (1, 2, 3)


def _cp1258(character: str) -> bytes:
    apart = unicodedata.normalize("NFD", character)
    letter = unicodedata.normalize("NFC", "".join(c for c in apart if c not in TONES))
    return (letter + "".join(c for c in apart if c in TONES)).encode("cp1258")


def test_quoted_cells_hold_delimiters_and_lines_and_rows_keep_their_numbers() -> None:
    table = parse(b'a,b\r\n\r\n"x, y","0912\n0913"\r\n', None)
    assert table.rows == (("a", "b"), ("x, y", "0912\n0913"))
    assert table.numbers == (1, 3)
    assert parse(b"sep=;\r\na;b\r\n", None).rows == (("a", "b"),)


def test_a_workbooks_cells_are_text_as_people_read_them() -> None:
    def change(workbook: Workbook) -> None:
        sheet = workbook.active
        assert sheet is not None
        sheet["A3"] = "=1+1"
        sheet["B3"] = True
        sheet["D5"] = " xa\u0303\u00a0Ta\u0302n\u200b "

    table = parse(book(("Mã", "SĐT"), (1, 912345678.0), change=change), None)
    # A formula that nobody has worked out is an empty cell: it is not worked out here.
    assert table.rows == (
        ("Mã", "SĐT", "", ""),
        ("1", "912345678", "", ""),
        ("", "TRUE", "", ""),
        ("", "", "", "xã Tân"),
    )
    assert table.numbers == (1, 2, 3, 5)


def test_merged_cells_stand_in_every_cell_they_cover() -> None:
    def change(workbook: Workbook) -> None:
        sheet = workbook.active
        assert sheet is not None
        sheet.merge_cells("A1:C1")
        sheet.merge_cells("A3:A4")

    data = book(("DANH SÁCH",), ("Xã", "Họ tên"), ("Tân Lợi", "A"), (None, "B"), change=change)
    assert parse(data, None).rows == (
        ("DANH SÁCH", "DANH SÁCH", "DANH SÁCH"),
        ("Xã", "Họ tên", ""),
        ("Tân Lợi", "A", ""),
        ("Tân Lợi", "B", ""),
    )


def test_a_sheet_is_chosen_by_name_else_the_first_that_holds_anything() -> None:
    def change(workbook: Workbook) -> None:
        workbook.create_sheet("Hai").append(["x"])
        workbook.create_sheet("Ba").append(["y"])

    data = book(change=change)
    assert (parse(data, None).sheet, parse(data, None).sheets) == ("Hai", ("Sheet", "Hai", "Ba"))
    assert parse(data, "Ba").rows == (("y",),)
    assert reason(data, "Bốn") == "sheet"


def archive(**parts: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for name, data in parts.items():
            opened.writestr(name.replace("__", "/").replace("_xml", ".xml"), data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "empty"),
        (b"\r\n\r\n;;;\r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "old"),
        (b"PK\x03\x04" + bytes(100), "damaged"),
        (book(("a",))[:-300], "damaged"),
        (archive(word__document_xml=b"<x/>"), "kind"),
        (archive(xl__workbook_xml=b"<x/>"), "damaged"),
        (archive(xl__workbook_xml=b"<x/>", bomb=bytes(64 << 20)), "too_large"),
        (archive(xl__workbook_xml=b"<x/>", **{f"p{i}": b"" for i in range(2_001)}), "too_large"),
        (bytes(range(256)) * 10, "kind"),
        (b"\xff\xfe\x00\xd8\x00\x00\x01", "encoding"),
        (b'a,b\n"' + b"x" * 20_000, "too_large"),
        (b"a," * 100, "too_large"),
        (b"a,b\n" * (MAX_ROWS + 1), "too_large"),
        (b"x" * (MAX_FILE + 1), "too_large"),
    ],
)
def test_what_is_no_table_of_bearable_size_is_refused_by_name(data: bytes, why: str) -> None:
    assert reason(data) == why


def test_an_archive_that_lies_about_sizes_is_refused() -> None:
    data = bytearray(archive(xl__workbook_xml=b"<x/>" + b" " * 1000))
    # The sizes in the central directory, by which readers make room.
    at = data.rindex(b"PK\x01\x02") + 24
    data[at : at + 4] = (10).to_bytes(4, "little")
    assert reason(bytes(data)) == "damaged"


def sheet_with(cells: str, strings: str = "") -> bytes:
    """A workbook whose only sheet holds this XML: what no honest program writes."""
    made, given_ = io.BytesIO(), zipfile.ZipFile(io.BytesIO(book(("a",))))
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as opened:
        for part in given_.namelist():
            text = given_.read(part).decode()
            if part.endswith("sheet1.xml"):
                head, _, rest = text.partition("<sheetData>")
                text = head + "<sheetData>" + cells + "</sheetData>" + rest.partition("</sheetData>")[2]
            opened.writestr(part, text)
        if strings:
            opened.writestr("xl/sharedStrings.xml", strings)
    return made.getvalue()


async def test_a_sheet_that_is_small_packed_and_endless_unpacked_ends_its_process_only() -> None:
    corners = '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'
    one = '<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>%s</t></si></sst>'
    row = "".join(f'<c r="{chr(65 + n)}{{0}}" t="s"><v>0</v></c>' for n in range(26))
    many = "".join(f'<row r="{n}">{row.format(n)}</row>' for n in range(1, 9_000))
    for data in (sheet_with(corners), sheet_with(many, one % ("x" * 30_000))):
        assert len(data) < MAX_FILE
        with pytest.raises(BadSheet) as error:
            await read(data)
        assert error.value.reason == "too_large"
    assert (await read(book(("a", 1)))).rows == (("a", "1"),)


async def test_reading_ends_when_patience_does() -> None:
    with pytest.raises(BadSheet) as error:
        await read(book(("a",)), patience_s=0.0)
    assert error.value.reason == "too_large"


@given(st.one_of(st.binary(max_size=400), st.binary(max_size=400).map(lambda data: b"PK\x03\x04" + data)))
def test_any_bytes_are_a_table_or_a_reason(data: bytes) -> None:
    try:
        table = parse(data, None)
    except BadSheet:
        return
    assert all(len(row) == table.width <= MAX_COLUMNS for row in table.rows)
    assert len(table.rows) == len(table.numbers)


@given(st.data())
def test_a_workbook_with_any_bytes_changed_is_a_table_or_a_reason(data: st.DataObject) -> None:
    changed = bytearray(WHOLE)
    for _ in range(data.draw(st.integers(1, 5))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    try:
        parse(bytes(changed), None)
    except BadSheet:
        return


WHOLE = book(*LINES)
