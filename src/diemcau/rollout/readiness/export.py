"""The filtered list as a file for a spreadsheet: what people typed can never become a formula in it."""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

from openpyxl import Workbook

from diemcau.rollout.readiness.board import Row
from diemcau.rollout.readiness.forecast import ZONE
from diemcau.rollout.readiness.texts import CAUSE_TEXTS, STATE_TEXTS

HEADERS: Final = (
    "Mã đơn vị",
    "Điểm cầu",
    "Đơn vị",
    "Nhà mạng",
    "Mức sẵn sàng",
    "Vì sao chưa sẵn sàng",
    "Việc cần làm",
    "Người phụ trách",
    "Điện thoại",
    "Tự kiểm tra lần cuối",
    "Kết nối lần cuối",
    "Mã điểm cầu",
)
_WIDTHS: Final = (12, 34, 46, 14, 18, 34, 60, 30, 26, 20, 20, 30)
_RISKY: Final = ("=", "+", "-", "@", "\t", "\r")


def cells(row: Row, owner: str) -> tuple[str, ...]:
    """A row's cells, all text: codes keep their leading zeros."""
    cause = row.standing.cause
    why, todo = ("", "") if cause is None else CAUSE_TEXTS[cause]
    if cause == "test_failed" and row.test is not None and row.test.faults:
        todo = " ".join(advice.text("vi") for advice in row.test.faults)
    seen = "đang kết nối" if row.facts.connected else _time(row.facts.seen_at)
    site = row.site
    plain = (
        site.unit,
        site.label,
        site.path,
        site.carrier or "",
        STATE_TEXTS[row.standing.state],
        why,
        todo,
        owner,
        ", ".join(site.phones),
        _time(row.facts.tested_at),
        seen,
        site.id,
    )
    return tuple(safe(text) for text in plain)


def safe(text: str) -> str:
    """Text that a spreadsheet takes for text: what would begin a formula gets an apostrophe before it, and
    characters that no file of the kind may hold are left out."""
    clean = "".join(c for c in text if c >= " " or c in "\t\r\n")
    return f"'{clean}" if clean.startswith(_RISKY) else clean


def write_xlsx(rows: Sequence[tuple[Row, str]]) -> bytes:
    """A workbook of one sheet. Takes seconds for a nation: call it in a thread."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Mức sẵn sàng")
    for index, width in enumerate(_WIDTHS):
        sheet.column_dimensions["ABCDEFGHIJKL"[index]].width = width
    sheet.freeze_panes = "A2"
    sheet.append(HEADERS)
    for row, owner in rows:
        sheet.append(cells(row, owner))
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def write_csv(rows: Iterable[tuple[Row, str]]) -> bytes:
    """UTF-8 with a byte order mark, which is how Excel knows it; CRLF (RFC 4180)."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADERS)
    for row, owner in rows:
        writer.writerow(cells(row, owner))
    return out.getvalue().encode("utf-8-sig")


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")
