"""One client: what it follows, what waits for it, and its two tasks."""

import asyncio
import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from diemcau.access import Actor, DeviceConflict, DeviceLine
from diemcau.api.asker import authenticate
from diemcau.api.live import frames
from diemcau.api.live.admission import Ticket
from diemcau.api.live.frames import Close
from diemcau.api.live.hub import Hub
from diemcau.api.live.outbox import Outbox
from diemcau.api.meetings import execute
from diemcau.api.people import me_of
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, DiemCauError, NotAuthenticated, NotFound
from diemcau.meetings import MeetingSummary, Snapshot, Viewer
from diemcau.stage import Part

MAX_STREAMS = 8
"""Streams a client may follow."""

MAX_PENDING = 1000
"""Events that may come while a snapshot is read; more and it is read again."""

RATE, BURST = 20.0, 100
"""Frames a second and at once from a client; a faster one is read more slowly."""

CLOSE_S = 2.0
"""Seconds a close frame may take to leave; then the connection is left to the transport."""

log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Follow:
    """One stream as the client follows it. `last`: seq it has; None while it is being brought up. `stale`:
    the asker's grants changed; nothing is given until `viewer` and `seen` are those of the new ones. `owed`:
    messages whose figures the next `receipts` tells."""

    stream: str
    viewer: Viewer
    topics: frozenset[str]
    seen: frozenset[str] | None = None
    last: int | None = None
    pending: list[tuple[int, str]] = field(default_factory=list)
    lost: bool = False
    stale: bool = False
    owed: set[str] = field(default_factory=set)


