"""What a page may claim in a rehearsal and what is believed: hostile answers, turns, causes."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from diemcau.rollout.rehearsals.board import Seat, tallies, worst_first
from diemcau.rollout.rehearsals.plan import minutes_for
from diemcau.rollout.rehearsals.presenter import nearer
from diemcau.rollout.rehearsals.results import Rehearsal
from diemcau.rollout.rehearsals.rounds import LATE_S, LONGEST_S, SHORTEST_S, Round, Rounds
from diemcau.rollout.rehearsals.run import SPEAK_LASTS_S, Answer, Run
from diemcau.rollout.rehearsals.source import NOTES, PICTURES
from diemcau.rollout.rehearsals.walk import HITS, MOST_WRONG, Speaking, Step, Walk
from diemcau.rollout.turns import AT_ONCE, AT_ONCE_BESIDE
from diemcau.sites import Site, SiteKind
from diemcau.stage import Source

AT = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
MEETING = "m_1"


class View:
    """A stage that shows what a test says."""

    def __init__(self) -> None:
        self.watching: set[str] = set()
        self.sending: dict[str, Source] = {}
        self.weak: dict[str, str] = {}
        self.other = False

    def watches(self, meeting: str, site: str) -> bool:
        return site in self.watching

    def sends(self, site: str) -> Source:
        return self.sending.get(site, Source())

    def lines(self, party: str) -> dict[str, dict[str, Any]]:
        return {"v": {"step": self.weak[party]}} if party in self.weak else {}

    def has_other_meeting(self, meeting: str) -> bool:
        return self.other


class Hall:
    """A run, its view, and a clock in seconds."""

    def __init__(self, *sites: str, seed: int = 1) -> None:
        rehearsal = Rehearsal("r_1", "Chạy thử", MEETING, "system", ("VN",), len(sites), 10, "running", AT)
        self.run = Run(rehearsal, {site: Walk(site) for site in sites}, Rounds(random.Random(seed)))
        self.view, self.joined, self.now = View(), set[str](), 0.0
        self.rounds: list[Round] = []

    def come(self, *sites: str, viewer: bool = True) -> None:
        self.joined.update(sites)
        if viewer:
            self.view.watching.update(sites)
        self.look()

    def look(self) -> None:
        self.run.look(self.joined, self.view, self.now, AT)

    def round(self) -> Round:
        """Time passes, the machine shows and plays something else."""
        self.now = max(self.now + 1, self.run.rounds.next_at)
        self.rounds.append(self.run.rounds.turn(self.now))
        return self.rounds[-1]

    def change(self) -> dict[str, tuple[int, int]]:
        """What somebody who decodes has seen and heard of the last change."""
        before, after = self.rounds[-2:]
        return {"saw": (before.picture, after.picture), "heard": (before.note, after.note)}

    def say(self, site: str, **said: Any) -> Walk:
        self.run.answer(site, Answer(**said), self.now, AT)
        return self.run.walks[site]

    def sense(self, site: str) -> None:
        """The site sees and hears as an honest page does."""
        if len(self.rounds) < 2:
            self.round()
        for _ in range(HITS):
            self.round()
            self.say(site, **self.change())


def sends(hall: Hall, site: str, *, video: bool = True, audio: bool = True) -> None:
    hall.view.sending[site] = Source("a", "v", audio_live=audio, video_live=video)


def test_an_honest_page_goes_through_all_four_steps() -> None:
    hall = Hall("s_1")
    assert hall.run.walks["s_1"].cause() == "absent"
    hall.come("s_1", viewer=False)
    assert hall.run.walks["s_1"].step is Step.CONNECT
    hall.come("s_1")
    assert hall.run.walks["s_1"].step is Step.SEE
    hall.sense("s_1")
    assert hall.run.walks["s_1"].step is Step.SPEAK and not hall.run.all_through
    hall.look()
    assert hall.run.machine.called == {"s_1"}
    assert hall.run.you("s_1")["turn"] == {"now": True, "seconds": 0}  # type: ignore[index]
    sends(hall, "s_1")
    hall.say("s_1", picture="ok")
    hall.run.heard({"s_1": -70})
    hall.look()
    assert not hall.run.all_through, "a quiet room is not a voice"
    hall.run.heard({"s_1": -30})
    hall.look()
    assert hall.run.all_through and hall.run.finished == ["s_1"] and not hall.run.machine.called
    assert hall.run.walks["s_1"].cause() is None and hall.run.you("s_1")["step"] is None  # type: ignore[index]


def test_a_page_without_a_viewer_is_not_believed() -> None:
    hall = Hall("s_1")
    hall.come("s_1", viewer=False)
    hall.sense("s_1")
    walk = hall.run.walks["s_1"]
    assert walk.done == {} and walk.failure() == "not_connected"


def test_a_wrong_number_takes_back_what_counted_and_three_end_belief() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    hall.round()
    hall.round()
    hall.say("s_1", **hall.change())
    for _ in range(MOST_WRONG):
        this = hall.round()
        before = hall.rounds[-2]
        others = [n for n in range(PICTURES) if n not in {one.picture for one in hall.rounds}]
        wrong = others[0] if others else (this.picture + 1) % PICTURES
        hall.say("s_1", saw=(before.picture, wrong))
    walk = hall.run.walks["s_1"]
    assert walk.trails[Step.SEE].hits == 0 and walk.cause() == "wrong_answers"
    hall.sense("s_1")
    assert Step.SEE not in walk.done, "it is believed no more"


def test_an_answer_before_the_cut_is_wrong() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    hall.round()
    shown = hall.round()
    guess = next(n for n in range(PICTURES) if n not in (shown.picture, hall.rounds[0].picture))
    hall.say("s_1", saw=(shown.picture, guess))
    assert hall.run.walks["s_1"].wrong == 1


def test_an_answer_said_twice_counts_once_and_an_old_one_not_at_all() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    hall.round()
    hall.round()
    old = hall.change()
    for _ in range(5):
        hall.say("s_1", **old)
    walk = hall.run.walks["s_1"]
    assert walk.trails[Step.SEE].hits == 1 and walk.wrong == 0
    hall.round()
    hall.now += LATE_S + 0.1
    other = Walk("s_2", here=True, watching=True)
    verdict, number = hall.run.rounds.judge("saw", *old["saw"], hall.now)
    assert verdict == "late" and not other.answer("saw", verdict, number, AT, {})


def test_an_answer_that_was_under_way_at_the_next_cut_still_counts() -> None:
    hall = Hall("s_1")
    hall.round()
    hall.round()
    said = hall.change()
    hall.round()
    assert hall.run.rounds.judge("saw", *said["saw"], hall.now + LATE_S)[0] == "hit"
    assert hall.run.rounds.judge("saw", *said["saw"], hall.now + LATE_S + 0.01)[0] == "late"


def test_who_missed_a_round_is_no_liar() -> None:
    hall = Hall("s_1")
    for _ in range(3):
        hall.round()
    first, _, third = hall.rounds
    if first.picture == third.picture:
        hall.round()
        third = hall.rounds[-1]
    verdict, _ = hall.run.rounds.judge("saw", first.picture, third.picture, hall.now)
    assert verdict == "near"


def test_after_a_restart_the_first_change_says_nothing() -> None:
    rounds = Rounds(random.Random(3))
    rounds.turn(0)
    assert rounds.judge("saw", 5, rounds.now.picture if rounds.now else 0, 1)[0] == "late"


def test_who_guesses_is_nearly_never_through() -> None:
    chance = random.Random(7)
    through = 0
    for _ in range(400):
        hall = Hall("s_1", seed=chance.randrange(1 << 30))
        hall.come("s_1")
        hall.round()
        for _ in range(30):
            hall.round()
            hall.say("s_1", saw=(chance.randrange(PICTURES), chance.randrange(PICTURES)))
        through += Step.SEE in hall.run.walks["s_1"].done
    assert through <= 8, through


def test_nobody_can_foresee_when_and_what_comes_next() -> None:
    rounds, now, seen = Rounds(random.Random(5)), 0.0, []
    for _ in range(400):
        made = rounds.turn(now)
        assert SHORTEST_S <= rounds.next_at - now <= LONGEST_S and not rounds.due(now)
        if seen:
            assert made.picture != seen[-1].picture
            assert made.note not in {one.note for one in seen[-2:]}
        seen.append(made)
        now = rounds.next_at
    assert {one.picture for one in seen} == {one.note for one in seen} == set(range(len(NOTES)))


def test_turns_to_speak_are_few_and_fewer_beside_a_meeting() -> None:
    sites = [f"s_{n}" for n in range(AT_ONCE + 20)]
    hall = Hall(*sites)
    hall.come(*sites)
    for walk in hall.run.walks.values():
        walk.done |= {Step.SEE: AT, Step.HEAR: AT}
    hall.look()
    assert len(hall.run.machine.called) == AT_ONCE
    waiting = next(site for site in sites if site not in hall.run.machine.called)
    told = hall.run.you(waiting)
    assert told is not None and told["turn"]["now"] is False  # type: ignore[index,call-overload]
    hall.view.other = True
    for site in hall.run.machine.called:
        sends(hall, site)
        hall.say(site, picture="ok")
        hall.run.heard({site: -60})
        hall.run.heard({site: -20})
    hall.now += 5
    hall.look()
    assert len(hall.run.machine.called) == AT_ONCE_BESIDE


@pytest.mark.parametrize(
    ("speaking", "cause"),
    [
        (Speaking(), "not_sent"),
        (Speaking(video=True), "no_voice"),
        (Speaking(video=True, audio=True, levels=[-127, -127, -127]), "voice_silent"),
        (Speaking(video=True, audio=True, levels=[-41, -40, -39, -42]), "voice_silent"),  # a fan
        (Speaking(audio=True, levels=[-70, -30]), "no_picture"),
        (Speaking(video=True, audio=True, levels=[-70, -30]), "picture_unknown"),
        (Speaking(video=True, audio=True, levels=[-70, -30], picture="black"), "picture_black"),
        (Speaking(video=True, audio=True, levels=[-70, -30], picture="frozen"), "picture_frozen"),
    ],
)
def test_each_thing_that_is_missing_has_its_cause(speaking: Speaking, cause: str) -> None:
    assert not speaking.proved and speaking.missing == cause


def test_a_turn_that_fails_says_why_and_comes_again_only_when_it_is_asked_for() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    hall.sense("s_1")
    hall.look()
    sends(hall, "s_1")
    hall.say("s_1", picture="ok")
    hall.run.heard({"s_1": -127})
    hall.now += SPEAK_LASTS_S + 1
    hall.look()
    told = hall.run.you("s_1")
    assert told is not None and told["fault"]["code"] == "voice_silent"  # type: ignore[index,call-overload]
    hall.look()
    assert not hall.run.machine.called
    hall.say("s_1", again=True)
    hall.look()
    assert hall.run.machine.called == {"s_1"}
    assert hall.run.walks["s_1"].speaking == Speaking(), "it begins anew"


def test_who_loses_the_line_goes_on_where_it_was() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    hall.sense("s_1")
    hall.look()
    hall.joined.clear()
    hall.look()
    walk = hall.run.walks["s_1"]
    assert walk.cause() == "left" and walk.speaking is None and not hall.run.machine.called
    hall.come("s_1")
    assert walk.step is Step.SPEAK and hall.run.machine.called == {"s_1"}


def test_what_a_page_says_of_itself_makes_the_cause_plainer_and_proves_nothing() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    walk = hall.say("s_1", fault="mic_refused")
    assert walk.cause() is None and walk.failure() == "not_seen", "a microphone is not why it does not see"
    hall.view.weak["s_1"] = "audio"
    hall.look()
    assert walk.failure() == "weak_line"
    walk.done |= {Step.SEE: AT}
    hall.view.weak.clear()
    hall.look()
    assert hall.say("s_1", fault="not_armed").cause() == "not_armed"
    walk.done |= {Step.HEAR: AT}
    assert hall.say("s_1", fault="mic_refused").cause() == "mic_refused"
    hall.run.answer("s_9", Answer(fault="mic_refused"), hall.now, AT)  # a site that is not in it


def test_levels_of_others_and_of_nobody_change_nothing() -> None:
    hall = Hall("s_1")
    hall.come("s_1")
    hall.run.heard({"s_1": -10, "s_2": -10, "s_3": "loud"})
    assert hall.run.walks["s_1"].speaking is None


def test_the_board_counts_every_site_once_and_shows_failures_first() -> None:
    def seat(name: str, unit: str, walk: Walk) -> Seat:
        return Seat(Site(name, unit, name, SiteKind.POST, ""), walk, walk.cause())

    done = Walk("s_done", came=True, here=True, done=dict.fromkeys(Step, AT))
    fault = Walk("s_fault", came=True, here=True, watching=True, done={Step.CONNECT: AT}, weak=True)
    busy = replace(fault, site="s_busy", weak=False)
    seats = [
        seat("s_done", "01", done),
        seat("s_absent", "01", Walk("s_absent")),
        seat("s_busy", "02", busy),
        seat("s_fault", "02", fault),
    ]
    whole, parts = tallies(seats, lambda unit: unit)
    assert whole.to_json() == {
        "total": 4,
        "absent": 1,
        "faulty": 1,
        "through": 1,
        "at": {"connect": 0, "see": 2, "hear": 0, "speak": 0},
        "done": {"connect": 3, "see": 1, "hear": 1, "speak": 1},
    }
    assert {unit: tally.total for unit, tally in parts.items()} == {"01": 2, "02": 2}
    assert [one.site.id for one in worst_first(seats)] == ["s_fault", "s_busy", "s_absent", "s_done"]


def test_a_nation_is_given_hours_and_a_village_ten_minutes() -> None:
    assert minutes_for(1) == 10 and 30 < minutes_for(9_811) <= 240


def test_the_machine_goes_to_its_node_by_the_near_address() -> None:
    answer = (
        "v=0\r\na=candidate:1 1 udp 99 203.0.113.7 41800 typ host\r\na=candidate:2 1 tcp 9 203.0.113.7 9\r\n"
    )
    assert "udp 99 127.0.0.1 41800" in nearer(answer, "127.0.0.1")
    assert "tcp 9 203.0.113.7 9" in nearer(answer, "127.0.0.1") and nearer(answer, None) == answer
