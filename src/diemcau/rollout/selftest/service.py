"""`SelfTests`: the door to self-tests."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog

from diemcau.access import Access, Actor
from diemcau.errors import Conflict, DiemCauError, Forbidden, WrongState
from diemcau.ids import NewId, new_id
from diemcau.media import MediaNode
from diemcau.rollout.selftest.advice import advise
from diemcau.rollout.selftest.figures import Figures
from diemcau.rollout.selftest.loop import Loops
from diemcau.rollout.selftest.results import TestResult, results_of, store_result
from diemcau.rollout.turns import AT_ONCE, AT_ONCE_BESIDE, Turn, Turns
from diemcau.sites import Sites
from diemcau.stage import Stage
from diemcau.store import Store

TIDY_S: Final = 2.0
"""Seconds between two looks at tests whose time is over."""

log = structlog.get_logger(__name__)


class OnStage(WrongState):
    """The site is on the stage of a meeting, or about to be: testing now would disturb it."""

    code = "on_stage"
    default = "This site is on the stage of a meeting: test after it."


class NoTurn(Conflict):
    """The site's test does not run: it has not begun, or its time is over."""

    code = "no_turn"
    default = "This self-test is not running (any more): begin again."


class SelfTests:
    """`start` follows tests whose time is over; `aclose` ends everything."""

    def __init__(
        self,
        store: Store,
        access: Access,
        sites: Sites,
        stage: Stage,
        node: MediaNode,
        *,
        make_id: NewId = new_id,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._access, self._sites, self._stage = store, access, sites, stage
        self._make_id, self._now = make_id, now
        self.turns = Turns()
        self._loops = Loops(node)
        self._seen: dict[str, bool] = {}  # of tests that have ended and may still be reported
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Ends tests whose time is over, until `aclose`."""
        self._task = asyncio.create_task(self._tidy(), name="self-tests")

    async def aclose(self) -> None:
        """Ends every test."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._loops.aclose()

    async def begin(self, actor: Actor) -> Turn:
        """The site's turn to measure; asked again while it waits. Raises Forbidden, OnStage, Busy."""
        site = await self._own(actor)
        if self._stage.is_asked(site):
            raise OnStage(None, site=site)
        self.turns.at_once = AT_ONCE_BESIDE if self._stage.has_open_meeting else AT_ONCE
        turn = self.turns.ask(site, self._now())
        if turn.running:
            self._seen.pop(site, None)
        return turn

    async def publish(self, actor: Actor, offer: str) -> str:
        """Answers the offer of what the site sends. Raises NoTurn, MediaError, TooManyRequests."""
        return await self._loops.publish(self._running(actor), offer)

    async def watch(self, actor: Actor, offer: str, *, looped: bool) -> str:
        """Answers a viewer's offer: `looped`, it gets what the site sends; else nothing, it only shows that
        a way leads to the node. Raises NoTurn, MediaError, TooManyRequests."""
        return await self._loops.watch(self._running(actor), offer, looped=looped)

    async def end(self, actor: Actor) -> None:
        """The site has measured, or gives up; the next one's turn."""
        if actor.site is None:
            raise Forbidden("Only a site tests itself", command="test.run")
        await self._end(actor.site)

    async def report(self, actor: Actor, figures: Figures) -> TestResult:
        """Stores what the site measured, with the advice that follows. Raises Forbidden."""
        site = await self._own(actor)
        seen = self._seen.pop(site, False) or self._loops.seen(site)
        await self._end(site)
        self._seen.pop(site, None)
        advice = advise(figures, seen=seen, reach=self._loops.reach)
        return await store_result(
            self._store, actor.key, self._make_id("t"), site, advice, figures.model_dump(mode="json")
        )

    async def results(self, actor: Actor, site: str) -> tuple[TestResult, ...]:
        """The site's tests, newest first, for itself and for those who may see it. Raises SiteNotFound."""
        return await results_of(self._store, (await self._sites.see(actor, site)).id)

    async def _own(self, actor: Actor) -> str:
        if actor.site is None:
            raise Forbidden("Only a site tests itself", command="test.run")
        self._access.authorise(actor, "test.run", (await self._sites.get(actor.site)).unit)
        return actor.site

    def _running(self, actor: Actor) -> str:
        if actor.site is None:
            raise Forbidden("Only a site tests itself", command="test.run")
        if not self.turns.is_running(actor.site):
            raise NoTurn(None, site=actor.site)
        return actor.site

    async def _end(self, site: str) -> None:
        if self.turns.end(site, self._now()):
            self._seen[site] = self._loops.seen(site)
            if len(self._seen) > 20_000:  # those that never reported: the oldest go
                del self._seen[next(iter(self._seen))]
        await self._loops.close(site)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(TIDY_S)
            for site in self.turns.overdue(self._now()):
                try:
                    await self._end(site)
                except DiemCauError:
                    log.exception("self-test could not be ended", site=site)
