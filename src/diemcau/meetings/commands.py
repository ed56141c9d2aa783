"""Commands of a meeting as values, and the one parser that makes them from what a client sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias, TypeGuard, get_args

from diemcau.access import MARKS, Secrecy
from diemcau.clock import parse_rfc3339
from diemcau.errors import BadRequest, JsonObject, JsonValue
from diemcau.meetings.captions import MAX_NAME, MAX_TITLE
from diemcau.meetings.layouts import PRESENTATION, SLOTS, Layout, sites_in
from diemcau.meetings.ordering import (
    AnswerAsked,
    AskUnmute,
    EditListed,
    ExtendFloor,
    FinishItem,
    ForwardHand,
    ListSite,
    MoveHand,
    MoveListed,
    NewItem,
    OrderCommand,
    RecallHand,
    SetAgenda,
    SetFloorRules,
    StartItem,
    UndoMute,
    UnlistSite,
)

MAX_TEXT: Final = 2000
MAX_INVITED_AT_ONCE: Final = 1000
MAX_GOT_AT_ONCE: Final = 100
MAX_NOTE: Final = 200
MAX_MINUTES: Final = 240
MAX_ITEM_MINUTES: Final = 600
MAX_ITEMS: Final = 60
MAX_PLANNED_EACH: Final = 30
MAX_LINED_UP: Final = 4
MAX_HOLD_TEXT: Final = 120
MAX_DOCUMENT: Final = 200
SLOT_COUNTS: Final = tuple(dict.fromkeys(SLOTS.values()))


@dataclass(frozen=True, slots=True)
class Open:
    """`meeting.open`."""


@dataclass(frozen=True, slots=True)
class End:
    """`meeting.end`."""


@dataclass(frozen=True, slots=True)
class Invite:
    """`meeting.invite`: 1 to 1000 further sites."""

    sites: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Join:
    """`meeting.join` by an invited site."""


@dataclass(frozen=True, slots=True)
class Leave:
    """`meeting.leave` by the site."""


@dataclass(frozen=True, slots=True)
class RaiseHand:
    """`hand.raise` by a joined site."""


@dataclass(frozen=True, slots=True)
class LowerHand:
    """`hand.lower`; `site` None: the asking site's own; `reason`: an operator's, written to the site."""

    site: str | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class GiveFloor:
    """`floor.give`; `replace`: the floor of all others ends; `stage`: the site is cut onto the stage;
    `minutes`: how long (None: as usual, 0: without a limit)."""

    site: str
    replace: bool = True
    stage: bool = True
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class EndFloor:
    """`floor.end`; `site` None: the asking site's own."""

    site: str | None = None


@dataclass(frozen=True, slots=True)
class SetMic:
    """`mic.set` by a speaker or the chair's site."""

    on: bool


@dataclass(frozen=True, slots=True)
class Mute:
    """`mute` exactly one of: a site, a subtree, everybody but the chair's site."""

    site: str | None = None
    unit: str | None = None
    all: bool = False


@dataclass(frozen=True, slots=True)
class Unmute:
    """`unmute`."""

    site: str


@dataclass(frozen=True, slots=True)
class Preview:
    """`stage.preview`: 1, 2 or 4 slots, None: empty; `layout` None: the plain one of so many."""

    slots: tuple[str | None, ...]
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class Cut:
    """`stage.cut`; `slots` None: what the preview shows."""

    slots: tuple[str | None, ...] | None = None
    layout: Layout | None = None


@dataclass(frozen=True, slots=True)
class HoldPicture:
    """`stage.hold`: the holding picture comes or goes. `text`: what it says; `until`: when it goes on."""

    on: bool
    text: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class ShowCaptions:
    """`stage.captions`: names over the pictures, or none."""

    on: bool


@dataclass(frozen=True, slots=True)
class SetCaption:
    """`stage.caption`: who a site on the stage or preview shows; `name` None: its label says it."""

    site: str
    name: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True)
class PinChair:
    """`stage.chair`: the chair's site is in each new picture, or only where it is put."""

    on: bool


@dataclass(frozen=True, slots=True)
class StartPresentation:
    """`presentation.start`. `key`: 8 to 64 characters of the page's choosing; `replace`: also that of
    somebody else."""

    key: str
    title: str
    replace: bool = False


@dataclass(frozen=True, slots=True)
class EndPresentation:
    """`presentation.end`; `key`: only that one."""

    key: str | None = None


@dataclass(frozen=True, slots=True)
class LineUp:
    """`stage.line_up`: the site waits its turn for the stage, or no longer; `place`: where in the line (0 the
    first; None: where it is, else the end)."""

    site: str
    on: bool = True
    place: int | None = None


@dataclass(frozen=True, slots=True)
class Post:
    """`message.post`; `to`: "all", "desk" or a site's id; `ask`: every site that it is for shall answer."""

    text: str
    to: str
    ask: bool = False


