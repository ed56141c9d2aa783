"""The streams that one client follows: brought up without a gap, then event by event."""

import asyncio
import contextlib
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from diemcau.api.live import frames
from diemcau.errors import BadRequest, DiemCauError, NotFound
from diemcau.meetings import Snapshot, Viewer

if TYPE_CHECKING:
    from diemcau.api.live.connection import Connection

MAX_STREAMS = 8
"""Streams a client may follow."""

MAX_PENDING = 1000
"""Events that may come while a snapshot is read; more and it is read again."""


@dataclass(slots=True, eq=False)
class Follow:
    """One stream as the client follows it. `last`: seq it has; None while it is being brought up. `stale`:
    the asker's grants changed; nothing is given until `viewer` and `seen` are those of the new ones. `owed`:
    messages whose figures the next `receipts` tells. `told`: the number of the roll call that it knows.
    `fleeting`: number of the newest of what a crowd is told late."""

    stream: str
    viewer: Viewer
    topics: frozenset[str]
    seen: frozenset[str] | None = None
    last: int | None = None
    pending: list[tuple[int, str]] = field(default_factory=list)
    lost: bool = False
    stale: bool = False
    owed: set[str] = field(default_factory=set)
    fleeting: int = 0
    told: int | None = None


SEEN_TOPICS = frozenset(
    {"presence", "receipts", "rollcall", "screens", "calls", "operators", "lineup", "talkback"}
)
"""What is told of the sites that an operator sees."""


ASKED_FOR = frozenset(
    {
        "presence",
        "quality",
        "pages",
        "screens",
        "receipts",
        "rollcall",
        "rehearsal",
        "operators",
        "lineup",
        "levels",
    }
)
"""Ephemeral topics that nobody hears of who has not asked for topics: of ten thousand sites none."""


