"""When all will be ready, from the measured pace: a range, or that nothing can be said. Pure.

People work from 07:00 to 18:00, every day of the week while a country is being connected. Pace is counted in
that time: over the last hour of it and over the last four; the faster and the slower of the two are the
range.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Final, Literal

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject

ZONE: Final = timezone(timedelta(hours=7), "Asia/Ho_Chi_Minh")
FROM_H: Final = 7
TO_H: Final = 18
ENOUGH: Final = 20
"""Sites that must have become ready in the last four hours of work; with fewer, a pace is an accident."""

FAR: Final = timedelta(days=60)
"""Beyond it nobody should believe a date."""

_HOUR: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Forecast:
    """`done`: all are. `unknown`: not enough data. `far`: at this pace in more than 60 days. `range`: between
    `earliest` and `latest` (None: the last hour stood still, so no end can be named)."""

    kind: Literal["done", "unknown", "far", "range"]
    remaining: int
    per_hour: float | None = None
    earliest: datetime | None = None
    latest: datetime | None = None

    def to_json(self) -> JsonObject:
        """As the API says it."""
        return {
            "kind": self.kind,
            "remaining": self.remaining,
            "per_hour": None if self.per_hour is None else round(self.per_hour, 1),
            "earliest": None if self.earliest is None else rfc3339(self.earliest),
            "latest": None if self.latest is None else rfc3339(self.latest),
        }


def forecast(done: Sequence[datetime], remaining: int, now: datetime) -> Forecast:
    """`done`: when each site that is ready became so, in any order; `remaining`: how many are not."""
    if remaining <= 0:
        return Forecast("done", 0)
    lately, long = _before(now, _HOUR), _before(now, 4 * _HOUR)
    within = [at for at in done if long < at <= now]
    if len(within) < ENOUGH:
        return Forecast("unknown", remaining)
    count, worked = len(within), 4 * _HOUR
    if min(done) > long:  # it began since: what came after the first, in the time since the first
        count, worked = count - 1, working_s(min(within), now)
    if worked < _HOUR / 2:
        return Forecast("unknown", remaining)
    long_pace = count / worked
    # An hour that is not over yet since the beginning has no pace of its own.
    pace = sum(at > lately for at in within) / _HOUR if worked >= _HOUR else long_pace
    paces, per_hour = (pace, long_pace), long_pace * _HOUR
    earliest = after_work(now, remaining / max(paces))
    if earliest is None:
        return Forecast("far", remaining, per_hour)
    latest = after_work(now, remaining / min(paces)) if min(paces) > 0 else None
    return Forecast("range", remaining, per_hour, earliest, latest)


def working_s(start: datetime, end: datetime) -> float:
    """Seconds of working time between two instants."""
    total, day = 0.0, _midnight(start)
    while day < end:
        opens, closes = day + timedelta(hours=FROM_H), day + timedelta(hours=TO_H)
        total += max(0.0, (min(end, closes) - max(start, opens)).total_seconds())
        day += timedelta(days=1)
    return total


def after_work(start: datetime, seconds: float) -> datetime | None:
    """When so much working time has passed after `start`; None beyond `FAR`."""
    day, left = _midnight(start), seconds
    while day - start <= FAR:
        opens, closes = day + timedelta(hours=FROM_H), day + timedelta(hours=TO_H)
        begin = max(start, opens)
        if begin < closes:
            if left <= (span := (closes - begin).total_seconds()):
                return begin + timedelta(seconds=left)
            left -= span
        day += timedelta(days=1)
    return None


def _before(end: datetime, seconds: float) -> datetime:
    """The instant since which so much working time has passed."""
    day, left = _midnight(end), seconds
    while True:
        opens, closes = day + timedelta(hours=FROM_H), day + timedelta(hours=TO_H)
        stop = min(end, closes)
        if stop > opens:
            if left <= (span := (stop - opens).total_seconds()):
                return stop - timedelta(seconds=left)
            left -= span
        day -= timedelta(days=1)


def _midnight(at: datetime) -> datetime:
    return at.astimezone(ZONE).replace(hour=0, minute=0, second=0, microsecond=0)
