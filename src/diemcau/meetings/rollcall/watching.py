"""Keeps what is known of the sites of meetings, from what passes over the bus."""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import structlog

from diemcau.bus import EPHEMERAL, EVENTS, Bus, Message, SubscriberTooSlow, Subscription
from diemcau.clock import Clock
from diemcau.meetings.rollcall.evidence import Evidence, Witness
from diemcau.meetings.service import Meetings

KEPT: Final = 64
QUEUE: Final = 50_000

_MEETING: Final = "meeting:"
_SITE: Final = "site:"

log = structlog.get_logger(__name__)

TestTimes = Callable[[Collection[str] | None], Awaitable[Mapping[str, datetime]]]
"""When these sites (None: all) passed their last self-test."""


class Watching:
    """`changed(meeting, sites)` is called when there is something new to tell of sites; `grown(meeting)` when
    more sites were invited."""

    def __init__(
        self,
        bus: Bus,
        clock: Clock,
        meetings: Meetings,
        changed: Callable[[str, Iterable[str]], None],
        grown: Callable[[str], None],
    ) -> None:
        self._bus, self._clock, self._meetings = bus, clock, meetings
        self._changed, self._grown = changed, grown
        self._witnesses: OrderedDict[str, Witness] = OrderedDict()
        self.tested: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Until `aclose`."""
        self._task = asyncio.create_task(self._follow(self._subscribe()), name="roll-call-watching")

    async def aclose(self) -> None:
        """Watches no longer."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def witness(self, meeting: str) -> Witness:
        """Of a meeting; what passed before the first call is not known."""
        found = self._witnesses.get(meeting)
        if found is None:
            now = self._clock.now()
            found = self._witnesses[meeting] = Witness(now)
            found.came(self._meetings.joined(meeting), now)
            if len(self._witnesses) > KEPT:
                self._witnesses.popitem(last=False)
        self._witnesses.move_to_end(meeting)
        return found

    def evidence(self, meeting: str, site: str, acks: Mapping[str, tuple[int, int]]) -> Evidence:
        """Of one site."""
        known = acks.get(site, (0, 0))
        return self.witness(meeting).of(site, self._clock.now(), self.tested.get(site), known)

    def saw(self, site: str) -> None:
        """A picture of the site came."""
        meeting = self._meetings.meeting_of(site)
        if meeting is not None and self.witness(meeting).saw(site, self._clock.now()):
            self._changed(meeting, (site,))

    # inside

    def _subscribe(self) -> Subscription:
        topics = (f"{EPHEMERAL}{_MEETING}*", f"{EVENTS}{_MEETING}*", f"{EVENTS}{_SITE}*")
        return self._bus.subscribe(*topics, limit=QUEUE)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    try:
                        self._take(message)
                    except Exception:
                        log.exception("a message was not taken as evidence", topic=message.topic)
            except SubscriberTooSlow:
                log.warning("the evidence fell behind the bus")
                subscription = self._subscribe()
                for meeting, witness in self._witnesses.items():
                    now, here = self._clock.now(), self._meetings.joined(meeting)
                    gone = [site for site in witness.inside() if site not in here]
                    self._changed(meeting, [*witness.went(gone, now), *witness.came(here, now)])
            else:
                return

    def _take(self, message: Message) -> None:
        if message.topic.startswith(EVENTS):
            self._take_event(message.topic.removeprefix(EVENTS), message.body)
            return
        meeting = message.topic.removeprefix(EPHEMERAL).removeprefix(_MEETING)
        data: Any = message.body.get("data")
        now = self._clock.now()
        match message.body.get("topic"):
            case "presence":
                witness = self.witness(meeting)
                told = [*witness.went(data["left"], now), *witness.came(data["joined"], now)]
            case "levels":
                told = self.witness(meeting).hears(data["levels"].items(), now)
            case "stage":
                told = self.witness(meeting).live(data["live"], now)
            case _:
                return
        if told:
            self._changed(meeting, told)

    def _take_event(self, stream: str, body: Mapping[str, Any]) -> None:
        kind = body.get("type")
        if stream.startswith(_SITE):
            if kind == "site_tested" and body["data"]["passed"]:
                site = stream.removeprefix(_SITE)
                self.tested[site] = self._clock.now()
                if (meeting := self._meetings.meeting_of(site)) is not None:
                    self._changed(meeting, (site,))
            return
        meeting = stream.removeprefix(_MEETING)
        if kind == "meeting_opened":
            self.witness(meeting).open(self._clock.now())
        elif kind == "meeting_ended":
            self.witness(meeting).end(self._clock.now())
        elif kind == "sites_invited":
            self._grown(meeting)
