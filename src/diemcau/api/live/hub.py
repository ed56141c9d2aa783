"""`Hub`: one subscription to the bus for all clients; every message is encoded once for all who get it."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator, Iterable, Mapping
from collections.abc import Set as AbstractSet
from itertools import islice
from typing import TYPE_CHECKING, Any

import structlog

from diemcau.access import LOOK_S, SYSTEM, Actor
from diemcau.api.limits import RateLimit
from diemcau.api.live import frames
from diemcau.api.live.admission import Admission, Queued
from diemcau.api.live.board import BoardNews
from diemcau.api.live.crowd import FEW, FLEETING, PICTURED, UNHURRIED, Crowd, concerns
from diemcau.api.live.following import ASKED_FOR
from diemcau.api.live.turns import Turns
from diemcau.api.services import Services
from diemcau.bus import EPHEMERAL, EVENTS, Message, SubscriberTooSlow, Subscription
from diemcau.clock import rfc3339
from diemcau.errors import Busy, DiemCauError
from diemcau.inspections import CALLS
from diemcau.meetings import MeetingSummary, comes_by_itself
from diemcau.rollout.rehearsals.hall import TOLD
from diemcau.stage import GONE, LINES, PARTS, STANDING
from diemcau.store import Event
from diemcau.talkback import TALKS

if TYPE_CHECKING:
    from diemcau.api.live.connection import Connection
    from diemcau.api.live.following import Follow

QUEUE = 50_000
"""Messages that the hub may be behind the bus; beyond it every client is brought up again from the log."""

PICTURES_A_SECOND = 40
"""Pictures that all sites together are asked to post; 2 to 3 ms each."""

PICTURE_S = 20
"""Seconds between two pictures of a site, where there are not too many."""

_LISTED = frozenset({"meeting_created", "meeting_opened", "meeting_ended", "sites_invited", "secrecy_raised"})
"""Events that change which meetings a site is told of."""

SLICES = 10
"""Parts in which the clients hear a beat."""

SPARED = 2
"""Beats in a row that a site is spared when something else has told it lately that the server is there: in a
nation's meeting there would be two thousand a second, nearly a tenth of a millisecond each."""

AT_A_TIME = 100
"""Clients of a crowd that are told something before others have a turn of the loop, some 5 ms: a cut is on
its way to the media node before the crowd has heard of it."""

_AWAKE: dict[str, Any] = {"page_hidden": False, "slept_s": None, "slept_at": None}
"""What is taken of a page that has said nothing of itself."""

CHECKS = 32
"""Connections that are asked at once whether they may stay: beside requests, in the same database."""

_ENDS_ACCESS = frozenset(
    {
        "logged_out",
        "password_set",
        "person_disabled",
        "grants_set",
        "site_activated",
        "codes_revoked",
        "device_conflict",
        "clearance_set",
    }
)
"""Events after which a party's connections may have lost what they were opened with."""

log = structlog.get_logger(__name__)


