"""What each asker may see of a meeting: the whole for the desk inside its grants, its own for a site.

`render` makes the snapshot, `Viewer.sees` filters the events, by the same rules: snapshot and events
together must equal a fresh snapshot for every asker.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from diemcau.errors import JsonObject
from diemcau.meetings.meeting import Meeting, SiteName, TextMessage, instant
from diemcau.store import Event

_PUBLIC_KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "hand_raised": ("hands_total",),
    "hand_lowered": ("hands_total",),
    "message_posted": ("n",),
    "sites_invited": ("count", "invited"),
}
"""Event types of which some see only these fields; of all others everybody sees everything."""


class PublicForms:
    """The public versions of recent events, each made once, so that thousands can be sent the same bytes."""

    def __init__(self, kept: int = 512) -> None:
        self._kept = kept
        self._forms: OrderedDict[tuple[str, int], Event] = OrderedDict()

    def of(self, event: Event) -> Event:
        """The event with what everybody may see."""
        key = (event.stream, event.seq)
        if (form := self._forms.get(key)) is None:
            shown = {name: event.data[name] for name in _PUBLIC_KEYS[event.type]}
            form = self._forms[key] = replace(event, data=shown)
            if len(self._forms) > self._kept:
                self._forms.popitem(last=False)
        return form


@dataclass(frozen=True, slots=True)
class Viewer:
    """One asker. `site`: when a site asks. `actor_key`: to know its own messages. `desk`: topmost units
    whose sites it sees whole. `inside(unit, code)`: the tree.
    """

    actor_key: str
    site: str | None
    desk: tuple[str, ...]
    inside: Callable[[str, str], bool]
    forms: PublicForms

    def sees(self, event: Event) -> Event:
        """The event as the asker may see it: the same object, or the one public version that all others
        get."""
        if event.type not in _PUBLIC_KEYS or self._whole(event):
            return event
        return self.forms.of(event)

    def _whole(self, event: Event) -> bool:
        data: Any = event.data
        if event.type == "sites_invited":
            return bool(self.desk)
        if event.type == "message_posted":
            sender = data["from"]
            return self.sees_message(sender["kind"], sender["id"], data["to"], data["names"])
        return self.sees_hand(data["site"], data["unit"])

    def sees_hand(self, site: str, unit: str | None) -> bool:
        """Whether this hand is shown with its site."""
        return site == self.site or self._in_desk(unit)

    def sees_message(self, kind: str, sender: str, to: str, names: Mapping[str, Any]) -> bool:
        """Whether the message is shown. `names`: of the sites that it mentions, with a `unit`."""
        if to == "all" or f"{kind}:{sender}" == self.actor_key or (self.site is not None and to == self.site):
            return True
        if not self.desk:
            return False
        # The desk sees what its sites write and are written, and what the desk writes to itself.
        sites = ([sender] if kind == "site" else []) + ([to] if to != "desk" else [])
        return all(self._in_desk(_unit(names.get(site))) for site in sites)

    def _in_desk(self, unit: str | None) -> bool:
        return unit is not None and any(self.inside(desk, unit) for desk in self.desk)


def _unit(name: SiteName | Mapping[str, Any] | None) -> str | None:
    if name is None:
        return None
    return name.unit if isinstance(name, SiteName) else str(name["unit"])


def render(meeting: Meeting, viewer: Viewer) -> JsonObject:
    """`MeetingState` of docs/protocol.md as the viewer may see it."""
    hands = [
        site
        for site in meeting.hands
        if viewer.sees_hand(site, meeting.names[site].unit if site in meeting.names else None)
    ]
    messages = [message for message in meeting.messages if _shown(message, viewer, meeting)]
    mentioned = _mentioned(meeting, hands, messages)
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
            **meeting.staging.among(meeting.staged()).to_json(),
        },
        "floor": {
            "speakers": [
                {"site": site, "since": instant(speaker.since), "mic": meeting.mic_of(site)}
                for site, speaker in meeting.speakers.items()
            ],
            "hands": [{"site": site, "at": instant(meeting.hands[site])} for site in hands],
            "hands_total": len(meeting.hands),
        },
        "chair_mic": meeting.chair_mic,
        "messages": [message.to_json() for message in messages],
        "sites": {site: meeting.names[site].to_json() for site in sorted(mentioned) if site in meeting.names},
    }


def _shown(message: TextMessage, viewer: Viewer, meeting: Meeting) -> bool:
    return viewer.sees_message(message.sender.kind, message.sender.id, message.to, meeting.names)


def _mentioned(meeting: Meeting, hands: list[str], messages: list[TextMessage]) -> set[str]:
    everywhere = (
        meeting.chair_site,
        *meeting.on_air,
        *meeting.preview,
        *meeting.before,
        *meeting.speakers,
        *hands,
    )
    found = {site for site in everywhere if site is not None}
    for message in messages:
        if message.sender.kind == "site":
            found.add(message.sender.id)
        if message.to not in ("all", "desk"):
            found.add(message.to)
    return found
