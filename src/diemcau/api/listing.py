"""A meeting as lists show it."""

from typing import Any

from diemcau.meetings import MeetingSummary
from diemcau.units import Level, Units


def listed(units: Units, summary: MeetingSummary) -> dict[str, Any]:
    """`Meeting` of docs/protocol.md: with the highest level of its scope, and that unit in words."""
    order = list(Level)
    known = [units.get(entry.unit) for entry in summary.scope if entry.unit in units]
    top = min(known, key=lambda unit: order.index(unit.level), default=None)
    code = summary.scope[0].unit if top is None else top.code
    return {
        **summary.to_json(),
        "level": Level.COMMUNE.value if top is None else top.level.value,
        "place": {"unit": code, "label": code if top is None else top.label},
    }
