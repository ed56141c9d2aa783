"""Surprise calls and inspections: a site is called, seen, and what was found is followed. See
docs/inspections.md."""

from diemcau.inspections.asked import Asked, day, days
from diemcau.inspections.calls import CALLS
from diemcau.inspections.commands import CALL_PREFIX, CALL_TYPES, parse_call
from diemcau.inspections.coverage import Seen
from diemcau.inspections.export import write_xlsx
from diemcau.inspections.finding import Finding, NewFinding
from diemcau.inspections.service import InspectionPolicy, Inspections

__all__ = [
    "CALLS",
    "CALL_PREFIX",
    "CALL_TYPES",
    "Asked",
    "Finding",
    "InspectionPolicy",
    "Inspections",
    "NewFinding",
    "Seen",
    "day",
    "days",
    "parse_call",
    "write_xlsx",
]
