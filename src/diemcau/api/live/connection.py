"""One client: what it says, what it is told, and its tasks."""

import asyncio
import contextlib
from functools import partial
from typing import Any

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from diemcau.access import Actor, DeviceConflict, DeviceLine, Secrecy
from diemcau.api.asker import at_hand, authenticate
from diemcau.api.listing import listed
from diemcau.api.live import frames
from diemcau.api.live.admission import Ticket
from diemcau.api.live.following import Following
from diemcau.api.live.frames import Close
from diemcau.api.live.hub import Hub
from diemcau.api.live.inbox import Inbox
from diemcau.api.live.outbox import Outbox
from diemcau.api.live.socket import LINE, GatheringSocket
from diemcau.api.live.viewing import open_ear, open_publisher, open_viewer, open_voice
from diemcau.api.meetings import RECEIPTS, execute, execute_at_once
from diemcau.api.people import me_of
from diemcau.api.schemas import ice_servers
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, Busy, DiemCauError, JsonValue, NotAuthenticated
from diemcau.meetings import Done, MeetingSummary
from diemcau.rollout.rehearsals import Answer
from diemcau.screens import Screen
from diemcau.stage import Part, PublisherAnswer, ViewerAnswer

MAX_OPENING = 3
"""Connections that a client may be having opened: a viewer, one that takes its place, a publisher."""

CLOSE_S = 2.0
"""Seconds a close frame may take to leave; then the connection is left to the transport."""

