"""A letter to many, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row as DbRow

from diemcau.rollout.readiness import Cause, Row
from diemcau.rollout.waves.audience import Channel, Kind
from diemcau.rollout.waves.letter import Words

STATES: Final = ("queued", "sending", "sent", "failed", "skipped", "uncertain")
TOLD: Final = ("queued", "sending", "sent", "uncertain")
"""States of a message that is not begun anew: who is in one has got it, will get it, or may have."""


@dataclass(frozen=True, slots=True)
class Sending:
    """A letter to many. `counts`: messages by state. `error`: what keeps it, or stopped it."""

    id: str
    wave: str
    kind: Kind
    channel: Channel
    occasion: str
    words: Words
    causes: tuple[Cause, ...]
    per_minute: int
    state: str
    error: str | None
    created_at: datetime
    created_by: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Message:
    """One letter to one site; `label`, `path`, `phones` are the site's."""

    site: str
    label: str
    path: str
    phones: tuple[str, ...]
    state: str
    address: str | None
    error: str | None
    detail: str | None
    tries: int
    at: datetime


def sending_of(row: DbRow[Any], counts: Mapping[str, int]) -> Sending:
    """The sending of a row."""
    words = Words(row.subject, row.body, row.base, row.hotline, row.link, row.days)
    return Sending(
        row.id,
        row.wave,
        row.kind,
        row.channel,
        row.occasion,
        words,
        tuple(row.causes),
        row.per_minute,
        row.state,
        row.error,
        row.created_at,
        row.created_by,
        {state: counts.get(state, 0) for state in STATES},
    )


def message_of(row: DbRow[Any], site: Row) -> Message:
    """The message of a row, with its site's names."""
    one = site.site
    return Message(
        row.site,
        one.label,
        one.path,
        one.phones,
        row.state,
        row.address,
        row.error,
        row.detail,
        row.tries,
        row.at,
    )
