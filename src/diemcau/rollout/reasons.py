"""Why a row is not taken, as a stable code and in words."""

from dataclasses import dataclass
from typing import Final

from diemcau.errors import JsonObject

WORDS: Final[dict[str, str]] = {
    "no_unit": "Không ghi đơn vị",
    "bad_code": "Không có đơn vị nào mang mã này",
    "unit_unknown": "Không có đơn vị nào tên này",
    "unit_ambiguous": "Chưa chọn đơn vị trong số các đơn vị có thể",
    "unit_refused": "Đã trả lời: không phải đơn vị nào",
    "outside": "Ngoài phạm vi được giao của người nhập",
    "bad_site_code": "Mã điểm cầu chỉ gồm chữ không dấu, số, - và _, tối đa 60 ký tự",
    "site_elsewhere": "Mã điểm cầu này đã dùng cho đơn vị khác",
    "label_taken": "Đơn vị này đã có điểm cầu cùng tên với mã khác",
    "several_sites": "Đơn vị này có nhiều điểm cầu cùng tên: hãy ghi mã điểm cầu",
    "bad_phone": "Không phải số điện thoại",
    "too_many_phones": "Một điểm cầu có tối đa 10 số điện thoại",
    "bad_email": "Không phải địa chỉ thư điện tử",
    "too_many_emails": "Một điểm cầu có tối đa 5 địa chỉ thư điện tử",
    "too_many_people": "Một điểm cầu có tối đa 200 người",
    "people_and_titles": "Số người và số chức vụ trong ô không bằng nhau",
    "bad_kind": "Không có loại điểm cầu này",
    "too_long": "Chữ trong ô quá dài",
    "disagrees": "Khác với dòng trước của cùng điểm cầu",
    "refused": "Máy chủ không nhận",
    "cancelled": "Chưa nhập: việc nhập đã dừng",
}
"""Code -> Vietnamese; the page has its own words in both languages."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """A row that is not taken. `row`: its number in the file; `detail`: what in it, "" when that is plain."""

    row: int
    code: str
    detail: str = ""

    @property
    def words(self) -> str:
        """Reason and detail for the file that people mend."""
        return f"{WORDS[self.code]}: {self.detail}" if self.detail else WORDS[self.code]

    def to_json(self) -> JsonObject:
        """`{"row", "code", "detail"}`."""
        return {"row": self.row, "code": self.code, "detail": self.detail}
