"""A roll call as a workbook: the summary, who is missing with phones, every site."""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Final

from diemcau.meetings.rollcall.report import Line, Report, figure
from diemcau.spreadsheet import Sheet, write_workbook

_BRANCHES: Final = (
    ("Tỉnh, thành phố", 30),
    ("Điểm cầu", 40),
    ("Có mặt", 12),
    ("Vắng mặt", 12),
    ("Chưa báo", 12),
    ("Đang kết nối", 14),
    ("Không khớp", 12),
    ("Tỉnh xác nhận", 40),
)

_COLUMNS: Final = {
    "branch": ("Tỉnh, thành phố", 26),
    "unit": ("Mã đơn vị", 12),
    "label": ("Điểm cầu", 34),
    "path": ("Đơn vị", 46),
    "says": ("Báo", 12),
    "reason": ("Lý do", 30),
    "head": ("Chủ trì điểm cầu", 30),
    "note": ("Ghi chú", 30),
    "connected": ("Kết nối", 26),
    "share": ("Thời gian kết nối", 12),
    "seen": ("Thấy hình", 18),
    "heard": ("Nghe tiếng", 18),
    "tested": ("Tự kiểm tra đạt", 18),
    "acknowledged": ("Đã trả lời/đã nhận tin", 14),
    "contradictions": ("Không khớp", 36),
    "by": ("Người báo", 24),
    "at": ("Lúc", 18),
    "phones": ("Điện thoại", 26),
}
_MISSING: Final = ("branch", "unit", "label", "path", "says", "reason", "phones", "connected", "note")


def write(report: Report) -> bytes:
    """Takes seconds for a nation: call it in a thread."""
    preface = [
        ("KẾT QUẢ ĐIỂM DANH", f"Lần {report.number}"),
        *((("Độ mật", report.secrecy),) if report.secrecy else ()),
        ("Cuộc họp", report.meeting),
        ("Phạm vi", report.place),
        ("Tình trạng", report.state),
        ("Có mặt", report.summary),
        ("Tỉnh xác nhận", report.confirmed),
        ("Mã kiểm (SHA-256)", report.digest or "có khi đã chốt"),
        ("Nhật ký", f"{report.stream} #{report.seq}" if report.sealed else report.stream),
        ("Máy theo dõi từ", report.watched_since),
        ("",),
    ]
    names, widths = zip(*_BRANCHES, strict=True)
    branches = [
        (
            one.name,
            *map(figure, (one.of, one.present, one.absent, one.unsaid, one.connected, one.contradictions)),
            one.confirmed,
        )
        for one in report.branches
    ]
    missing = (line for line in report.lines if line.missing)
    return write_workbook(
        [
            Sheet("Tổng hợp", names, branches, widths, preface),
            _sheet("Vắng và chưa báo", _MISSING, missing),
            _sheet("Toàn bộ", tuple(_COLUMNS), report.lines),
        ]
    )


def _sheet(name: str, fields: Sequence[str], lines: Iterable[Line]) -> Sheet:
    titles, widths = zip(*(_COLUMNS[field] for field in fields), strict=True)
    return Sheet(name, titles, map(attrgetter(*fields), lines), widths)
