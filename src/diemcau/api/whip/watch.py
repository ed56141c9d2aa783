"""Ends what a token opened when the token ends: at once when revoked, within a minute when it expires."""

import asyncio

import structlog

from diemcau.api.services import Services
from diemcau.bus import EVENTS, SubscriberTooSlow, Subscription
from diemcau.errors import DiemCauError

log = structlog.get_logger(__name__)


class TokenWatch:
    """One task. Level-triggered: whatever wakes it, it asks which tokens in use are still good."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Follows the bus until `aclose`."""
        subscription = self._subscribe()
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name="token-follow"),
            asyncio.create_task(self._run(), name="token-watch"),
        ]

    async def aclose(self) -> None:
        """Ends the tasks; connections are left as they are."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def check(self) -> None:
        """Ends what was opened by tokens that are not good any more."""
        stage = self._services.stage
        used = stage.tokens()
        if not used:
            return
        for token in used - await self._services.access.good_tokens(used):
            log.info("closing what an ended token opened", token=token)
            await stage.close_token(token)

    def _subscribe(self) -> Subscription:
        return self._services.bus.subscribe(f"{EVENTS}access", limit=10_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    if message.body.get("type") == "token_revoked":
                        self._wake.set()
            except SubscriberTooSlow:
                subscription = self._subscribe()
                self._wake.set()
            else:
                return

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
                log.warning("tokens not checked", code=error.code)
                asyncio.get_running_loop().call_later(1.0, self._wake.set)
            except Exception:
                log.exception("tokens could not be checked")
