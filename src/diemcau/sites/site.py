"""A site: a place with a camera that can join meetings. A unit may have several."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

from diemcau.errors import JsonValue, NotFound

Answer: TypeAlias = Literal["auto", "ring"]
"""How a site takes a call: by itself, or when somebody there has pressed the button."""


class SiteKind(StrEnum):
    """A browser at a post, a room system, a bridge to another operator's system, a feed: a source that no
    one sits at (an encoder, an outside broadcast van), which attendance does not count."""

    POST = "post"
    ROOM = "room"
    BRIDGE = "bridge"
    FEED = "feed"

    @property
    def answer(self) -> Answer:
        """What is usual: a post rings, for people sit at it; a room system answers by itself."""
        return "ring" if self is SiteKind.POST else "auto"


@dataclass(frozen=True, slots=True)
class PersonPresent:
    """Somebody in the room."""

    name: str
    title: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A site. `path`: the unit and those above it in words. `phones`: as people write them, first is called
    first. `emails`: where its post gets mail."""

    id: str
    unit: str
    label: str
    kind: SiteKind
    path: str
    carrier: str | None = None
    phones: tuple[str, ...] = ()
    people: tuple[PersonPresent, ...] = ()
    emails: tuple[str, ...] = ()
    answer: Answer = "ring"

    def to_json(self) -> dict[str, JsonValue]:
        """`Site` of docs/protocol.md (without phones, addresses and people)."""
        return {
            "id": self.id,
            "unit": self.unit,
            "label": self.label,
            "kind": self.kind.value,
            "path": self.path,
            "carrier": self.carrier,
            "answer": self.answer,
        }

    def details_json(self) -> dict[str, JsonValue]:
        """`SiteDetails`: with phones, addresses and people, for those who may change the site."""
        people: list[JsonValue] = [{"name": one.name, "title": one.title} for one in self.people]
        return {**self.to_json(), "phones": list(self.phones), "emails": list(self.emails), "people": people}

    def name_json(self) -> dict[str, JsonValue]:
        """`{"label", "unit", "path"}`: how a meeting's state and events name it."""
        return {"label": self.label, "unit": self.unit, "path": self.path}


@dataclass(frozen=True, slots=True)
class NewSite:
    """A site to be made. `id`: None for a fresh one; seeds and imports give theirs ("s_" + letters, digits,
    "_-")."""

    unit: str
    label: str
    kind: SiteKind = SiteKind.POST
    id: str | None = None
    carrier: str | None = None
    phones: tuple[str, ...] = ()
    people: tuple[PersonPresent, ...] = ()
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SiteChange:
    """What is to be changed of a site; None leaves it as it is. `carrier`: "" takes it away. `phones`,
    `people`, `emails`: the whole new list. `answer`: "" for what is usual of the kind. Unit and id of a site
    never change."""

    id: str
    label: str | None = None
    kind: SiteKind | None = None
    carrier: str | None = None
    phones: tuple[str, ...] | None = None
    people: tuple[PersonPresent, ...] | None = None
    emails: tuple[str, ...] | None = None
    answer: Literal["auto", "ring", ""] | None = None


@dataclass(frozen=True, slots=True)
class SitePage:
    """Sites in the order of their units, and the cursor of the next page (None: the last)."""

    sites: tuple[Site, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class ScopeEntry:
    """Every site whose unit is inside `unit` and at one of `levels` ("nation", "province", "district",
    "commune")."""

    unit: str
    levels: tuple[str, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """`{"unit", "levels"}`."""
        return {"unit": self.unit, "levels": list(self.levels)}


class SiteNotFound(NotFound):
    """No site has this id, or the asker may not see it. Details: `site`."""

    code = "site_not_found"
    default = "There is no such site."
