"""A small nation for the rules: seven sites in two provinces, operators of different reach."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from diemcau.access import SYSTEM, Actor, Grant, Role, site_actor, units_granted
from diemcau.errors import JsonObject
from diemcau.ids import counted_ids
from diemcau.meetings import Meeting, SiteName, Viewer, render
from diemcau.meetings.captions import Caption
from diemcau.meetings.commands import MeetingCommand, Open
from diemcau.meetings.context import Context
from diemcau.meetings.rules import decide
from diemcau.meetings.views import PublicForms
from diemcau.sites import NewSite, SiteKind
from diemcau.store import Event
from diemcau.units import Units

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
EVERY = ("nation", "province", "district", "commune")
BINH_PHUOC, DONG_PHU, TAN_LOI, DONG_NAI = "70", "695", "25378", "75"

NEW_SITES = (
    NewSite("VN", "Điểm cầu Trung ương", SiteKind.ROOM, "s_vn"),
    NewSite(BINH_PHUOC, "Điểm cầu tỉnh Bình Phước", id="s_70"),
    NewSite(DONG_PHU, "Điểm cầu huyện Đồng Phú", id="s_695"),
    NewSite(TAN_LOI, "Điểm cầu xã Tân Lợi", id="s_25378"),
    NewSite(TAN_LOI, "Trạm y tế xã Tân Lợi", id="s_25378b"),
    NewSite(DONG_NAI, "Điểm cầu tỉnh Đồng Nai", id="s_75"),
    NewSite("79", "Điểm cầu Thành phố Hồ Chí Minh", id="s_79"),
)
SITES = tuple(str(site.id) for site in NEW_SITES)


def person(role: Role, unit: str = "VN") -> Actor:
    """An operator."""
    return Actor("person", f"p_{role}_{unit}", f"{role} {unit}", None, (Grant(role, unit),))


DIRECTOR = person(Role.DIRECTOR)
CHAIR = person(Role.CHAIR)
SECRETARY = person(Role.SECRETARY)
PROVINCE = person(Role.DIRECTOR, BINH_PHUOC)
OBSERVER = person(Role.OBSERVER)


@dataclass
class World:
    """One meeting under the rules alone. `chair`: its chair's site."""

    units: Units
    chair: str | None = "s_vn"
    present: set[str] = field(default_factory=lambda: set(SITES))
    invited: frozenset[str] = frozenset(SITES)
    now: datetime = NOW
    people: dict[str, Caption | None] = field(default_factory=lambda: {"s_25378": Caption("Ông Trần Văn B")})

    def __post_init__(self) -> None:
        self.names = {
            str(new.id): SiteName(new.label, new.unit, self.units.path_text(new.unit)) for new in NEW_SITES
        }
        self.new_id = counted_ids()
        self.forms = PublicForms()
        self.events: list[Event] = []
        chair_name = {} if self.chair is None else {self.chair: self.names[self.chair].to_json()}
        self.state = Meeting.created(
            self.event(
                1,
                "meeting_created",
                {
                    "title": "Họp Ban Chỉ đạo quốc gia",
                    "scope": [{"unit": "VN", "levels": list(EVERY)}],
                    "codec": "h264",
                    "chair_site": self.chair,
                    "invited": len(SITES),
                    "names": chair_name,
                },
            )
        )

    def event(self, seq: int, kind: str, data: JsonObject, actor: Actor = SYSTEM) -> Event:
        # Through JSON, as the store does it.
        made = Event("meeting:m_1", seq, kind, self.now, actor.key, orjson.loads(orjson.dumps(data)))
        self.events.append(made)
        return made

    def do(self, actor: Actor, command: MeetingCommand, *, above: bool = False) -> list[Event]:
        """Decides and applies; answers the events. `above`: the actor has a wider right than the meeting."""
        self.now += timedelta(seconds=1)
        whence: JsonObject | None = {"unit": "VN", "label": "Trung ương"} if above else None
        return self.apply(decide(self.state, command, self.context(actor, whence)), actor)

    def context(self, actor: Actor, whence: JsonObject | None = None) -> Context:
        return Context(
            actor,
            self.present,
            self.names,
            self.invited,
            self.units.contains,
            self.new_id,
            lambda code: [unit.code for unit in reversed(self.units.ancestors(code))] + [code],
            self.now,
            whence,
            self.people,
        )

    def apply(self, drafts: list[tuple[str, JsonObject]], actor: Actor = SYSTEM) -> list[Event]:
        made = [
            self.event(self.state.seq + number, kind, data, actor)
            for number, (kind, data) in enumerate(drafts, start=1)
        ]
        for event in made:
            self.state.apply(event)
        return made

    def opened(self) -> "World":
        self.do(DIRECTOR, Open())
        return self

    def viewer(self, actor: Actor) -> Viewer:
        desk = units_granted(self.units, actor, "meeting.desk")
        centre = "VN" in desk
        return Viewer(actor.key, actor.site, desk, self.units.contains, self.forms, centre)

    def seen(self, actor: Actor) -> dict[str, Any]:
        """`MeetingState` as the actor's page has it: through JSON."""
        shown: dict[str, Any] = orjson.loads(orjson.dumps(render(self.state, self.viewer(actor))))
        return shown


def site(number: int) -> Actor:
    """The n-th site as an actor."""
    return site_actor(SITES[number])