class Following:
    """What a client follows, what waits for it, and the reading of what it missed."""

    def __init__(self, connection: "Connection") -> None:
        # It holds us: a reference back would keep both, once gone, until a whole collection of garbage.
        self._connection = weakref.ref(connection)
        self._hub = connection.hub
        self._services, self._outbox = connection.services, connection.outbox
        self.follows: dict[str, Follow] = {}
        self._since: dict[Follow, int | None] = {}
        self._up: asyncio.Queue[Follow] = asyncio.Queue(MAX_STREAMS * 2)
        self._reading = asyncio.Lock()  # one stream is read at a time: what is sent stays in order

    @property
    def _client(self) -> "Connection":
        connection = self._connection()
        if connection is None:
            raise ReferenceError("the connection has gone")
        return connection

    def deliver(self, follow: Follow, seq: int, text: str) -> None:
        """An event of a stream that the client follows."""
        if follow.stale:
            return  # in the snapshot that comes
        if follow.last is None:
            if len(follow.pending) < MAX_PENDING:
                follow.pending.append((seq, text))
            else:
                follow.lost = True
        elif seq == follow.last + 1:
            follow.last = seq
            self._client.send(text)
        elif seq > follow.last:
            self.bring_up(follow)

    def deliver_ephemeral(self, follow: Follow, topic: str, data: Any, text: str) -> None:
        """An ephemeral message; presence, levels and receipts only to those who asked for them."""
        if follow.stale:
            return
        if topic == "presence":
            if "presence" not in follow.topics or not isinstance(data, Mapping):
                return
            if follow.seen is not None:
                cut = {
                    key: [site for site in data.get(key, ()) if site in follow.seen]
                    for key in ("joined", "left")
                }
                if not cut["joined"] and not cut["left"]:
                    return
                text = frames.ephemeral(follow.stream, topic, cut)
            self._client.send(text)  # a difference: none may be missing
        elif topic == "quality":
            # Of every site at once, so for those who watch presence; a difference, as that is.
            if "presence" not in follow.topics or not isinstance(data, Mapping):
                return
            if follow.seen is not None:
                steps = self._seen_steps(follow, data)
                if not steps:
                    return
                text = frames.ephemeral(follow.stream, topic, {"steps": steps})
            self._client.send(text)
        elif topic == "pages":
            if "presence" not in follow.topics or not isinstance(data, Mapping):
                return
            pages = {s: p for s, p in data["pages"].items() if follow.seen is None or s in follow.seen}
            if pages:
                self._client.send(frames.ephemeral(follow.stream, topic, {"pages": pages}))
        elif topic == "stage":
            self._client.send(text)
        elif topic == "screens":
            if "screens" in follow.topics:
                self._outbox.put_latest(f"{follow.stream} {topic}", text)
        elif topic == "receipts":
            if "receipts" in follow.topics and isinstance(data, Mapping):
                self.owe_receipts(follow, data.get("messages", {}))
        elif topic == "rollcall":
            if "rollcall" in follow.topics:
                self._owe_roll_call(follow)
        elif topic == "rehearsal":
            if "rehearsal" in follow.topics:
                self._outbox.put_latest(f"{follow.stream} {topic}", text)
        elif topic == "operators":
            if "operators" in follow.topics:
                self._outbox.put_latest(f"{follow.stream} {topic}", text)
        elif topic == "lineup":
            if "lineup" in follow.topics:
                told = {"checks": self._seen_checks(follow, data)}
                self._outbox.put_latest(
                    f"{follow.stream} {topic}", frames.ephemeral(follow.stream, topic, told)
                )
        elif topic != "levels" or "levels" in follow.topics:
            before = self._outbox.dropped
            self._client.tell_latest(f"{follow.stream} {topic}", text)
            self._services.metrics.dropped.inc(self._outbox.dropped - before)

    def owe_receipts(self, follow: Follow, messages: Iterable[str]) -> None:
        """Has the figures of the messages told, as they are when that leaves: one frame, nothing lost."""
        follow.owed.update(messages)
        if follow.owed:
            self._outbox.put_late(f"{follow.stream} receipts", lambda: self._receipts(follow))

    def _receipts(self, follow: Follow) -> str:
        owed, follow.owed = follow.owed, set()
        # Grants that have changed bring the stream up anew, and these with it.
        seen = None if follow.stale else follow.seen
        meeting = follow.stream.partition(":")[2]
        figures = self._services.meetings.figures(meeting, owed if seen else (), follow.viewer, seen or ())
        return frames.ephemeral(follow.stream, "receipts", {"messages": figures})

    def _owe_roll_call(self, follow: Follow) -> None:
        self._outbox.put_late(f"{follow.stream} rollcall", lambda: self._roll_call(follow))

    def _roll_call(self, follow: Follow) -> str:
        meeting = follow.stream.partition(":")[2]
        actor = self._client.actor
        told, follow.told = self._services.roll_calls.frame(meeting, actor, follow.told)
        if self._services.roll_calls.behind(meeting, follow.told):
            self._owe_roll_call(follow)
        return frames.ephemeral(follow.stream, "rollcall", told)

    def owe_calls(self, follow: Follow) -> None:
        """Has the meeting's calls told, as they are when that leaves."""
        if "calls" in follow.topics:
            self._outbox.put_late(f"{follow.stream} calls", lambda: self._calls(follow))

    def _calls(self, follow: Follow) -> str:
        seen = frozenset() if follow.stale else follow.seen
        running = self._services.inspections.calls.of_meeting(follow.stream.partition(":")[2])
        shown = [call.to_json() for call in running if seen is None or call.site.id in seen]
        return frames.ephemeral(follow.stream, "calls", {"calls": shown})

    def owe_talks(self, follow: Follow) -> None:
        """Has the meeting's talkbacks told, as they are when that leaves."""
        if "talkback" in follow.topics:
            self._outbox.put_late(f"{follow.stream} talkback", lambda: self._talks(follow))

    def _talks(self, follow: Follow) -> str:
        seen = frozenset() if follow.stale else follow.seen
        open_now = self._services.talkback.of_meeting(follow.stream.partition(":")[2])
        shown = [talk for site, talk in open_now if seen is None or site in seen]
        return frames.ephemeral(follow.stream, "talkback", {"talks": shown})

    def _seen_checks(self, follow: Follow, data: Any) -> dict[str, Any]:
        checks = data.get("checks") if isinstance(data, Mapping) else None
        of = checks if isinstance(checks, Mapping) else {}
        return {site: check for site, check in of.items() if follow.seen is None or site in follow.seen}

    def _seen_steps(self, follow: Follow, data: Mapping[str, Any]) -> dict[str, Any]:
        steps = data.get("steps")
        of = steps if isinstance(steps, Mapping) else {}
        return {site: step for site, step in of.items() if follow.seen is None or site in follow.seen}

    def bring_up(self, follow: Follow) -> None:
        """A gap: the stream is read again from what the client has."""
        since, follow.last = follow.last, None
        follow.pending.clear()
        follow.lost = True  # who is reading it just now reads on
        self._services.metrics.resyncs.inc()
        with contextlib.suppress(asyncio.QueueFull):  # full: it waits for a bring-up already
            self._up.put_nowait(follow)
            self._since[follow] = since

    def renew_all(self) -> None:
        """The asker's grants changed: every stream comes anew, as it is seen with them."""
        for follow in list(self.follows.values()):
            self.renew(follow)

    def renew(self, follow: Follow) -> None:
        """One stream comes anew, as the asker may see it now, or is refused."""
        follow.stale = True
        self.bring_up(follow)

    def unsubscribe(self, stream: str) -> None:
        """The client follows it no longer."""
        self._hub.unfollow(self._client, stream)
        self.follows.pop(stream, None)

    async def subscribe(self, wanted: frames.Subscribe) -> None:
        """The client follows a stream from now on. Raises what refuses it."""
        kind, _, meeting = wanted.stream.partition(":")
        if kind != "meeting":
            raise NotFound("There is no such stream", stream=wanted.stream)
        if wanted.stream not in self.follows and len(self.follows) >= MAX_STREAMS:
            raise BadRequest(f"At most {MAX_STREAMS} streams", field="stream")
        async with self._reading:
            topics = frozenset(wanted.topics)
            viewer, seen = await self._sight(meeting, topics)
            follow = Follow(wanted.stream, viewer, topics, seen, fleeting=self._hub.crowd.number)
            self.follows[wanted.stream] = follow
            self._hub.follow(self._client, follow)  # events from here on wait in `pending`
            await self._begin(follow, wanted.since)

    async def _begin(self, follow: Follow, since: int | None) -> None:
        """The stream, and what there is beside its events."""
        await self._catch_up(follow, since)
        meeting = follow.stream.partition(":")[2]
        if "presence" in follow.topics:
            joined = sorted(self._services.meetings.joined(meeting))
            if follow.seen is not None:
                joined = [site for site in joined if site in follow.seen]
            data = {"joined": joined, "left": [], "full": True}
            self._client.send(frames.ephemeral(follow.stream, "presence", data))
            if pages := {s: page for s in joined if (page := self._hub.page_of(s)) is not None}:
                self._client.send(frames.ephemeral(follow.stream, "pages", {"pages": pages}))
        if "screens" in follow.topics:
            listing = self._services.screens.registry.listing(meeting)
            self._client.send(frames.ephemeral(follow.stream, "screens", {"screens": listing}))
        if "operators" in follow.topics:
            self._hub.tell_operators(follow.stream)
        if self._client.page == "desk":
            people = self._services.meetings.desks.observers(meeting)
            self._client.send(frames.ephemeral(follow.stream, "observers", {"people": people}))
        self.owe_calls(follow)
        self.owe_talks(follow)
        if "receipts" in follow.topics:
            self.owe_receipts(follow, await self._services.meetings.recent_receipts(meeting))
        if "rollcall" in follow.topics:
            follow.told = await self._services.roll_calls.touch(meeting)
            self._owe_roll_call(follow)
        for topic, data_now in self._services.stage.ephemera(meeting):
            if topic == "quality":
                if "presence" not in follow.topics:
                    continue
                data_now = {**data_now, "steps": self._seen_steps(follow, data_now)}
            if topic == "lineup":
                if "lineup" not in follow.topics:
                    continue
                data_now = {"checks": self._seen_checks(follow, data_now)}
            self._client.send(frames.ephemeral(follow.stream, topic, data_now))

    async def _sight(self, meeting: str, topics: frozenset[str]) -> tuple[Viewer, frozenset[str] | None]:
        """What the asker may see of the meeting, as his grants are now, and whose presence and receipts: as
        the roster.

        Raises MeetingNotFound, Forbidden.
        """
        while True:
            actor, seen = self._client.actor, None
            viewer = await self._services.meetings.viewer(meeting, actor)
            if topics & SEEN_TOPICS:
                roster = await self._services.meetings.roster(meeting, actor)
                seen = frozenset(row[0] for row in roster.sites)
            if actor is self._client.actor:
                return viewer, seen

    async def _renew(self, follow: Follow) -> None:
        """Grants changed: the stream as it is seen with them, or no longer."""
        try:
            meeting = follow.stream.partition(":")[2]
            follow.viewer, follow.seen = await self._sight(meeting, follow.topics)
            follow.stale, follow.last = False, None
            follow.pending.clear()
            await self._begin(follow, None)
        except DiemCauError as error:
            if error.status >= 500:
                raise
            self._hub.unfollow(self._client, follow.stream)
            self.follows.pop(follow.stream, None)
            self._client.send(frames.nack(error, stream=follow.stream))

    async def _catch_up(self, follow: Follow, since: int | None) -> None:
        """A snapshot, or the events after `since`; then what came meanwhile."""
        meeting = follow.stream.partition(":")[2]
        while True:
            follow.lost = False
            found: Any
            if since is None:
                found = await self._services.meetings.snapshot(meeting, self._client.actor)
            else:
                found = await self._services.meetings.events_since(meeting, self._client.actor, since)
            if isinstance(found, Snapshot):
                head = found.seq
                document = {"op": "snap", "stream": follow.stream, "seq": head, "state": found.state}
                self._client.send(frames.text(document))
            else:
                head = since or 0
                for event in found:
                    self._client.send(frames.event(event))
                    head = event.seq
            pending, follow.pending = follow.pending, []
            for seq, text in pending:
                if seq == head + 1:
                    self._client.send(text)
                    head = seq
            self._hub.heads[follow.stream] = max(head, self._hub.heads.get(follow.stream, 0))
            if not follow.lost and (not pending or pending[-1][0] <= head):
                follow.last = head
                return
            since = head

    async def bring_up_all(self) -> None:
        """Reads again what was missed, whenever that is needed."""
        while True:
            follow = await self._up.get()
            async with self._reading:
                since = self._since.pop(follow, None)
                if self.follows.get(follow.stream) is not follow:
                    continue
                if follow.stale:
                    await self._renew(follow)
                elif follow.last is None:
                    await self._catch_up(follow, since)
