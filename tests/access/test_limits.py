"""Token buckets and lockouts with a clock that is an argument."""

from datetime import UTC, datetime, timedelta

import pytest

from diemcau.access import Lockout, RateLimiter, network_of
from diemcau.errors import TooManyRequests

NOW = datetime(2021, 9, 5, tzinfo=UTC)


def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    limiter = RateLimiter(burst=3, per_second=0.5)
    for _ in range(3):
        limiter.take("a", NOW)
    with pytest.raises(TooManyRequests) as refused:
        limiter.take("a", NOW)
    assert refused.value.retry_after == 2
    limiter.take("b", NOW)
    limiter.take("a", NOW + timedelta(seconds=2))
    with pytest.raises(TooManyRequests):
        limiter.take("a", NOW + timedelta(seconds=2))
    assert limiter.refused == 2


def test_a_clock_that_goes_back_gives_nothing() -> None:
    limiter = RateLimiter(burst=1, per_second=1)
    limiter.take("a", NOW)
    with pytest.raises(TooManyRequests):
        limiter.take("a", NOW - timedelta(hours=1))


def test_tables_are_bounded_and_forget_the_longest_unused() -> None:
    limiter = RateLimiter(burst=1, per_second=0.001, keys=100)
    lockout = Lockout(limit=1, period=timedelta(minutes=1), keys=100)
    for number in range(1000):
        limiter.take(f"{number}", NOW)
        lockout.failed(f"{number}", NOW)
    assert len(limiter) == len(lockout) == 100
    with pytest.raises(TooManyRequests):
        limiter.take("999", NOW)
    with pytest.raises(TooManyRequests):
        lockout.check("999", NOW)
    limiter.take("0", NOW)
    lockout.check("0", NOW)


def test_a_lockout_counts_failures_of_one_period() -> None:
    lockout = Lockout(limit=3, period=timedelta(minutes=10))
    for minute in (0, 5, 11):
        lockout.failed("a", NOW + timedelta(minutes=minute))
        lockout.check("a", NOW + timedelta(minutes=minute))
    for minute in (12, 13):
        lockout.failed("a", NOW + timedelta(minutes=minute))
    with pytest.raises(TooManyRequests) as locked:
        lockout.check("a", NOW + timedelta(minutes=13))
    assert locked.value.retry_after == 600
    lockout.check("a", NOW + timedelta(minutes=23))
    lockout.failed("a", NOW + timedelta(minutes=23))
    lockout.succeeded("a")
    assert len(lockout) == 0


@pytest.mark.parametrize(
    ("address", "key"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:DB8:0:1::", "2001:db8:0:1::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        ("2001:db8:0:1::/64", "2001:db8:0:1::/64"),
        ("?", "?"),
        ("", ""),
    ],
)
def test_an_address_is_limited_with_what_one_machine_can_change(address: str, key: str) -> None:
    assert network_of(address) == key
