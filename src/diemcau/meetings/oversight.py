"""Who watches a meeting from above, and who took its direction over.

A province directs its own meeting. Whoever has a right over more than the meeting's scope may look in: he is
shown to the meeting's desk as long as he does, and directs nothing until he takes over. While he has the
direction everybody else's desk is read-only; he gives it back, or loses it when he has been gone for `GONE`.
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from diemcau.access import Access, Actor, Role
from diemcau.access.actor import Grant
from diemcau.bus import EPHEMERAL, Bus
from diemcau.clock import Clock, rfc3339
from diemcau.errors import Busy, Forbidden, JsonObject, JsonValue, StorageUnavailable, WrongState
from diemcau.meetings import commands as c
from diemcau.meetings import ordering as o
from diemcau.meetings.context import Draft, must_be_open
from diemcau.meetings.errors import DirectionTaken, NotDirecting
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.states import States, stream_of
from diemcau.units import ROOT_CODE, Units

GONE: Final = timedelta(seconds=60)
"""How long who took over may be without a desk in the meeting."""


def above(units: Units, meeting: Meeting) -> tuple[str, ...]:
    """The units right above the meeting's scope; none where the scope reaches to the top (nobody has more) or
    its units are not in the tree."""
    found: dict[str, None] = {}
    for entry in meeting.scope:
        parent = units.get(entry.unit).parent if entry.unit in units else None
        if parent is None:
            return ()
        found[parent] = None
    return tuple(found)


def oversees(access: Access, units: Units, actor: Actor, meeting: Meeting) -> bool:
    """Whether the person's right to direct reaches over more than the meeting."""
    over = above(units, meeting)
    return (
        actor.kind == "person"
        and bool(over)
        and all(access.allowed(actor, "direction.take", unit) for unit in over)
    )


def whence(units: Units, actor: Actor, meeting: Meeting) -> dict[str, JsonValue]:
    """`{"unit", "label"}` of the widest unit by which the person is above the meeting."""
    over = above(units, meeting)
    held = [
        grant.unit
        for grant in actor.grants
        if _directs(grant) and grant.unit in units and all(units.contains(grant.unit, one) for one in over)
    ]
    code = min(held, key=lambda unit: len(list(units.ancestors(unit))), default=ROOT_CODE)
    return place(units, code)


def place(units: Units, code: str) -> dict[str, JsonValue]:
    """`{"unit", "label"}` of a unit, as events name it."""
    return {"unit": code, "label": units.get(code).label if code in units else code}


def _directs(grant: Grant) -> bool:
    return grant.role in (Role.CHAIR, Role.DIRECTOR)


def take(meeting: Meeting, actor: Actor, where: Mapping[str, JsonValue] | None) -> list[Draft]:
    """The direction goes over; of two who take it the second hears who has it."""
    must_be_open(meeting)
    if actor.kind != "person" or where is None:
        raise Forbidden("Only a person with a wider right takes over.", command="direction.take")
    if meeting.direction is not None:
        if meeting.direction.person == actor.id:
            return []
        raise DirectionTaken(None, by=str(meeting.direction.by["name"]))
    by: JsonObject = {"id": actor.id, "name": actor.name, "title": actor.title}
    return [("direction_taken", {"by": by, "whence": dict(where)})]


def give_back(meeting: Meeting, actor: Actor) -> list[Draft]:
    """Only who took it gives it back."""
    if meeting.direction is None:
        raise WrongState("Nobody took this meeting over.")
    if meeting.direction.person != actor.id:
        raise DirectionTaken(None, by=str(meeting.direction.by["name"]))
    return [("direction_returned", {"reason": "returned"})]


def check_directing(meeting: Meeting, actor: Actor, command: c.MeetingCommand, above: bool) -> None:
    """Raises DirectionTaken for whoever works the desk of a meeting that somebody took over, and NotDirecting
    for who only watches from above one that its own people lead. Writing to the desk stays free, and so does
    a branch's own queue: what it sends up is not how the meeting is directed."""
    if actor.kind != "person" or isinstance(command, (c.TakeDirection, c.ReturnDirection)):
        return
    if isinstance(command, (o.ForwardHand, o.RecallHand, o.MoveHand)):
        return
    if isinstance(command, c.Post) and command.to == "desk":
        return
    if meeting.direction is not None:
        if meeting.direction.person != actor.id:
            raise DirectionTaken(None, by=str(meeting.direction.by["name"]))
    elif meeting.status == "open" and meeting.led_by not in (None, actor.key) and above:
        raise NotDirecting


