"""What the director has decided of the picture beside who is in which slot: layouts, captions, the holding
picture, the pinned chair, the presentation. Values, changed by events alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, get_args

from diemcau.clock import parse_rfc3339, rfc3339
from diemcau.errors import JsonValue
from diemcau.meetings.captions import Caption
from diemcau.meetings.layouts import Layout, Look
from diemcau.store import Event


@dataclass(frozen=True, slots=True)
class Hold:
    """The holding picture is on. `text`: in place of the usual words; `until`: when the meeting goes on."""

    since: datetime
    text: str | None = None
    until: datetime | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """`{"since", "text", "until"}`."""
        until = None if self.until is None else rfc3339(self.until)
        return {"since": rfc3339(self.since), "text": self.text, "until": until}


@dataclass(frozen=True, slots=True)
class Presentation:
    """What an operator shows from his page. `key`: of the page's choosing, so that it knows its own; `by`:
    his id; `title`: of the document, or what is shared."""

    key: str
    by: str
    name: str
    title: str
    since: datetime

    def to_json(self) -> dict[str, JsonValue]:
        """`{"key", "by", "name", "title", "since"}`."""
        return {
            "key": self.key,
            "by": self.by,
            "name": self.name,
            "title": self.title,
            "since": rfc3339(self.since),
        }


@dataclass(frozen=True, slots=True)
class Staging:
    """See the module. `people`: who the sites in the slots show, those of whom it is known."""

    on_air: Layout = "one"
    preview: Layout = "one"
    before: Layout = "one"
    captions: bool = True
    people: Mapping[str, Caption] = field(default_factory=dict)
    chair_pinned: bool = False
    hold: Hold | None = None
    presentation: Presentation | None = None

    def among(self, sites: Collection[str]) -> "Staging":
        """The same, of the people only those of these sites."""
        return replace(self, people={site: who for site, who in self.people.items() if site in sites})

    def to_json(self) -> dict[str, JsonValue]:
        """What `MeetingState.stage` has beside the slots; `from_json` reads it back equal."""
        return {
            "layouts": {"on_air": self.on_air, "preview": self.preview, "before": self.before},
            "captions": {
                "on": self.captions,
                "people": {site: who.to_json() for site, who in sorted(self.people.items())},
            },
            "chair_pinned": self.chair_pinned,
            "hold": None if self.hold is None else self.hold.to_json(),
            "presentation": None if self.presentation is None else self.presentation.to_json(),
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> "Staging":
        """That of `to_json`."""
        captions, hold, shown = value["captions"], value["hold"], value["presentation"]
        return Staging(
            **{place: _layout(name) for place, name in value["layouts"].items()},
            captions=captions["on"],
            people={site: Caption.parse(who) for site, who in captions["people"].items()},
            chair_pinned=value["chair_pinned"],
            hold=None
            if hold is None
            else Hold(parse_rfc3339(hold["since"]), hold["text"], _instant(hold["until"])),
            presentation=None
            if shown is None
            else Presentation(
                shown["key"], shown["by"], shown["name"], shown["title"], parse_rfc3339(shown["since"])
            ),
        )

    def after(self, event: Event) -> "Staging":
        """What the event makes of it. Cuts and previews from before layouts had names do not say theirs."""
        # The log is our own writing: shapes are as the rules made them.
        data: Any = event.data
        match event.type:
            case "stage_previewed":
                layout = Look.of(data["slots"], data.get("layout")).layout
                return replace(self, preview=layout, people=self._people(data))
            case "stage_cut":
                return replace(
                    self,
                    on_air=Look.of(data["slots"], data.get("layout")).layout,
                    before=Look.of(data["before"], data.get("before_layout")).layout,
                    people=self._people(data),
                    hold=None,
                )
            case "stage_held":
                held = Hold(event.at, data["text"], _instant(data["until"])) if data["on"] else None
                return replace(self, hold=held)
            case "captions_set":
                return replace(self, captions=data["on"])
            case "caption_set":
                return replace(self, people=self._people({"captions": {data["site"]: data["caption"]}}))
            case "chair_pinned":
                return replace(self, chair_pinned=data["on"])
            case "presentation_started":
                who = (data["key"], data["by"], data["name"], data["title"])
                return replace(self, presentation=Presentation(*who, since=event.at))
            case "presentation_ended":
                return replace(self, presentation=None)
            case "meeting_ended":
                return Staging()
            case _:
                return self

    def _people(self, data: Any) -> Mapping[str, Caption]:
        told: Mapping[str, Any] = data.get("captions", {})
        if not told:
            return self.people
        kept = {site: who for site, who in self.people.items() if site not in told}
        return kept | {site: Caption.parse(who) for site, who in told.items() if who is not None}


def _layout(name: str) -> Layout:
    return next(known for known in get_args(Layout) if known == name)


def _instant(text: str | None) -> datetime | None:
    return None if text is None else parse_rfc3339(text)
