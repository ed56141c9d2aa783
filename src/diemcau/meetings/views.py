"""What each asker may see of a meeting: the whole for the desk inside its grants, its own for a site.

`render` makes the snapshot, `Viewer.sees` filters the events, by the same rules: snapshot and events
together must equal a fresh snapshot for every asker.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, TypeAlias

from diemcau.errors import JsonObject, JsonValue
from diemcau.meetings.meeting import Meeting, SiteName, TextMessage, instant
from diemcau.store import Event

Reach: TypeAlias = Literal["centre", "desk", "site"]
"""How far an asker's desk reaches: over the whole scope, over a part of it, nowhere."""

_PUBLIC_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "hand_raised": ("hands_total",),
    "hand_lowered": ("hands_total",),
    "hand_forwarded": (),
    "hand_recalled": (),
    "hand_moved": (),
    "message_posted": ("n",),
    "sites_invited": ("count", "invited"),
    "muted": ("sites", "chair_by"),
    "list_set": ("entries",),
    "agenda_set": ("version", "items"),
}
"""Event types of which some see only these fields; of all others everybody sees everything."""

_HANDS: Final = frozenset({"hand_raised", "hand_lowered", "hand_forwarded", "hand_recalled", "hand_moved"})
_DESKS: Final = frozenset({"sites_invited", "muted", "list_set", "agenda_set"})


class PublicForms:
    """The public versions of recent events, each made once, so that thousands can be sent the same bytes."""

    def __init__(self, kept: int = 512) -> None:
        self._kept = kept
        self._forms: OrderedDict[tuple[str, int], Event] = OrderedDict()

    def of(self, event: Event) -> Event:
        """The event with what everybody may see."""
        key = (event.stream, event.seq)
        if (form := self._forms.get(key)) is None:
            shown = {name: event.data[name] for name in _PUBLIC_KEYS[event.type] if name in event.data}
            if event.type == "list_set":
                shown["entries"] = _public_list(shown["entries"])
            elif event.type == "agenda_set":
                shown["items"] = _public_agenda(shown["items"])
            form = self._forms[key] = replace(event, data=shown)
            if len(self._forms) > self._kept:
                self._forms.popitem(last=False)
        return form


@dataclass(frozen=True, slots=True)
class Viewer:
    """One asker. `site`: when a site asks. `actor_key`: to know its own messages. `desk`: topmost units
    whose sites it sees whole. `inside(unit, code)`: the tree. `centre`: the desk is over the whole scope.
    """

    actor_key: str
    site: str | None
    desk: tuple[str, ...]
    inside: Callable[[str, str], bool]
    forms: PublicForms
    centre: bool = False

    @property
    def reach(self) -> Reach:
        """How far the desk reaches."""
        return "centre" if self.centre else "desk" if self.desk else "site"

    def sees(self, event: Event) -> Event:
        """The event as the asker may see it: the same object, or the one public version that all others
        get."""
        if event.type not in _PUBLIC_KEYS or self._whole(event):
            # What an operator writes to the centre about a site is not for the site.
            if event.type == "hand_forwarded" and not self.in_desk(str(event.data["unit"])):
                return replace(event, data={**event.data, "note": "", "by": ""})
            return event
        return self.forms.of(event)

    def _whole(self, event: Event) -> bool:
        data: Any = event.data
        if event.type in _DESKS:
            return bool(self.desk)
        if event.type == "message_posted":
            sender = data["from"]
            return self.sees_message(sender["kind"], sender["id"], data["to"], data["names"])
        assert event.type in _HANDS
        return self.sees_hand(data["site"], data["unit"])

    def sees_hand(self, site: str, unit: str | None) -> bool:
        """Whether this hand is shown with its site."""
        return site == self.site or self.in_desk(unit)

    def sees_message(self, kind: str, sender: str, to: str, names: Mapping[str, Any]) -> bool:
        """Whether the message is shown. `names`: of the sites that it mentions, with a `unit`."""
        if to == "all" or f"{kind}:{sender}" == self.actor_key or (self.site is not None and to == self.site):
            return True
        if not self.desk:
            return False
        # The desk sees what its sites write and are written, and what the desk writes to itself.
        sites = ([sender] if kind == "site" else []) + ([to] if to != "desk" else [])
        return all(self.in_desk(_unit(names.get(site))) for site in sites)

    def in_desk(self, unit: str | None) -> bool:
        """Whether the desk reaches over the unit."""
        return unit is not None and any(self.inside(desk, unit) for desk in self.desk)


def _unit(name: SiteName | Mapping[str, Any] | None) -> str | None:
    if name is None:
        return None
    return name.unit if isinstance(name, SiteName) else str(name["unit"])


