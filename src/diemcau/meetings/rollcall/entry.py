"""What is said of one site, and by whom. Values, and the checks of what people send."""

import json
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from typing import Final, Literal, TypeAlias, get_args

from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, JsonValue

Said: TypeAlias = Literal["present", "absent"]

MAX_NAME: Final = 200
MAX_TEXT: Final = 300


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a site is absent: a code and its words."""

    code: str
    vi: str
    en: str


def _reasons() -> tuple[Reason, ...]:
    text = files("diemcau.meetings.rollcall").joinpath("reasons.json").read_text("utf-8")
    return tuple(Reason(**one) for one in json.loads(text))


REASONS: Final = _reasons()
"""The official list (reasons.json); `other` needs words of one's own."""

OTHER: Final = "other"
_CODES: Final = frozenset(reason.code for reason in REASONS)


@dataclass(frozen=True, slots=True)
class Head:
    """Who heads the site in this meeting."""

    name: str
    title: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """`{"name", "title"}`."""
        return {"name": self.name, "title": self.title}


@dataclass(frozen=True, slots=True)
class Statement:
    """`says` None: not said yet. `reason`: a code, of absent ones only; `text`: its words, "" for none."""

    says: Said | None = None
    reason: str | None = None
    text: str = ""
    head: Head | None = None
    note: str = ""

    def to_json(self) -> dict[str, JsonValue]:
        """`{"says", "reason", "text", "head", "note"}`."""
        return {
            "says": self.says,
            "reason": self.reason,
            "text": self.text,
            "head": None if self.head is None else self.head.to_json(),
            "note": self.note,
        }


UNSAID: Final = Statement()


@dataclass(frozen=True, slots=True)
class Entry:
    """A site's statement as it stands. `version` counts its changes, 0: nobody has said anything."""

    site: str
    version: int = 0
    statement: Statement = UNSAID
    by: str = ""
    by_name: str = ""
    at: datetime | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """As the protocol writes it."""
        return {
            "site": self.site,
            "version": self.version,
            **self.statement.to_json(),
            "by": self.by_name,
            "at": None if self.at is None else rfc3339(self.at),
        }


@dataclass(frozen=True, slots=True)
class Edit:
    """A statement that somebody made on the version that he saw."""

    site: str
    version: int
    statement: Statement


def checked(
    says: JsonValue, reason: JsonValue, text: JsonValue, head: JsonValue, note: JsonValue
) -> Statement:
    """The statement of what a client sent; None or "" of a field: nothing. Raises BadRequest."""
    if says is not None and says not in get_args(Said):
        raise BadRequest("says is present, absent or null", field="says")
    if reason is not None and not (isinstance(reason, str) and reason in _CODES):
        raise BadRequest("no reason of the list has this code", field="reason")
    words = _words(text, "text", MAX_TEXT)
    if says != "absent" and (reason is not None or words):
        raise BadRequest("only who is absent has a reason", field="reason")
    if says == "absent" and reason is None:
        raise BadRequest("who is absent has a reason", field="reason")
    if reason == OTHER and not words:
        raise BadRequest("another reason needs words", field="text")
    return Statement(
        "present" if says == "present" else "absent" if says == "absent" else None,
        reason,
        words,
        _head(head),
        _words(note, "note", MAX_TEXT),
    )


def _head(value: JsonValue) -> Head | None:
    if value is None:
        return None
    if not isinstance(value, dict) or value.keys() - {"name", "title"}:
        raise BadRequest("head is a name and a title", field="head")
    name, title = (_words(value.get(key), "head", MAX_NAME) for key in ("name", "title"))
    if not name:
        if title:
            raise BadRequest("who heads the site needs a name", field="head")
        return None
    return Head(name, title or None)


def _words(value: JsonValue, field: str, limit: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise BadRequest(f"{field} must be text", field=field)
    clean = " ".join(value.split())
    if len(clean) > limit or not clean.isprintable():
        raise BadRequest(f"{field} has at most {limit} characters", field=field)
    return clean
