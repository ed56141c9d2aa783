"""The way in: a crowd is let in as fast as the server can, in the order in which it came.

When ten thousand pages come at once (a meeting begins, a server or media node is back), doing them all at
once would make everybody wait as long as the last one, and time out. So few are on their way in at a time;
the next one starts when one is through. How fast that goes is not set anywhere: it is what the machine does.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from diemcau.errors import Busy, DiemCauError

AT_ONCE: Final = 256
"""Parties on their way in. With round trips of 100 ms and a busy loop's turns a way in takes 0.5 to 1 s, so
this many keep a server busy that can do 300 a second (with 128 a quarter of it was idle); more would only
make each slower."""

AT_LEAST: Final = 4
"""Parties that are let in at once however slow the server has become."""

SLOW_S: Final = 1.5
"""Seconds after which an answer of the media node says that too many are coming in."""

LONG_S: Final = 2.5
"""Seconds from its turn to its viewer after which a party's way in says the same: four round trips, and what
the server, the node and the party's own machine add."""

HOLD_S: Final = 10.0
"""Seconds that a party's turn lasts: a page that opens no viewer (any more) must not stand in the door."""

WAITING: Final = 20_000
"""Parties that may wait; beyond it the door says `busy`."""

_RECENT: Final = 64


class Queued(DiemCauError):
    """It is not this party's turn. Details: `place`, `retry_after`, whole seconds (header Retry-After)."""

    code = "queued"
    status = 503
    default = "Many are coming in: wait for your turn."


@dataclass(slots=True, eq=False)
class Ticket:
    """One party's place. `tell`: called once, when its turn comes while it was waiting."""

    party: str
    since: float
    number: int = 0
    admitted: bool = False
    admitted_at: float = 0.0
    tell: Callable[[], None] | None = None
    timer: asyncio.TimerHandle | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ticket stands: 0 is in, 1 the next. `of`: how many wait; `seconds`: until its turn, about."""

    place: int
    of: int
    seconds: int


class Admission:
    """Tickets by party, in the order of asking; who must not wait (the chair's site, who is on the stage) is
    let in at once.

    `waited` is told the seconds that each party waited.
    """

    def __init__(
        self, waited: Callable[[float], None], *, at_once: int = AT_ONCE, hold_s: float = HOLD_S
    ) -> None:
        self._waited = waited
        self._at_once, self._hold_s = at_once, hold_s
        self._window = float(at_once)
        self._narrowed = float("-inf")
        self._tickets: dict[str, Ticket] = {}
        self._queue: OrderedDict[str, Ticket] = OrderedDict()
        self._inside = 0
        self._numbers = 0
        self._lately: deque[float] = deque(maxlen=_RECENT)
        self.admitted = 0

    @property
    def waiting(self) -> int:
        """Parties in the queue."""
        return len(self._queue)

    @property
    def inside(self) -> int:
        """Parties on their way in."""
        return self._inside

    def ask(self, party: str, *, ahead: bool = False) -> Ticket:
        """The party's ticket: the one it has, else a new one, admitted already when there is room or it goes
        `ahead`. Raises Busy when too many wait."""
        found = self._tickets.get(party)
        if found is not None:
            if ahead and not found.admitted:
                del self._queue[party]
                self._admit(found)
            return found
        if len(self._queue) >= WAITING and not ahead:
            raise Busy
        ticket = Ticket(party, self._now())
        self._tickets[party] = ticket
        if ahead or (not self._queue and self._inside < self.window):
            self._admit(ticket)
        else:
            self._numbers += 1
            ticket.number = self._numbers
            self._queue[party] = ticket
        return ticket

    def place(self, ticket: Ticket) -> Place:
        """Where it stands now. Parties that went away while they waited count until they are passed."""
        if ticket.admitted or not self._queue:
            return Place(0, len(self._queue), 0)
        first = next(iter(self._queue.values()))
        place = ticket.number - first.number + 1
        span = self._now() - self._lately[0] if self._lately else 0.0
        rate = len(self._lately) / span if span > 0 else 0.0
        return Place(place, len(self._queue), min(600, round(place / rate)) if rate else 1)

    def done(self, party: str) -> None:
        """The party is through, or has gone: the next one's turn. Fine when it has no ticket."""
        ticket = self._tickets.pop(party, None)
        if ticket is None:
            return
        if not ticket.admitted:
            del self._queue[party]
            return
        if ticket.timer is not None:
            ticket.timer.cancel()
        self._inside -= 1
        self._next()

    @property
    def window(self) -> int:
        """Parties that may be on their way in now."""
        return int(self._window)

    def answered(self, party: str, seconds: float) -> None:
        """A party was opened its viewer, or refused for want of an answer, after so long: where that or its
        whole way in is too long half as many come in, at most halved once in that time; otherwise a few more.
        """
        now = self._now()
        ticket = self._tickets.get(party)
        inside = now - ticket.admitted_at if ticket is not None and ticket.admitted else 0.0
        if seconds <= SLOW_S and inside <= LONG_S:
            self._window = min(float(self._at_once), self._window + 0.25)
        elif now - self._narrowed >= SLOW_S:
            self._narrowed = now
            self._window = max(float(min(AT_LEAST, self._at_once)), self._window / 2)

    def leave(self, ticket: Ticket) -> None:
        """`done`, of this ticket only: the party may hold a newer one."""
        if self.holds(ticket):
            self.done(ticket.party)

    def holds(self, ticket: Ticket) -> bool:
        """Whether the ticket counts (still)."""
        return self._tickets.get(ticket.party) is ticket

    def _next(self) -> None:
        while self._queue and self._inside < self.window:
            _, ticket = self._queue.popitem(last=False)
            self._admit(ticket)

    def _admit(self, ticket: Ticket) -> None:
        now = self._now()
        ticket.admitted = True
        ticket.admitted_at = now
        self._inside += 1
        self.admitted += 1
        self._lately.append(now)
        self._waited(now - ticket.since)
        ticket.timer = asyncio.get_running_loop().call_later(self._hold_s, self.leave, ticket)
        tell, ticket.tell = ticket.tell, None
        if tell is not None:
            tell()

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
