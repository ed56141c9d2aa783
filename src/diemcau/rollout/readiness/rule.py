"""What it takes to be ready, and what a site still lacks: one pure function of what is known of it.

    never -> activated -> tested -> rehearsed -> ready

*Ready*: a device is bound; the last self-test was passed and is at most `test_days` old; a rehearsal was
taken part in where the policy demands one; the site is connected, or was within `seen_hours`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, TypeAlias, get_args


class State(StrEnum):
    """States in order; a site is in the furthest whose conditions hold, all those before it included."""

    NEVER = "never"
    ACTIVATED = "activated"
    TESTED = "tested"
    REHEARSED = "rehearsed"
    READY = "ready"

    @property
    def rank(self) -> int:
        """0 for `never`, growing."""
        return _RANKS[self]


_RANKS: Final = {state: rank for rank, state in enumerate(State)}

Cause: TypeAlias = Literal[
    "no_code",
    "code_open",
    "code_expired",
    "not_tested",
    "test_failed",
    "test_old",
    "not_rehearsed",
    "not_seen",
]
"""Why a site is not ready; the first that applies, so that each has one next step."""

CAUSES: Final[tuple[Cause, ...]] = get_args(Cause)


@dataclass(frozen=True, slots=True)
class Policy:
    """What an installation demands. `rehearsal`: whether a site must have taken part in one."""

    test_days: int = 7
    seen_hours: int = 24
    rehearsal: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a site. `code_until`: until when its unused activation code is good. `passed`: of the
    last self-test. `seen_at`: when it was last connected; `connected`: it is now."""

    activated_at: datetime | None = None
    code_until: datetime | None = None
    tested_at: datetime | None = None
    passed: bool = False
    rehearsed_at: datetime | None = None
    seen_at: datetime | None = None
    connected: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a site is, and why no further (None: it is ready)."""

    state: State
    cause: Cause | None


def assess(facts: Facts, now: datetime, policy: Policy = Policy()) -> Standing:
    """The site's state and the cause."""
    if facts.activated_at is None:
        if facts.code_until is None:
            return Standing(State.NEVER, "no_code")
        return Standing(State.NEVER, "code_open" if facts.code_until > now else "code_expired")
    if facts.tested_at is None:
        return Standing(State.ACTIVATED, "not_tested")
    if not facts.passed:
        return Standing(State.ACTIVATED, "test_failed")
    state = State.TESTED if facts.rehearsed_at is None else State.REHEARSED
    if now - facts.tested_at > timedelta(days=policy.test_days):
        return Standing(state, "test_old")
    if policy.rehearsal and facts.rehearsed_at is None:
        return Standing(state, "not_rehearsed")
    if not facts.connected:
        # A device that is bound, or a test, is a connection too.
        seen = max(facts.activated_at, facts.tested_at, facts.seen_at or facts.tested_at)
        if now - seen > timedelta(hours=policy.seen_hours):
            return Standing(state, "not_seen")
    return Standing(State.READY, None)
