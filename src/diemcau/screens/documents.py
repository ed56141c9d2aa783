"""What a screen is told to show, and what it says of itself: shapes that cross the wire and are stored."""

from typing import Annotated, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field

Kind: TypeAlias = Literal["wall", "stage", "leader"]

Order: TypeAlias = Literal["next", "previous", "pause", "resume", "close"]
"""What a window is told to do once: the steps of its patrol, and to close."""

LIVE_TILES: Final = 25
"""Tiles of one wall that may be live at once."""

SiteId = Annotated[str, Field(min_length=1, max_length=64)]
UnitCode = Annotated[str, Field(min_length=1, max_length=16)]


class _Document(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Patrol(_Document):
    """Sites of a subtree made live in turn: `count` at a time, for `seconds` each time."""

    unit: UnitCode
    seconds: Annotated[int, Field(ge=5, le=600)] = 20
    count: Annotated[int, Field(ge=1, le=LIVE_TILES)] = 6
    paused: bool = False


class Layout(_Document):
    """How a wall is set. `unit`: only this subtree; `state`: only sites that are so; `text`: only what this
    finds; `view`: stills, live tiles, or both beside each other; `pins`: live tiles; `kbits`: what its still
    pictures may take of the line, kbit/s."""

    unit: UnitCode | None = None
    state: Literal["all", "present", "absent", "fresh", "stale"] = "all"
    text: Annotated[str, Field(max_length=100)] = ""
    size: Literal["s", "m", "l"] = "m"
    view: Literal["wall", "both", "live"] = "wall"
    pins: Annotated[list[SiteId], Field(max_length=LIVE_TILES)] = []
    patrol: Patrol | None = None
    kbits: Annotated[int, Field(ge=100, le=100_000)] = 4000


class Show(_Document):
    """What a window shows beside what its kind always shows. `captions`: names under the stage's pictures;
    `sound`: the meeting is heard there; `layout`: of a wall (None: as it was set at the wall itself)."""

    captions: bool = False
    sound: bool = False
    layout: Layout | None = None


class PatrolStatus(_Document):
    """Where a patrol is: set `at` (from 1) of `of`."""

    at: Annotated[int, Field(ge=1, le=100_000)]
    of: Annotated[int, Field(ge=1, le=100_000)]
    paused: bool


class Status(_Document):
    """What a window says of itself. `sound` blocked: its browser wants a touch first. `live`: pictures that
    move there now."""

    full_screen: bool = False
    sound: Literal["off", "on", "blocked"] = "off"
    live: Annotated[int, Field(ge=0, le=64)] = 0
    patrol: PatrolStatus | None = None
