"""When all will be ready, and when nothing can be said."""

from datetime import datetime, timedelta

import pytest

from diemcau.rollout.readiness import forecast
from diemcau.rollout.readiness.forecast import ZONE, after_work, working_s


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2021, 9, day, hour, minute, tzinfo=ZONE)


def steady(start: datetime, end: datetime, per_hour: int) -> list[datetime]:
    count = int((end - start).total_seconds() / 3600 * per_hour)
    return [start + timedelta(hours=(n + 1) / per_hour) for n in range(count)]


def test_at_a_steady_pace_the_range_is_a_point() -> None:
    found = forecast(steady(at(4, 8), at(4, 12), 60), 120, at(4, 12))
    assert found.kind == "range" and found.per_hour == pytest.approx(60)
    assert found.earliest == found.latest == at(4, 14)


def test_what_is_left_in_the_evening_goes_on_the_next_morning() -> None:
    found = forecast(steady(at(4, 13), at(4, 17), 60), 120, at(4, 17))
    assert found.latest == at(5, 8), "an hour today, an hour tomorrow from 07:00"
    night = forecast(steady(at(4, 14), at(4, 18), 60), 120, at(4, 23))
    assert night.latest == at(5, 9), "nobody works at night"


def test_a_pace_that_changed_gives_a_range() -> None:
    done = [*steady(at(4, 8), at(4, 11), 100), *steady(at(4, 11), at(4, 12), 50)]
    found = forecast(done, 100, at(4, 12))
    assert found.earliest is not None and found.latest is not None
    assert found.latest == at(4, 14) and at(4, 13) < found.earliest < at(4, 14)


def test_an_hour_that_stood_still_names_no_end() -> None:
    found = forecast(steady(at(4, 8), at(4, 11), 60), 100, at(4, 12))
    assert found.kind == "range" and found.latest is None and found.earliest is not None


@pytest.mark.parametrize(
    ("done", "remaining", "kind"),
    [
        ([], 100, "unknown"),
        (steady(at(4, 8), at(4, 12), 4), 100, "unknown"),  # 16 in four hours
        (steady(at(4, 11, 50), at(4, 12), 600), 100, "unknown"),  # ten minutes are no pace
        (steady(at(1, 8), at(1, 12), 60), 100, "unknown"),  # days ago
        ([at(4, 13)] * 50, 100, "unknown"),  # clocks that are wrong
        ([], 0, "done"),
        (steady(at(4, 8), at(4, 12), 6), 9000, "far"),
    ],
)
def test_too_little_too_late_and_too_far_are_said(done: list[datetime], remaining: int, kind: str) -> None:
    found = forecast(done, remaining, at(4, 12))
    assert found.kind == kind and found.latest is None


def test_working_time_is_counted_from_seven_to_six() -> None:
    assert working_s(at(4, 6), at(4, 8)) == 3600
    assert working_s(at(4, 17), at(5, 8)) == 7200
    assert working_s(at(4, 19), at(5, 6)) == 0
    assert after_work(at(4, 19), 60) == at(5, 7, 1)
    assert after_work(at(4, 8), 10**9) is None
