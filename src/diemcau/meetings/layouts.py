"""Layouts of the stage: how many slots each has, and who goes where. Values and pure functions.

A slot holds a site's id, nothing, or `PRESENTATION`: what an operator of the meeting shows from his own page.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Slots: TypeAlias = tuple[str | None, ...]
Layout: TypeAlias = Literal["one", "two", "four", "speaker_chair", "slides_speaker"]

PRESENTATION: Final = "presentation"
"""In a slot: the meeting's presentation. No site has this id, for theirs have a prefix."""

SLOTS: Final[Mapping[Layout, int]] = {
    "one": 1,
    "two": 2,
    "four": 4,
    "speaker_chair": 2,
    "slides_speaker": 2,
}
"""Slots of each layout. `speaker_chair`: the first large, the second small in it; `slides_speaker`: the first
large, the second small beside it."""

_PLAIN: Final[Mapping[int, Layout]] = {1: "one", 2: "two", 4: "four"}

_SPEAKER: Final[Mapping[Layout, int]] = {
    "one": 0,
    "two": 1,
    "four": 3,
    "speaker_chair": 0,
    "slides_speaker": 1,
}
"""The slot that a new speaker takes where no other is free."""

_CHAIR: Final[Mapping[Layout, int]] = {"two": 1, "four": 3, "speaker_chair": 1, "slides_speaker": 1}
"""The slot of a pinned chair."""


@dataclass(frozen=True, slots=True)
class Look:
    """A picture of the stage: a layout and what its slots hold."""

    layout: Layout
    slots: Slots

    @staticmethod
    def of(slots: Iterable[str | None], layout: Layout | None = None) -> "Look":
        """The look of these slots; without a layout, as logs and clients from before there were names, the
        plain one of so many."""
        held = tuple(slots)
        return Look(layout or _PLAIN.get(len(held), "four"), held)


def sites_in(slots: Iterable[str | None]) -> list[str]:
    """The sites among the slots."""
    return [slot for slot in slots if slot is not None and slot != PRESENTATION]


def with_site(look: Look, site: str, replaced: Collection[str] = (), kept: Collection[str] = ()) -> Look:
    """Where a speaker or a called site goes: its slot if it has one, a replaced speaker's, an empty one, else
    the speaker's slot of the layout. Who is `kept`, and the presentation, give way to nobody while another
    can."""
    slots = look.slots
    if site in slots:
        return look
    stay = {place for place, held in enumerate(slots) if held == PRESENTATION or held in kept}
    speaker = _SPEAKER[look.layout]
    places = [
        *(place for place, held in enumerate(slots) if held in replaced),
        *(place for place, held in enumerate(slots) if held is None),
        speaker,
        *reversed(range(len(slots))),
    ]
    place = next((place for place in places if place not in stay), speaker)
    return _put(look, place, site)


def with_chair(look: Look, chair: str | None) -> Look:
    """The look with a pinned chair in it. An empty one stays empty; one slot becomes two; beside slides the
    chair takes the speaker's slot only while it is empty."""
    if chair is None or chair in look.slots or all(held is None for held in look.slots):
        return look
    if look.layout == "one":
        first = look.slots[0]
        return Look("slides_speaker" if first == PRESENTATION else "speaker_chair", (first, chair))
    place = _CHAIR[look.layout]
    moved = look.slots[place]
    if moved is not None and look.layout == "slides_speaker":
        return look
    seated = _put(look, place, chair)
    if moved is None or None not in seated.slots:
        return seated
    return _put(seated, seated.slots.index(None), moved)


def without(look: Look, site: str) -> Look:
    """The look with the site's slot empty."""
    return Look(look.layout, tuple(None if held == site else held for held in look.slots))


def _put(look: Look, place: int, site: str) -> Look:
    return Look(
        look.layout, tuple(site if number == place else held for number, held in enumerate(look.slots))
    )
