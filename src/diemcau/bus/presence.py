"""Who is where: members in rooms, in memory, gone with the process. Time is an argument.

A member is in one room at most. One that loses its connection keeps its place until its grace is over.
"""

import heapq
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Final

_NOBODY: Final[frozenset[str]] = frozenset()


class Presence:
    """Members, their room, and the graces that run."""

    def __init__(self) -> None:
        self._rooms: dict[str, set[str]] = {}
        self._room_of: dict[str, str] = {}
        self._graces: dict[str, datetime] = {}
        self._due: list[tuple[datetime, str]] = []

    def join(self, room: str, member: str) -> str | None:
        """Puts the member into the room; answers the room it was in before, None when it was in this or
        none."""
        self._graces.pop(member, None)
        before = self._room_of.get(member)
        if before == room:
            return None
        if before is not None:
            self._take_out(before, member)
        self._room_of[member] = room
        self._rooms.setdefault(room, set()).add(member)
        return before

    def leave(self, room: str, member: str) -> bool:
        """Takes the member out; whether it was in."""
        if self._room_of.get(member) != room:
            return False
        del self._room_of[member]
        self._graces.pop(member, None)
        self._take_out(room, member)
        return True

    def lost(self, member: str, until: datetime) -> bool:
        """Its connection broke: it stays until then. Whether it was anywhere."""
        if member not in self._room_of:
            return False
        self._graces[member] = until
        heapq.heappush(self._due, (until, member))
        if len(self._due) > 2 * len(self._graces) + 64:
            # Members that came back leave their entries behind: rebuilt before they outnumber the live ones.
            self._due = sorted((at, who) for who, at in self._graces.items())
        return True

    def back(self, member: str) -> str | None:
        """It is connected again; the room it is still in."""
        self._graces.pop(member, None)
        return self._room_of.get(member)

    def expired(self, now: datetime) -> list[tuple[str, str]]:
        """(room, member) of the graces that are over; they are out when this returns."""
        found: list[tuple[str, str]] = []
        while self._due and self._due[0][0] <= now:
            at, member = heapq.heappop(self._due)
            if self._graces.get(member) == at:
                room = self._room_of[member]
                self.leave(room, member)
                found.append((room, member))
        return found

    def next_due(self) -> datetime | None:
        """When the next grace is over (or was given back)."""
        return self._due[0][0] if self._due else None

    def members(self, room: str) -> AbstractSet[str]:
        """Who is in the room; do not change it, it is the live set."""
        return self._rooms.get(room, _NOBODY)

    def room_of(self, member: str) -> str | None:
        """Where the member is."""
        return self._room_of.get(member)

    def connected(self, member: str) -> bool:
        """Whether it is in a room and no grace runs."""
        return member in self._room_of and member not in self._graces

    def clear(self, room: str) -> list[str]:
        """Everybody out of the room; who was in."""
        out = sorted(self._rooms.get(room, ()))
        for member in out:
            self.leave(room, member)
        return out

    def _take_out(self, room: str, member: str) -> None:
        members = self._rooms[room]
        members.discard(member)
        if not members:
            del self._rooms[room]
