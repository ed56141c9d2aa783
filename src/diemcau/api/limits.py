"""Rate limits: token buckets, bounded in number."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from diemcau.access import Actor
from diemcau.errors import TooManyRequests


class RateLimit:
    """At most `burst` at once and `rate` a second for each key; at most `keys` keys are remembered.

    The key that was seen longest ago is forgotten first, so a flood of keys costs memory for `keys` of them.
    """

    def __init__(self, rate: float, burst: int, now: Callable[[], float], *, keys: int = 50_000) -> None:
        self.rate, self.burst, self.keys = rate, burst, keys
        self._now = now
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> None:
        """One more. Raises TooManyRequests with the seconds to wait."""
        now = self._now()
        tokens, since = self._buckets.pop(key, (float(self.burst), now))
        tokens = min(self.burst, tokens + (now - since) * self.rate)
        if tokens < 1:
            self._buckets[key] = (tokens, now)
            raise TooManyRequests(None, retry_after=max(1, math.ceil((1 - tokens) / self.rate)))
        self._buckets[key] = (tokens - 1, now)
        if len(self._buckets) > self.keys:
            self._buckets.popitem(last=False)


class CommandLimits:
    """How often an asker may command, by whichever door: an event goes to every page of the meeting.

    Sites are thousands and each does little; an operator works a meeting by hand. What is posted stays in the
    log for good, so sites post still more rarely. The system is whoever stands at the console: not limited.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._sites = RateLimit(1, 20, now)
        self._people = RateLimit(10, 50, now)
        self._posts = RateLimit(1 / 3, 5, now)
        self._receipts = RateLimit(2, 20, now)

    def take(self, actor: Actor, kind: str) -> None:
        """One command of the actor's. Raises TooManyRequests."""
        if actor.kind == "person":
            self._people.take(actor.key)
        elif actor.kind == "site":
            if kind == "message.got":
                # The page says it by itself, for up to 100 messages at once: that must neither keep a clerk
                # from raising his hand nor wait for it.
                self._receipts.take(actor.key)
                return
            # First the narrower: who is refused here can still raise a hand.
            if kind == "message.post":
                self._posts.take(actor.key)
            self._sites.take(actor.key)
