"""What leaves cannot act in an office program, and comes back as it was."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from diemcau.spreadsheet import neutral, write_csv, write_xlsx
from diemcau.spreadsheet.__main__ import parse
from diemcau.spreadsheet.cells import clean

HOSTILE = ["=1+1", "+84912345678", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("http://x","y")']


@pytest.mark.parametrize("text", HOSTILE)
def test_a_cell_that_would_act_is_shown_instead(text: str) -> None:
    assert neutral(text)[0] == "'"
    cell = load_workbook(io.BytesIO(write_xlsx([text], [[text]]))).worksheets[0]["A2"]
    assert cell.data_type == "s"
    assert str(cell.value).startswith("'")
    assert write_csv(["a"], [[text]]).decode("utf-8-sig").split("\r\n", 1)[1].lstrip('"').startswith("'")


@pytest.mark.parametrize("write", [write_xlsx, write_csv])
@given(rows=st.lists(st.lists(st.text(max_size=20), min_size=3, max_size=3), max_size=5))
def test_what_was_written_is_read_back(write: object, rows: list[list[str]]) -> None:
    data = write(["Một", "Hai", "Ba"], rows)  # type: ignore[operator]
    wanted = [tuple(clean(cell) for cell in row) for row in rows]
    table = parse(data, None)
    assert list(table.rows[1:]) == [row for row in wanted if any(row)]
