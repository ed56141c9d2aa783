"""Findings as a file for a spreadsheet, where `spreadsheet` keeps every cell from acting."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from diemcau import spreadsheet
from diemcau.inspections.finding import Finding, Severity

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")
HEADERS: Final = (
    "Mã đơn vị",
    "Điểm cầu",
    "Đơn vị",
    "Ngày kiểm tra",
    "Phát hiện",
    "Mức độ",
    "Người phụ trách",
    "Hạn",
    "Trạng thái",
    "Kết quả kiểm tra lại",
    "Người ghi",
)
SEVERITY_TEXTS: Final[dict[Severity, str]] = {"low": "nhẹ", "medium": "vừa", "high": "nặng"}
_WIDTHS: Final = (12, 34, 46, 18, 60, 10, 30, 12, 18, 60, 24)


def cells(finding: Finding) -> tuple[str, ...]:
    """A row's cells, all text: codes keep their leading zeros."""
    due = "" if finding.due is None else "/".join(reversed(finding.due.split("-")))
    closed = "chưa khắc phục" if finding.closed_at is None else f"đã khắc phục {_time(finding.closed_at)}"
    return (
        finding.unit,
        finding.label,
        finding.path,
        _time(finding.at),
        finding.text,
        SEVERITY_TEXTS[finding.severity],
        finding.owner,
        due,
        closed,
        finding.closing or "",
        finding.by_name,
    )


def write_xlsx(found: Iterable[Finding]) -> bytes:
    """A workbook of one sheet. Takes a while for thousands: call it in a thread."""
    return spreadsheet.write_xlsx(HEADERS, (cells(finding) for finding in found), widths=_WIDTHS)


def _time(at: datetime) -> str:
    return at.astimezone(ZONE).strftime("%d/%m/%Y %H:%M")
