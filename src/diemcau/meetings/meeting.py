"""The state of one meeting, built from its events alone.

A `Meeting` is changed only by `apply`, and only by who made or cloned it; what others hold never changes.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias

from diemcau.access import Secrecy
from diemcau.clock import parse_rfc3339, rfc3339
from diemcau.errors import JsonValue
from diemcau.meetings.layouts import Look, Slots, sites_in
from diemcau.meetings.order import (
    Forwarded,
    Hand,
    LastMute,
    Order,
    hand_of,
    hand_row,
    items_of,
    listed_of,
    order_of,
)
from diemcau.meetings.staging import Staging
from diemcau.sites import ScopeEntry
from diemcau.store import Event

Status: TypeAlias = Literal["scheduled", "open", "ended"]
Codec: TypeAlias = Literal["h264", "vp8"]
Kind: TypeAlias = Literal["meeting", "rehearsal", "centre"]
Mic: TypeAlias = Literal["open", "off", "muted"]

KEPT_MESSAGES: Final = 200
"""The state holds the messages of the last 200 numbers; all of them are in the log."""


@dataclass(frozen=True, slots=True)
class SiteName:
    """How a site is named in the state and in events."""

    label: str
    unit: str
    path: str

    def to_json(self) -> dict[str, JsonValue]:
        """`{"label", "unit", "path"}`."""
        return {"label": self.label, "unit": self.unit, "path": self.path}


@dataclass(frozen=True, slots=True)
class Asked:
    """A speaker was asked to turn its microphone on; what it answered."""

    at: datetime
    answer: Literal["yes", "no"] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """`{"at", "answer"}`."""
        return {"at": rfc3339(self.at), "answer": self.answer}


@dataclass(frozen=True, slots=True)
class Speaker:
    """A site that has the floor. The chair's site speaks by `chair_mic`; its `mic` here follows it. `until`:
    when its time is over; None: it has no limit."""

    since: datetime
    mic: Mic = "open"
    until: datetime | None = None
    asked: Asked | None = None


@dataclass(frozen=True, slots=True)
class Away:
    """A site that was called out of the meeting and comes back. `by`: `{"name", "title"}` of who called;
    `whence`: `{"unit", "label"}`, over what he called."""

    since: datetime
    by: Mapping[str, JsonValue]
    whence: Mapping[str, JsonValue]

    def to_json(self) -> dict[str, JsonValue]:
        """`{"since", "by", "whence"}`."""
        return {"since": rfc3339(self.since), "by": dict(self.by), "whence": dict(self.whence)}


@dataclass(frozen=True, slots=True)
class Direction:
    """Somebody with a wider right directs instead of the meeting's own. `by`: `{"id", "name", "title"}`."""

    since: datetime
    by: Mapping[str, JsonValue]
    whence: Mapping[str, JsonValue]

    @property
    def person(self) -> str:
        """His id."""
        return str(self.by["id"])

    def to_json(self) -> dict[str, JsonValue]:
        """`{"since", "by", "whence"}`."""
        return {"since": rfc3339(self.since), "by": dict(self.by), "whence": dict(self.whence)}


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote a message. `kind`: "person", "site", "system"."""

    kind: str
    id: str
    name: str

    def to_json(self) -> dict[str, JsonValue]:
        """`{"kind", "id", "name"}`."""
        return {"kind": self.kind, "id": self.id, "name": self.name}


@dataclass(frozen=True, slots=True)
class TextMessage:
    """A message. `n` counts the meeting's messages from 1. `to`: "all", "desk" or a site's id. `ask`: the
    sites that it is for shall answer (receipts.py)."""

    n: int
    id: str
    at: datetime
    sender: Sender
    to: str
    text: str
    ask: bool = False

    def to_json(self) -> dict[str, JsonValue]:
        """As `MeetingState` has it."""
        return {
            "n": self.n,
            "id": self.id,
            "at": rfc3339(self.at),
            "from": self.sender.to_json(),
            "to": self.to,
            "text": self.text,
            "ask": self.ask,
        }


@dataclass(slots=True)
class Meeting:
    """Everything the events say. `hands` and `speakers` in the order in which they came. `kind`: sites of a
    command "centre" come when they are called, all others by themselves; a machine leads a "rehearsal".
    `led_by`: the key of the person who directed last, whoever took over left aside."""

    id: str
    title: str
    codec: Codec
    scope: tuple[ScopeEntry, ...]
    chair_site: str | None
    created_at: datetime
    invited: int
    seq: int = 0
    kind: Kind = "meeting"
    status: Status = "scheduled"
    opened_at: datetime | None = None
    ended_at: datetime | None = None
    on_air: Slots = (None,)
    preview: Slots = (None,)
    before: Slots = (None,)
    line_up: tuple[str, ...] = ()
    staging: Staging = field(default_factory=Staging)
    speakers: dict[str, Speaker] = field(default_factory=dict)
    hands: dict[str, Hand] = field(default_factory=dict)
    chair_mic: Literal["open", "off"] = "off"
    message_count: int = 0
    messages: list[TextMessage] = field(default_factory=list)
    names: dict[str, SiteName] = field(default_factory=dict)
    order: Order = field(default_factory=Order)
    secrecy: Secrecy = "none"
    away: dict[str, Away] = field(default_factory=dict)
    direction: Direction | None = None
    led_by: str | None = None

    @property
    def may_record(self) -> bool:
        """Whether the meeting may be recorded at all."""
        return self.secrecy == "none"

    @property
    def stream(self) -> str:
        """Where its events are."""
        return f"meeting:{self.id}"

    def mic_of(self, site: str) -> Mic:
        """The site's microphone as the meeting has it; "off" for one that does not speak."""
        if site == self.chair_site:
            return self.chair_mic
        speaker = self.speakers.get(site)
        return "off" if speaker is None else speaker.mic

    def open_mics(self) -> tuple[str, ...]:
        """Sites that the meeting hears: the chair's first, then in the order of the floor."""
        chair = (self.chair_site,) if self.chair_site is not None and self.chair_mic == "open" else ()
        speakers = (site for site in self.speakers if site != self.chair_site and self.mic_of(site) == "open")
        return (*chair, *speakers)

    @property
    def on_air_look(self) -> Look:
        """What is on air."""
        return Look(self.staging.on_air, self.on_air)

    @property
    def preview_look(self) -> Look:
        """What is on preview."""
        return Look(self.staging.preview, self.preview)

    def staged(self) -> list[str]:
        """Every site in a slot: on air, on preview, before (some twice)."""
        return sites_in((*self.on_air, *self.preview, *self.before))

    def mentioned(self) -> Iterator[str]:
        """Every site that the state mentions (some twice)."""
        if self.chair_site is not None:
            yield self.chair_site
        yield from self.staged()
        yield from self.line_up
        yield from self.speakers
        yield from self.hands
        yield from self.order.mentioned()
        yield from self.away
        for message in self.messages:
            if message.sender.kind == "site":
                yield message.sender.id
            if message.to not in ("all", "desk"):
                yield message.to

    def named(self, sites: Iterable[str]) -> dict[str, JsonValue]:
        """`names` of an event's data, of sites that the state knows."""
        return {site: self.names[site].to_json() for site in sites if site in self.names}

    def clone(self) -> "Meeting":
        """A copy that can be changed on its own; names that nothing mentions stay behind."""
        return replace(
            self,
            staging=self.staging.among(self.staged()),
            speakers=dict(self.speakers),
            hands=dict(self.hands),
            away=dict(self.away),
            messages=list(self.messages),
            names={site: self.names[site] for site in self.mentioned() if site in self.names},
        )

    @staticmethod
    def created(event: Event) -> "Meeting":
        """The meeting of its first event."""
        return _created(event)

    def apply(self, event: Event) -> None:
        """Takes the next event in. Raises ValueError for one that is not the next."""
        if event.seq != self.seq + 1:
            raise ValueError(f"event {event.seq} after {self.seq} of {self.stream}")
        # The log is our own writing: shapes are as the rules made them.
        data: Any = event.data
        for site, name in data.get("names", {}).items():
            self.names[site] = SiteName(**name)
        if (change := _CHANGES.get(event.type)) is not None:
            change(self, event, data)
        if event.type in _LEADING and event.actor.startswith("person:") and self.direction is None:
            self.led_by = event.actor
        self.staging = self.staging.after(event)
        self.seq = event.seq


