"""A call as a value, and what may follow what; no IO."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from diemcau.clock import rfc3339
from diemcau.errors import JsonValue, WrongState
from diemcau.sites import Answer, Site

CallState: TypeAlias = Literal[
    "ringing", "calling", "warm", "live", "no_answer", "offline", "busy", "ended", "interrupted"
]
"""`ringing`: until somebody at the post presses the button. `calling`: answered, its picture is not there
yet. `warm`: it is ready and shown to nobody. `live`: its picture is there. The others are over."""

OVER: Final[frozenset[CallState]] = frozenset({"no_answer", "offline", "busy", "ended", "interrupted"})
UNTAKEN: Final[frozenset[CallState]] = frozenset({"no_answer", "offline", "busy"})
"""Over without having been seen: the desk is offered the phones and the level above."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, as the site is told."""

    id: str
    name: str
    title: str | None

    def to_json(self) -> dict[str, JsonValue]:
        """`{"id", "name", "title"}`."""
        return {"id": self.id, "name": self.name, "title": self.title}


@dataclass(frozen=True, slots=True)
class Step:
    """A site of a level above that can be called instead."""

    site: str
    label: str
    path: str
    online: bool

    def to_json(self) -> dict[str, JsonValue]:
        """`{"site", "label", "path", "online"}`."""
        return {"site": self.site, "label": self.label, "path": self.path, "online": self.online}


@dataclass(frozen=True, slots=True)
class Phoned:
    """A phone of the site that was called instead: the `phone`-th of its list."""

    phone: int
    reached: bool
    at: datetime

    def to_json(self) -> dict[str, JsonValue]:
        """`{"phone", "reached", "at"}`."""
        return {"phone": self.phone, "reached": self.reached, "at": rfc3339(self.at)}


@dataclass(slots=True)
class Call:
    """One call. `entered`: it brought the site into the meeting, so that its end takes it out again.
    `came_from`: the meeting that it called it out of, and that the site goes back to. `where`, `whence`: the
    title of the meeting that calls, and over what it is called. `aimed`: whether it goes on to the preview,
    or waits (`warm`) until it is its turn."""

    id: str
    meeting: str
    site: Site
    by: Caller
    at: datetime
    answer: Answer
    state: CallState
    aimed: bool = True
    entered: bool = False
    came_from: str | None = None
    whence: Mapping[str, JsonValue] | None = None
    where: str = ""
    answered_at: datetime | None = None
    live_at: datetime | None = None
    ended_at: datetime | None = None
    why: str | None = None
    after: str | None = None
    draw: str | None = None
    phoned: list[Phoned] = field(default_factory=list)
    above: tuple[Step, ...] = ()
    pictured: bool = False

    @property
    def is_over(self) -> bool:
        """Whether nothing more comes of it."""
        return self.state in OVER

    def take(self, at: datetime) -> None:
        """Somebody at the post, or the site by itself, has answered. Raises WrongState."""
        if self.state != "ringing":
            raise WrongState("The call is not ringing (any more).", call=self.id)
        self.state, self.answered_at = "calling", at

    def show(self, at: datetime) -> bool:
        """Its picture is there; whether that is news."""
        state: CallState = "live" if self.aimed else "warm"
        if self.state not in ("calling", "warm") or self.state == state:
            return False
        self.state = state
        self.live_at = self.live_at or at
        return True

    def over(self, state: CallState, at: datetime, why: str | None = None) -> None:
        """It ends so."""
        self.state, self.ended_at, self.why = state, at, why

    def to_json(self) -> dict[str, Any]:
        """`Call` of docs/protocol.md, for desks."""
        return {
            "id": self.id,
            "site": self.site.id,
            "label": self.site.label,
            "path": self.site.path,
            "state": self.state,
            "answer": self.answer,
            "by": self.by.to_json(),
            "at": rfc3339(self.at),
            "answered_at": _instant(self.answered_at),
            "live_at": _instant(self.live_at),
            "ended_at": _instant(self.ended_at),
            "why": self.why,
            "after": self.after,
            "phones": list(self.site.phones) if self.state in UNTAKEN else [],
            "phoned": [one.to_json() for one in self.phoned],
            "above": [one.to_json() for one in self.above],
        }

    def told(self) -> dict[str, Any]:
        """What the called site is told (`You.call`)."""
        return {
            "id": self.id,
            "state": self.state,
            "by": self.by.to_json(),
            "at": rfc3339(self.at),
            "where": self.where,
            "whence": None if self.whence is None else dict(self.whence),
            "out": self.came_from is not None,
        }


def first_state(*, online: bool, free: bool, answer: Answer) -> CallState:
    """How a call begins. `free`: not in another call, nor in a meeting that the caller may not call it out
    of."""
    if not online:
        return "offline"
    if not free:
        return "busy"
    return "calling" if answer == "auto" else "ringing"


def _instant(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)