@dataclass(slots=True)
class _Desk:
    actor: Actor
    since: datetime
    pages: set[object] = field(default_factory=set)


class Desks:
    """Which people have a desk open in which meeting, in memory; told to desks as `observers`."""

    def __init__(
        self, bus: Bus, access: Access, units: Units, states: States, clock: Clock, wake: Callable[[], None]
    ) -> None:
        """`wake`: called when `next_due` has become sooner."""
        self._bus, self._access, self._units, self._states = bus, access, units, states
        self._clock, self._wake = clock, wake
        self._desks: dict[str, dict[str, _Desk]] = {}
        self._gone: dict[str, datetime] = {}  # meeting -> when its taker's time is over

    def come(self, meeting: str, actor: Actor, page: object) -> None:
        """A page of his shows the meeting."""
        desk = self._desks.setdefault(meeting, {}).setdefault(actor.id, _Desk(actor, self._clock.now()))
        desk.pages.add(page)
        if len(desk.pages) == 1:
            self.tell(meeting)
        if self._taker(meeting) == actor.id:
            self.forget(meeting)

    def leave(self, meeting: str, person: str, page: object) -> None:
        """It shows it no longer; who took the meeting over and has no other has a minute to come back."""
        own = self._desks.get(meeting, {})
        desk = own.get(person)
        if desk is None:
            return
        desk.pages.discard(page)
        if desk.pages:
            return
        del own[person]
        if not own:
            del self._desks[meeting]
        self.tell(meeting)
        if self._taker(meeting) == person:
            self.miss(meeting)

    def observers(self, meeting: str) -> list[dict[str, Any]]:
        """Those who watch from above: `[{"id", "name", "title", "whence", "since"}]`."""
        found = []
        for desk in self._desks.get(meeting, {}).values():
            where = self._watches(meeting, desk.actor)
            if where is not None:
                actor = desk.actor
                one = {"id": actor.id, "name": actor.name, "title": actor.title}
                found.append({**one, "whence": dict(where), "since": rfc3339(desk.since)})
        return found

    def tell(self, meeting: str) -> None:
        """The list as it is now, to the meeting's desks."""
        body: JsonObject = {"topic": "observers", "data": {"people": self.observers(meeting)}}
        self._bus.publish(f"{EPHEMERAL}{stream_of(meeting)}", body)

    def oversees(self, actor: Actor, meeting: Meeting) -> bool:
        """Whether the person has a wider right than the meeting's own desk."""
        return oversees(self._access, self._units, actor, meeting)

    def whence(self, actor: Actor, meeting: Meeting) -> Mapping[str, JsonValue] | None:
        """Over what the person is above the meeting; None: he is not."""
        return whence(self._units, actor, meeting) if self.oversees(actor, meeting) else None

    # who took over and is gone

    def directed(self, meeting: str) -> None:
        """The direction was taken or given back."""
        self.forget(meeting)
        taker = self._taker(meeting)
        if taker is not None and taker not in self._desks.get(meeting, {}):
            self.miss(meeting)
        self.tell(meeting)

    def miss(self, meeting: str) -> None:
        """Its taker has no desk there (any more)."""
        self._gone.setdefault(meeting, self._clock.now() + GONE)
        self._wake()

    def forget(self, meeting: str) -> None:
        """He has, or took nothing over."""
        self._gone.pop(meeting, None)

    async def expire(self, now: datetime) -> None:
        """Gives back the direction of meetings whose taker's time is over. What the store refuses now is
        tried again at the next call."""
        for meeting in [meeting for meeting, due in self._gone.items() if due <= now]:
            with suppress(Busy, StorageUnavailable):
                await self._states.write(meeting, _lost)
                self.forget(meeting)
                self.tell(meeting)

    def next_due(self) -> datetime | None:
        """When the next one's is."""
        return min(self._gone.values(), default=None)

    def _taker(self, meeting: str) -> str | None:
        state = self._states.latest(meeting)
        return None if state is None or state.direction is None else state.direction.person

    def _watches(self, meeting: str, actor: Actor) -> Mapping[str, JsonValue] | None:
        """Whence the person watches the meeting from above; None: he does not, or directs it."""
        state = self._states.latest(meeting)
        if state is None or state.led_by == actor.key or self._taker(meeting) == actor.id:
            return None
        return self.whence(actor, state)


def _lost(meeting: Meeting, now: datetime) -> list[Draft]:
    """Who took the meeting over has been gone too long."""
    return [] if meeting.direction is None else [("direction_returned", {"reason": "lost"})]
