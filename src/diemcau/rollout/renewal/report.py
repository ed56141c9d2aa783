"""The report of a renewal as a spreadsheet: what waits first, then everything that moved."""

from collections.abc import Iterator, Sequence
from typing import Final

from diemcau.rollout.renewal.plan import GrantMove, How, Plan, SiteMove
from diemcau.spreadsheet import write_xlsx
from diemcau.units import Lineage, Units

WORDS: Final = {
    How.EXACT: "Giữ nguyên phạm vi",
    How.MERGED: "Nhập vào đơn vị mới",
    How.ANSWERED: "Theo quyết định",
    How.WIDENS: "Chờ quyết định: quyền sẽ rộng hơn trước",
    How.SPLIT: "Chờ quyết định: xã cũ chia về nhiều đơn vị",
    How.GONE: "Chờ quyết định: không còn cấp huyện",
    How.UNKNOWN: "Không chuyển được: không rõ đơn vị mới",
}
LEFT: Final = "Không chuyển, theo quyết định"
COLUMNS: Final = (
    "Kết quả",
    "Loại",
    "Điểm cầu / tài khoản",
    "Tên / vai trò",
    "Mã cũ",
    "Đơn vị cũ",
    "Mã mới",
    "Đơn vị mới",
    "Ghi chú",
    "Có thể chọn",
)
_WIDTHS: Final = (36, 12, 30, 34, 10, 44, 14, 44, 40, 60)
_CHOICES: Final = 12


def report_file(plan: Plan) -> bytes:
    """The .xlsx."""

    def rows() -> Iterator[Sequence[str]]:
        for waiting in (True, False):
            for site in plan.sites:
                if (site.after is None) is waiting:
                    yield _site(plan.lineage, site)
            for grant in plan.grants:
                if (not grant.after) is waiting:
                    yield _grant(plan.lineage, grant)

    return write_xlsx(COLUMNS, rows(), widths=_WIDTHS)


def _site(lineage: Lineage, move: SiteMove) -> tuple[str, ...]:
    site = move.site
    notes = []
    if move.by_name:
        notes.append("tìm theo tên cũ trong huyện")
    if move.label != site.label:
        notes.append(f"tên mới: {move.label}")
    after = () if move.after is None else (move.after,)
    cells = _units(lineage, site.unit, after, "; ".join(notes))
    return (WORDS[move.how], "Điểm cầu", site.id, site.label, *cells)


def _grant(lineage: Lineage, move: GrantMove) -> tuple[str, ...]:
    grant = move.grant
    notes = []
    if move.by_name:
        notes.append("tìm theo tên cũ trong huyện")
    if move.widens:
        notes.append("rộng hơn trước")
    words = LEFT if move.how is How.ANSWERED and not move.after else WORDS[move.how]
    cells = _units(lineage, grant.unit, move.after, "; ".join(notes))
    return (words, "Phân quyền", grant.username, grant.role, *cells)


def _units(lineage: Lineage, code: str, after: Sequence[str], note: str) -> tuple[str, ...]:
    known = code in lineage.before
    choices = lineage.choices(code) if known and not after else ()
    shown = [_named(lineage.after, new) for new in choices[:_CHOICES]]
    if len(choices) > _CHOICES:
        shown.append(f"và {len(choices) - _CHOICES} đơn vị khác")
    old = lineage.before.path_text(code) if known else "(không có trong danh mục cũ)"
    new = "; ".join(lineage.after.path_text(one) for one in after)
    return (code, old, ", ".join(after), new, note, "; ".join(shown))


def _named(units: Units, code: str) -> str:
    return f"{code} {units.get(code).label}"
