"""Rehearsals: a machine walks every site through connect, see, hear, speak. See docs/rehearsals.md."""

from diemcau.rollout.rehearsals.board import Seat, SeatFilter, Tally
from diemcau.rollout.rehearsals.results import Rehearsal
from diemcau.rollout.rehearsals.run import Answer
from diemcau.rollout.rehearsals.scope import Scope
from diemcau.rollout.rehearsals.service import Board, NewRehearsal, Preview, Rehearsals
from diemcau.rollout.rehearsals.walk import Step

__all__ = [
    "Answer",
    "Board",
    "NewRehearsal",
    "Preview",
    "Rehearsal",
    "Rehearsals",
    "Scope",
    "Seat",
    "SeatFilter",
    "Step",
    "Tally",
]