class Connection:
    """A client that has said hello."""

    def __init__(
        self,
        socket: WebSocket,
        hub: Hub,
        actor: Actor,
        credential: str | DeviceLine,
        page: str,
        tab: str,
    ) -> None:
        self.socket, self.hub, self.services = socket, hub, hub.services
        self.actor, self.credential, self.page, self.tab = actor, credential, page, tab
        self.site = actor.site if page == "site" else None
        options = hub.services.options
        self.outbox = Outbox(options.queue_messages, options.queue_bytes)
        self.follows: dict[str, Follow] = {}
        self.heard = asyncio.get_running_loop().time()
        self.ended = asyncio.Event()
        self.welcomed = False
        self._meetings: dict[str, MeetingSummary] = {}
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._since: dict[Follow, int | None] = {}
        self._up: asyncio.Queue[Follow] = asyncio.Queue(MAX_STREAMS * 2)
        self._reading = asyncio.Lock()  # one stream is read at a time: what is sent stays in order
        self._tokens, self._tokens_at = float(BURST), self.heard

    # What the hub gives.

    def send(self, text: str) -> None:
        """A message that must arrive."""
        self.services.metrics.sent.inc()
        self.outbox.put(text)
        if self.outbox.overflowed:
            self.end(Close.TOO_SLOW, "too slow")

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
            self.send(text)
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
            self.send(text)  # a difference: none may be missing
        elif topic == "quality":
            # Of every site at once, so for those who watch presence; a difference, as that is.
            if "presence" not in follow.topics or not isinstance(data, Mapping):
                return
            if follow.seen is not None:
                steps = self._seen_steps(follow, data)
                if not steps:
                    return
                text = frames.ephemeral(follow.stream, topic, {"steps": steps})
            self.send(text)
        elif topic == "pages":
            if "presence" not in follow.topics or not isinstance(data, Mapping):
                return
            pages = {s: p for s, p in data["pages"].items() if follow.seen is None or s in follow.seen}
            if pages:
                self.send(frames.ephemeral(follow.stream, topic, {"pages": pages}))
        elif topic == "stage":
            self.send(text)
        elif topic == "receipts":
            if "receipts" in follow.topics and isinstance(data, Mapping):
                self.owe_receipts(follow, data.get("messages", {}))
        elif topic != "levels" or "levels" in follow.topics:
            before = self.outbox.dropped
            self.outbox.put_latest(f"{follow.stream} {topic}", text)
            self.services.metrics.dropped.inc(self.outbox.dropped - before)

    def tell_place(self, text: str, *, turn: bool) -> None:
        """Where its party stands in the queue: the latest is enough, but its turn must arrive."""
        if turn:
            self.send(text)
        else:
            self.outbox.put_latest("wait", text)

    def owe_receipts(self, follow: Follow, messages: Iterable[str]) -> None:
        """Has the figures of the messages told, as they are when that leaves: one frame, nothing lost."""
        follow.owed.update(messages)
        if follow.owed:
            self.outbox.put_late(f"{follow.stream} receipts", lambda: self._receipts(follow))

    def _receipts(self, follow: Follow) -> str:
        owed, follow.owed = follow.owed, set()
        # Grants that have changed bring the stream up anew, and these with it.
        seen = None if follow.stale else follow.seen
        meeting = follow.stream.partition(":")[2]
        figures = self.services.meetings.figures(meeting, owed if seen else (), follow.viewer, seen or ())
        return frames.ephemeral(follow.stream, "receipts", {"messages": figures})

    def _seen_steps(self, follow: Follow, data: Mapping[str, Any]) -> dict[str, Any]:
        steps = data.get("steps")
        of = steps if isinstance(steps, Mapping) else {}
        return {site: step for site, step in of.items() if follow.seen is None or site in follow.seen}

    def beat(self, text: str) -> None:
        """A heartbeat; one that waits already is replaced."""
        self.outbox.put_latest("beat", text)

    def list_meeting(self, summary: MeetingSummary) -> None:
        """A meeting that concerns the site came or changed."""
        self._meetings[summary.id] = summary
        self.tell_you()

    def tell_you(self) -> None:
        """What the site is to do has changed; it is told as it is when the message leaves."""
        # Before the welcome everything is in the welcome, or comes right behind it.
        if self.site is not None and self.welcomed:
            self.outbox.put_late("you", lambda: frames.text({"op": "you", "you": self.you()}))

    def tell_standing(self) -> None:
        """Which of the party's media connections exist, once the node has been heard."""
        if not self.welcomed:
            return
        standing = self.services.stage.standing(self.actor.id)
        if standing is not None:
            viewers, publishers = standing
            self.send(frames.text({"op": "standing", "viewers": viewers, "publishers": publishers}))
        for viewer, line in self.services.stage.lines(self.actor.id).items():
            self.tell_line(viewer, str(line["step"]), line["why"])

    def tell_line(self, viewer: str, step: str, why: Any) -> None:
        """What the line of one of the party's viewers carries; of two waiting words the later counts."""
        if not self.welcomed:
            return
        message = {"op": "quality", "viewer": viewer, "step": step, "why": why}
        self.outbox.put_latest(f"quality {viewer}", frames.text(message))

    def bring_up(self, follow: Follow) -> None:
        """A gap: the stream is read again from what the client has."""
        since, follow.last = follow.last, None
        follow.pending.clear()
        follow.lost = True  # who is reading it just now reads on
        self.services.metrics.resyncs.inc()
        with contextlib.suppress(asyncio.QueueFull):  # full: it waits for a bring-up already
            self._up.put_nowait(follow)
            self._since[follow] = since

    def end(self, code: int, reason: str) -> None:
        """Has the connection closed."""
        if not self._closing.done():
            self._closing.set_result((code, reason))

    @property
    def shut_out(self) -> bool:
        """Whether it is being closed because its access has ended."""
        return self._closing.done() and (
            self._closing.result()[0] == Close.NOT_AUTHENTICATED
            or self._closing.result()[1] == DeviceConflict.code
        )

    async def check(self) -> None:
        """Asks anew who this is: ended access ends the connection, other grants bring up its streams anew."""
        try:
            self.become(await authenticate(self.services, self.page, self.credential))
        except DeviceConflict as error:
            self.end(Close.REPLACED, error.code)
        except NotAuthenticated as error:
            self.end(Close.NOT_AUTHENTICATED, error.code)

    def become(self, actor: Actor) -> None:
        """The asker as he is now."""
        if actor == self.actor:
            return
        self.actor = actor
        for follow in self.follows.values():
            follow.stale = True
            self.bring_up(follow)

    def you(self) -> dict[str, Any] | None:
        """`You` of docs/protocol.md."""
        if self.site is None:
            return None
        meeting = self.services.meetings.meeting_of(self.site)
        part = Part(state="standby") if meeting is None else self.services.stage.part(meeting, self.site)
        publish = part.publish
        return {
            "meetings": [summary.to_json() for summary in self._meetings.values()],
            "in": meeting,
            "publish": None if publish is None else {"audio": publish.audio, "video": publish.video},
            "state": part.state,
            "mic": part.mic,
        }

    # Its life.

    async def run(self, ticket: Ticket | None) -> None:
        """Until the client goes, or is told to. `ticket`: its place at the door; None: it need not wait."""
        services = self.services
        code, reason = 1000, ""
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._read(), name="ws-read"),
            asyncio.create_task(self._write(), name="ws-write"),
            asyncio.create_task(self._live(ticket), name="ws-live"),
        ]
        try:
            done, _ = await asyncio.wait([self._closing, *tasks], return_when=asyncio.FIRST_COMPLETED)
            if self._closing in done:
                code, reason = self._closing.result()
            else:
                code, reason = _why(done)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.hub.remove(self)
            services.metrics.closes.labels(code).inc()
            await self._close(code, reason)
            self.ended.set()

    async def _live(self, ticket: Ticket | None) -> None:
        """Waits for its turn, welcomes, then reads again what was missed, whenever that is needed."""
        services = self.services
        if ticket is not None and not ticket.admitted:
            turn = asyncio.Event()
            ticket.tell = turn.set
            self.hub.wait_at_door(ticket, self)
            await turn.wait()
        me = (await me_of(services, self.actor, self.credential)).model_dump()
        self.hub.add(self)
        if self.site is not None:
            found = await services.meetings.list_for(self.actor)
            self._meetings = {summary.id: summary for summary in found} | self._meetings
        welcome = {
            "op": "welcome",
            "who": me,
            "beat_s": services.options.beat_s,
            "server": services.options.version,
            "now": rfc3339(services.clock.now()),
            "you": self.you(),
        }
        self.outbox.put(frames.text(welcome))
        self.welcomed = True
        self.tell_standing()
        if not self._opens_viewer():
            self.hub.admission.done(self.actor.id)
        await self._bring_up_all()

    def _opens_viewer(self) -> bool:
        """Whether its page is about to: an open meeting, and no viewer that stands."""
        standing = self.services.stage.standing(self.actor.id)
        watches = standing is not None and bool(standing[0])
        return not watches and any(summary.status == "open" for summary in self._meetings.values())

    async def _close(self, code: int, reason: str) -> None:
        if self.socket.client_state is WebSocketState.CONNECTED:
            with contextlib.suppress(RuntimeError, TimeoutError, WebSocketDisconnect):
                async with asyncio.timeout(CLOSE_S):
                    await self.socket.close(code, reason)

    async def _write(self) -> None:
        send = self.socket.send
        while True:
            await send({"type": "websocket.send", "text": await self.outbox.get()})

    async def _read(self) -> None:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code") or 1005)
            text = message.get("text")
            if text is None:
                raise BadRequest("Frames are text")
            loop = asyncio.get_running_loop()
            self.heard = loop.time()
            await self._pace(self.heard)
            await self._take(frames.read(text))

    async def _pace(self, now: float) -> None:
        """A client that talks faster than it may is read more slowly: it waits, nobody else does."""
        self._tokens = min(BURST, self._tokens + (now - self._tokens_at) * RATE)
        self._tokens_at = now
        self._tokens -= 1
        if self._tokens < 0:
            await asyncio.sleep(-self._tokens / RATE)

    async def _take(self, document: dict[str, Any]) -> None:
        if not self.welcomed and document["op"] != "pong":
            raise BadRequest("Wait for the welcome", field="op")
        if document["op"] == "cmd":
            await self._command(document)
            return
        match frames.later(document):
            case frames.Subscribe() as wanted:
                try:
                    await self._subscribe(wanted)
                except NotAuthenticated:
                    raise
                except DiemCauError as error:
                    self.send(frames.nack(error, stream=wanted.stream))
            case frames.Unsubscribe() as unwanted:
                self.hub.unfollow(self, unwanted.stream)
                self.follows.pop(unwanted.stream, None)
            case frames.Page() as page:
                if self.site is not None:
                    self.hub.tell_page(self.site, hidden=page.hidden, slept_s=page.slept_s)
            case frames.Pong():
                pass

    async def _command(self, document: dict[str, Any]) -> None:
        name = document.get("id")
        name = name[:64] if isinstance(name, str) else ""
        try:
            # Asked anew: a session may have ended and grants changed since the connection was opened.
            self.become(await authenticate(self.services, self.page, self.credential))
            done = await execute(self.services, self.actor, document)
        except NotAuthenticated:
            raise
        except DiemCauError as error:
            self.send(frames.nack(error, id=name))
            return
        self.send(frames.text({"op": "ack", "id": name, "stream": done.stream, "seq": done.seq}))

    async def _subscribe(self, wanted: frames.Subscribe) -> None:
        kind, _, meeting = wanted.stream.partition(":")
        if kind != "meeting":
            raise NotFound("There is no such stream", stream=wanted.stream)
        if wanted.stream not in self.follows and len(self.follows) >= MAX_STREAMS:
            raise BadRequest(f"At most {MAX_STREAMS} streams", field="stream")
        async with self._reading:
            topics = frozenset(wanted.topics)
            viewer, seen = await self._sight(meeting, topics)
            follow = Follow(wanted.stream, viewer, topics, seen)
            self.follows[wanted.stream] = follow
            self.hub.follow(self, follow)  # events from here on wait in `pending`
            await self._begin(follow, wanted.since)

    async def _begin(self, follow: Follow, since: int | None) -> None:
        """The stream, and what there is beside its events."""
        await self._catch_up(follow, since)
        meeting = follow.stream.partition(":")[2]
        if "presence" in follow.topics:
            joined = sorted(self.services.meetings.joined(meeting))
            if follow.seen is not None:
                joined = [site for site in joined if site in follow.seen]
            data = {"joined": joined, "left": [], "full": True}
            self.send(frames.ephemeral(follow.stream, "presence", data))
            if pages := {s: page for s in joined if (page := self.hub.page_of(s)) is not None}:
                self.send(frames.ephemeral(follow.stream, "pages", {"pages": pages}))
        if "receipts" in follow.topics:
            self.owe_receipts(follow, await self.services.meetings.recent_receipts(meeting))
        for topic, data_now in self.services.stage.ephemera(meeting):
            if topic == "quality":
                if "presence" not in follow.topics:
                    continue
                data_now = {**data_now, "steps": self._seen_steps(follow, data_now)}
            self.send(frames.ephemeral(follow.stream, topic, data_now))

    async def _sight(self, meeting: str, topics: frozenset[str]) -> tuple[Viewer, frozenset[str] | None]:
        """What the asker may see of the meeting, as his grants are now, and whose presence and receipts: as
        the roster.

        Raises MeetingNotFound, Forbidden.
        """
        while True:
            actor, seen = self.actor, None
            viewer = await self.services.meetings.viewer(meeting, actor)
            if topics & {"presence", "receipts"}:
                roster = await self.services.meetings.roster(meeting, actor)
                seen = frozenset(row[0] for row in roster.sites)
            if actor is self.actor:
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
            self.hub.unfollow(self, follow.stream)
            self.follows.pop(follow.stream, None)
            self.send(frames.nack(error, stream=follow.stream))

    async def _catch_up(self, follow: Follow, since: int | None) -> None:
        """A snapshot, or the events after `since`; then what came meanwhile."""
        meeting = follow.stream.partition(":")[2]
        while True:
            follow.lost = False
            found: Any
            if since is None:
                found = await self.services.meetings.snapshot(meeting, self.actor)
            else:
                found = await self.services.meetings.events_since(meeting, self.actor, since)
            if isinstance(found, Snapshot):
                head = found.seq
                document = {"op": "snap", "stream": follow.stream, "seq": head, "state": found.state}
                self.send(frames.text(document))
            else:
                head = since or 0
                for event in found:
                    self.send(frames.event(event))
                    head = event.seq
            pending, follow.pending = follow.pending, []
            for seq, text in pending:
                if seq == head + 1:
                    self.send(text)
                    head = seq
            self.hub.heads[follow.stream] = max(head, self.hub.heads.get(follow.stream, 0))
            if not follow.lost and (not pending or pending[-1][0] <= head):
                follow.last = head
                return
            since = head

    async def _bring_up_all(self) -> None:
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


def _why(done: "set[asyncio.Future[Any]]") -> tuple[int, str]:
    """The close code for how a task ended."""
    for task in done:
        error = task.exception()
        if isinstance(error, WebSocketDisconnect):
            return error.code, "gone"
        if isinstance(error, DeviceConflict):
            return Close.REPLACED, error.code
        if isinstance(error, NotAuthenticated):
            return Close.NOT_AUTHENTICATED, error.code
        if isinstance(error, BadRequest):
            return Close.BAD_MESSAGE, error.message[:100]
        if isinstance(error, DiemCauError):
            log.warning("connection ended", code=error.code, error=error.message)
            return Close.GOING_AWAY, error.code
        if error is not None and not isinstance(error, OSError):
            log.error("connection crashed", exc_info=error)
            return 1011, "internal"
    return 1000, ""
