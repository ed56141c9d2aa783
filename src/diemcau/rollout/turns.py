"""Whose turn it is to send (a self-test, a rehearsal's sentence): so many at once, the others in the order in
which they came. Time is an argument.

Thousands of posts come on the same morning. Each sends pictures like a meeting's, so few do at a time, each
for a bounded time, and who waits is told his place. Who does not ask any more is forgotten.
"""

from collections import OrderedDict, deque
from dataclasses import dataclass
from typing import Final

from diemcau.errors import Busy

AT_ONCE: Final = 64
"""Tests that may run at once. One sends some 1.2 Mbit/s and gets 2.5: 160 Mbit/s out of the node."""

AT_ONCE_BESIDE: Final = 8
"""The same while a meeting is open: a test must not take from it."""

LASTS_S: Final = 60.0
"""Seconds after which a test is ended, finished or not."""

GRACE_S: Final = 20.0
"""Who waits and has not asked so long after he should have has gone."""

SELDOM_S: Final = 90
"""Seconds after which who waits longest asks again: ten thousand that ask are then 110 requests a second."""

WAITING: Final = 20_000
"""Sites that may wait; beyond it: busy."""

_USUAL_S: Final = 20.0
_RECENT: Final = 64


@dataclass(frozen=True, slots=True)
class Turn:
    """`running`: it may measure, for `seconds` more. Else it waits at `place` (1: the next) of `of`, about
    `seconds` long, and asks again in `again`."""

    running: bool
    place: int
    of: int
    seconds: int
    again: int


class Turns:
    """Those whose turn it is and those who wait, by site. `lasts_s`: after so long a turn is over; `usual_s`:
    how long one takes, as long as none has ended."""

    def __init__(
        self, at_once: int = AT_ONCE, *, lasts_s: float = LASTS_S, usual_s: float = _USUAL_S
    ) -> None:
        self.at_once, self.lasts_s, self._usual_s = at_once, lasts_s, usual_s
        self._running: dict[str, float] = {}  # site -> since
        self._waiting: OrderedDict[str, tuple[int, float]] = OrderedDict()  # site -> number, until when
        self._numbers = 0
        self._took: deque[float] = deque(maxlen=_RECENT)

    @property
    def running(self) -> int:
        """Tests that run."""
        return len(self._running)

    @property
    def waiting(self) -> int:
        """Sites that wait."""
        return len(self._waiting)

    def is_running(self, site: str) -> bool:
        """Whether the site's test runs."""
        return site in self._running

    def ask(self, site: str, now: float) -> Turn:
        """The site's turn; asking again keeps its place. Raises Busy when too many wait."""
        if site not in self._running:
            self._forget(now)
            before = self._waiting.get(site)
            if before is None:
                if len(self._waiting) >= WAITING:
                    raise Busy("Too many wait for their self-test", retry_after=60)
                self._numbers += 1
            number = self._numbers if before is None else before[0]
            self._waiting[site] = (number, now + GRACE_S)
            if self._place(site) > self.at_once - len(self._running):
                turn = self._wait(site)
                self._waiting[site] = (number, now + turn.again + GRACE_S)
                return turn
            del self._waiting[site]
            self._running[site] = now
        left = max(0.0, self._running[site] + self.lasts_s - now)
        return Turn(True, 0, len(self._waiting), int(left), 0)

    def end(self, site: str, now: float) -> bool:
        """The test is over, or the site waits no longer; whether it ran."""
        self._waiting.pop(site, None)
        since = self._running.pop(site, None)
        if since is None:
            return False
        self._took.append(min(self.lasts_s, now - since))
        return True

    def overdue(self, now: float) -> list[str]:
        """Sites whose time is over; their tests are still running until `end`."""
        return [site for site, since in self._running.items() if now - since >= self.lasts_s]

    def _forget(self, now: float) -> None:
        """Those at the head of the queue who have gone: behind them they do no harm yet."""
        while self._waiting:
            site, (_, until) = next(iter(self._waiting.items()))
            if now <= until:
                return
            del self._waiting[site]

    def _place(self, site: str) -> int:
        """1 for the next. Those who went away in the middle count until they are at the head."""
        first, _ = next(iter(self._waiting.values()))
        return self._waiting[site][0] - first + 1

    def _wait(self, site: str) -> Turn:
        place = self._place(site)
        usual = sum(self._took) / len(self._took) if self._took else self._usual_s
        seconds = max(1, round(place / max(1, self.at_once) * usual))
        # The next ones ask often, so that no place stands empty; the others seldom, for they are thousands.
        again = 2 if place <= self.at_once else min(SELDOM_S, max(3, seconds // 3))
        return Turn(False, place, len(self._waiting), seconds, again)
