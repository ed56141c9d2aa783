"""One site's walk through connect, see, hear, speak: what is proved, what is missing, why. Pure; time is an
argument."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, TypeAlias

from diemcau.errors import JsonObject, JsonValue
from diemcau.rollout.rehearsals.rounds import Sense, Verdict


class Step(StrEnum):
    """The steps in order. Seeing and hearing are proved side by side."""

    CONNECT = "connect"
    SEE = "see"
    HEAR = "hear"
    SPEAK = "speak"


STEPS: Final = tuple(Step)
PROVED_BY: Final[dict[Sense, Step]] = {"saw": Step.SEE, "heard": Step.HEAR}

HITS: Final = 2
"""Changes that a page must name: who guesses does so once in some 400 times."""

MOST_WRONG: Final = 3
"""Wrong answers after which a page is not believed any more in this rehearsal."""

VOICE_DBOV: Final = -45
RISE_DB: Final = 10
STEADY_DBOV: Final = -32
"""A voice: some moment at least so loud that is so much louder than the quietest, or several very loud ones
(somebody who spoke from the first moment on)."""

PageFault: TypeAlias = Literal[
    "not_armed",
    "cannot_show",
    "camera_refused",
    "camera_none",
    "camera_busy",
    "camera_insecure",
    "camera_lost",
    "mic_refused",
    "mic_none",
    "mic_busy",
    "mic_insecure",
    "mic_lost",
]
"""What a page says of itself: it makes a cause plainer, it proves nothing."""

Cause: TypeAlias = (
    PageFault
    | Literal[
        "absent",
        "left",
        "not_connected",
        "weak_line",
        "wrong_answers",
        "not_seen",
        "not_heard",
        "no_turn",
        "not_sent",
        "no_picture",
        "picture_black",
        "picture_frozen",
        "picture_unknown",
        "no_voice",
        "voice_silent",
    ]
)

_FAULT_OF_STEP: Final[dict[Step, tuple[str, ...]]] = {
    Step.CONNECT: ("cannot_show",),
    Step.SEE: ("cannot_show",),
    Step.HEAR: ("not_armed",),
    Step.SPEAK: ("not_armed", "mic_", "camera_"),
}

Picture: TypeAlias = Literal["ok", "black", "frozen"]


@dataclass(slots=True)
class Trail:
    """How far a page is with seeing, or with hearing."""

    hits: int = 0
    answered: int = 0
    """Number of the last round that it has answered."""


@dataclass(slots=True)
class Speaking:
    """A site's turn to send: what the node has of it. `picture`: what its page measured of its own camera."""

    video: bool = False
    audio: bool = False
    levels: list[int] = field(default_factory=list)
    picture: Picture | None = None

    @property
    def voice(self) -> bool:
        """Whether a voice has risen."""
        if not self.levels:
            return False
        top = max(self.levels)
        rose = top >= VOICE_DBOV and top - min(self.levels) >= RISE_DB
        return rose or sum(level >= STEADY_DBOV for level in self.levels) >= 3

    @property
    def proved(self) -> bool:
        """Picture and voice are there."""
        return self.video and self.audio and self.picture == "ok" and self.voice

    @property
    def missing(self) -> Cause:
        """What is not, the first that matters."""
        if not (self.video or self.audio):
            return "not_sent"
        if not self.audio:
            return "no_voice"
        if not self.voice:
            return "voice_silent"
        if not self.video:
            return "no_picture"
        if self.picture is None or self.picture == "ok":
            return "picture_unknown"
        return "picture_black" if self.picture == "black" else "picture_frozen"


@dataclass(slots=True)
class Walk:
    """One site. `here`: its page is in the meeting; `watching`: a viewer of it stands at the node; `came`: it
    was here once. `figures`: of each step that is proved. `tried`: its last turn to speak failed for this."""

    site: str
    done: dict[Step, datetime] = field(default_factory=dict)
    figures: dict[str, JsonValue] = field(default_factory=dict)
    came: bool = False
    here: bool = False
    watching: bool = False
    weak: bool = False
    page_fault: PageFault | None = None
    wrong: int = 0
    trails: dict[Step, Trail] = field(default_factory=lambda: {Step.SEE: Trail(), Step.HEAR: Trail()})
    speaking: Speaking | None = None
    tried: Cause | None = None

    @property
    def step(self) -> Step | None:
        """Where it is; None: it is through."""
        return next((step for step in STEPS if step not in self.done), None)

    @property
    def wants_to_speak(self) -> bool:
        """Whether it is to have a turn: everything before is proved, and its last one did not fail."""
        return self.here and self.step is Step.SPEAK and self.tried is None

    def look(self, *, here: bool, watching: bool, weak: bool, now: datetime) -> bool:
        """Takes in what the meeting and the node say; whether anything changed."""
        before = (self.came, self.here, self.watching, self.weak, len(self.done))
        self.here, self.watching, self.weak = here, watching, weak
        self.came = self.came or here
        if here and watching:
            self._prove(Step.CONNECT, now, {})
        return before != (self.came, self.here, self.watching, self.weak, len(self.done))

    def answer(self, sense: Sense, verdict: Verdict, number: int, now: datetime, figures: JsonObject) -> bool:
        """A judged answer; whether it counted. Without a viewer there is nothing to see; a round is answered
        once."""
        step = PROVED_BY[sense]
        trail = self.trails[step]
        if step in self.done or not (self.here and self.watching) or self.wrong >= MOST_WRONG:
            return False
        if verdict == "wrong":
            self.wrong += 1
            trail.hits = 0
            return False
        if verdict == "late" or number <= trail.answered:
            return False
        trail.answered = number
        if verdict != "hit":
            return False
        trail.hits += 1
        if trail.hits >= HITS:
            self._prove(step, now, figures)
        return True

    def speak(self, now: datetime) -> bool:
        """Whether its turn has just proved that it is seen and heard."""
        if self.speaking is None or not self.speaking.proved:
            return False
        self._prove(Step.SPEAK, now, {"dbov": max(self.speaking.levels)})
        self.speaking = self.tried = None
        return True

    def _prove(self, step: Step, now: datetime, figures: JsonObject) -> None:
        if step not in self.done:
            self.done[step] = now
            if figures:
                self.figures[step.value] = figures

    def cause(self) -> Cause | None:
        """Why it is no further; None: it is through, or all is well so far as is known."""
        step = self.step
        if step is None:
            return None
        if not self.came:
            return "absent"
        if not self.here:
            return "left"
        if self.wrong >= MOST_WRONG:
            return "wrong_answers"
        fault = self.page_fault
        if fault is not None and fault.startswith(_FAULT_OF_STEP[step]):
            return fault
        if step in (Step.SEE, Step.HEAR) and self.weak:
            return "weak_line"
        return self.tried if step is Step.SPEAK else None

    def failure(self) -> Cause | None:
        """The same when it is over: then what was not proved has failed."""
        step = self.step
        if step is None:
            return None
        still: dict[Step, Cause] = {
            Step.CONNECT: "not_connected",
            Step.SEE: "not_seen",
            Step.HEAR: "not_heard",
            Step.SPEAK: "no_turn" if self.speaking is None else self.speaking.missing,
        }
        return self.cause() or still[step]
