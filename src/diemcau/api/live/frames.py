"""What goes over the WebSocket, and how a client's frames are read."""

from dataclasses import asdict
from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal, TypeAlias

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from diemcau.api.problems import problem
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, DiemCauError, JsonObject
from diemcau.rollout.rehearsals.walk import PageFault
from diemcau.screens import Kind, Order, Show, Status
from diemcau.stage import PublisherAnswer, ViewerAnswer
from diemcau.store import Event

MAX_FRAME = 64 << 10
"""Bytes of one frame from a client."""


class Close(IntEnum):
    """Close codes of ours."""

    BAD_MESSAGE = 4000
    NOT_AUTHENTICATED = 4001
    REPLACED = 4003
    TOO_SLOW = 4008
    GOING_AWAY = 4009
    SILENT = 4010


class _Frame(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Hello(_Frame):
    """First frame of a client."""

    op: Literal["hello"]
    proto: int
    page: Literal["site", "desk"]
    tab: Annotated[str, Field(min_length=1, max_length=64)]
    proof: Annotated[str, Field(max_length=128)] | None = None


class Page(_Frame):
    """How the page is: in sight or not; `slept_s`: its machine has just been asleep so long."""

    op: Literal["page"]
    hidden: bool
    slept_s: Annotated[int, Field(ge=0, le=10_000_000)] | None = None


class Subscribe(_Frame):
    """Follow a stream."""

    op: Literal["sub"]
    stream: Annotated[str, Field(min_length=1, max_length=80)]
    since: Annotated[int, Field(ge=0)] | None = None
    topics: Annotated[
        list[
            Literal[
                "presence",
                "levels",
                "receipts",
                "rollcall",
                "screens",
                "rehearsal",
                "calls",
                "operators",
                "lineup",
                "talkback",
            ]
        ],
        Field(alias="with", max_length=12),
    ] = []


class Unsubscribe(_Frame):
    """Follow it no longer."""

    op: Literal["unsub"]
    stream: Annotated[str, Field(min_length=1, max_length=80)]


class OpenViewer(_Frame):
    """Open a viewer: an offer in, an answer out, as `POST /meetings/{m}/viewer`. `talk`: of what is said to
    the asker in private, without pictures."""

    op: Literal["viewer"]
    id: Annotated[str, Field(min_length=1, max_length=64)]
    meeting: Annotated[str, Field(min_length=1, max_length=64)]
    offer: Annotated[str, Field(min_length=1)]
    replaces: Annotated[str, Field(max_length=64)] | None = None
    talk: bool = False


class OpenScreen(_Frame):
    """This page is a window on another monitor, and how it is; said again when that changes."""

    op: Literal["screen"]
    screen: Annotated[str, Field(min_length=6, max_length=64)]
    meeting: Annotated[str, Field(min_length=1, max_length=64)]
    kind: Kind
    label: Annotated[str, Field(max_length=60)] = ""
    status: Status = Status()
    show: Show = Show()


_Change = Annotated[list[Annotated[int, Field(ge=0, lt=256)]], Field(min_length=2, max_length=2)]


class Rehearse(_Frame):
    """What a site's page saw and heard in a rehearsal, and how it is itself."""

    op: Literal["rehearsal"]
    saw: _Change | None = None
    heard: _Change | None = None
    picture: Literal["ok", "black", "frozen"] | None = None
    fault: PageFault | None = None
    again: bool = False
    figures: Annotated[dict[Literal["width", "height", "db"], int], Field(max_length=3)] = {}


class OpenPublisher(_Frame):
    """Open a publisher: an offer in, an answer out, as `POST /meetings/{m}/publisher`. `talk`: an operator
    opens it, to speak in private."""

    op: Literal["publisher"]
    id: Annotated[str, Field(min_length=1, max_length=64)]
    meeting: Annotated[str, Field(min_length=1, max_length=64)]
    offer: Annotated[str, Field(min_length=1)]
    talk: bool = False


class Board(_Frame):
    """The page shows the board of running meetings, or no longer."""

    op: Literal["board"]
    on: bool


class Pong(_Frame):
    """Answers a beat."""

    op: Literal["pong"]


_HELLO: TypeAdapter[Hello] = TypeAdapter(Hello)
Later: TypeAlias = (
    Subscribe | Unsubscribe | OpenViewer | OpenPublisher | OpenScreen | Pong | Page | Rehearse | Board
)
_LATER: TypeAdapter[Later] = TypeAdapter(Annotated[Later, Field(discriminator="op")])


def read(text: str) -> dict[str, Any]:
    """A client's frame as a document with an `op`. Raises BadRequest."""
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadRequest("A frame must be JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("op"), str):
        raise BadRequest("A frame must be an object with an op", field="op")
    return document


def hello(document: dict[str, Any]) -> Hello:
    """The first frame. Raises BadRequest."""
    try:
        return _HELLO.validate_python(document)
    except ValidationError as error:
        raise _bad(error) from error


def later(document: dict[str, Any]) -> Later:
    """Any frame after it that is no command. Raises BadRequest."""
    try:
        return _LATER.validate_python(document)
    except ValidationError as error:
        raise _bad(error) from error


def _bad(error: ValidationError) -> BadRequest:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])[:100]
    return BadRequest(f"{field}: {first['msg']}"[:300], field=field)


def text(document: JsonObject | dict[str, Any]) -> str:
    """One frame of ours."""
    return orjson.dumps(document).decode()


def event(happened: Event) -> str:
    """`ev`."""
    return text({"op": "ev", **happened.to_json()})


def ephemeral(stream: str, topic: str, data: object) -> str:
    """`eph`."""
    return text({"op": "eph", "stream": stream, "topic": topic, "data": data})


def beat(heads: dict[str, int], now: datetime, picture_s: int, waiting: int) -> str:
    """`beat`."""
    said = {"op": "beat", "heads": heads, "now": rfc3339(now), "picture_s": picture_s, "waiting": waiting}
    return text(said)


def challenge(nonce: str) -> str:
    """`challenge`: what a site's page signs for its hello."""
    return text({"op": "challenge", "nonce": nonce})


def wait(place: int, of: int, seconds: int) -> str:
    """`wait`: where the client stands in the queue; place 0 is its turn."""
    return text({"op": "wait", "place": place, "of": of, "seconds": seconds})


def opened(name: str, answer: ViewerAnswer | PublisherAnswer) -> str:
    """`opened`: the answer of `viewer` or `publisher`."""
    return text({"op": "opened", "id": name, **asdict(answer)})


def screen(name: str, show: Show, do: Order | None) -> str:
    """`screen`: what a window shows, and what it is to do once."""
    return text({"op": "screen", "screen": name, "show": show.model_dump(mode="json"), "do": do})


def nack(error: DiemCauError, **about: str) -> str:
    """`nack` of a command or a viewer (`id`), or of a subscription (`stream`)."""
    return text({"op": "nack", **about, "problem": problem(error)})
