"""Whose turn it is."""

import heapq
import random

import pytest

from diemcau.errors import Busy
from diemcau.rollout import turns
from diemcau.rollout.turns import GRACE_S, LASTS_S, SELDOM_S, Turns


def test_so_many_run_at_once_and_the_others_are_told_their_place() -> None:
    queue = Turns(2)
    assert queue.ask("a", 0).running and queue.ask("b", 0).running
    third, fourth = queue.ask("c", 1), queue.ask("d", 1)
    assert (third.running, third.place, fourth.place, fourth.of) == (False, 1, 2, 2)
    assert queue.ask("c", 5).place == 1, "asking again keeps the place"
    queue.end("a", 6)
    assert not queue.ask("d", 6).running, "the one before has not gone"
    assert queue.ask("c", 7).running
    assert queue.ask("d", 8).place == 1


def test_two_free_places_let_the_first_two_in_whoever_of_them_asks_first() -> None:
    queue = Turns(2)
    for site in "abcd":
        queue.ask(site, 0)
    queue.end("a", 1)
    queue.end("b", 1)
    assert queue.ask("d", 2).running and queue.ask("c", 2).running


def test_who_does_not_ask_any_more_is_passed_over() -> None:
    queue = Turns(1)
    for site in ("a", "gone", "c"):
        queue.ask(site, 0)
    again = queue.ask("gone", 1).again
    queue.end("a", 2)
    assert not queue.ask("c", 1 + again + GRACE_S).running, "it may be only a little late"
    assert queue.ask("c", 2 + again + GRACE_S).running


def test_a_test_has_its_time_and_is_overdue_after_it() -> None:
    queue = Turns(1)
    assert queue.ask("a", 0).seconds == LASTS_S
    assert queue.ask("a", 20).seconds == LASTS_S - 20
    assert queue.overdue(LASTS_S - 1) == [] and queue.overdue(LASTS_S) == ["a"]
    assert queue.end("a", LASTS_S) and not queue.end("a", LASTS_S)


def test_fewer_at_once_while_a_meeting_is_open_ends_nobody() -> None:
    queue = Turns(3)
    for site in "abc":
        queue.ask(site, 0)
    queue.at_once = 1
    assert queue.ask("a", 1).running and not queue.ask("d", 1).running
    queue.end("a", 2)
    queue.end("b", 2)
    assert not queue.ask("d", 3).running
    queue.end("c", 4)
    assert queue.ask("d", 5).running


def test_only_so_many_may_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "WAITING", 2)
    queue = Turns(1)
    for site in "abc":
        queue.ask(site, 0)
    with pytest.raises(Busy):
        queue.ask("d", 0)
    queue.ask("b", 0)


def test_a_crowd_is_all_served_in_time_and_never_more_than_allowed_at_once() -> None:
    crowd = 1500
    chance, queue, asked = random.Random(5), Turns(64), 0
    due = [(chance.random() * 60, f"s{n}", False) for n in range(crowd)]  # all come within a minute
    heapq.heapify(due)
    now = 0.0
    while due:
        now, site, runs = heapq.heappop(due)
        if runs:
            queue.end(site, now)
            continue
        turn, asked = queue.ask(site, now), asked + 1
        assert queue.running <= 64
        if turn.running:
            heapq.heappush(due, (now + chance.uniform(10, 25), site, True))
        else:
            assert turn.place >= 1 and 0 < turn.again <= SELDOM_S
            heapq.heappush(due, (now + turn.again, site, False))
    assert queue.running == queue.waiting == 0
    assert now < crowd / 9811 * 3600, "at this rate a nation tests within an hour"
    assert asked < 30 * crowd