log = structlog.get_logger(__name__)


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
        self._spoke = asyncio.get_running_loop().time()
        self._spared = 0
        self.ended = asyncio.Event()
        self.welcomed = False
        self.clearance: Secrecy = "none"
        self._meetings: dict[str, MeetingSummary] = {}
        self._closing: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._opening: set[asyncio.Task[None]] = set()
        self.following = Following(self)
        self._screen: Screen | None = None
        self._line: GatheringSocket = socket.scope["extensions"][LINE]
        self._writing = False
        self.inbox = Inbox(
            self._line, self._take, self._take_at_once, lambda error: self.end(*_ending(error))
        )

    # What the hub gives.

    def send(self, text: str) -> None:
        """A message that must arrive."""
        if self._closing.done():
            return
        self.services.metrics.sent.inc()
        if self._leaves_at_once(text):
            return
        self.outbox.put(text)
        if self.outbox.overflowed:
            self.end(Close.TOO_SLOW, "too slow")

    def _leaves_at_once(self, text: str) -> bool:
        """What has nothing before it and a line that takes it needs no turn of the writing task."""
        if self._writing or len(self.outbox) or not self._line.frame(text):
            return False
        self._spoke = asyncio.get_running_loop().time()
        return True

    def tell_place(self, text: str, *, turn: bool) -> None:
        """Where its party stands in the queue: the latest is enough, but its turn must arrive."""
        if turn:
            self.send(text)
        else:
            self.outbox.put_latest("wait", text)

    def tell_latest(self, key: str, text: str) -> None:
        """What may be dropped, and replaces what waits under its key."""
        if not self._leaves_at_once(text):
            self.outbox.put_latest(key, text)

    def spare_beat(self, since: float, most: int) -> bool:
        """Whether a site needs no heartbeat this time: it was told something since, and the
        last `most` were not spared already. Desks show what is in theirs."""
        if self.site is None or self._spoke < since or self._spared >= most:
            return False
        self._spared += 1
        return True

    def beat(self, text: str) -> None:
        """A heartbeat. The first thing a client hears is its welcome."""
        if self.welcomed:
            self._spared = 0
            self.tell_latest("beat", text)

    def list_meeting(self, summary: MeetingSummary) -> None:
        """A meeting that concerns the site came or changed."""
        self._meetings[summary.id] = summary
        self.tell_you()

    def forget_meeting(self, meeting: str) -> None:
        """A meeting concerns the site no longer."""
        if self._meetings.pop(meeting, None) is not None:
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
            ears, voices = self.services.talkback.names(self.actor.id)
            viewers, publishers = [*standing[0], *ears], [*standing[1], *voices]
            self.send(frames.text({"op": "standing", "viewers": viewers, "publishers": publishers}))
        for viewer, line in self.services.stage.lines(self.actor.id).items():
            self.tell_line(viewer, str(line["step"]), line["why"])

    def tell_line(self, viewer: str, step: str, why: Any) -> None:
        """What the line of one of the party's viewers carries; of two waiting words the later counts."""
        if not self.welcomed:
            return
        message = {"op": "quality", "viewer": viewer, "step": step, "why": why}
        self.outbox.put_latest(f"quality {viewer}", frames.text(message))

    def end(self, code: int, reason: str) -> None:
        """Has the connection closed."""
        if not self._closing.done():
            self._closing.set_result((code, reason))
            self.inbox.stop()

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
            await self._look_at_clearance()
        except DeviceConflict as error:
            self.end(Close.REPLACED, error.code)
        except NotAuthenticated as error:
            self.end(Close.NOT_AUTHENTICATED, error.code)

    async def _look_at_clearance(self) -> None:
        """Given, taken away or run out: the streams come as they are seen with it, the site's list too."""
        now = await self.services.access.clearance(self.actor)
        if now == self.clearance:
            return
        self.clearance = now
        self.following.renew_all()
        if self.site is not None:
            found = await self.services.meetings.list_for(self.actor)
            self._meetings = {summary.id: summary for summary in found}
            self.tell_you()

    def become(self, actor: Actor) -> None:
        """The asker as he is now."""
        if actor == self.actor:
            return
        self.actor = actor
        self.services.talkback.recheck(actor)
        self.following.renew_all()

    def you(self) -> dict[str, Any] | None:
        """`You` of docs/protocol.md."""
        if self.site is None:
            return None
        meeting = self.services.meetings.meeting_of(self.site)
        part = Part(state="standby") if meeting is None else self.services.stage.part(meeting, self.site)
        publish = part.publish
        calls = self.services.inspections.calls
        call = calls.of_site(self.site)
        known = self._meetings
        if call is not None and call.meeting == meeting and meeting not in known:
            known = {**known, call.meeting: calls.meeting_of(call)}
        return {
            "meetings": [listed(self.services.units, summary) for summary in known.values()],
            "in": meeting,
            "publish": None if publish is None else {"audio": publish.audio, "video": publish.video},
            "state": part.state,
            "mic": part.mic,
            "rehearsal": self.services.rehearsals.you(self.site),
            "call": None if call is None else call.told(),
            "seen": [self._who(party) for party in part.seen_by],
            "checked": part.checked,
            "talks": self.services.talkback.of_site(self.site, meeting),
        }

    def _who(self, party: str) -> dict[str, Any]:
        """Somebody who sees the site, as it is told; without a connection of his his name is not at hand."""
        actor = self.hub.actor_of(party)
        return {"name": "" if actor is None else actor.name, "title": None if actor is None else actor.title}

    # Its life.

    async def run(self, ticket: Ticket | None) -> None:
        """Until the client goes, or is told to. `ticket`: its place at the door; None: it need not wait."""
        services = self.services
        code, reason = 1000, ""
        self._line.listen(self.inbox.hear)
        tasks: list[asyncio.Task[Any]] = [
            asyncio.create_task(self._until_gone(), name="ws-gone"),
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
            tasks += self.inbox.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self.hub.remove(self)
            self._close_screen()
            services.metrics.closes.labels(code).inc()
            await self._close(code, reason)
            self.ended.set()

    async def _live(self, ticket: Ticket | None) -> None:
        """Waits for its turn, welcomes, then reads again what was missed, whenever that is needed."""
        services = self.services
        if ticket is not None and not ticket.admitted:
            turn = asyncio.Event()
            ticket.tell = turn.set
            self.hub.turns.wait_at_door(ticket, self)
            await turn.wait()
        me = (await me_of(services, self.actor, self.credential)).model_dump()
        self.clearance = await services.access.clearance(self.actor)
        self.hub.add(self)
        if self.site is not None:
            found = await services.meetings.list_for(self.actor)
            self._meetings = {summary.id: summary for summary in found} | self._meetings
        now = services.clock.now()
        welcome = {
            "op": "welcome",
            "who": me,
            "beat_s": services.options.beat_s,
            "picture_s": self.hub.picture_s,
            "server": services.options.version,
            "now": rfc3339(now),
            "you": self.you(),
            "ice": ice_servers(services.options.ice, self.actor.id, now).model_dump(),
        }
        self.outbox.put(frames.text(welcome))
        self.welcomed = True
        self.tell_standing()
        if not self._opens_viewer():
            self.hub.turns.admission.done(self.actor.id)
        await self.following.bring_up_all()

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
            text = await self.outbox.get()
            self._writing = True  # it may have to wait for the line, and nothing may overtake it
            await send({"type": "websocket.send", "text": text})
            self._writing = False

    async def _until_gone(self) -> None:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code") or 1005)
            if message.get("text") is None:
                raise BadRequest("Frames are text")

    # What it says.

    def _take_at_once(self, document: dict[str, Any]) -> bool:
        """Does what takes no waiting; False: nothing was done. Raises what ends the connection."""
        if document["op"] == "pong":
            return len(document) == 1
        if document["op"] != "cmd" or document.get("type") not in RECEIPTS or not self.welcomed:
            return False
        actor = at_hand(self.services, self.page, self.credential)
        if actor is None or actor != self.actor:
            return False
        name = _name(document)
        try:
            found = execute_at_once(self.services, actor, document)
        except DiemCauError as error:
            self.send(frames.nack(error, id=name))
            return True
        if found is None:
            return False
        done, taken = found
        if taken.stored is None:
            self._acknowledge(name, done)
        else:
            taken.stored.add_done_callback(partial(self._stored, name, done))
        return True

    def _stored(self, name: str, done: Done, stored: "asyncio.Future[None]") -> None:
        error = stored.exception()
        if error is None:
            self._acknowledge(name, done)
            return
        if not isinstance(error, DiemCauError):
            log.error("a receipt could not be stored", exc_info=error)
            error = DiemCauError()
        self.send(frames.nack(error, id=name))

    def _acknowledge(self, name: str, done: Done) -> None:
        self.send(frames.text({"op": "ack", "id": name, "stream": done.stream, "seq": done.seq}))

    async def _take(self, document: dict[str, Any]) -> None:
        if not self.welcomed and document["op"] != "pong":
            raise BadRequest("Wait for the welcome", field="op")
        if document["op"] == "cmd":
            await self._command(document)
            return
        match frames.later(document):
            case frames.Subscribe() as wanted:
                try:
                    await self.following.subscribe(wanted)
                except NotAuthenticated:
                    raise
                except DiemCauError as error:
                    self.send(frames.nack(error, stream=wanted.stream))
            case frames.Unsubscribe() as unwanted:
                self.following.unsubscribe(unwanted.stream)
            case frames.OpenViewer() | frames.OpenPublisher() as wanted:
                self._open(wanted)
            case frames.OpenScreen() as wanted:
                await self._open_screen(wanted)
            case frames.Page() as page:
                if self.site is not None:
                    self.hub.tell_page(self.site, hidden=page.hidden, slept_s=page.slept_s)
            case frames.Rehearse() as said:
                if self.site is not None:
                    self.services.rehearsals.answer(self.site, _answer(said))
            case frames.Board(on=on):
                if self.page == "desk":
                    self.hub.board.follow(self, on=on)
            case frames.Pong():
                pass

    def _open(self, wanted: frames.OpenViewer | frames.OpenPublisher) -> None:
        """Beside the reading: the media node may take a while, and a hand must not wait for it."""
        if len(self._opening) >= MAX_OPENING:
            self.send(frames.nack(Busy("Connections are being opened already"), id=wanted.id))
            return
        # Not ended with the connection: what the node has begun is not left half done.
        task = asyncio.create_task(self._answer_offer(wanted), name="ws-open")
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def _answer_offer(self, wanted: frames.OpenViewer | frames.OpenPublisher) -> None:
        try:
            self.become(await authenticate(self.services, self.page, self.credential))
            hub, actor = self.hub, self.actor
            answer: ViewerAnswer | PublisherAnswer
            if wanted.talk:
                opens = open_ear if isinstance(wanted, frames.OpenViewer) else open_voice
                answer = await opens(hub, actor, wanted.meeting, wanted.offer)
            elif isinstance(wanted, frames.OpenViewer):
                answer = await open_viewer(hub, actor, wanted.meeting, wanted.offer, wanted.replaces)
            else:
                answer = await open_publisher(hub, actor, wanted.meeting, wanted.offer)
        except NotAuthenticated as error:
            self.end(Close.NOT_AUTHENTICATED, error.code)
        except DiemCauError as error:
            self.send(frames.nack(error, id=wanted.id))
        except Exception as error:
            log.error("a media connection could not be opened", exc_info=error)
            self.send(frames.nack(DiemCauError(), id=wanted.id))
        else:
            self.send(frames.opened(wanted.id, answer))

    async def _open_screen(self, wanted: frames.OpenScreen) -> None:
        """The page is a window on another monitor, or says how it is."""
        screens, name = self.services.screens, wanted.screen
        known = self._screen
        if known is not None and (known.id, known.meeting, known.kind) == (name, wanted.meeting, wanted.kind):
            screens.say(known, wanted.status, wanted.label)
            return
        self._close_screen()
        try:
            self._screen = await screens.open(
                self.actor,
                name,
                wanted.meeting,
                wanted.kind,
                title=(await me_of(self.services, self.actor, self.credential)).name,
                label=wanted.label,
                status=wanted.status,
                show=wanted.show,
                tell=lambda show, do: self.send(frames.screen(name, show, do)),
            )
        except NotAuthenticated:
            raise
        except DiemCauError as error:
            self.send(frames.nack(error, id=name))
            return
        self.send(frames.screen(name, self._screen.show, None))

    def _close_screen(self) -> None:
        if self._screen is not None:
            self.services.screens.close(self._screen)
            self._screen = None

    async def _command(self, document: dict[str, Any]) -> None:
        name = _name(document)
        try:
            # Asked anew: a session may have ended and grants changed since the connection was opened.
            self.become(await authenticate(self.services, self.page, self.credential))
            done = await execute(self.services, self.actor, document)
        except NotAuthenticated:
            raise
        except DiemCauError as error:
            self.send(frames.nack(error, id=name))
            return
        self._acknowledge(name, done)


def _name(document: dict[str, Any]) -> str:
    """The id by which a command is answered."""
    name = document.get("id")
    return name[:64] if isinstance(name, str) else ""


def _answer(said: frames.Rehearse) -> Answer:
    saw, heard = (None if pair is None else (pair[0], pair[1]) for pair in (said.saw, said.heard))
    figures: dict[str, JsonValue] = {}
    for key, value in said.figures.items():
        figures[key] = max(-200, min(value, 20_000))
    return Answer(saw, heard, said.picture, said.fault, said.again, figures)


def _why(done: "set[asyncio.Future[Any]]") -> tuple[int, str]:
    """The close code for how a task ended."""
    errors = (task.exception() for task in done)
    return next((_ending(error) for error in errors if error is not None), (1000, ""))


def _ending(error: BaseException) -> tuple[int, str]:
    """The close code and reason for what ended a connection."""
    match error:
        case WebSocketDisconnect():
            return error.code, "gone"
        case DeviceConflict():
            return Close.REPLACED, error.code
        case NotAuthenticated():
            return Close.NOT_AUTHENTICATED, error.code
        case BadRequest():
            return Close.BAD_MESSAGE, error.message[:100]
        case DiemCauError():
            log.warning("connection ended", code=error.code, error=error.message)
            return Close.GOING_AWAY, error.code
        case OSError():
            return 1000, ""
    log.error("connection crashed", exc_info=error)
    return 1011, "internal"