class Hub:
    """All connected clients. `media`: how often an asker may open a viewer or publisher, by either door."""

    def __init__(self, services: Services, media: RateLimit) -> None:
        self.services, self.media = services, media
        self.turns = Turns(
            Admission(services.metrics.admission_seconds.observe),
            services.stage.is_asked,
            lambda party: self._by_party.get(party, ()),
        )
        self.connections: set[Connection] = set()
        self._slices: list[set[Connection]] = [set() for _ in range(SLICES)]
        self.heads: dict[str, int] = {}
        self._by_stream: dict[str, dict[Connection, Follow]] = {}
        self._asking: dict[str, dict[Connection, Follow]] = {}  # of these who asked for topics, a few desks
        self._by_party: dict[str, set[Connection]] = {}
        self._sites: dict[str, Connection] = {}
        self._pages: dict[str, dict[str, Any]] = {}  # of connected sites: hidden, or asleep of late
        self._round: dict[Connection, None] = {}  # who is next to be asked anew comes first
        self._to_check: dict[Connection, None] = {}
        self._doubtful: set[str] = set()  # parties whose access may have ended, and with it their media
        self._check_now = asyncio.Event()
        self.crowd = Crowd(services.options.beat_s, self._tell_soon)
        self._telling: str | None = None  # the stream of which some clients have not heard the head yet
        self._tasks: list[asyncio.Task[None]] = []
        self._soon: set[asyncio.Task[None]] = set()
        self.board = BoardNews(services)

    async def start(self) -> None:
        """Follows the bus and beats until `aclose`."""
        subscription = self._subscribe()
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name="hub-follow"),
            asyncio.create_task(self._beat(), name="hub-beat"),
            asyncio.create_task(self._check(), name="hub-check"),
            asyncio.create_task(self._look(), name="hub-look"),
        ]

    async def aclose(self) -> None:
        """Tells every client to come back later, then ends."""
        for connection in [*self.connections, *self.turns.at_door()]:
            connection.end(frames.Close.GOING_AWAY, "the server is stopping")
        while self.connections:
            await asyncio.gather(*(connection.ended.wait() for connection in list(self.connections)))
        tasks = [*self._tasks, *self._soon]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def online(self) -> AbstractSet[str]:
        """Sites with a page that is connected; the live set."""
        return self._sites.keys()

    # Coming and going.

    def add(self, connection: "Connection") -> None:
        """A client that has said hello. A site has one page: a newer one replaces it."""
        self.connections.add(connection)
        min(self._slices, key=len).add(connection)
        self._round[connection] = None
        self._by_party.setdefault(connection.actor.id, set()).add(connection)
        site = connection.site
        if site is not None:
            before = self._sites.get(site)
            self._sites[site] = connection
            self.services.meetings.connected(site)
            if before is not None and before.tab == connection.tab:
                before.end(1000, "the same tab came back")
            elif before is not None:
                before.end(frames.Close.REPLACED, "replaced")
        self.services.metrics.connections.labels(connection.page).inc()

    def remove(self, connection: "Connection") -> None:
        """A client is gone."""
        if connection not in self.connections:
            return
        self.connections.discard(connection)
        for some in self._slices:
            some.discard(connection)
        self._round.pop(connection, None)
        self._to_check.pop(connection, None)
        self.board.follow(connection, on=False)
        own = self._by_party.get(connection.actor.id, set())
        own.discard(connection)
        if not own:
            self._by_party.pop(connection.actor.id, None)
            self.turns.admission.done(connection.actor.id)
        for stream in list(connection.following.follows):
            self.unfollow(connection, stream)
        site = connection.site
        if site is not None and self._sites.get(site) is connection:
            del self._sites[site]
            if self._pages.pop(site, None) is not None:
                self._tell_desks(site, dict(_AWAKE))  # the next page says anew how it is
            self.services.meetings.disconnected(site)
        self.services.metrics.connections.labels(connection.page).dec()

    def follow(self, connection: "Connection", follow: "Follow") -> None:
        """From now on the client is given what happens in the stream."""
        self._by_stream.setdefault(follow.stream, {})[connection] = follow
        self._asks_no_more(connection, follow.stream)  # what it asked for when it subscribed before
        if follow.topics:
            self._asking.setdefault(follow.stream, {})[connection] = follow
        if connection.page == "desk":
            self.services.meetings.desks.come(follow.stream.partition(":")[2], connection.actor, connection)

    def unfollow(self, connection: "Connection", stream: str) -> None:
        """No longer."""
        followers = self._by_stream.get(stream, {})
        follow = followers.pop(connection, None)
        self._asks_no_more(connection, stream)
        if follow is not None and "operators" in follow.topics:
            self.tell_operators(stream)
        if follow is not None and connection.page == "desk":
            self.services.meetings.desks.leave(stream.partition(":")[2], connection.actor.id, connection)
        if not followers:
            self._by_stream.pop(stream, None)
            self.heads.pop(stream, None)
            self.crowd.forget(stream)

    def _asks_no_more(self, connection: "Connection", stream: str) -> None:
        asking = self._asking.get(stream, {})
        if asking.pop(connection, None) is not None and not asking:
            del self._asking[stream]

    # The bus.

    def _subscribe(self) -> Subscription:
        return self.services.bus.subscribe(f"{EVENTS}*", f"{EPHEMERAL}*", limit=QUEUE)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    try:
                        await self._take(message)
                    except Exception:
                        log.exception("message of the bus could not be handed on", topic=message.topic)
            except SubscriberTooSlow:
                log.error("the hub fell behind the bus: bringing every client up again")
                subscription = self._subscribe()
                for followers in self._by_stream.values():
                    for connection, follow in followers.items():
                        connection.following.bring_up(follow)
                for connection in self._sites.values():
                    connection.tell_you()
            else:
                return

    async def _take(self, message: Message) -> None:
        if message.topic.startswith(EVENTS):
            await self._take_event(Event.from_json(message.body))
        elif message.topic == PARTS or message.topic == TOLD:
            self._tell_you(_strings(message.body, "sites"))
        elif message.topic == CALLS:
            self._tell_you([str(message.body.get("site"))])
            for connection, follow in self._asking.get(f"meeting:{message.body.get('meeting')}", {}).items():
                connection.following.owe_calls(follow)
        elif message.topic == TALKS:
            self._tell_you(_strings(message.body, "sites"))
            for connection, follow in self._asking.get(f"meeting:{message.body.get('meeting')}", {}).items():
                connection.following.owe_talks(follow)
        elif message.topic == GONE:
            self._take_gone(message.body)
        elif message.topic == LINES:
            self._take_lines(message.body)
        elif message.topic == STANDING:
            for connection in list(self.connections):
                connection.tell_standing()
        else:
            stream = message.topic.removeprefix(EPHEMERAL)
            topic, data = str(message.body.get("topic")), message.body.get("data")
            await self._take_ephemeral(stream, topic, data, hurry=message.body.get("hurry") is True)

    async def _each(self, stream: str) -> "AsyncIterator[tuple[Connection, Follow]]":
        """Who follows the stream, a crowd with turns for others in between."""
        followers = self._by_stream.get(stream, {})
        crowd = len(followers) > FEW
        for number, (connection, follow) in enumerate(list(followers.items()), 1):
            if followers.get(connection) is follow:
                yield connection, follow
            if crowd and number % AT_A_TIME == 0:
                await asyncio.sleep(0)

    async def _take_event(self, event: Event) -> None:
        self.heads[event.stream] = event.seq
        followers = self._by_stream.get(event.stream, {})
        mark = self.crowd.mark(event.stream)
        encoded: dict[int, tuple[Event, str]] = {}
        if event.type == "secrecy_raised":
            for connection, follow in list(followers.items()):
                connection.following.renew(follow)  # whoever is not cleared hears nothing more
        self.board.heard(event.stream, vanishes=event.type == "secrecy_raised")
        pictured = event.type in PICTURED
        unhurried = (pictured or event.type in UNHURRIED) and len(followers) > FEW
        waits: str | None = None
        self._telling = event.stream
        try:
            async for connection, follow in self._each(event.stream):
                if unhurried and waits is not None and not concerns(connection, event):
                    continue
                seen = follow.viewer.sees(event)
                found = encoded.get(id(seen))
                if found is None:
                    # The event is kept beside its text: an id is only one while its object lives.
                    found = encoded[id(seen)] = (seen, frames.event(seen))
                if unhurried and not concerns(connection, event):
                    waits = found[1]  # all whom it does not concern see the same
                    continue
                self.crowd.catch_up(connection, follow)
                connection.following.deliver(follow, event.seq, found[1])
        finally:
            self._telling = None
        if waits is not None:
            hold = self.crowd.hold_for_picture if pictured else self.crowd.hold
            hold(event.stream, event.seq, waits, len(followers))
        elif not unhurried:
            self.crowd.told(event.stream, mark)
        if event.type in _ENDS_ACCESS:
            parties = _parties(event)
            self._check_parties(parties)
            if event.type not in ("grants_set", "clearance_set"):
                self._doubtful.update(parties)
        if event.type in _LISTED:
            await self._list(event.stream.removeprefix("meeting:"))

    async def _list(self, meeting: str) -> None:
        """A meeting came, opened, ended or grew: its sites are told whole what concerns them."""
        if not self._sites:
            return
        try:
            summary = await self.services.meetings.get(meeting)
            invited = {row[0] for row in (await self.services.meetings.roster(meeting, SYSTEM)).sites}
        except DiemCauError as error:
            log.warning("meeting could not be listed", meeting=meeting, code=error.code)
            return
        for site, connection in list(self._sites.items()):
            if site in invited and comes_by_itself(summary, site):
                if await self.services.access.cleared(connection.actor, summary.secrecy):
                    connection.list_meeting(summary)
                else:
                    connection.forget_meeting(meeting)

    def _take_gone(self, body: Mapping[str, Any]) -> None:
        told = {key: body.get(key) for key in ("viewers", "publishers", "reason")}
        party = str(body.get("party"))
        # When the node was restarted everybody's have ended: they come back one after the other.
        told["turn"] = told["reason"] != "restarted" or not told["viewers"] or self._turn_now(party)
        for connection in self._by_party.get(party, ()):
            if connection.welcomed:  # else what stands comes right behind the welcome
                connection.send(frames.text({"op": "gone", **told}))

    def _take_lines(self, body: Mapping[str, Any]) -> None:
        viewers = body.get("viewers")
        for line in viewers if isinstance(viewers, list | tuple) else ():
            for connection in self._by_party.get(str(line["party"]), ()):
                connection.tell_line(str(line["viewer"]), str(line["step"]), line["why"])

    def _turn_now(self, party: str) -> bool:
        connections = self._by_party.get(party, ())
        if not any(connection.site for connection in connections):
            return True
        try:
            self.turns.take(party)
        except Queued:
            return False
        except Busy:
            return True  # it comes, is refused, and comes again as after any failure
        return True

    async def _take_ephemeral(self, stream: str, topic: str, data: Any, *, hurry: bool) -> None:
        if topic == "presence" and isinstance(data, Mapping):
            self._tell_you({*_strings(data, "joined"), *_strings(data, "left")})
        if topic in ("presence", "observers"):
            self.board.heard(stream)
        if topic in ASKED_FOR:
            self._tell_asking(stream, topic, data)
            return
        text = frames.ephemeral(stream, topic, data)
        mark, crowd = self.crowd.mark(stream), len(self._by_stream.get(stream, ()))
        waits = topic in FLEETING and crowd > FEW and not hurry
        async for connection, follow in self._each(stream):
            if hurry:
                self.crowd.catch_up(connection, follow)
            if connection.page == "desk" if topic == "observers" else not waits or connection.site is None:
                connection.following.deliver_ephemeral(follow, topic, data, text)
        if waits:
            self.crowd.hold_latest(stream, topic, data, text, crowd)
        elif hurry:
            self.crowd.told(stream, mark)
        if topic == "stage" and isinstance(data, Mapping) and data.get("shown"):
            self.crowd.pictured(stream)

    def _tell_asking(self, stream: str, topic: str, data: Any) -> None:
        """A topic of which only those are told who asked for topics."""
        text = frames.ephemeral(stream, topic, data)
        for connection, follow in list(self._asking.get(stream, {}).items()):
            connection.following.deliver_ephemeral(follow, topic, data, text)

    async def _tell_crowd(self, stream: str) -> None:
        """What waits for the stream's sites leaves now."""
        mark = self.crowd.mark(stream)
        async for connection, follow in self._each(stream):
            self.crowd.catch_up(connection, follow)
        self.crowd.told(stream, mark)

    def _tell_soon(self, stream: str) -> None:
        task = asyncio.create_task(self._tell_crowd(stream), name="hub-crowd")
        self._soon.add(task)
        task.add_done_callback(self._soon.discard)

    def tell_page(self, site: str, *, hidden: bool, slept_s: int | None) -> None:
        """How a site's page is; the desks of its meeting are told."""
        before = self._pages.get(site, {})
        page = {
            "page_hidden": hidden,
            "slept_s": before.get("slept_s") if slept_s is None else slept_s,
            "slept_at": before.get("slept_at") if slept_s is None else rfc3339(self.services.clock.now()),
        }
        if page != (before or _AWAKE):
            self._pages[site] = page
            self._tell_desks(site, page)

    def _tell_desks(self, site: str, page: dict[str, Any]) -> None:
        meeting = self.services.meetings.meeting_of(site)
        if meeting is not None:
            self._tell_asking(f"meeting:{meeting}", "pages", {"pages": {site: page}})

    def tell_operators(self, stream: str) -> None:
        """Over which units of the meeting somebody is at a desk who forwards hands: those of its centre,
        who need nobody to forward to them, are not meant."""
        units: set[str] = set()
        for connection, follow in self._asking.get(stream, {}).items():
            if "operators" in follow.topics and not follow.viewer.centre:
                units.update(self.services.access.units_granted(connection.actor, "hand.forward"))
        self._tell_asking(stream, "operators", {"units": sorted(units)})

    def page_of(self, site: str) -> dict[str, Any] | None:
        """The same, of a site that has said so: `{"page_hidden", "slept_s", "slept_at"}`."""
        return self._pages.get(site)

    def actor_of(self, party: str) -> Actor | None:
        """Who a connected party is."""
        return next((connection.actor for connection in self._by_party.get(party, ())), None)

    def _tell_you(self, sites: Iterable[str]) -> None:
        for site in sites:
            connection = self._sites.get(site)
            if connection is not None:
                connection.tell_you()

    # Who may stay.

    def _check_parties(self, parties: Iterable[str]) -> None:
        for party in parties:
            self._to_check.update(dict.fromkeys(self._by_party.get(party, ())))
        self._check_now.set()

    def _check_slice(self) -> None:
        """Those whose turn it is at this beat: everyone's comes once in `recheck_s`, never all at once."""
        options = self.services.options
        share = math.ceil(len(self._round) * min(1.0, options.beat_s / options.recheck_s))
        for connection in list(islice(self._round, share)):
            self._round[connection] = self._round.pop(connection)
            self._to_check[connection] = None
        if self._to_check:
            self._check_now.set()

    async def _check(self) -> None:
        while True:
            await self._check_now.wait()
            self._check_now.clear()
            while self._to_check:
                some = list(islice(self._to_check, CHECKS))
                for connection in some:
                    del self._to_check[connection]
                asked = await asyncio.gather(*(one.check() for one in some), return_exceptions=True)
                # A database that does not answer ends nobody's connection: they are asked in the next round.
                if failures := [error for error in asked if isinstance(error, Exception)]:
                    log.warning("connections not checked", count=len(failures), error=str(failures[0]))
                self._doubtful.update(one.actor.id for one in some if one.shut_out)
            await self._close_media()

    async def _look(self) -> None:
        """While sites are connected the devices are looked at in time: a crowd's words wait for nothing."""
        while True:
            await asyncio.sleep(LOOK_S / 2)
            if self._sites:
                try:
                    await self.services.access.look()
                except DiemCauError as error:  # whoever asks is told
                    log.warning("devices not looked at", code=error.code)

    async def _close_media(self) -> None:
        """Ends what parties see and send who have no page left that may stay."""
        doubtful, self._doubtful = self._doubtful, set()
        for party in doubtful:
            if all(one.shut_out for one in self._by_party.get(party, ())):
                await self.services.stage.close_party(party)
                await self.services.talkback.close_party(party)

    # Beats.

    async def _beat(self) -> None:
        """A slice of the clients at a time: ten thousand frames at once would hold up a cut."""
        pause = self.services.options.beat_s / SLICES
        for turn in itertools.count():
            await asyncio.sleep(pause)
            self.beat(self._slices[turn % SLICES])
            if turn % SLICES == 0:
                self.turns.tell_places()
                self.crowd.tidy()
                self._check_slice()

    @property
    def picture_s(self) -> int:
        """Seconds between two pictures of a site; who waits at the door will post too."""
        coming = len(self._sites) + self.turns.admission.waiting
        return max(PICTURE_S, coming // PICTURES_A_SECOND)

    def beat(self, connections: Iterable["Connection"]) -> None:
        """Tells clients the heads of what they follow, and ends those that have been silent."""
        now, clock = self.services.clock.now(), asyncio.get_running_loop().time()
        waiting = self.turns.admission.waiting
        encoded: dict[tuple[tuple[str, int | None], ...], str] = {}
        for connection in list(connections):
            if clock - connection.inbox.heard > self.services.options.silent_s:
                connection.end(frames.Close.SILENT, "silent")
                continue
            follows = connection.following.follows.values()
            for follow in follows:
                self.crowd.catch_up(connection, follow)
            if connection.spare_beat(clock - self.services.options.beat_s / 2, SPARED):
                continue
            # Whose turn to hear of the head has not come is not told that it misses it.
            known = sorted(
                (f.stream, f.last if f.stream == self._telling else self.heads.get(f.stream))
                for f in follows
                if f.last is not None
            )
            if (text := encoded.get(key := tuple(known))) is None:
                heads = {stream: head for stream, head in known if head is not None}
                text = encoded[key] = frames.beat(heads, now, self.picture_s, waiting)
            connection.beat(text)


def _parties(event: Event) -> Iterable[str]:
    """Ids of the people or sites whose access an event changed."""
    if event.type != "codes_revoked":
        return (event.stream.partition(":")[2],)
    return _strings(event.data, "sites") if event.data.get("devices") else ()


def _strings(body: Mapping[str, Any], key: str) -> list[str]:
    value = body.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, (list, tuple)) else []


def summary_json(summary: MeetingSummary) -> Mapping[str, Any]:
    """`Meeting` of docs/protocol.md."""
    return summary.to_json()
