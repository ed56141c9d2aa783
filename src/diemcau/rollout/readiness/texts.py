"""The Vietnamese words of states and causes, for files and the shell; the page has its own."""

from typing import Final

from diemcau.rollout.readiness.rule import Cause, State

STATE_TEXTS: Final[dict[State, str]] = {
    State.NEVER: "Chưa từng kết nối",
    State.ACTIVATED: "Đã kích hoạt",
    State.TESTED: "Đã tự kiểm tra",
    State.REHEARSED: "Đã chạy thử",
    State.READY: "Sẵn sàng",
}

CAUSE_TEXTS: Final[dict[Cause, tuple[str, str]]] = {
    "no_code": ("Chưa cấp mã kích hoạt", "Cấp phiếu kết nối cho điểm cầu."),
    "code_open": ("Đã cấp mã, chưa dùng", "Gọi điểm cầu, nhắc quét mã trên phiếu."),
    "code_expired": ("Mã đã hết hạn", "Cấp phiếu kết nối mới."),
    "not_tested": ("Chưa tự kiểm tra", "Gọi điểm cầu, nhắc làm bài tự kiểm tra."),
    "test_failed": ("Tự kiểm tra không đạt", "Xem kết quả tự kiểm tra."),
    "test_old": ("Bài tự kiểm tra đã cũ", "Nhắc điểm cầu tự kiểm tra lại."),
    "not_rehearsed": ("Chưa chạy thử", "Mời điểm cầu vào đợt chạy thử."),
    "not_seen": ("Lâu không kết nối", "Gọi điểm cầu, nhắc mở trang."),
}
"""Cause -> what is, and the next step."""
