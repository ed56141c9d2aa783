"""What a column of a list may hold, and which column holds what: guessed from its heading."""

import re
from enum import StrEnum
from typing import Final

from diemcau.units.fold import fold


class Field(StrEnum):
    """Meanings of a column. `PHONE` may stand over several columns, every other over one."""

    SITE = "site"
    UNIT_CODE = "unit_code"
    PROVINCE = "province"
    PROVINCE_CODE = "province_code"
    DISTRICT = "district"
    DISTRICT_CODE = "district_code"
    COMMUNE = "commune"
    COMMUNE_CODE = "commune_code"
    UNIT = "unit"
    LABEL = "label"
    KIND = "kind"
    CARRIER = "carrier"
    PHONE = "phone"
    EMAIL = "email"
    PERSON = "person"
    TITLE = "title"


HEADINGS: Final[dict[Field, str]] = {
    Field.SITE: "Mã điểm cầu",
    Field.UNIT_CODE: "Mã đơn vị",
    Field.PROVINCE: "Tỉnh/Thành phố",
    Field.PROVINCE_CODE: "Mã tỉnh",
    Field.DISTRICT: "Quận/Huyện",
    Field.DISTRICT_CODE: "Mã huyện",
    Field.COMMUNE: "Xã/Phường",
    Field.COMMUNE_CODE: "Mã xã",
    Field.UNIT: "Đơn vị",
    Field.LABEL: "Tên điểm cầu",
    Field.KIND: "Loại điểm cầu",
    Field.CARRIER: "Nhà mạng",
    Field.PHONE: "Điện thoại",
    Field.EMAIL: "Thư điện tử",
    Field.PERSON: "Họ và tên",
    Field.TITLE: "Chức vụ",
}
"""How the files that we write call a column; each is guessed back as itself."""

PLACES: Final = frozenset(
    {
        Field.SITE,
        Field.UNIT_CODE,
        Field.PROVINCE,
        Field.PROVINCE_CODE,
        Field.DISTRICT,
        Field.DISTRICT_CODE,
        Field.COMMUNE,
        Field.COMMUNE_CODE,
        Field.UNIT,
    }
)
"""Fields of which a list needs one, or nobody knows where its rows belong."""

IGNORED: Final = "(bỏ qua) "
"""Stands before a heading that we write for a column that was not taken, so that it is not taken again."""

_MAIL: Final = r"(\be ?mail\b|thu dien tu|\b(hom|hop) thu\b)"
# In this order, on folded headings: the first that fits decides ("Điện thoại người phụ trách" is a phone).
_RULES: Final = tuple(
    (re.compile(pattern), field)
    for pattern, field in (
        (r"^bo qua\b|^(stt|tt|so tt|so thu tu|ghi chu|dong|ly do|row|reason|note)$", None),
        # Both in one column are neither.
        (rf"(?=.*{_MAIL})(?=.*(dien thoai|\bsdt\b|di dong|\bphone|\bmobile|zalo))", None),
        (_MAIL, Field.EMAIL),
        (r"dien thoai|\bsdt\b|\bs dt\b|\bdt\b|di dong|hotline|\bphone|\bmobile|lien lac|zalo", Field.PHONE),
        (r"^ma (so )?(diem cau|diem|dc|phong hop)|^site( code| id)?$|^id$", Field.SITE),
        (r"^ma (so )?(tinh|tp|thanh pho)|^province code$", Field.PROVINCE_CODE),
        (r"^ma (so )?(huyen|quan)|^district code$", Field.DISTRICT_CODE),
        (r"^ma (so )?(xa|phuong)|^commune code$", Field.COMMUNE_CODE),
        (r"^ma( so)?( (don vi|dvhc|dv|dia ban|dia phuong))?( hanh chinh)?$|^(unit )?code$", Field.UNIT_CODE),
        (r"chuc (vu|danh)|^title$|^position$", Field.TITLE),
        (r"ho (va )?ten|^nguoi\b|can bo|dai bieu|phu trach|dau moi|thanh phan|^name$|^person$", Field.PERSON),
        (r"nha mang|duong truyen|nha cung cap|\bcarrier\b|^isp$", Field.CARRIER),
        (r"^(loai|kieu|hinh thuc)\b|^(kind|type)$", Field.KIND),
        (r"ten diem cau|^diem cau\b|phong hop|dia diem|hoi truong|^label$", Field.LABEL),
        (r"\bcap xa\b", Field.COMMUNE),
        (r"\bcap huyen\b", Field.DISTRICT),
        (r"\bcap tinh\b", Field.PROVINCE),
        (r"don vi|dia phuong|dia ban|co quan|^unit$", Field.UNIT),
        (r"(?<!thi )\bxa\b|\bphuong\b|thi tran|dac khu|^commune$", Field.COMMUNE),
        (r"\bquan\b|\bhuyen\b|thi xa|^district$", Field.DISTRICT),
        (r"\btinh\b|thanh pho|^tp$|^province$", Field.PROVINCE),
    )
)


def guess(heading: str) -> Field | None:
    """What a column with this heading holds; None for what is not taken."""
    folded = fold(heading[:200])
    if not folded or len(folded.split()) > 12:
        return None
    for pattern, field in _RULES:
        if pattern.search(folded):
            return field
    return None