def _opened(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.status = "open"
    meeting.opened_at = event.at


def _ended(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.status = "ended"
    meeting.ended_at = event.at
    meeting.speakers.clear()
    meeting.hands.clear()
    meeting.order = replace(meeting.order, listed=(), last_mute=None)
    meeting.away.clear()
    meeting.direction = None
    meeting.chair_mic = "off"
    meeting.on_air = meeting.preview = meeting.before = (None,)
    meeting.line_up = ()


def _invited(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.invited = data["invited"]


def _hand_raised(meeting: Meeting, event: Event, data: Any) -> None:
    # Logs from before there were queues name no branch: those hands went straight to the centre.
    meeting.hands[data["site"]] = Hand(event.at, float(event.seq), data.get("branch"))


def _hand_lowered(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.hands.pop(data["site"], None)


def _hand_forwarded(meeting: Meeting, event: Event, data: Any) -> None:
    sent = Forwarded(event.at, data["note"], data["by"])
    meeting.hands[data["site"]] = replace(meeting.hands[data["site"]], forwarded=sent)


def _hand_recalled(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.hands[data["site"]] = replace(meeting.hands[data["site"]], forwarded=None)


def _hand_moved(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.hands[data["site"]] = replace(meeting.hands[data["site"]], rank=data["rank"])


def _floor_given(meeting: Meeting, event: Event, data: Any) -> None:
    site = data["site"]
    meeting.hands.pop(site, None)
    meeting.order = meeting.order.without(site).changed_since_mute(site)
    meeting.speakers[site] = Speaker(event.at, until=_parse(data.get("until")))
    _set_mic(meeting, site, "open")


def _floor_extended(meeting: Meeting, event: Event, data: Any) -> None:
    site = data["site"]
    meeting.speakers[site] = replace(meeting.speakers[site], until=parse_rfc3339(data["until"]))


def _floor_ended(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.speakers.pop(data["site"], None)
    meeting.order = meeting.order.changed_since_mute(data["site"])


def _rules_set(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.order = replace(meeting.order, minutes=data["minutes"], auto_end=data["auto_end"])


def _list_set(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.order = replace(meeting.order, listed=listed_of(data["entries"]))


def _agenda_set(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.order = replace(meeting.order, agenda=items_of(data["items"]), agenda_version=data["version"])


def _mic_set(meeting: Meeting, event: Event, data: Any) -> None:
    site = data["site"]
    _set_mic(meeting, site, "open" if data["on"] else "off")
    speaker = meeting.speakers.get(site)
    if data["on"] and speaker is not None and speaker.asked is not None and speaker.asked.answer is None:
        meeting.speakers[site] = replace(speaker, asked=replace(speaker.asked, answer="yes"))


def _muted(meeting: Meeting, event: Event, data: Any) -> None:
    for site in data["sites"]:
        _set_mic(meeting, site, "off" if site == meeting.chair_site else "muted")
    if data.get("many"):
        sites = tuple(data["sites"])
        last = LastMute(event.seq, data["unit"], len(sites), sites, data["by"], event.at)
        meeting.order = replace(meeting.order, last_mute=last)


def _unmuted(meeting: Meeting, event: Event, data: Any) -> None:
    _set_mic(meeting, data["site"], "open")
    meeting.order = meeting.order.changed_since_mute(data["site"])


def _unmute_asked(meeting: Meeting, event: Event, data: Any) -> None:
    site = data["site"]
    meeting.speakers[site] = replace(meeting.speakers[site], asked=Asked(event.at))


def _unmute_answered(meeting: Meeting, event: Event, data: Any) -> None:
    site = data["site"]
    asked = meeting.speakers[site].asked or Asked(event.at)
    answered = replace(asked, answer="yes" if data["yes"] else "no")
    meeting.speakers[site] = replace(meeting.speakers[site], asked=answered)


def _set_mic(meeting: Meeting, site: str, mic: Mic) -> None:
    if site == meeting.chair_site and mic != "muted":
        meeting.chair_mic = mic
    if (speaker := meeting.speakers.get(site)) is not None:
        meeting.speakers[site] = replace(speaker, mic=mic)


def _previewed(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.preview = tuple(data["slots"])
    _leave_line_up(meeting, meeting.preview)


def _cut(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.on_air = tuple(data["slots"])
    meeting.before = tuple(data["before"])
    _leave_line_up(meeting, meeting.on_air)


def _lined_up(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.line_up = tuple(data["sites"])


def _leave_line_up(meeting: Meeting, slots: Slots) -> None:
    meeting.line_up = tuple(site for site in meeting.line_up if site not in slots)


def _posted(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.message_count = data["n"]
    sender = Sender(**data["from"])
    ask = data.get("ask", False)  # logs from before there were answers do not say
    meeting.messages.append(
        TextMessage(data["n"], data["id"], event.at, sender, data["to"], data["text"], ask)
    )
    if len(meeting.messages) > KEPT_MESSAGES:
        del meeting.messages[0]


def _secrecy_raised(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.secrecy = data["secrecy"]


def _called_out(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.away[data["site"]] = Away(event.at, data["by"], data["whence"])


def _returned(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.away.pop(data["site"], None)


def _direction_taken(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.direction = Direction(event.at, data["by"], data["whence"])


def _direction_returned(meeting: Meeting, event: Event, data: Any) -> None:
    meeting.direction = None


def _created(event: Event) -> Meeting:
    data: Any = event.data
    chair = data["chair_site"]
    return Meeting(
        event.stream.removeprefix("meeting:"),
        data["title"],
        data["codec"],
        tuple(ScopeEntry(entry["unit"], tuple(entry["levels"])) for entry in data["scope"]),
        chair,
        event.at,
        data["invited"],
        seq=event.seq,
        kind=data.get("kind", "meeting"),  # older logs do not say
        on_air=(chair,),
        names={site: SiteName(**name) for site, name in data["names"].items()},
        secrecy=data.get("secrecy", "none"),
        led_by=event.actor if event.actor.startswith("person:") else None,
    )


_LEADING: Final = frozenset(
    {"meeting_opened", "floor_given", "floor_ended", "muted", "unmuted", "stage_previewed", "stage_cut"}
)
"""Events whose person directs the meeting."""

_CHANGES: Final = {
    "meeting_opened": _opened,
    "meeting_ended": _ended,
    "sites_invited": _invited,
    "hand_raised": _hand_raised,
    "hand_lowered": _hand_lowered,
    "hand_forwarded": _hand_forwarded,
    "hand_recalled": _hand_recalled,
    "hand_moved": _hand_moved,
    "floor_given": _floor_given,
    "floor_extended": _floor_extended,
    "floor_ended": _floor_ended,
    "floor_rules_set": _rules_set,
    "list_set": _list_set,
    "agenda_set": _agenda_set,
    "unmute_asked": _unmute_asked,
    "unmute_answered": _unmute_answered,
    "mic_set": _mic_set,
    "muted": _muted,
    "unmuted": _unmuted,
    "stage_previewed": _previewed,
    "stage_cut": _cut,
    "stage_lined_up": _lined_up,
    "message_posted": _posted,
    "secrecy_raised": _secrecy_raised,
    "site_called_out": _called_out,
    "site_returned": _returned,
    "direction_taken": _direction_taken,
    "direction_returned": _direction_returned,
}


def to_json(meeting: Meeting) -> dict[str, JsonValue]:
    """The whole state, for the store's snapshots; `from_json` reads it back equal."""
    names = {site: meeting.names[site] for site in meeting.mentioned() if site in meeting.names}
    return {
        "id": meeting.id,
        "title": meeting.title,
        "kind": meeting.kind,
        "codec": meeting.codec,
        "scope": [entry.to_json() for entry in meeting.scope],
        "chair_site": meeting.chair_site,
        "created_at": rfc3339(meeting.created_at),
        "invited": meeting.invited,
        "seq": meeting.seq,
        "status": meeting.status,
        "opened_at": instant(meeting.opened_at),
        "ended_at": instant(meeting.ended_at),
        "on_air": meeting.on_air,
        "preview": meeting.preview,
        "before": meeting.before,
        "speakers": [_speaker_row(site, speaker) for site, speaker in meeting.speakers.items()],
        "hands": [hand_row(site, hand) for site, hand in meeting.hands.items()],
        "order": meeting.order.to_json(),
        "line_up": meeting.line_up,
        "staging": meeting.staging.among(meeting.staged()).to_json(),
        "chair_mic": meeting.chair_mic,
        "message_count": meeting.message_count,
        "messages": [message.to_json() for message in meeting.messages],
        "names": {site: name.to_json() for site, name in names.items()},
        "secrecy": meeting.secrecy,
        "away": {site: one.to_json() for site, one in meeting.away.items()},
        "direction": None if meeting.direction is None else meeting.direction.to_json(),
        "led_by": meeting.led_by,
    }


def from_json(value: Mapping[str, Any]) -> Meeting:
    """The meeting of `to_json`."""
    on_air, preview, before = (tuple(value[key]) for key in ("on_air", "preview", "before"))
    known = value.get("staging")  # states from before layouts had names do not say
    plain = Staging(Look.of(on_air).layout, Look.of(preview).layout, Look.of(before).layout)
    return Meeting(
        value["id"],
        value["title"],
        value["codec"],
        tuple(ScopeEntry(entry["unit"], tuple(entry["levels"])) for entry in value["scope"]),
        value["chair_site"],
        parse_rfc3339(value["created_at"]),
        value["invited"],
        value["seq"],
        value.get("kind", "meeting"),
        value["status"],
        _parse(value["opened_at"]),
        _parse(value["ended_at"]),
        on_air,
        preview,
        before,
        tuple(value.get("line_up", ())),  # older snapshots have none
        plain if known is None else Staging.from_json(known),
        dict(_speaker_of(*row) for row in value["speakers"]),
        dict(hand_of(row, place) for place, row in enumerate(value["hands"])),
        value["chair_mic"],
        value["message_count"],
        [
            TextMessage(
                m["n"],
                m["id"],
                parse_rfc3339(m["at"]),
                Sender(**m["from"]),
                m["to"],
                m["text"],
                m.get("ask", False),
            )
            for m in value["messages"]
        ],
        {site: SiteName(**name) for site, name in value["names"].items()},
        order_of(value.get("order")),
        value.get("secrecy", "none"),
        {site: Away(*_held(one)) for site, one in value.get("away", {}).items()},
        None if value.get("direction") is None else Direction(*_held(value["direction"])),
        value.get("led_by"),
    )


def _held(value: Mapping[str, Any]) -> tuple[datetime, Mapping[str, Any], Mapping[str, Any]]:
    return parse_rfc3339(value["since"]), value["by"], value["whence"]


def _speaker_row(site: str, speaker: Speaker) -> list[JsonValue]:
    asked = None if speaker.asked is None else speaker.asked.to_json()
    return [site, rfc3339(speaker.since), speaker.mic, instant(speaker.until), asked]


def _speaker_of(
    site: str, since: str, mic: Mic, until: str | None = None, asked: Any = None
) -> tuple[str, Speaker]:
    was_asked = None if asked is None else Asked(parse_rfc3339(asked["at"]), asked["answer"])
    return site, Speaker(parse_rfc3339(since), mic, _parse(until), was_asked)


def instant(at: datetime | None) -> str | None:
    """As the protocol writes it, None stays."""
    return None if at is None else rfc3339(at)


def _parse(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)