@dataclass(frozen=True, slots=True)
class Got:
    """`message.got`: the asking site's page has these 1 to 100 messages."""

    messages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """`message.answer`: somebody at the asking site has read the message and says so."""

    message: str


@dataclass(frozen=True, slots=True)
class Mark:
    """`meeting.mark`: raises the secrecy mark."""

    secrecy: Secrecy


@dataclass(frozen=True, slots=True)
class TakeDirection:
    """`direction.take` by somebody with a wider right."""


@dataclass(frozen=True, slots=True)
class ReturnDirection:
    """`direction.return` by who took it."""


Staging: TypeAlias = HoldPicture | ShowCaptions | SetCaption | PinChair | StartPresentation | EndPresentation
"""What the director decides of the picture beside who is in which slot."""

MeetingCommand: TypeAlias = (
    Open
    | End
    | Invite
    | Join
    | Leave
    | RaiseHand
    | LowerHand
    | GiveFloor
    | EndFloor
    | SetMic
    | Mute
    | Unmute
    | Preview
    | Cut
    | LineUp
    | Staging
    | Post
    | Got
    | Answer
    | OrderCommand
    | Mark
    | TakeDirection
    | ReturnDirection
)


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a client. `id`: 8 to 64 characters of its choosing, the key of idempotence."""

    id: str
    type: str
    meeting: str
    what: MeetingCommand


def parse(message: JsonObject) -> Command:
    """`{"id", "type", "meeting", ...arguments}` (an `op` is ignored) as a command.

    Raises BadRequest for unknown types and fields, missing or ill-typed ones, and anything out of bounds.
    """
    fields = {key: value for key, value in message.items() if key != "op"}
    command_id, kind, meeting = (_text(fields, key) for key in ("id", "type", "meeting"))
    check_command_id(command_id)
    if len(meeting) > 64:
        raise BadRequest("no meeting has such an id", field="meeting")
    make = _PARSERS.get(kind)
    if make is None:
        raise BadRequest(f"unknown command {kind[:64]!r}", field="type")
    what = make(fields)
    if fields:
        raise BadRequest(f"unknown field {min(fields)[:64]!r} in {kind}", field=min(fields)[:64])
    return Command(command_id, kind, meeting, what)


def check_command_id(command_id: str, field: str = "id") -> None:
    """Raises BadRequest unless it is 8 to 64 printable ASCII characters without spaces."""
    if not (
        8 <= len(command_id) <= 64
        and command_id.isascii()
        and command_id.isprintable()
        and " " not in command_id
    ):
        raise BadRequest(f"{field} is 8 to 64 printable characters", field=field)


_Fields: TypeAlias = dict[str, JsonValue]


def _text(fields: _Fields, key: str, limit: int = 64) -> str:
    value = fields.pop(key, None)
    if not isinstance(value, str) or not 0 < len(value) <= limit or not _storable(value):
        raise BadRequest(f"{key} must be text of 1 to {limit} characters", field=key)
    return value


def _is_id(value: JsonValue) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= 64 and _storable(value)


def _storable(text: str) -> bool:
    # PostgreSQL stores no NUL, UTF-8 no half of a surrogate pair. Ids come by the thousand and are ASCII.
    if text.isascii():
        return "\x00" not in text
    return "\x00" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def _optional_text(fields: _Fields, key: str) -> str | None:
    if fields.get(key) is None:
        fields.pop(key, None)
        return None
    return _text(fields, key)


def _flag(fields: _Fields, key: str, default: bool | None = None) -> bool:
    value = fields.pop(key, default)
    if not isinstance(value, bool):
        raise BadRequest(f"{key} must be true or false", field=key)
    return value


def _slots(fields: _Fields) -> tuple[str | None, ...]:
    value = fields.pop("slots", None)
    if not isinstance(value, list) or len(value) not in SLOT_COUNTS:
        raise BadRequest("slots must be a list of 1, 2 or 4", field="slots")
    slots: list[str | None] = []
    for item in value:
        if item is not None and not _is_id(item):
            raise BadRequest("a slot is a site's id or null", field="slots")
        slots.append(item)
    shown = [*sites_in(slots), *(slot for slot in slots if slot == PRESENTATION)]
    if len(set(shown)) != len(shown):
        raise BadRequest("a site can be in one slot only", field="slots")
    return tuple(slots)


def _layout(fields: _Fields, slots: tuple[str | None, ...] | None) -> Layout | None:
    value = fields.pop("layout", None)
    if value is None:
        return None
    layout = next((known for known in get_args(Layout) if known == value), None)
    if layout is None or slots is None or SLOTS[layout] != len(slots):
        raise BadRequest("layout must be one that has so many slots", field="layout")
    known: Layout = layout
    return known


def _preview(fields: _Fields) -> Preview:
    slots = _slots(fields)
    return Preview(slots, _layout(fields, slots))


def _line(fields: _Fields, key: str, limit: int) -> str | None:
    """One line of words that is drawn over a picture: nothing that does not print, none too long."""
    if fields.get(key) is None:
        fields.pop(key, None)
        return None
    words = " ".join(_text(fields, key, 4 * limit).split())
    if not 0 < len(words) <= limit or not words.isprintable():
        raise BadRequest(f"{key} must be a line of 1 to {limit} characters", field=key)
    return words


def _hold(fields: _Fields) -> HoldPicture:
    on, text, until = (
        _flag(fields, "on"),
        _line(fields, "text", MAX_HOLD_TEXT),
        _optional_text(fields, "until"),
    )
    try:
        return HoldPicture(on, text, None if until is None else parse_rfc3339(until))
    except ValueError:
        raise BadRequest("until must be a time as RFC 3339 writes it", field="until") from None


def _caption(fields: _Fields) -> SetCaption:
    site, name = _text(fields, "site"), _line(fields, "name", MAX_NAME)
    title = _line(fields, "title", MAX_TITLE)
    if name is None and title is not None:
        raise BadRequest("a title needs a name", field="name")
    return SetCaption(site, name, title)


def _start_presentation(fields: _Fields) -> StartPresentation:
    key, title = _text(fields, "key"), _line(fields, "title", MAX_DOCUMENT)
    check_command_id(key, "key")
    if title is None:
        raise BadRequest("title must be text", field="title")
    return StartPresentation(key, title, _flag(fields, "replace", False))


def _ids(fields: _Fields, key: str, limit: int) -> tuple[str, ...]:
    value = fields.pop(key, None)
    if not isinstance(value, list) or not 1 <= len(value) <= limit:
        raise BadRequest(f"{key} must be a list of 1 to {limit} ids", field=key)
    ids: dict[str, None] = {}
    for item in value:
        if not _is_id(item):
            raise BadRequest(f"{key} must be ids", field=key)
        ids[item] = None
    return tuple(ids)


def _cut(fields: _Fields) -> Cut:
    if fields.get("slots") is None:
        fields.pop("slots", None)
        return Cut(None, _layout(fields, None))
    slots = _slots(fields)
    return Cut(slots, _layout(fields, slots))


def _line_up(fields: _Fields) -> LineUp:
    place = fields.pop("place", None)
    if place is not None and (type(place) is not int or not 0 <= place < MAX_LINED_UP):
        raise BadRequest(f"place must be 0 to {MAX_LINED_UP - 1}", field="place")
    return LineUp(_text(fields, "site"), _flag(fields, "on", True), place)


def _mute(fields: _Fields) -> Mute:
    given = [key for key in ("site", "unit", "all") if fields.get(key) is not None]
    if len(given) != 1:
        raise BadRequest("mute needs exactly one of site, unit, all", field="site")
    site, unit = _optional_text(fields, "site"), _optional_text(fields, "unit")
    everybody = _flag(fields, "all") if given == ["all"] else False
    fields.pop("all", None)
    if given == ["all"] and not everybody:
        raise BadRequest("all must be true", field="all")
    return Mute(site, unit, everybody)


def _post(fields: _Fields) -> Post:
    text = _text(fields, "text", MAX_TEXT)
    if not text.strip():
        raise BadRequest("the text is empty", field="text")
    return Post(text, _text(fields, "to"), _flag(fields, "ask", False))


def _note(fields: _Fields, key: str = "note") -> str:
    if fields.get(key) in (None, ""):
        fields.pop(key, None)
        return ""
    return _text(fields, key, MAX_NOTE).strip()


def _number(fields: _Fields, key: str, low: int, high: int) -> int:
    value = fields.pop(key, None)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise BadRequest(f"{key} must be a whole number from {low} to {high}", field=key)
    return value


def _optional_number(fields: _Fields, key: str, low: int, high: int) -> int | None:
    if fields.get(key) is None:
        fields.pop(key, None)
        return None
    return _number(fields, key, low, high)


def _rank(fields: _Fields) -> float | None:
    value = fields.pop("seen", None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadRequest("seen must be the hand's rank", field="seen")
    return float(value)


def _agenda(fields: _Fields) -> SetAgenda:
    value = fields.pop("items", None)
    if not isinstance(value, list) or len(value) > MAX_ITEMS:
        raise BadRequest(f"items must be a list of at most {MAX_ITEMS}", field="items")
    return SetAgenda(
        tuple(_item(dict(item)) if isinstance(item, dict) else _no_item() for item in value),
        _number(fields, "version", 0, 1_000_000_000),
    )


def _item(fields: _Fields) -> NewItem:
    sites = () if fields.get("sites") in (None, []) else _ids(fields, "sites", MAX_PLANNED_EACH)
    fields.pop("sites", None)
    title = _text(fields, "title", MAX_NOTE).strip()
    if not title:
        raise BadRequest("an item has a title", field="title")
    made = NewItem(
        _optional_text(fields, "id"),
        title,
        _optional_number(fields, "minutes", 1, MAX_ITEM_MINUTES),
        _optional_number(fields, "each", 1, MAX_MINUTES),
        sites,
    )
    if fields:
        raise BadRequest(f"unknown field {min(fields)[:64]!r} in an item", field="items")
    return made


def _no_item() -> NewItem:
    raise BadRequest("an item is an object", field="items")


def _mark(fields: _Fields) -> Mark:
    value = fields.pop("secrecy", None)
    for mark in MARKS:
        if value == mark:
            return Mark(mark)
    raise BadRequest("a mark is none, confidential, secret or top_secret", field="secrecy")


_PARSERS: Final[Mapping[str, Callable[[_Fields], MeetingCommand]]] = {
    "meeting.open": lambda fields: Open(),
    "meeting.end": lambda fields: End(),
    "meeting.invite": lambda fields: Invite(_ids(fields, "sites", MAX_INVITED_AT_ONCE)),
    "meeting.join": lambda fields: Join(),
    "meeting.leave": lambda fields: Leave(),
    "hand.raise": lambda fields: RaiseHand(),
    "hand.lower": lambda fields: LowerHand(_optional_text(fields, "site"), _note(fields, "reason")),
    "hand.forward": lambda fields: ForwardHand(_text(fields, "site"), _note(fields)),
    "hand.recall": lambda fields: RecallHand(_text(fields, "site")),
    "hand.move": lambda fields: MoveHand(
        _text(fields, "site"), _optional_text(fields, "before"), _rank(fields)
    ),
    "floor.give": lambda fields: GiveFloor(
        _text(fields, "site"),
        _flag(fields, "replace", True),
        _flag(fields, "stage", True),
        _optional_number(fields, "minutes", 0, MAX_MINUTES),
    ),
    "floor.extend": lambda fields: ExtendFloor(
        _text(fields, "site"), _number(fields, "minutes", 1, MAX_MINUTES)
    ),
    "floor.rules": lambda fields: SetFloorRules(
        _optional_number(fields, "minutes", 1, MAX_MINUTES), _flag(fields, "auto_end", False)
    ),
    "list.add": lambda fields: ListSite(
        _text(fields, "site"),
        _note(fields),
        _optional_number(fields, "minutes", 1, MAX_MINUTES),
        _optional_text(fields, "before"),
    ),
    "list.move": lambda fields: MoveListed(
        _text(fields, "site"),
        _optional_text(fields, "before"),
        _optional_number(fields, "version", 1, 1_000_000_000),
    ),
    "list.edit": lambda fields: EditListed(
        _text(fields, "site"),
        _note(fields),
        _optional_number(fields, "minutes", 1, MAX_MINUTES),
        _number(fields, "version", 1, 1_000_000_000),
    ),
    "list.remove": lambda fields: UnlistSite(_text(fields, "site")),
    "agenda.set": _agenda,
    "agenda.start": lambda fields: StartItem(_text(fields, "item")),
    "agenda.finish": lambda fields: FinishItem(_text(fields, "item")),
    "floor.end": lambda fields: EndFloor(_optional_text(fields, "site")),
    "mic.set": lambda fields: SetMic(_flag(fields, "on")),
    "mute": _mute,
    "unmute": lambda fields: Unmute(_text(fields, "site")),
    "mute.undo": lambda fields: UndoMute(_number(fields, "n", 1, 1_000_000_000_000)),
    "mic.ask": lambda fields: AskUnmute(_text(fields, "site")),
    "mic.answer": lambda fields: AnswerAsked(_flag(fields, "yes")),
    "stage.preview": _preview,
    "stage.cut": _cut,
    "stage.line_up": _line_up,
    "stage.hold": _hold,
    "stage.captions": lambda fields: ShowCaptions(_flag(fields, "on")),
    "stage.caption": _caption,
    "stage.chair": lambda fields: PinChair(_flag(fields, "on")),
    "presentation.start": _start_presentation,
    "presentation.end": lambda fields: EndPresentation(_optional_text(fields, "key")),
    "message.post": _post,
    "message.got": lambda fields: Got(_ids(fields, "messages", MAX_GOT_AT_ONCE)),
    "message.answer": lambda fields: Answer(_text(fields, "message")),
    "meeting.mark": _mark,
    "direction.take": lambda fields: TakeDirection(),
    "direction.return": lambda fields: ReturnDirection(),
}

COMMAND_TYPES: Final = tuple(_PARSERS)
