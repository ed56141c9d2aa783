"""The state of one meeting, built from its events alone."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, TypeAlias

from diemcau.sites.site import ScopeEntry

Status: TypeAlias = Literal["scheduled", "open", "ended"]
Codec: TypeAlias = Literal["h264", "vp8"]
Mic: TypeAlias = Literal["open", "off", "muted"]
Slots: TypeAlias = tuple[str | None, ...]


@dataclass(frozen=True, slots=True)
class SiteName:
    """How a site is named in the state and in events."""

    label: str
    unit: str
    path: str


@dataclass(slots=True)
class Speaker:
    """A site that has the floor."""

    since: datetime
    mic: Mic = "open"


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote a message."""

    kind: str
    id: str
    name: str


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A message. `number` counts the meeting's messages from 1. `to`: "all", "desk" or a site's id."""

    number: int
    id: str
    at: datetime
    sender: Sender
    to: str
    text: str


@dataclass(slots=True)
class Meeting:
    """Everything the events say. `hands` and `speakers` in the order in which they came."""

    id: str
    title: str
    codec: Codec
    scope: tuple[ScopeEntry, ...]
    chair_site: str | None
    created_at: datetime
    invited: int
    seq: int = 0
    status: Status = "scheduled"
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    on_air: Slots = (None,)
    preview: Slots = (None,)
    before: Slots = (None,)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    hands: dict[str, datetime] = field(default_factory=dict)
    chair_mic: Literal["open", "off"] = "off"
    messages: list[TextMessage] = field(default_factory=list)
    names: dict[str, SiteName] = field(default_factory=dict)
