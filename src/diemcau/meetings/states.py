"""The states of meetings in memory: committed ones for readers, the writer's own while a group is written.

A committed state never changes: each group of commands works on a clone, which takes its place at the
commit, or is thrown away. So readers need no lock and never see what is not stored.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime
from typing import Final, TypeAlias

from diemcau.clock import Clock
from diemcau.errors import JsonObject
from diemcau.meetings.context import Draft
from diemcau.meetings.errors import MeetingNotFound
from diemcau.meetings.meeting import Meeting, from_json, to_json
from diemcau.store import Event, Store, UnitOfWork

Rule: TypeAlias = Callable[[Meeting, datetime], list[Draft]]
"""What follows for a meeting as it is, at the time of the writing."""

SNAPSHOT_EVERY: Final = 200
_RECHECK_MS: Final = 250


def stream_of(meeting: str) -> str:
    """The stream of a meeting."""
    return f"meeting:{meeting}"


class States:
    """Loads, keeps (at most `limit` meetings) and advances states."""

    def __init__(self, store: Store, clock: Clock, *, limit: int = 64) -> None:
        self._store = store
        self._clock = clock
        self._limit = limit
        self._committed: OrderedDict[str, Meeting] = OrderedDict()
        self._writing: dict[str, Meeting] = {}
        self._dirty: set[str] = set()
        self._checked: dict[str, int] = {}
        self._loading: dict[str, asyncio.Task[Meeting]] = {}

    def at_hand(self, meeting: str) -> Meeting | None:
        """The committed state as this process knows it: what is in it is so, what is not another process may
        have written. None: `get`."""
        return self._committed.get(meeting)

    async def get(self, meeting: str) -> Meeting:
        """The committed state; what another process wrote shows within 250 ms. Raises MeetingNotFound."""
        if not (meeting.isascii() and meeting.isprintable() and len(meeting) <= 64):
            raise MeetingNotFound
        found = self._committed.get(meeting)
        now = int(self._clock.now().timestamp() * 1000)
        if found is not None and now - self._checked.get(meeting, 0) < _RECHECK_MS:
            self._committed.move_to_end(meeting)
            return found
        # Thousands ask at once after a reconnect: one of them looks.
        task = self._loading.get(meeting)
        if task is None:
            task = asyncio.create_task(self._load(meeting, now))
            self._loading[meeting] = task
            task.add_done_callback(lambda done: self._loaded(meeting, done))
        found = await asyncio.shield(task)
        # The look may have begun before a commit that this caller has been told of.
        latest = self._committed.get(meeting)
        return latest if latest is not None and latest.seq > found.seq else found

    def latest(self, meeting: str) -> Meeting | None:
        """The state with what is being written, if it is in memory."""
        return self._writing.get(meeting) or self._committed.get(meeting)

    async def writable(self, unit: UnitOfWork, meeting: str) -> Meeting:
        """The state at the head, for work that then calls `advance`. Raises MeetingNotFound."""
        head = unit.head(stream_of(meeting))
        found = self._writing.get(meeting)
        if found is None or found.seq != head.seq:
            known = self._committed.get(meeting)
            found = known.clone() if known is not None and known.seq <= head.seq else None
            if found is None and (stored := await unit.snapshot(stream_of(meeting))) is not None:
                found = from_json(stored[1])
            if found is None or found.seq < head.seq:
                events = await unit.events(stream_of(meeting), found.seq if found is not None else 0)
                found = _replayed(found, events)
            if found is None:
                raise MeetingNotFound
            if found.seq != head.seq:
                raise RuntimeError(f"{found.stream} ends at {head.seq}, its events at {found.seq}")
            self._writing[meeting] = found
        unit.on_rollback(lambda: self._drop_unchanged(meeting))
        return found

    def advance(self, unit: UnitOfWork, state: Meeting, drafts: list[Draft], actor: str) -> None:
        """Appends the events and takes them into the state. Nothing may fail after this."""
        self._dirty.add(state.id)
        for kind, data in drafts:
            state.apply(unit.append(state.stream, kind, data, actor=actor))
            if state.seq % SNAPSHOT_EVERY == 0:
                unit.save_snapshot(state.stream, to_json(state))
        unit.on_commit(lambda: self._commit(state.id))
        unit.on_rollback(lambda: self._drop(state.id))

    async def write(
        self, meeting: str, rule: Rule, *, actor: str = "system", command: str | None = None
    ) -> int:
        """Writes what the rule says of the meeting; answers its seq after that. Idempotent by `command`.

        Raises MeetingNotFound, Busy, StorageUnavailable, and what the rule does.
        """

        async def work(unit: UnitOfWork) -> JsonObject:
            state = await self.writable(unit, meeting)
            self.advance(unit, state, rule(state, unit.now), actor)
            return {"seq": state.seq}

        answer = await self._store.write(work, streams=[stream_of(meeting)], command=command)
        return int(str(answer["seq"]))

    def create(self, unit: UnitOfWork, meeting: str, data: JsonObject, actor: str) -> Meeting:
        """Appends the first event of a meeting."""
        event = unit.append(stream_of(meeting), "meeting_created", data, actor=actor)
        state = self._writing[meeting] = Meeting.created(event)
        self._dirty.add(meeting)
        unit.on_commit(lambda: self._commit(meeting))
        unit.on_rollback(lambda: self._drop(meeting))
        return state

    def _commit(self, meeting: str) -> None:
        self._dirty.discard(meeting)
        if (state := self._writing.pop(meeting, None)) is not None:
            self._keep(state)

    def _drop(self, meeting: str) -> None:
        self._dirty.discard(meeting)
        self._writing.pop(meeting, None)

    def _drop_unchanged(self, meeting: str) -> None:
        # A refused command leaves the work of those before it in the group alone.
        if meeting not in self._dirty:
            self._writing.pop(meeting, None)

    def _loaded(self, meeting: str, task: "asyncio.Task[Meeting]") -> None:
        self._loading.pop(meeting, None)
        if not task.cancelled():
            task.exception()  # whoever waited has it; nobody may have waited long enough

    async def _load(self, meeting: str, now: int) -> Meeting:
        stream = stream_of(meeting)
        known = self._committed.get(meeting)
        head = await self._store.head(stream)
        if known is None or known.seq < head.seq:
            state = known.clone() if known is not None else None
            if state is None and (stored := await self._store.snapshot(stream)) is not None:
                state = from_json(dict(stored.data))
            while batch := await self._store.events(stream, after=state.seq if state is not None else 0):
                state = _replayed(state, batch)
            if state is None:
                raise MeetingNotFound
            known = self._keep(state)
        self._checked[meeting] = now
        return known

    def _keep(self, state: Meeting) -> Meeting:
        before = self._committed.get(state.id)
        if before is not None and before.seq > state.seq:
            return before
        self._committed[state.id] = state
        self._committed.move_to_end(state.id)
        if len(self._committed) > self._limit:
            gone, _ = self._committed.popitem(last=False)
            self._checked.pop(gone, None)
        return state


def _replayed(state: Meeting | None, events: tuple[Event, ...]) -> Meeting | None:
    for event in events:
        if state is None:
            state = Meeting.created(event)
        else:
            state.apply(event)
    return state
