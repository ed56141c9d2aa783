"""A roll call as a report: what the workbook and the paper say, in Vietnamese words. No IO."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from diemcau.access import Secrecy
from diemcau.clock import parse_rfc3339
from diemcau.meetings.rollcall.book import LEVELS
from diemcau.meetings.rollcall.entry import REASONS
from diemcau.meetings.rollcall.result import totals_of
from diemcau.units import Units

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")

LEVEL_WORDS: Final = {"nation": "Trung ương", "province": "Tỉnh", "district": "Huyện", "commune": "Xã"}
SAYS_WORDS: Final = {"present": "Có mặt", "absent": "Vắng mặt", None: "Chưa báo"}
REASON_WORDS: Final = {reason.code: reason.vi for reason in REASONS}
MARK_WORDS: Final[Mapping[Secrecy, str]] = {
    "none": "",
    "confidential": "MẬT",
    "secret": "TỐI MẬT",
    "top_secret": "TUYỆT MẬT",
}
CONTRADICTION_WORDS: Final = {
    "present_not_connected": "Báo có mặt, không kết nối",
    "absent_connected": "Báo vắng, đang kết nối",
    "sites_differ": "Các điểm cầu cùng đơn vị báo khác nhau",
    "confirmed_unsaid": "Đã xác nhận, còn điểm cầu chưa báo",
    "changed_after": "Sửa sau khi xác nhận",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One site, in words."""

    unit: str
    branch: str
    label: str
    path: str
    says: str
    reason: str
    head: str
    note: str
    phones: str
    connected: str
    share: str
    seen: str
    heard: str
    tested: str
    acknowledged: str
    contradictions: str
    by: str
    at: str
    missing: bool


@dataclass(frozen=True, slots=True)
class BranchLine:
    """One province: its sites by what was said, how many are connected, whether it has confirmed."""

    name: str
    of: int
    present: int
    absent: int
    unsaid: int
    connected: int
    contradictions: int
    confirmed: str


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that an export says. `secrecy`: the meeting's mark as documents bear it, "" for none."""

    meeting: str
    secrecy: str
    place: str
    number: int
    corrects: int | None
    sealed: bool
    opened: str
    closed: str
    made: str
    watched_since: str
    digest: str
    stream: str
    seq: int
    totals: Sequence[tuple[str, int, int, int]]
    branches: Sequence[BranchLine]
    confirmed: str
    lines: Sequence[Line]

    @property
    def summary(self) -> str:
        """ "63/63 · 702/705 · 8.991/9.043": present of all, by level from the top."""
        return " · ".join(f"{figure(present)}/{figure(of)}" for _, present, _, of in self.totals)

    @property
    def state(self) -> str:
        """Sealed when and by whom, or that it is not."""
        return f"Đã chốt {self.closed}" if self.sealed else f"CHƯA CHỐT, số liệu lúc {self.made}"


def figure(number: int) -> str:
    """8991 -> "8.991"."""
    return f"{number:,}".replace(",", ".")


def make(
    units: Units,
    call: Mapping[str, Any],
    title: str,
    secrecy: Secrecy,
    place: str,
    corrects: int | None,
    rows: Collection[Mapping[str, Any]],
    confirmed: Mapping[str, Mapping[str, Any]],
    phones: Mapping[str, Sequence[str]],
    watched_since: str,
    now: datetime,
) -> Report:
    """`call`, `rows`, `confirmed`: as the protocol writes them. `place`: whose rows these are, in words."""
    branches: dict[str, list[Mapping[str, Any]]] = {}
    for one in rows:
        branches.setdefault(str(one["branch"]), []).append(one)
    names = {code: units.get(code).title if code in units else code or "Khác" for code in branches}
    names[units.root.code] = LEVEL_WORDS["nation"]
    totals = [
        (
            LEVEL_WORDS[str(one["level"])],
            int(str(one["present"])),
            int(str(one["absent"])),
            int(str(one["of"])),
        )
        for one in totals_of(rows, LEVELS)
    ]
    below = [code for code in branches if code not in ("", units.root.code)]
    done = sum(code in confirmed for code in below)
    return Report(
        meeting=title,
        secrecy=MARK_WORDS[secrecy],
        place=place,
        number=int(call["number"]),
        corrects=corrects,
        sealed=call["status"] == "sealed",
        opened=f"{_time(call['opened_at'])}, {call['opened_by']}",
        closed="" if call["sealed_at"] is None else f"{_time(call['sealed_at'])}, {call['sealed_by']}",
        made=f"{now.astimezone(ZONE):%H:%M:%S %d/%m/%Y}",
        watched_since=_time(watched_since),
        digest=call["digest"] or "",
        stream=f"rollcall:{call['id']}",
        seq=int(call["seq"] or 0),
        totals=totals,
        branches=[_branch(names[code], found, confirmed.get(code)) for code, found in branches.items()],
        confirmed=f"{figure(done)}/{figure(len(below))}",
        lines=[_line(one, names[str(one["branch"])], phones.get(str(one["site"]), ())) for one in rows],
    )


def _branch(
    name: str, rows: Collection[Mapping[str, Any]], confirmed: Mapping[str, Any] | None
) -> BranchLine:
    says = [one["says"] for one in rows]
    return BranchLine(
        name,
        len(says),
        says.count("present"),
        says.count("absent"),
        says.count(None),
        sum(bool(one["connected"]) for one in rows),
        sum(bool(one["contradictions"]) for one in rows),
        "" if confirmed is None else f"{_time(confirmed['at'])}, {confirmed['by']}",
    )


def _line(row: Mapping[str, Any], branch: str, phones: Sequence[str]) -> Line:
    reason = REASON_WORDS.get(row["reason"] or "", row["reason"] or "")
    head = row["head"]
    named = "" if head is None else head["name"] + (f" ({head['title']})" if head["title"] else "")
    connected = "Không"
    if row["connected"]:
        connected = f"Có, từ {_time(row['since'])}"
    elif row["left_at"]:
        connected = f"Rời lúc {_time(row['left_at'])}"
    return Line(
        unit=row["unit"],
        branch=branch,
        label=row["label"],
        path=row["path"],
        says=SAYS_WORDS[row["says"]],
        reason=f"{reason}: {row['text']}" if reason and row["text"] else reason or row["text"],
        head=named,
        note=row["note"],
        phones=", ".join(phones),
        connected=connected,
        share=f"{round(row['share'] * 100)} %",
        seen=_time(row["seen_at"]),
        heard=_time(row["heard_at"]),
        tested=_time(row["tested_at"]),
        acknowledged=f"{row['answered']}/{row['got']}",
        contradictions="; ".join(CONTRADICTION_WORDS[one] for one in row["contradictions"]),
        by=row["by"],
        at=_time(row["at"]),
        missing=row["says"] != "present",
    )


def _time(at: str | None) -> str:
    return "" if at is None else f"{parse_rfc3339(at).astimezone(ZONE):%H:%M %d/%m/%Y}"
