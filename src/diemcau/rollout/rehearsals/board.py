"""A rehearsal as operators see it: how many sites are at which step, unit by unit, and who is not through."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from diemcau.errors import JsonValue
from diemcau.rollout.rehearsals.walk import STEPS, Cause, Walk
from diemcau.sites import Site
from diemcau.units.fold import fold

NEVER_CAME = "absent"
THROUGH = "through"


@dataclass(frozen=True, slots=True)
class Seat:
    """One site on the board. `cause`: why it is no further."""

    site: Site
    walk: Walk
    cause: Cause | None

    @property
    def at(self) -> str:
        """`absent`, the step that it is at, or `through`."""
        step = self.walk.step
        if step is None:
            return THROUGH
        return step.value if self.walk.came else NEVER_CAME


@dataclass(slots=True)
class Tally:
    """Counts. `done`: by step, how many have proved it; `at`: where they are; `faulty`: of those that came
    and are not through, how many have a cause."""

    total: int = 0
    faulty: int = 0
    at: dict[str, int] = field(default_factory=dict)
    done: dict[str, int] = field(default_factory=lambda: {step.value: 0 for step in STEPS})

    def add(self, seat: Seat) -> None:
        """One more site."""
        self.total += 1
        self.at[seat.at] = self.at.get(seat.at, 0) + 1
        self.faulty += seat.cause is not None and seat.walk.came
        for step in seat.walk.done:
            self.done[step.value] += 1

    def to_json(self) -> dict[str, JsonValue]:
        """`{"total", "absent", "faulty", "through", "at", "done"}`."""
        return {
            "total": self.total,
            "absent": self.at.get(NEVER_CAME, 0),
            "faulty": self.faulty,
            "through": self.at.get(THROUGH, 0),
            "at": {step.value: self.at.get(step.value, 0) for step in STEPS},
            "done": dict(self.done),
        }


def tallies(seats: Iterable[Seat], group: Callable[[str], str]) -> tuple[Tally, Mapping[str, Tally]]:
    """Of all, and by what `group` makes of a site's unit."""
    whole, parts = Tally(), dict[str, Tally]()
    for seat in seats:
        whole.add(seat)
        parts.setdefault(group(seat.site.unit), Tally()).add(seat)
    return whole, parts


@dataclass(frozen=True, slots=True)
class SeatFilter:
    """Which sites. `at`: where they are; `faulty`: only those with a cause."""

    at: str | None = None
    faulty: bool = False
    cause: str | None = None
    text: str = ""


def chosen(seats: Iterable[Seat], wanted: SeatFilter) -> Iterator[Seat]:
    """Those that fit."""
    words = [f" {word}" for word in fold(wanted.text[:200]).split()[:8]]
    for seat in seats:
        if wanted.at is not None and seat.at != wanted.at:
            continue
        if wanted.faulty and seat.cause is None:
            continue
        if wanted.cause is not None and seat.cause != wanted.cause:
            continue
        site = seat.site
        text = f" {fold(f'{site.unit} {site.label} {site.path}')}" if words else ""
        if all(word in text for word in words):
            yield seat


def worst_first(seats: Iterable[Seat]) -> list[Seat]:
    """Failures first, then who is under way, then who never came, then who is through; each in the given
    order."""
    rank = {NEVER_CAME: 2, THROUGH: 3}
    return sorted(seats, key=lambda seat: 0 if seat.cause and seat.walk.came else rank.get(seat.at, 1))
