"""Bodies of the doors of waves."""

from dataclasses import asdict
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, Field

from diemcau.api.readiness import ReadinessCounts
from diemcau.api.schemas import Code, Id, Strict
from diemcau.rollout.readiness import Cause
from diemcau.rollout.waves.export import sms_text
from diemcau.rollout.waves.sending import Message as MessageOf
from diemcau.rollout.waves.sms import parts_of

MessageState = Literal["queued", "sending", "sent", "failed", "skipped", "uncertain"]
MessageKind = Literal["invitation", "reminder"]
Channel = Literal["email", "sms"]
Clock = Annotated[str, Field(max_length=5)]
Day = Annotated[str, Field(max_length=10)]
Kind = Literal["post", "room", "bridge", "feed"]
Causes = Annotated[list[Cause], Field(max_length=8)]

__all__ = ["Cause"]


class PlanWanted(Strict):
    """A plan. `units`: subtrees (none: all of the asker's). `carriers`: "" is not known. `move`: also sites
    of other waves. `per_day`: 0 puts all on the first day. `expected`: sites that the preview counted."""

    name: Annotated[str, Field(min_length=1, max_length=120)]
    first_day: Day
    start: Clock = "07:30"
    end: Clock = "11:30"
    units: Annotated[list[Code], Field(max_length=64)] = Field(default_factory=list)
    carriers: Annotated[list[Annotated[str, Field(max_length=100)]], Field(max_length=20)] = Field(
        default_factory=list
    )
    kinds: Annotated[list[Kind], Field(max_length=4)] = Field(default_factory=list)
    not_ready: bool = False
    move: bool = False
    per_day: Annotated[int, Field(ge=0, le=20_000)] = 0
    weekends: bool = True
    expected: Annotated[int, Field(ge=0)] | None = None


class PlannedWave(BaseModel):
    """A wave that a plan would make."""

    name: str
    day: str
    unit: str
    path: str
    sites: int


class PlanPreview(BaseModel):
    """`moved`: of the `total`, those that leave another wave; `elsewhere`: those that fit but stay in one."""

    total: int
    moved: int
    elsewhere: int
    waves: list[PlannedWave]


class WavesMade(BaseModel):
    """Their ids, in the order of days."""

    waves: list[str]


class Wave(BaseModel):
    """A wave. Figures are of the sites that the asker may see. `invited`: letters and text messages of the
    invitation to its present day, by state. `may`: the asker may change it."""

    id: str
    name: str
    day: str
    start: str
    end: str
    unit: str
    path: str
    revision: int
    counts: ReadinessCounts
    invited: dict[MessageState, int]
    may: bool


class WaveList(BaseModel):
    """`unplanned`: sites of the asker's that are in no wave. `mail`: letters can be sent. `plans`: the asker
    may plan somewhere."""

    waves: list[Wave]
    unplanned: int
    mail: bool
    plans: bool
    rehearsal: bool


class Sending(BaseModel):
    """A letter to many. `current`: its occasion. `error`: what keeps a running one, or stopped it."""

    id: str
    wave: str
    kind: MessageKind
    channel: Channel
    current: str
    subject: str
    link: bool
    causes: list[Cause]
    per_minute: int
    state: Literal["running", "stopped", "done"]
    error: str | None
    created_at: str
    counts: dict[MessageState, int]


class Reminder(BaseModel):
    """A planned reminder. `at`: when it goes."""

    id: str
    days_before: int
    clock: str
    at: str
    subject: str
    body: str
    causes: list[Cause]
    state: Literal["planned", "sent", "missed"]
    sending: str | None


class WaveDetails(Wave):
    """With what was sent and is planned. `codes`: the asker may send activation links."""

    sendings: list[Sending]
    reminders: list[Reminder]
    mail: bool
    codes: bool
    rehearsal: bool


class WaveChange(Strict):
    """What is left out stays."""

    name: Annotated[str, Field(min_length=1, max_length=120)] | None = None
    day: Day | None = None
    start: Clock | None = None
    end: Clock | None = None


class WaveSites(Strict):
    """Sites that come in and go out; `move`: also those of another wave."""

    add: Annotated[list[Id], Field(max_length=1000)] = Field(default_factory=list)
    remove: Annotated[list[Id], Field(max_length=1000)] = Field(default_factory=list)
    move: bool = False


class TextGiven(Strict):
    """A text with its places. `link`: sites that no device stands for get a one-time code, good for `days`.
    `base`: the address in it, for the console alone."""

    subject: Annotated[str, Field(max_length=150)] = "-"
    body: Annotated[str, Field(min_length=1, max_length=4_000)]
    link: bool = False
    days: Annotated[int, Field(ge=1, le=90)] = 14
    hotline: Annotated[str, Field(max_length=60)] = ""
    base: Annotated[str, Field(max_length=200)] | None = None


class MessageWanted(TextGiven):
    """Whom it is for: those of the wave whom these causes keep; none: all, of a reminder those who have never
    connected."""

    kind: MessageKind = "invitation"
    causes: Causes = Field(default_factory=list)


class MessagePreviewWanted(MessageWanted):
    """`site`: as whom it is read; none: the first who would get it."""

    channel: Channel = "email"
    site: Id | None = None
    without_marks: bool = True


class LettersWanted(MessageWanted):
    """`request`: the asker's name for it; the same again begins nothing."""

    request: Annotated[str, Field(min_length=8, max_length=64)]
    per_minute: Annotated[int, Field(ge=1, le=6_000)] = 60


class TextsWanted(MessageWanted):
    """`without_marks`: Vietnamese without diacritics. `again`: also those who are in an earlier file."""

    form: Literal["xlsx", "csv"] = "xlsx"
    without_marks: bool = True
    again: bool = False


class ReminderWanted(TextGiven):
    """So many days before the wave's, at `clock`, Hà Nội time."""

    days_before: Annotated[int, Field(ge=0, le=30)]
    clock: Clock
    causes: Causes = Field(default_factory=list)


class Audience(BaseModel):
    """See `Audience` of the room."""

    send: int
    told: int
    not_meant: int
    no_address: int
    links: int
    codes: int


class MessagePreview(BaseModel):
    """How one site would read it. `parts`, `coding`: of a text message."""

    audience: Audience
    subject: str
    body: str
    parts: int | None
    coding: Literal["gsm7", "ucs2"] | None
    site: str | None
    to: list[str]


class Message(BaseModel):
    """One letter to one site. `error`: a stable code; `detail`: the mail server's words."""

    site: str
    label: str
    path: str
    phones: list[str]
    state: MessageState
    address: str | None
    error: str | None
    detail: str | None
    tries: int
    at: str


class MessageList(BaseModel):
    """At most 500."""

    messages: list[Message]


class TemplateText(BaseModel):
    """A text to begin with."""

    language: Literal["vi", "en"]
    kind: MessageKind
    subject: str
    body: str


class Templates(BaseModel):
    """`variables`: names of the places, written {name}."""

    variables: list[str]
    texts: list[TemplateText]
    sms: str
    hotline: str


class Said(NamedTuple):
    """A text message as it goes."""

    text: str
    parts: int
    coding: Literal["gsm7", "ucs2"]


def sms_of(text: str, without_marks: bool) -> Said:
    """As it goes, and its parts."""
    said = sms_text(text, without_marks=without_marks)
    parts = parts_of(said)
    return Said(said, parts.count, parts.coding)


def plain(message: MessageOf) -> dict[str, Any]:
    """Its fields."""
    return asdict(message)