def render(meeting: Meeting, viewer: Viewer) -> JsonObject:
    """`MeetingState` of docs/protocol.md as the viewer may see it."""
    hands = _hands(meeting, viewer)
    messages = [message for message in meeting.messages if _shown(message, viewer, meeting)]
    mentioned = _mentioned(meeting, hands, messages)
    if viewer.desk:
        mentioned |= set(meeting.order.mentioned())
    return {
        "id": meeting.id,
        "title": meeting.title,
        "kind": meeting.kind,
        "status": meeting.status,
        "codec": meeting.codec,
        "scope": [entry.to_json() for entry in meeting.scope],
        "chair_site": meeting.chair_site,
        "created_at": instant(meeting.created_at),
        "opened_at": instant(meeting.opened_at),
        "ended_at": instant(meeting.ended_at),
        "invited": meeting.invited,
        "stage": {
            "on_air": list(meeting.on_air),
            "preview": list(meeting.preview),
            "before": list(meeting.before),
            "line_up": list(meeting.line_up),
            **meeting.staging.among(meeting.staged()).to_json(),
        },
        "reach": viewer.reach,
        "floor": {
            "speakers": [
                {
                    "site": site,
                    "since": instant(speaker.since),
                    "mic": meeting.mic_of(site),
                    "until": instant(speaker.until),
                    "asked": None if speaker.asked is None else speaker.asked.to_json(),
                }
                for site, speaker in meeting.speakers.items()
            ],
            "hands": [_hand(site, meeting, viewer) for site in hands],
            "hands_total": len(meeting.hands),
            **_order(meeting, viewer),
        },
        "agenda": _agenda(meeting, viewer),
        "chair_mic": meeting.chair_mic,
        "secrecy": meeting.secrecy,
        "may_record": meeting.may_record,
        "away": {site: one.to_json() for site, one in meeting.away.items()},
        "direction": None if meeting.direction is None else meeting.direction.to_json(),
        "messages": [message.to_json() for message in messages],
        "sites": {site: meeting.names[site].to_json() for site in sorted(mentioned) if site in meeting.names},
    }


def _hands(meeting: Meeting, viewer: Viewer) -> list[str]:
    if not viewer.desk:  # ten thousand sites ask: none of them goes through ten thousand hands
        return [viewer.site] if viewer.site in meeting.hands else []
    return [site for site in meeting.hands if viewer.sees_hand(site, _unit(meeting.names.get(site)))]


def _hand(site: str, meeting: Meeting, viewer: Viewer) -> JsonObject:
    hand = meeting.hands[site]
    if hand.forwarded is not None and not viewer.in_desk(_unit(meeting.names.get(site))):
        hand = replace(hand, forwarded=replace(hand.forwarded, note="", by=""))
    return hand.to_json(site)


def _order(meeting: Meeting, viewer: Viewer) -> JsonObject:
    order = meeting.order
    listed: list[JsonValue] = [entry.to_json() for entry in order.listed]
    last = order.last_mute if viewer.desk else None
    return {
        "list": listed if viewer.desk else _public_list(listed),
        "minutes": order.minutes,
        "auto_end": order.auto_end,
        "last_mute": None if last is None else last.to_json(),
    }


def _agenda(meeting: Meeting, viewer: Viewer) -> JsonObject:
    items: list[JsonValue] = [item.to_json() for item in meeting.order.agenda]
    shown = items if viewer.desk else _public_agenda(items)
    return {"version": meeting.order.agenda_version, "items": shown}


def _public_list(entries: Any) -> list[JsonValue]:
    """The order and the minutes; the notes are the desk's."""
    return [{**entry, "note": ""} for entry in entries]


def _public_agenda(items: Any) -> list[JsonValue]:
    """The item that runs: ten thousand pages need no more of it."""
    return [
        {**item, "sites": []} for item in items if item["started_at"] is not None and item["ended_at"] is None
    ]


def _shown(message: TextMessage, viewer: Viewer, meeting: Meeting) -> bool:
    return viewer.sees_message(message.sender.kind, message.sender.id, message.to, meeting.names)


def _mentioned(meeting: Meeting, hands: list[str], messages: list[TextMessage]) -> set[str]:
    everywhere = (
        meeting.chair_site,
        *meeting.on_air,
        *meeting.preview,
        *meeting.before,
        *meeting.line_up,
        *meeting.speakers,
        *meeting.away,
        *hands,
    )
    found = {site for site in everywhere if site is not None}
    for message in messages:
        if message.sender.kind == "site":
            found.add(message.sender.id)
        if message.to not in ("all", "desk"):
            found.add(message.to)
    return found
