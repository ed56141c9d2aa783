"""What the house itself knows of a site in a meeting: connected, seen, heard, acknowledged. In memory.

Everything has the time at which it was known: a page shows no evidence without its age. `since` says from
when on the house has looked: after a restart it knows nothing of before, and says so.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from diemcau.clock import rfc3339
from diemcau.errors import JsonValue

AGAIN: Final = timedelta(seconds=30)
"""What is seen or heard all the time is told anew this often."""

HEARD_DBOV: Final = -60
"""A microphone above this is heard; a silent room lies lower."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Of one site at one moment. `since`: when it came in, if it is in; `share`: of the time that the house
    has looked, 0 to 1. `seen`: its picture or video arrived. `heard`: its voice did. `tested`: it passed a
    self-test. `got`, `answered`: messages of this meeting that its page has, that somebody there answered."""

    connected: bool = False
    since: datetime | None = None
    left: datetime | None = None
    share: float = 0.0
    seen: datetime | None = None
    heard: datetime | None = None
    tested: datetime | None = None
    got: int = 0
    answered: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """As the protocol writes it."""
        return {
            "connected": self.connected,
            "since": _at(self.since),
            "left_at": _at(self.left),
            "share": round(self.share, 3),
            "seen_at": _at(self.seen),
            "heard_at": _at(self.heard),
            "tested_at": _at(self.tested),
            "got": self.got,
            "answered": self.answered,
        }


def _at(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


@dataclass(slots=True)
class _Sight:
    since: datetime | None = None
    left: datetime | None = None
    total: timedelta = timedelta()
    seen: datetime | None = None
    heard: datetime | None = None
    live: bool = False


@dataclass(slots=True)
class Witness:
    """What was seen of the sites of one meeting since `since`. Every call that changes evidence answers the
    sites of which something new is to be told."""

    since: datetime
    ended: datetime | None = None
    _sights: dict[str, _Sight] = field(default_factory=dict)

    def came(self, sites: Iterable[str], now: datetime) -> list[str]:
        """They are in the meeting."""
        found = []
        for site in sites:
            sight = self._sight(site)
            if sight.since is None and self.ended is None:
                sight.since, sight.left = now, None
                found.append(site)
        return found

    def went(self, sites: Iterable[str], now: datetime) -> list[str]:
        """They are out of it; everybody is when a meeting ends, and that is nobody's absence."""
        found = []
        for site in sites:
            sight = self._sights.get(site)
            if sight is not None and sight.since is not None and self.ended is None:
                sight.total += max(now - max(sight.since, self.since), timedelta())
                sight.since, sight.left = None, now
                found.append(site)
        return found

    def saw(self, site: str, now: datetime) -> bool:
        """Its picture came; whether that is worth telling."""
        sight = self._sight(site)
        new = sight.seen is None or now - sight.seen >= AGAIN
        sight.seen = now
        return new

    def live(self, sites: Collection[str], now: datetime) -> list[str]:
        """The video of exactly these arrives."""
        found = []
        for site in sites:
            sight = self._sight(site)
            if not sight.live:
                sight.live = True
                found.append(site)
            sight.seen = now
        here = set(sites)
        for site, sight in self._sights.items():
            if sight.live and site not in here:
                sight.live, sight.seen = False, now
                found.append(site)
        return found

    def hears(self, levels: Iterable[tuple[str, float]], now: datetime) -> list[str]:
        """Levels of microphones, dBov."""
        found = []
        for site, level in levels:
            if level >= HEARD_DBOV:
                sight = self._sight(site)
                if sight.heard is None or now - sight.heard >= AGAIN:
                    found.append(site)
                sight.heard = now
        return found

    def open(self, now: datetime) -> None:
        """The meeting has begun: shares are of its time."""
        self.since = now
        for sight in self._sights.values():
            sight.total = timedelta()

    def end(self, now: datetime) -> None:
        """The meeting has ended: what is known stays as it was."""
        if self.ended is None:
            self.ended = now

    def of(
        self, site: str, now: datetime, tested: datetime | None = None, acks: tuple[int, int] = (0, 0)
    ) -> Evidence:
        """What is known of the site."""
        sight = self._sights.get(site)
        if sight is None:
            return Evidence(tested=tested, got=acks[0], answered=acks[1])
        until = self.ended or now
        total = sight.total
        if sight.since is not None:
            total += max(until - max(sight.since, self.since), timedelta())
        looked = until - self.since
        share = min(1.0, total / looked) if looked > timedelta() else float(sight.since is not None)
        seen = until if sight.live else sight.seen
        return Evidence(
            sight.since is not None,
            sight.since,
            sight.left,
            max(0.0, share),
            seen,
            sight.heard,
            tested,
            *acks,
        )

    def is_in(self, site: str) -> bool:
        """Whether it is in the meeting, or was when that ended."""
        sight = self._sights.get(site)
        return sight is not None and sight.since is not None

    def inside(self) -> list[str]:
        """Who is in the meeting, or was when that ended."""
        return [site for site, sight in self._sights.items() if sight.since is not None]

    def _sight(self, site: str) -> _Sight:
        found = self._sights.get(site)
        if found is None:
            found = self._sights[site] = _Sight()
        return found
