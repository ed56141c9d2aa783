"""What a crowd need not hear at once: it waits, and leaves in one write with what is urgent, or with a beat.

Telling ten thousand pages costs nearly half a second of processor, almost all of it for ten thousand writes.
A hand somewhere, the line-up, or who has sound now is not worth that; but what is an event must come, in
order and without a gap, and of the rest the latest.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from diemcau.store import Event

if TYPE_CHECKING:
    from diemcau.api.live.connection import Connection
    from diemcau.api.live.following import Follow

FEW: Final = 500
"""Followers who are told everything at once; of more, only the desks and those whom it concerns are."""

TELL_S: Final = 40e-6
TELL_SHARE: Final = 0.05
"""Processor seconds that a message to one client costs, about, and the share of a core that telling a crowd
what is not urgent may take."""

UNHURRIED: Final = frozenset(
    {
        "hand_raised",
        "hand_lowered",
        "hand_forwarded",
        "hand_recalled",
        "hand_moved",
        "stage_previewed",
        "stage_lined_up",
    }
)
"""Events that a site waits for, unless it is the one of which they tell."""

PICTURED: Final = frozenset({"stage_cut"})
"""Events that tell a crowd of a picture: it is told behind it. Told before, the processor that ten thousand
words take would be the picture's, which came half a second later for it."""

PICTURE_S: Final = 1.0
"""Longest wait for it: the slot is told as shown when its last line has changed over, and a speaker who sees
something else instead may wait for a camera of two pictures a second."""

FLEETING: Final = frozenset({"speaking", "stage"})
"""Topics of which a crowd is told the latest, when something else leaves."""


_SLOTS: Final = ("slots", "before")


def concerns(connection: "Connection", event: Event) -> bool:
    """Whether the client hears at once of an event that waits for others: desks and the sites it is about."""
    site, data = connection.site, event.data
    if site is None or data.get("site") == site:
        return True
    slots = (data.get(of) for of in _SLOTS)
    return any(site in some for some in slots if isinstance(some, list | tuple))


@dataclass(slots=True)
class Waiting:
    """Of one stream. `events`: time, seq and text; `latest`: number, data and text by topic."""

    events: deque[tuple[float, int, str]] = field(default_factory=deque)
    latest: dict[str, tuple[int, Any, str]] = field(default_factory=dict)
    timer: asyncio.TimerHandle | None = None
    picture: asyncio.TimerHandle | None = None


class Crowd:
    """What waits for the sites that follow a stream. `flush` is called with one whose crowd is to be told
    before its beats: because it is small enough, or because the picture is there."""

    def __init__(self, beat_s: float, flush: Callable[[str], None]) -> None:
        self._beat_s, self._flush = beat_s, flush
        self._streams: dict[str, Waiting] = {}
        self.number = 0
        """Of the newest fleeting message: a new follower has been told everything up to it."""

    def hold(self, stream: str, seq: int, text: str, followers: int) -> None:
        """An event that waits."""
        self._of(stream, followers).events.append((self._now(), seq, text))

    def hold_for_picture(self, stream: str, seq: int, text: str, followers: int) -> None:
        """An event that waits for `pictured`."""
        self.hold(stream, seq, text, followers)
        waiting = self._streams[stream]
        if waiting.picture is None:
            loop = asyncio.get_running_loop()
            waiting.picture = loop.call_later(PICTURE_S, self.pictured, stream)

    def pictured(self, stream: str) -> None:
        """The picture has reached the viewers."""
        waiting = self._streams.get(stream)
        if waiting is not None and waiting.picture is not None:
            waiting.picture.cancel()
            waiting.picture = None
            self._flush(stream)

    def hold_latest(self, stream: str, topic: str, data: Any, text: str, followers: int) -> None:
        """A fleeting message that waits instead of the one before."""
        self.number += 1
        self._of(stream, followers).latest[topic] = (self.number, data, text)

    def catch_up(self, connection: "Connection", follow: "Follow") -> None:
        """Gives the client what waits for it; something else is about to leave for it."""
        waiting = self._streams.get(follow.stream)
        if waiting is None or connection.site is None:
            return
        if waiting.events:
            had = follow.last
            if had is None:  # being brought up: what it has put aside counts
                had = follow.pending[-1][0] if follow.pending else 0
            for _, seq, text in waiting.events:
                if seq > had:
                    connection.following.deliver(follow, seq, text)
        if follow.fleeting < self.number:
            for topic, (number, data, text) in waiting.latest.items():
                if number > follow.fleeting:
                    connection.following.deliver_ephemeral(follow, topic, data, text)
            follow.fleeting = self.number

    def mark(self, stream: str) -> tuple[int, int]:
        """What waits now, for `told`."""
        waiting = self._streams.get(stream)
        last = waiting.events[-1][1] if waiting is not None and waiting.events else 0
        return last, self.number

    def told(self, stream: str, mark: tuple[int, int]) -> None:
        """Everybody who follows the stream has caught up with what waited then."""
        waiting = self._streams.get(stream)
        if waiting is None:
            return
        while waiting.events and waiting.events[0][1] <= mark[0]:
            waiting.events.popleft()
        waiting.latest = {topic: one for topic, one in waiting.latest.items() if one[0] > mark[1]}

    def forget(self, stream: str) -> None:
        """Nobody follows it any more."""
        waiting = self._streams.pop(stream, None)
        for timer in () if waiting is None else (waiting.timer, waiting.picture):
            if timer is not None:
                timer.cancel()

    def tidy(self) -> None:
        """Events that every client has had with a beat are let go of."""
        before = self._now() - 2 * self._beat_s
        for waiting in self._streams.values():
            while waiting.events and waiting.events[0][0] < before:
                waiting.events.popleft()

    def _of(self, stream: str, followers: int) -> Waiting:
        waiting = self._streams.setdefault(stream, Waiting())
        pause = followers * TELL_S / TELL_SHARE
        if waiting.timer is None and pause < self._beat_s:
            waiting.timer = asyncio.get_running_loop().call_later(pause, self._due, stream)
        return waiting

    def _due(self, stream: str) -> None:
        self._streams[stream].timer = None
        self._flush(stream)

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
