"""Text messages as a file for whoever sends them."""

from collections.abc import Sequence
from typing import Final, Literal

from diemcau import spreadsheet
from diemcau.rollout.readiness import Row
from diemcau.rollout.waves.sms import parts_of, plain

Format = Literal["xlsx", "csv"]

HEADERS: Final = (
    "Số điện thoại",
    "Nội dung",
    "Số tin",
    "Bảng mã",
    "Số ký tự",
    "Điểm cầu",
    "Đơn vị",
    "Mã điểm cầu",
)
_WIDTHS: Final = (16, 90, 8, 10, 10, 34, 46, 30)
_CODINGS: Final = {"gsm7": "GSM-7", "ucs2": "UCS-2"}


def sms_text(text: str, *, without_marks: bool) -> str:
    """The text as it is sent: on one line."""
    line = " ".join(text.split())
    return plain(line) if without_marks else line


def sms_file(messages: Sequence[tuple[Row, str, str]], form: Format, without_marks: bool) -> bytes:
    """(site, number, text) each. Takes a second for a nation: call it in a thread."""

    def cells(row: Row, number: str, text: str) -> tuple[str, ...]:
        said = sms_text(text, without_marks=without_marks)
        parts = parts_of(said)
        site = row.site
        figures = (str(parts.count), _CODINGS[parts.coding], str(parts.units))
        return (number, said, *figures, site.label, site.path, site.id)

    rows = (cells(*one) for one in messages)
    if form == "xlsx":
        return spreadsheet.write_xlsx(HEADERS, rows, widths=_WIDTHS)
    return spreadsheet.write_csv(HEADERS, rows)
