"""What the machine shows and plays, round after round, and whether what a page says it saw or heard is true.
Time is an argument.

A page is believed for what only somebody who decodes can know: from which picture to which it changed. The
number is in the picture alone; nothing that the server says tells it.
"""

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from diemcau.rollout.rehearsals.source import PICTURES

Sense: TypeAlias = Literal["saw", "heard"]
Verdict: TypeAlias = Literal["hit", "near", "late", "wrong"]
"""`near`: what is shown now, after one round missed; `late`: true once, no more."""

SHORTEST_S: Final = 4.5
LONGEST_S: Final = 7.5
"""Seconds between two changes, evenly drawn: nobody can tell beforehand when."""

LATE_S: Final = 2.5
"""Seconds after the next change in which an answer still counts: it was under way."""

KEPT: Final = 8
MISSED: Final = 4
"""Rounds that are remembered, and that an honest page may have missed."""


@dataclass(frozen=True, slots=True)
class Round:
    """From `at` on. `number` counts from 1."""

    number: int
    picture: int
    note: int
    at: float

    def shows(self, sense: Sense) -> int:
        """The number of the picture, or of the note."""
        return self.picture if sense == "saw" else self.note


class Rounds:
    """The last rounds of one rehearsal."""

    def __init__(self, chance: random.Random | None = None) -> None:
        self._chance = chance or random.SystemRandom()
        self._rounds: deque[Round] = deque(maxlen=KEPT)
        self.next_at = 0.0

    @property
    def now(self) -> Round | None:
        """The round that is shown."""
        return self._rounds[-1] if self._rounds else None

    def due(self, now: float) -> bool:
        """Whether it is time for the next."""
        return now >= self.next_at

    def turn(self, now: float) -> Round:
        """The next round: another picture, and a note unlike the last two."""
        before = list(self._rounds)
        made = Round(
            1 if not before else before[-1].number + 1,
            self._other([one.picture for one in before[-1:]]),
            self._other([one.note for one in before[-2:]]),
            now,
        )
        self._rounds.append(made)
        self.next_at = now + self._chance.uniform(SHORTEST_S, LONGEST_S)
        return made

    def judge(self, sense: Sense, before: int, after: int, now: float) -> tuple[Verdict, int]:
        """What an answer is worth, and the number of the round that it answers (0: none)."""
        rounds = list(self._rounds)
        if len(rounds) < 2:  # a server that began anew knows nothing of the picture before
            return "late", 0
        for place in range(len(rounds) - 1, 0, -1):
            this, earlier = rounds[place], rounds[:place]
            if this.shows(sense) != after:
                continue
            last = place == len(rounds) - 1
            if earlier[-1].shows(sense) == before:
                fresh = last or (place == len(rounds) - 2 and now - rounds[-1].at <= LATE_S)
                return ("hit" if fresh else "late"), this.number
            if last and any(one.shows(sense) == before for one in earlier[-MISSED:]):
                return "near", this.number
        return "wrong", 0

    def _other(self, than: Sequence[int]) -> int:
        return self._chance.choice([number for number in range(PICTURES) if number not in than])
