"""Surprise calls and inspections: a site is called, seen, and what was found is followed. See
docs/inspections.md."""

from diemcau.inspections.calls import CALLS
from diemcau.inspections.commands import CALL_PREFIX, CALL_TYPES, parse_call
from diemcau.inspections.service import InspectionPolicy, Inspections

__all__ = ["CALLS", "CALL_PREFIX", "CALL_TYPES", "InspectionPolicy", "Inspections", "parse_call"]
