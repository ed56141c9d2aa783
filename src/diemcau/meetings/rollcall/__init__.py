"""Roll call by tree: what people say of each site, what the house knows, sealed. See docs/rollcall.md."""

from diemcau.meetings.rollcall.commands import COMMAND_TYPES, RollCommand, parse
from diemcau.meetings.rollcall.errors import (
    EntryConflict,
    RollCallNotFound,
    RollCallOpen,
    RollCallSealed,
)
from diemcau.meetings.rollcall.service import RollCalls

__all__ = [
    "COMMAND_TYPES",
    "EntryConflict",
    "RollCallNotFound",
    "RollCallOpen",
    "RollCallSealed",
    "RollCalls",
    "RollCommand",
    "parse",
]
