"""One private word as a value, and the rule of who hears whom in it. No IO."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2s
from typing import Final, Literal, TypeAlias

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject, JsonValue
from diemcau.meetings import Mic
from diemcau.sites import Site
from diemcau.stage import PRIVATE_PREFIX

Why: TypeAlias = Literal["ended", "site", "operator", "operator_left", "site_left", "meeting_ended"]
"""Why it ended: by who opened it, by the site, by another operator, or by one of them having gone."""

PREFIX: Final = PRIVATE_PREFIX
"""Begins the names of programs and connections of talkbacks at the node."""

MAX_NAME: Final = 64


@dataclass(frozen=True, slots=True)
class Party:
    """The person who opened it."""

    id: str
    name: str
    title: str | None

    def to_json(self) -> JsonObject:
        """`{"id", "name", "title"}`."""
        return {"id": self.id, "name": self.name, "title": self.title}


@dataclass(slots=True, eq=False)
class Talk:
    """`speaks`: the operator is heard by the site; `answers`: the site by the operator; `muted`: he does not
    want to hear it; `tapped`: what the site answered without a voice, and when."""

    id: str
    meeting: str
    site: Site
    by: Party
    since: datetime
    speaks: bool = False
    answers: bool = False
    muted: bool = False
    tapped: tuple[bool, datetime] | None = None

    def is_by(self, meeting: str, person: str) -> bool:
        """Whether this person has it open in the meeting."""
        return (self.meeting, self.by.id) == (meeting, person)

    def told(self, together: bool) -> JsonObject:
        """As the site is told of it (`You.talks`)."""
        return {
            "id": self.id,
            "by": self.by.to_json(),
            "since": rfc3339(self.since),
            "speaks": self.speaks,
            "answers": self.answers,
            "together": together,
            "clear": None if self.tapped is None else self.tapped[0],
        }

    def to_json(self, together: bool, *, hears: bool, sends: bool) -> JsonObject:
        """As desks are told of it. `hears`: the site's loudspeaker is connected; `sends`: the operator's
        microphone reaches the node."""
        tapped: JsonValue = None
        if self.tapped is not None:
            tapped = {"clear": self.tapped[0], "at": rfc3339(self.tapped[1])}
        return {
            "id": self.id,
            "site": self.site.id,
            "label": self.site.label,
            "path": self.site.path,
            "by": self.by.to_json(),
            "since": rfc3339(self.since),
            "speaks": self.speaks,
            "answers": self.answers,
            "muted": self.muted,
            "together": together,
            "hears": hears,
            "sends": sends,
            "tapped": tapped,
        }


def ear(meeting: str, party: str) -> str:
    """Name of the program that one end listens to; nobody else is given it."""
    name = f"{PREFIX}{meeting}/{party}"
    if len(name) <= MAX_NAME:
        return name
    return f"{PREFIX}{meeting}/{blake2s(party.encode(), digest_size=12).hexdigest()}"


def ears(
    talks: Iterable[Talk],
    together: Iterable[tuple[str, str]],
    voices: Mapping[tuple[str, str], str],
    mics: Mapping[tuple[str, str], Mic],
) -> dict[str, list[str]]:
    """The microphones that each end hears, by program.

    `together`: (meeting, person) whose sites hear each other. `voices`: (meeting, site or person) -> the
    audio track that it sends. `mics`: (meeting, site) -> its microphone as the meeting has it: a site that
    the whole meeting hears answers nobody in private.
    """
    grouped = set(together)
    found: dict[str, set[str]] = {}

    def open_to(meeting: str, listener: str, speaker: str, on: bool) -> None:
        mics_of = found.setdefault(ear(meeting, listener), set())
        track = voices.get((meeting, speaker))
        if on and track is not None:
            mics_of.add(track)

    known = list(talks)
    for talk in known:
        answers = talk.answers and mics.get((talk.meeting, talk.site.id)) != "open"
        open_to(talk.meeting, talk.site.id, talk.by.id, talk.speaks)
        open_to(talk.meeting, talk.by.id, talk.site.id, answers and not talk.muted)
        if (talk.meeting, talk.by.id) not in grouped:
            continue
        for other in known:
            if other is not talk and (other.meeting, other.by.id) == (talk.meeting, talk.by.id):
                open_to(talk.meeting, other.site.id, talk.site.id, answers)
    return {name: sorted(tracks) for name, tracks in found.items()}
