"""The list of a rehearsal's sites as a file for a spreadsheet."""

from collections.abc import Iterable
from typing import Final

from diemcau import spreadsheet
from diemcau.rollout.readiness.forecast import ZONE
from diemcau.rollout.rehearsals.board import Seat
from diemcau.rollout.rehearsals.texts import STEP_TEXTS, TEXTS
from diemcau.rollout.rehearsals.walk import STEPS

HEADERS: Final = (
    "Mã đơn vị",
    "Điểm cầu",
    "Đơn vị",
    "Nhà mạng",
    "Bước chưa qua",
    "Vì sao, việc cần làm",
    "Người phụ trách",
    "Điện thoại",
    *STEP_TEXTS.values(),
    "Mã điểm cầu",
)
_WIDTHS: Final = (12, 34, 46, 14, 20, 70, 30, 26, 18, 18, 18, 18, 30)


def cells(seat: Seat, owner: str) -> tuple[str, ...]:
    """A row's cells, all text."""
    site, step = seat.site, seat.walk.step
    times = (seat.walk.done.get(one) for one in STEPS)
    return (
        site.unit,
        site.label,
        site.path,
        site.carrier or "",
        "" if step is None else STEP_TEXTS[step],
        "" if seat.cause is None else TEXTS[seat.cause]["vi"],
        owner,
        ", ".join(site.phones),
        *("" if at is None else at.astimezone(ZONE).strftime("%d/%m/%Y %H:%M:%S") for at in times),
        site.id,
    )


def write_xlsx(rows: Iterable[tuple[Seat, str]]) -> bytes:
    """A workbook of one sheet; call it in a thread."""
    return spreadsheet.write_xlsx(HEADERS, (cells(seat, owner) for seat, owner in rows), widths=_WIDTHS)


def write_csv(rows: Iterable[tuple[Seat, str]]) -> bytes:
    """The same as text."""
    return spreadsheet.write_csv(HEADERS, (cells(seat, owner) for seat, owner in rows))
