"""What it takes to be ready."""

from datetime import UTC, datetime, timedelta

import pytest

from diemcau.rollout.readiness import CAUSES, Facts, Policy, State, assess
from diemcau.rollout.readiness.texts import CAUSE_TEXTS, STATE_TEXTS

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
OLD = NOW - timedelta(days=9)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REHEARSED = Policy(rehearsal=True)

CASES = [
    (Facts(), Policy(), State.NEVER, "no_code"),
    (Facts(code_until=NOW + HOUR), Policy(), State.NEVER, "code_open"),
    (Facts(code_until=NOW), Policy(), State.NEVER, "code_expired"),
    (Facts(tested_at=NOW, passed=True, connected=True), Policy(), State.NEVER, "no_code"),
    (Facts(activated_at=NOW - HOUR), Policy(), State.ACTIVATED, "not_tested"),
    (Facts(activated_at=NOW - HOUR, tested_at=NOW, passed=False), Policy(), State.ACTIVATED, "test_failed"),
    (Facts(activated_at=NOW - HOUR, tested_at=NOW, passed=True), Policy(), State.READY, None),
    (
        Facts(activated_at=OLD, tested_at=NOW - 7 * DAY, passed=True, connected=True),
        Policy(),
        State.READY,
        None,
    ),
    (
        Facts(activated_at=OLD, tested_at=NOW - 7 * DAY - HOUR, passed=True, connected=True),
        Policy(),
        State.TESTED,
        "test_old",
    ),
    (Facts(activated_at=OLD, tested_at=NOW - 2 * DAY, passed=True), Policy(), State.TESTED, "not_seen"),
    (
        Facts(activated_at=OLD, tested_at=NOW - 2 * DAY, passed=True, seen_at=NOW - DAY),
        Policy(),
        State.READY,
        None,
    ),
    (
        Facts(activated_at=OLD, tested_at=NOW - 2 * DAY, passed=True, seen_at=NOW - DAY - HOUR),
        Policy(),
        State.TESTED,
        "not_seen",
    ),
    (Facts(activated_at=NOW - HOUR, tested_at=NOW - 2 * DAY, passed=True), Policy(), State.READY, None),
    (Facts(activated_at=NOW - HOUR, tested_at=NOW, passed=True), REHEARSED, State.TESTED, "not_rehearsed"),
    (
        Facts(activated_at=NOW - HOUR, tested_at=NOW, passed=True, rehearsed_at=NOW),
        REHEARSED,
        State.READY,
        None,
    ),
    (
        Facts(activated_at=OLD, tested_at=NOW - 8 * DAY, passed=True, rehearsed_at=NOW),
        REHEARSED,
        State.REHEARSED,
        "test_old",
    ),
    (Facts(activated_at=OLD, tested_at=NOW - 2 * DAY, passed=True), Policy(seen_hours=72), State.READY, None),
    (
        Facts(activated_at=OLD, tested_at=NOW - 2 * DAY, passed=True, connected=True),
        Policy(test_days=1),
        State.TESTED,
        "test_old",
    ),
]


@pytest.mark.parametrize(("facts", "policy", "state", "cause"), CASES)
def test_a_site_is_as_far_as_its_facts_carry_and_has_one_cause(
    facts: Facts, policy: Policy, state: State, cause: str | None
) -> None:
    standing = assess(facts, NOW, policy)
    assert (standing.state, standing.cause) == (state, cause)


def test_every_state_and_cause_can_be_reached_and_has_words() -> None:
    assert {state for _, _, state, _ in CASES} == set(State) == set(STATE_TEXTS)
    assert {cause for *_, cause in CASES} - {None} == set(CAUSES) == set(CAUSE_TEXTS)
