"""Files for spreadsheets."""

import csv
import io
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook

from diemcau.rollout.readiness import Facts, Row, Standing, State, write_csv, write_xlsx
from diemcau.rollout.readiness.export import HEADERS
from diemcau.sites import Site, SiteKind
from diemcau.spreadsheet import neutral

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)


def row(label: str = "Điểm cầu xã Tân Lợi", phones: tuple[str, ...] = ()) -> tuple[Row, str]:
    site = Site("s_1", "00001", label, SiteKind.POST, "xã Tân Lợi", "VNPT", phones)
    facts = Facts(activated_at=NOW, seen_at=NOW)
    return Row(site, 5, facts, Standing(State.ACTIVATED, "not_tested")), "=HYPERLINK(1)"


@pytest.mark.parametrize("text", ["=1+1", "+84912345678", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_what_would_begin_a_formula_is_text(text: str) -> None:
    assert neutral(text) == "'" + text.strip()
    book = load_workbook(io.BytesIO(write_xlsx([row(text, (text,))])))
    for cells in book.active.iter_rows():
        assert all(cell.data_type != "f" for cell in cells), "no cell is a formula"
    written = write_csv([row(text, (text,))]).decode("utf-8-sig")
    [_, line] = list(csv.reader(io.StringIO(written, newline=""), delimiter=";"))
    assert not [cell for cell in line if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]


def test_both_files_say_the_same_and_codes_keep_their_zeros() -> None:
    rows = [row("Điểm cầu 1\x00\x0b"), row('"Điểm", cầu')]
    sheet = load_workbook(io.BytesIO(write_xlsx(rows))).active
    of_xlsx = [[cell or "" for cell in line] for line in sheet.iter_rows(values_only=True)]
    of_csv = list(csv.reader(io.StringIO(write_csv(rows).decode("utf-8-sig")), delimiter=";"))
    assert of_xlsx == of_csv and tuple(of_csv[0]) == HEADERS
    assert of_csv[1][0] == "00001" and of_csv[1][1] == "Điểm cầu 1"
    assert of_csv[1][4:7] == ["Đã kích hoạt", "Chưa tự kiểm tra", "Gọi điểm cầu, nhắc làm bài tự kiểm tra."]
    assert of_csv[1][11] == "05/09/2021 08:30"
