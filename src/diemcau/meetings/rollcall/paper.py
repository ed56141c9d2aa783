"""A roll call on paper, A4 as Nghị định 30/2020/NĐ-CP sets documents: what rollcall.typ is given."""

from pathlib import Path
from typing import Any, Final

from diemcau.meetings.rollcall.report import Line, Report, figure

TEMPLATE: Final = Path(__file__).with_name("rollcall.typ")


def data_of(report: Report) -> dict[str, Any]:
    """What is printed: words only."""
    return {
        "meeting": report.meeting,
        "secrecy": report.secrecy,
        "place": report.place,
        "number": str(report.number),
        "corrects": "" if report.corrects is None else str(report.corrects),
        "sealed": report.sealed,
        "state": report.state,
        "opened": report.opened,
        "summary": report.summary,
        "confirmed": report.confirmed,
        "watched": report.watched_since,
        "digest": report.digest,
        "log": f"{report.stream} #{report.seq}",
        "made": report.made,
        "totals": [
            [level, figure(of), figure(present), figure(absent), figure(of - present - absent)]
            for level, present, absent, of in report.totals
        ],
        "branches": [
            [
                one.name, figure(one.of), figure(one.present), figure(one.absent), figure(one.unsaid),
                figure(one.connected), one.confirmed,
            ]
            for one in report.branches
        ],
        "missed": figure(sum(one.missing for one in report.lines)),
        "missing": _by_branch(report),
        "contradictions": [
            [one.branch, one.label, one.says, one.connected, one.contradictions]
            for one in report.lines
            if one.contradictions
        ],
    }  # fmt: skip


def _by_branch(report: Report) -> list[tuple[str, list[list[str]]]]:
    found: dict[str, list[list[str]]] = {}
    for one in report.lines:
        if one.missing:
            found.setdefault(one.branch, []).append([_where(one), one.says, one.reason, one.phones])
    return list(found.items())


def _where(line: Line) -> str:
    """The label, with the district that tells communes of one name apart."""
    between = line.path.split(", ")[1:-1]
    return ", ".join([line.label, *between])
