"""Rate limits and lockouts, in memory, bounded: the longest unused key is forgotten first. Time is an
argument."""

import ipaddress
import math
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

from diemcau.errors import TooManyRequests


def network_of(address: str) -> str:
    """Under which key an address is limited: IPv4 whole, IPv6 by its /64, which one machine has to itself.

    IPv4 inside IPv6 (::ffff:192.0.2.1, from a socket for both) is that IPv4. What is no address stays.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((int(parsed) >> 64 << 64, 64)))


@dataclass(slots=True)
class _Bucket:
    tokens: float
    at: datetime


class RateLimiter:
    """A token bucket a key: `burst` at once, then `per_second`."""

    def __init__(self, *, burst: int, per_second: float, keys: int = 20_000) -> None:
        self._burst = burst
        self._rate = per_second
        self._keys = keys
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._buckets)

    def take(self, key: str, now: datetime) -> None:
        """Takes one token. Raises TooManyRequests with the seconds until the next."""
        bucket = self._buckets.pop(key, None) or _Bucket(self._burst, now)
        self._buckets[key] = bucket
        if len(self._buckets) > self._keys:
            self._buckets.popitem(last=False)
        passed = max(0.0, (now - bucket.at).total_seconds())
        bucket.tokens = min(self._burst, bucket.tokens + passed * self._rate)
        bucket.at = now
        if bucket.tokens < 1:
            self.refused += 1
            raise TooManyRequests(retry_after=max(1, math.ceil((1 - bucket.tokens) / self._rate)))
        bucket.tokens -= 1


@dataclass(slots=True)
class _Failures:
    count: int
    until: datetime


class Lockout:
    """Shuts a key out for `period` once it has failed `limit` times within one period."""

    def __init__(self, *, limit: int, period: timedelta, keys: int = 20_000) -> None:
        self._limit = limit
        self._period = period
        self._keys = keys
        self._failures: OrderedDict[str, _Failures] = OrderedDict()
        self.refused = 0

    def __len__(self) -> int:
        return len(self._failures)

    def check(self, key: str, now: datetime) -> None:
        """Raises TooManyRequests while the key is shut out."""
        found = self._failures.get(key)
        if found is None:
            return
        if now >= found.until:
            del self._failures[key]
        elif found.count >= self._limit:
            self.refused += 1
            seconds = math.ceil((found.until - now).total_seconds())
            raise TooManyRequests("Too many wrong attempts: wait.", retry_after=max(1, seconds))

    def failed(self, key: str, now: datetime) -> None:
        """Counts a failure; the period begins with the first and again with the one that shuts out."""
        found = self._failures.pop(key, None)
        if found is None or now >= found.until:
            found = _Failures(0, now + self._period)
        found.count += 1
        if found.count >= self._limit:
            found.until = now + self._period
        self._failures[key] = found
        if len(self._failures) > self._keys:
            self._failures.popitem(last=False)

    def succeeded(self, key: str) -> None:
        """Forgets the key's failures."""
        self._failures.pop(key, None)
