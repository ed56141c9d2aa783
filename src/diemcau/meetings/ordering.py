"""Commands about the floor's order: hands on their way up, the speakers' list, the agenda, time, and who is
asked to turn its microphone on. `commands.py` parses them."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class ForwardHand:
    """`hand.forward`: up to the centre, with a note for it."""

    site: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class RecallHand:
    """`hand.recall`: a forwarded hand back into its queue."""

    site: str


@dataclass(frozen=True, slots=True)
class MoveHand:
    """`hand.move`: right before another hand of its queue, None: to the end. `seen`: its rank as the asker
    saw it."""

    site: str
    before: str | None = None
    seen: float | None = None


@dataclass(frozen=True, slots=True)
class ExtendFloor:
    """`floor.extend`: more minutes for a speaker."""

    site: str
    minutes: int


@dataclass(frozen=True, slots=True)
class SetFloorRules:
    """`floor.rules`: minutes of a speaker when nobody says (None: no limit); whether the floor ends by itself
    then."""

    minutes: int | None
    auto_end: bool


@dataclass(frozen=True, slots=True)
class ListSite:
    """`list.add`: onto the speakers' list, right before another entry, None: at its end."""

    site: str
    note: str = ""
    minutes: int | None = None
    before: str | None = None


@dataclass(frozen=True, slots=True)
class MoveListed:
    """`list.move`. `version`: the entry's as the asker saw it."""

    site: str
    before: str | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class EditListed:
    """`list.edit`: another note, other minutes (None: as usual)."""

    site: str
    note: str
    minutes: int | None
    version: int


@dataclass(frozen=True, slots=True)
class UnlistSite:
    """`list.remove`."""

    site: str


@dataclass(frozen=True, slots=True)
class NewItem:
    """An item as it is sent. `id` None: a new one."""

    id: str | None
    title: str
    minutes: int | None = None
    each: int | None = None
    sites: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SetAgenda:
    """`agenda.set`: all items in order, made on this `version`."""

    items: tuple[NewItem, ...]
    version: int


@dataclass(frozen=True, slots=True)
class StartItem:
    """`agenda.start`."""

    item: str


@dataclass(frozen=True, slots=True)
class FinishItem:
    """`agenda.finish`."""

    item: str


@dataclass(frozen=True, slots=True)
class UndoMute:
    """`mute.undo`: the mute of many that was event `n`."""

    n: int


@dataclass(frozen=True, slots=True)
class AskUnmute:
    """`mic.ask`: a speaker shall turn its microphone on."""

    site: str


@dataclass(frozen=True, slots=True)
class AnswerAsked:
    """`mic.answer` by the asked site."""

    yes: bool


OrderCommand: TypeAlias = (
    ForwardHand
    | RecallHand
    | MoveHand
    | ExtendFloor
    | SetFloorRules
    | ListSite
    | MoveListed
    | EditListed
    | UnlistSite
    | SetAgenda
    | StartItem
    | FinishItem
    | UndoMute
    | AskUnmute
    | AnswerAsked
)
