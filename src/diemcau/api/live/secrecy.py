"""Holds running meetings to their mark: who is not cleared (any more) is out, with all that he sees of it."""

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from diemcau.access import site_actor
from diemcau.api.services import Services
from diemcau.bus import EPHEMERAL, EVENTS, SubscriberTooSlow, Subscription
from diemcau.errors import DiemCauError

if TYPE_CHECKING:
    from diemcau.api.live.hub import Hub

log = structlog.get_logger(__name__)


class SecrecyWatch:
    """One task, level-triggered: whatever wakes it, it looks at every marked meeting. A clearance that ran
    out is seen within `recheck_s`."""

    def __init__(self, services: Services, hub: "Hub") -> None:
        self._services, self._hub = services, hub
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Follows the bus until `aclose`."""
        subscription = self._subscribe()
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name="secrecy-follow"),
            asyncio.create_task(self._run(), name="secrecy-watch"),
        ]

    async def aclose(self) -> None:
        """Ends the tasks."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self) -> None:
        """Puts out who is not cleared, ends what such parties watch, forgets pictures that were taken."""
        meetings, stage = self._services.meetings, self._services.stage
        for meeting in meetings.marked():
            mark = meetings.mark_of(meeting)
            if gone := await meetings.expel(meeting):
                log.info("sites that are not cleared were put out", meeting=meeting, count=len(gone))
            self._services.slides.forget(meeting)
            for site in meetings.joined(meeting):
                self._services.pictures.forget(site)
            for party in stage.parties(meeting):
                actor = self._hub.actor_of(party) or site_actor(party)
                if not await self._services.access.cleared(actor, mark):
                    await stage.close_party_in(meeting, party)

    def _subscribe(self) -> Subscription:
        return self._services.bus.subscribe(f"{EVENTS}*", f"{EPHEMERAL}meeting:*", limit=10_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    self._hear(message.topic, message.body)
            except SubscriberTooSlow:
                subscription = self._subscribe()
                self._wake.set()
            else:
                return

    def _hear(self, topic: str, body: Mapping[str, Any]) -> None:
        if topic.startswith(EVENTS):
            if body.get("type") in ("secrecy_raised", "clearance_set"):
                self._wake.set()
        elif body.get("topic") == "presence" and self._marked(topic):
            self._wake.set()

    def _marked(self, topic: str) -> bool:
        return self._services.meetings.mark_of(topic.rpartition(":")[2]) != "none"

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(self._services.options.recheck_s):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self.check()
            except DiemCauError as error:
                log.warning("marks not checked", code=error.code)
                asyncio.get_running_loop().call_later(1.0, self._wake.set)
            except Exception:
                log.exception("marks could not be checked")
