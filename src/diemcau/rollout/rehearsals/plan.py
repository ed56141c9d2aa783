"""How long a rehearsal will take: pure."""

from typing import Final

from diemcau.rollout.rehearsals.rounds import LONGEST_S, SHORTEST_S
from diemcau.rollout.rehearsals.walk import HITS
from diemcau.rollout.turns import AT_ONCE

ARRIVE_S: Final = 60.0
"""Seconds in which those who are there come in."""

SPEAK_S: Final = 12.0
"""Seconds that a turn to speak takes, about: the connection, a sentence, a look each second."""

MOST_MINUTES: Final = 240


def expected_s(sites: int, at_once: int = AT_ONCE) -> float:
    """Seconds until everybody who is there and whole is through, about."""
    rounds = (HITS + 1.5) * (SHORTEST_S + LONGEST_S) / 2
    return ARRIVE_S + rounds + SPEAK_S * max(1.0, sites / at_once)


def minutes_for(sites: int) -> int:
    """How long a rehearsal is held open where nobody says otherwise: twice as long, at least ten minutes, for
    those who come late or mend something."""
    return min(MOST_MINUTES, max(10, round(2 * expected_s(sites) / 60)))
