"""The filtered list as a file for a spreadsheet, where `spreadsheet` keeps every cell from acting."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from diemcau import spreadsheet
from diemcau.rollout.readiness.board import Row
from diemcau.rollout.readiness.forecast import ZONE
from diemcau.rollout.readiness.texts import CAUSE_TEXTS, STATE_TEXTS
from diemcau.rollout.rehearsals.texts import TEXTS as REHEARSAL_TEXTS

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
    "Chạy thử",
    "Kết nối lần cuối",
    "Mã điểm cầu",
)
_WIDTHS: Final = (12, 34, 46, 14, 18, 34, 60, 30, 26, 20, 20, 20, 30)


def cells(row: Row, owner: str) -> tuple[str, ...]:
    """A row's cells, all text: codes keep their leading zeros."""
    cause = row.standing.cause
    why, todo = ("", "") if cause is None else CAUSE_TEXTS[cause]
    if cause == "test_failed" and row.test is not None and row.test.faults:
        todo = " ".join(advice.text("vi") for advice in row.test.faults)
    if cause == "not_rehearsed" and row.rehearsal is not None and row.rehearsal.cause is not None:
        todo = REHEARSAL_TEXTS[row.rehearsal.cause]["vi"]
    seen = "đang kết nối" if row.facts.connected else _time(row.facts.seen_at)
    site = row.site
    return (
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
        _time(row.facts.rehearsed_at),
        seen,
        site.id,
    )


def write_xlsx(rows: Iterable[tuple[Row, str]]) -> bytes:
    """A workbook of one sheet. Takes seconds for a nation: call it in a thread."""
    return spreadsheet.write_xlsx(HEADERS, (cells(row, owner) for row, owner in rows), widths=_WIDTHS)


def write_csv(rows: Iterable[tuple[Row, str]]) -> bytes:
    """The same as text."""
    return spreadsheet.write_csv(HEADERS, (cells(row, owner) for row, owner in rows))


def _time(at: datetime | None) -> str:
    return "" if at is None else at.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")
