"""Commands of a roll call as values, and the one parser that makes them from what a client sent."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from diemcau.errors import BadRequest, JsonObject, JsonValue
from diemcau.meetings.commands import check_command_id
from diemcau.meetings.rollcall.entry import Edit, checked

MAX_EDITS: Final = 300
"""Entries of one command: a frame of 64 kB holds them, a request in any case."""

_FIELDS: Final = frozenset({"site", "version", "says", "reason", "text", "head", "note"})


@dataclass(frozen=True, slots=True)
class OpenCall:
    """`rollcall.open`; `corrects`: a sealed roll call whose entries this one begins with."""

    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class EditEntries:
    """`rollcall.edit`: 1 to 300 entries, all or none."""

    call: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class FillPresent:
    """`rollcall.fill`: who is connected inside the unit, and of whom nothing was said, is there."""

    call: str
    unit: str


@dataclass(frozen=True, slots=True)
class ConfirmBranch:
    """`rollcall.confirm`: a province has said of its own what there is to say; `on` false: no longer."""

    call: str
    unit: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class SealCall:
    """`rollcall.seal`."""

    call: str


RollWhat: TypeAlias = OpenCall | EditEntries | FillPresent | ConfirmBranch | SealCall


@dataclass(frozen=True, slots=True)
class RollCommand:
    """One command. `id`: as of every command, the key of idempotence."""

    id: str
    type: str
    meeting: str
    what: RollWhat


_Fields: TypeAlias = dict[str, JsonValue]


def parse(message: JsonObject) -> RollCommand:
    """`{"id", "type", "meeting", ...arguments}` (an `op` is ignored). Raises BadRequest."""
    fields = {key: value for key, value in message.items() if key != "op"}
    command_id, kind, meeting = (_id(fields, key) for key in ("id", "type", "meeting"))
    check_command_id(command_id)
    make = _PARSERS.get(kind)
    if make is None:
        raise BadRequest(f"unknown command {kind!r}", field="type")
    what = make(fields)
    if fields:
        raise BadRequest(f"unknown field {min(fields)[:64]!r} in {kind}", field=min(fields)[:64])
    return RollCommand(command_id, kind, meeting, what)


def _id(fields: _Fields, key: str) -> str:
    value = fields.pop(key, None)
    if (
        not isinstance(value, str)
        or not 0 < len(value) <= 64
        or not (value.isascii() and value.isprintable())
    ):
        raise BadRequest(f"{key} must be text of 1 to 64 characters", field=key)
    return value


def _open(fields: _Fields) -> OpenCall:
    if fields.get("corrects") is None:
        fields.pop("corrects", None)
        return OpenCall()
    return OpenCall(_id(fields, "corrects"))


def _edit(fields: _Fields) -> EditEntries:
    call = _id(fields, "call")
    entries = fields.pop("entries", None)
    if not isinstance(entries, list) or not 1 <= len(entries) <= MAX_EDITS:
        raise BadRequest(f"entries must be a list of 1 to {MAX_EDITS}", field="entries")
    edits: dict[str, Edit] = {}
    for one in entries:
        if not isinstance(one, dict) or one.keys() - _FIELDS:
            raise BadRequest("an entry has site, version, says, reason, text, head, note", field="entries")
        site = _id(dict(one), "site")
        version = one.get("version")
        if not isinstance(version, int) or isinstance(version, bool) or not 0 <= version < 1 << 31:
            raise BadRequest("version is the number that the entry had", field="version")
        if site in edits:
            raise BadRequest("a site is named twice", field="site")
        statement = checked(*(one.get(key) for key in ("says", "reason", "text", "head", "note")))
        edits[site] = Edit(site, version, statement)
    return EditEntries(call, tuple(edits.values()))


def _confirm(fields: _Fields) -> ConfirmBranch:
    call, unit, on = _id(fields, "call"), _id(fields, "unit"), fields.pop("on", True)
    if not isinstance(on, bool):
        raise BadRequest("on must be true or false", field="on")
    return ConfirmBranch(call, unit, on)


_PARSERS: Final[Mapping[str, Callable[[_Fields], RollWhat]]] = {
    "rollcall.open": _open,
    "rollcall.edit": _edit,
    "rollcall.fill": lambda fields: FillPresent(_id(fields, "call"), _id(fields, "unit")),
    "rollcall.confirm": _confirm,
    "rollcall.seal": lambda fields: SealCall(_id(fields, "call")),
}

COMMAND_TYPES: Final = tuple(_PARSERS)
