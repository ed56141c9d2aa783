"""Sessions that follow each other, and two machines with one key."""

from dataclasses import dataclass

import pytest

from diemcau.access.lines import DeviceConflict, Lines
from diemcau.clock import ManualClock
from diemcau.errors import NotAuthenticated

DEVICE, OTHER = b"d" * 32, b"o" * 32


@dataclass
class Ticking:
    seconds: float = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def ticking() -> Ticking:
    return Ticking()


@pytest.fixture
def lines(clock: ManualClock, ticking: Ticking) -> Lines:
    return Lines(b"s" * 32, clock, now=ticking)


def test_sessions_follow_each_other_on_one_line(lines: Lines) -> None:
    first = lines.open(DEVICE, None)
    assert lines.resume(first.token) == first.line and not first.conflict
    second = lines.open(DEVICE, first.token)
    assert second.line == first.line and not second.conflict
    lines.resume(first.token)  # another tab may still have the one before on its way
    assert lines.page_secret(first.line) == lines.page_secret(second.line)


def test_a_session_ends_and_its_cookie_still_says_what_the_next_one_follows(
    lines: Lines, clock: ManualClock
) -> None:
    first = lines.open(DEVICE, None)
    clock.advance(3600)
    with pytest.raises(NotAuthenticated):
        lines.resume(first.token)
    assert not lines.open(DEVICE, first.token).conflict


def test_of_two_machines_with_one_profile_the_later_takes_over_and_it_is_seen(lines: Lines) -> None:
    copied = lines.open(DEVICE, None)
    ours = lines.open(DEVICE, copied.token)
    lines.resume(ours.token)
    theirs = lines.open(DEVICE, copied.token)
    assert theirs.conflict and theirs.line != ours.line
    with pytest.raises(DeviceConflict):
        lines.resume(ours.token)
    with pytest.raises(DeviceConflict):
        lines.check(ours.line)
    again = lines.open(DEVICE, ours.token)
    assert again.conflict
    with pytest.raises(DeviceConflict):
        lines.check(theirs.line)


def test_an_answer_that_was_lost_is_no_second_machine(lines: Lines) -> None:
    first = lines.open(DEVICE, None)
    lines.resume(first.token)
    lines.open(DEVICE, first.token)  # never arrived
    assert not lines.open(DEVICE, first.token).conflict
    lines.open(OTHER, None)  # nor did this one, and no cookie with it
    assert not lines.open(OTHER, None).conflict


def test_without_a_cookie_it_is_a_second_machine_only_while_the_first_is_in_use(
    lines: Lines, ticking: Ticking
) -> None:
    first = lines.open(DEVICE, None)
    ticking.seconds += 100
    lines.check(first.line)
    ticking.seconds += 100
    assert lines.open(DEVICE, None).conflict
    ticking.seconds += 1000
    assert not lines.open(DEVICE, None).conflict


def test_a_restart_forgets_no_session(lines: Lines, clock: ManualClock) -> None:
    first = lines.open(DEVICE, None)
    second = lines.open(DEVICE, first.token)
    after = Lines(b"s" * 32, clock)
    assert after.resume(second.token) == second.line
    assert not after.open(DEVICE, second.token).conflict
    assert after.open(DEVICE, first.token).conflict


def test_another_devices_cookie_says_nothing(lines: Lines) -> None:
    other = lines.open(OTHER, None)
    assert not lines.open(DEVICE, other.token).conflict


def test_a_tampered_or_foreign_cookie_is_nobodys(lines: Lines, clock: ManualClock) -> None:
    token = lines.open(DEVICE, None).token
    flipped = ("A" if token[0] != "A" else "B") + token[1:]
    foreign = Lines(b"t" * 32, clock).open(DEVICE, None).token
    for wrong in (flipped, foreign, "", token[:-3], "ế", "A" * 500):
        with pytest.raises(NotAuthenticated):
            lines.resume(wrong)
        assert lines.device_of(wrong) is None


def test_what_is_remembered_is_bounded(clock: ManualClock) -> None:
    few = Lines(b"s" * 32, clock, most=3)
    tokens = [few.open(bytes([n]) * 32, None) for n in range(10)]
    assert len(few) == 3
    assert few.resume(tokens[0].token) == tokens[0].line  # forgotten, and yet good
