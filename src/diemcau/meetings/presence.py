"""Presence in meetings: who is in, whose grace runs, and the news of it for operators. In memory."""

from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from typing import Final

from diemcau.bus import EPHEMERAL, Bus, Presence
from diemcau.errors import JsonObject
from diemcau.meetings.states import stream_of

FLUSH: Final = timedelta(milliseconds=200)
"""News of presence is gathered this long: ten thousand joins are a few messages."""

PAGE: Final = "page"
"""Holder of a site's place that is its page; encoders hold it by their connection's name."""


PRESENCE: Final = "presence:"
"""Bus topic `presence:meeting:<id>`, empty body: who is in the meeting has changed."""


class Attendance:
    """Joins, leaves, graces; what changed since the last flush."""

    def __init__(self, bus: Bus, grace: timedelta) -> None:
        self._bus = bus
        self._grace = grace
        self._presence = Presence()
        self._changed: dict[str, dict[str, bool]] = {}
        self._held_by: dict[str, set[str]] = {}  # site -> its page, its encoders

    def join(self, meeting: str, site: str) -> str | None:
        """Puts the site in; answers the other meeting that it was in before."""
        if site not in self._presence.members(meeting):
            self._note(meeting, site, True)
        left = self._presence.join(meeting, site)
        if left is not None:
            self._note(left, site, False)
        return left

    def leave(self, meeting: str, site: str) -> bool:
        """Takes the site out; whether it was in."""
        out = self._presence.leave(meeting, site)
        if out:
            self._note(meeting, site, False)
        return out

    def lost(self, site: str, now: datetime, by: str = PAGE) -> bool:
        """One of its connections broke; whether it was the last and the site is in a meeting."""
        holders = self._held_by.get(site, set())
        holders.discard(by)
        if holders:
            return False
        self._held_by.pop(site, None)
        return self._presence.lost(site, now + self._grace)

    def back(self, site: str, by: str = PAGE) -> str | None:
        """It is connected (again); the meeting it is still in."""
        self._held_by.setdefault(site, set()).add(by)
        return self._presence.back(site)

    def is_held(self, site: str) -> bool:
        """Whether any connection of the site stands."""
        return site in self._held_by

    def expired(self, now: datetime) -> list[tuple[str, str]]:
        """(meeting, site) of those whose grace is over: they are out."""
        gone = self._presence.expired(now)
        for meeting, site in gone:
            self._note(meeting, site, False)
        return gone

    def clear(self, meeting: str) -> None:
        """Everybody out: the meeting has ended."""
        for site in self._presence.clear(meeting):
            self._note(meeting, site, False)

    def members(self, meeting: str) -> AbstractSet[str]:
        """Who is in, those in their grace included: the live set."""
        return self._presence.members(meeting)

    def meeting_of(self, site: str) -> str | None:
        """Where the site is."""
        return self._presence.room_of(site)

    def next_due(self) -> datetime | None:
        """When the next grace is over, at the latest."""
        return self._presence.next_due()

    @property
    def has_news(self) -> bool:
        """Whether a flush would say anything."""
        return bool(self._changed)

    def flush(self) -> tuple[str, ...]:
        """Tells what changed, a message a meeting: `{"joined": [...], "left": [...]}`; answers which."""
        changed, self._changed = self._changed, {}
        for meeting, sites in changed.items():
            joined = [site for site, inside in sites.items() if inside]
            left = [site for site, inside in sites.items() if not inside]
            body: JsonObject = {"topic": "presence", "data": {"joined": joined, "left": left}}
            self._bus.publish(f"{EPHEMERAL}{stream_of(meeting)}", body)
            self._bus.publish(f"{PRESENCE}{stream_of(meeting)}", {})
        return tuple(changed)

    def _note(self, meeting: str, site: str, inside: bool) -> None:
        self._changed.setdefault(meeting, {})[site] = inside
