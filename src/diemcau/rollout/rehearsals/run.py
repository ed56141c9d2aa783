"""One rehearsal that is held: every site's walk, the rounds, whose turn it is to speak. No IO: the meeting
and the node are asked through small ports, time is an argument."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from diemcau.errors import JsonObject, JsonValue
from diemcau.rollout.rehearsals.plan import SPEAK_S
from diemcau.rollout.rehearsals.results import Rehearsal
from diemcau.rollout.rehearsals.rounds import Rounds, Sense
from diemcau.rollout.rehearsals.texts import TEXTS
from diemcau.rollout.rehearsals.walk import MOST_WRONG, Cause, PageFault, Picture, Speaking, Step, Walk
from diemcau.rollout.turns import AT_ONCE, AT_ONCE_BESIDE, Turns
from diemcau.stage import Machine
from diemcau.stage import Source as Sends

SPEAK_LASTS_S: Final = 30.0
"""Seconds that a turn to speak lasts at most: to notice that one is asked, to say a sentence, once more."""

LEVELS_KEPT: Final = 40

_WEAK: Final = frozenset({"slides", "audio", "text"})


class View(Protocol):
    """What a run asks of the stage."""

    def watches(self, meeting: str, site: str) -> bool:
        """Whether a viewer of the site stands at the node."""

    def sends(self, site: str) -> Sends:
        """What it sends."""

    def lines(self, party: str) -> Mapping[str, JsonObject]:
        """Its viewers that get less than everything."""

    def has_other_meeting(self, meeting: str) -> bool:
        """Whether a meeting besides is open."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a page says. `saw`, `heard`: from which number to which; `picture`: what it measured of its own
    camera; `fault`: what is wrong with it (None: nothing); `again`: its clerk wants to speak once more."""

    saw: tuple[int, int] | None = None
    heard: tuple[int, int] | None = None
    picture: Picture | None = None
    fault: PageFault | None = None
    again: bool = False
    figures: JsonObject = field(default_factory=dict)


class Run:
    """See the module. `changed`: sites to be told and stored; `finished`: those that are through and have not
    been told of yet."""

    def __init__(self, rehearsal: Rehearsal, walks: Mapping[str, Walk], rounds: Rounds | None = None) -> None:
        self.rehearsal = rehearsal
        self.walks = dict(walks)
        self.rounds = rounds or Rounds()
        self.turns = Turns(lasts_s=SPEAK_LASTS_S, usual_s=SPEAK_S)
        self.told: set[str] = set()
        self.unsaved: set[str] = set()
        self.finished: list[str] = []
        self.version = 0
        self.machine = Machine()
        self._open = {site for site, walk in self.walks.items() if walk.step is not None}
        self._waits: dict[str, int] = {}
        self._ask_at: dict[str, float] = {}

    @property
    def all_through(self) -> bool:
        """Whether every site has done every step."""
        return not self._open

    def answer(self, site: str, said: Answer, now: float, at: datetime) -> None:
        """Takes in what a page says; what is not true counts against it."""
        walk = self.walks.get(site)
        if walk is None:
            return
        before = (walk.page_fault, walk.wrong, walk.tried)
        counted = False
        senses: tuple[tuple[Sense, tuple[int, int] | None], ...] = (("saw", said.saw), ("heard", said.heard))
        for sense, change in senses:
            if change is not None:
                verdict, number = self.rounds.judge(sense, *change, now)
                counted |= walk.answer(sense, verdict, number, at, said.figures)
        walk.page_fault = said.fault
        if walk.speaking is not None and said.picture is not None:
            walk.speaking.picture = said.picture
        if said.again and walk.step is Step.SPEAK:
            walk.tried = None
        if counted or before != (walk.page_fault, walk.wrong, walk.tried):
            self._mark(walk)

    def heard(self, levels: Mapping[str, object]) -> None:
        """Levels of microphones, dBov, of those whose turn it is."""
        for site, level in levels.items():
            walk = self.walks.get(site)
            if walk is not None and walk.speaking is not None and isinstance(level, int):
                walk.speaking.levels = [*walk.speaking.levels[1 - LEVELS_KEPT :], level]

    def look(self, joined: Collection[str], view: View, now: float, at: datetime) -> None:
        """Who has come, gone, proved something, and whose turn it is."""
        meeting = self.rehearsal.meeting
        for site in list(self._open):
            walk = self.walks[site]
            here = site in joined
            if here == walk.here and (not here or walk.step is Step.SPEAK):
                continue  # away, or waiting for its turn: nothing to look at
            weak = here and any(line.get("step") in _WEAK for line in view.lines(site).values())
            watching = here and view.watches(meeting, site)
            if walk.look(here=here, watching=watching, weak=weak, now=at):
                self._mark(walk)
        self._speak(view, now, at)

    def _speak(self, view: View, now: float, at: datetime) -> None:
        self.turns.at_once = AT_ONCE_BESIDE if view.has_other_meeting(self.rehearsal.meeting) else AT_ONCE
        late = set(self.turns.overdue(now))
        for site in [one for one in self._open if self.walks[one].speaking is not None]:
            walk = self.walks[site]
            speaking = walk.speaking
            assert speaking is not None
            sends = view.sends(site)
            speaking.video |= sends.video_live
            speaking.audio |= sends.audio_live
            if walk.speak(at):
                self._end_turn(walk, now)
            elif not walk.here or site in late:
                walk.tried = speaking.missing if walk.here else None
                walk.speaking = None
                self._end_turn(walk, now)
        for site in [one for one in self._open if self.walks[one].wants_to_speak]:
            walk = self.walks[site]
            if walk.speaking is not None or now < self._ask_at.get(site, 0.0):
                continue
            turn = self.turns.ask(site, now)
            self._ask_at[site] = now + turn.again
            if turn.running:
                walk.speaking = Speaking()
                self._waits.pop(site, None)
                self._mark(walk)
            elif abs(turn.seconds - self._waits.get(site, -1000)) >= max(10, turn.seconds * 0.3):
                self._waits[site] = turn.seconds
                self.told.add(site)
        called = frozenset(site for site in self._open if self.walks[site].speaking is not None)
        self.machine = Machine(self.machine.video, self.machine.audio, called)

    def show(self, video: str | None, audio: str | None) -> None:
        """What the machine shows and plays from now on."""
        self.machine = Machine(video, audio, self.machine.called)

    def cause(self, site: str, *, over: bool = False) -> Cause | None:
        """Why the site is no further."""
        walk = self.walks[site]
        return walk.failure() if over else walk.cause()

    def you(self, site: str) -> dict[str, JsonValue] | None:
        """`You.rehearsal` of docs/protocol.md."""
        walk = self.walks.get(site)
        if walk is None:
            return None
        cause = walk.cause()
        shown = cause not in (None, "absent", "left")
        turn: JsonValue = None
        if walk.speaking is not None:
            turn = {"now": True, "seconds": 0}
        elif walk.wants_to_speak:
            turn = {"now": False, "seconds": self._waits.get(site, 1)}
        return {
            "id": self.rehearsal.id,
            "title": self.rehearsal.title,
            "step": None if walk.step is None else walk.step.value,
            "done": [step.value for step in walk.done],
            "fault": {"code": cause, "vi": TEXTS[cause]["vi"], "en": TEXTS[cause]["en"]}
            if cause is not None and shown
            else None,
            "turn": turn,
        }

    def refuses(self, site: str) -> bool:
        """Whether the site is believed no more."""
        return self.walks[site].wrong >= MOST_WRONG

    def _end_turn(self, walk: Walk, now: float) -> None:
        self.turns.end(walk.site, now)
        self._mark(walk)

    def _mark(self, walk: Walk) -> None:
        self.told.add(walk.site)
        self.unsaved.add(walk.site)
        self.version += 1
        if walk.step is None and walk.site in self._open:
            self._open.discard(walk.site)
            self.finished.append(walk.site)
