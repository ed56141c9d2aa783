"""The base of what holds running things to what holds now: tokens that ended, marks that were raised."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import structlog

from diemcau.api.services import Services
from diemcau.bus import SubscriberTooSlow, Subscription
from diemcau.errors import DiemCauError

log = structlog.get_logger(__name__)

RETRY_S = 1.0
"""Seconds after which a check that was refused (a busy store) is tried again."""


class Watch(ABC):
    """One task, level-triggered: whatever wakes it, it looks at everything. What ends by the clock alone is
    seen within `recheck_s`. `name`: of its tasks and log lines; `topics`: what it hears of the bus."""

    def __init__(self, services: Services, name: str, *topics: str) -> None:
        self._services, self._name, self._topics = services, name, topics
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @abstractmethod
    async def check(self) -> None:
        """Ends what must not go on."""

    @abstractmethod
    def wakes(self, topic: str, body: Mapping[str, Any]) -> bool:
        """Whether this message of the bus is a reason to look."""

    def start(self) -> None:
        """Follows the bus until `aclose`."""
        subscription = self._subscribe()
        self._tasks = [
            asyncio.create_task(self._follow(subscription), name=f"{self._name}-follow"),
            asyncio.create_task(self._run(), name=f"{self._name}-watch"),
        ]

    async def aclose(self) -> None:
        """Ends the tasks; what runs is left as it is."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _subscribe(self) -> Subscription:
        return self._services.bus.subscribe(*self._topics, limit=10_000)

    async def _follow(self, subscription: Subscription) -> None:
        while True:
            try:
                async for message in subscription:
                    if self.wakes(message.topic, message.body):
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
                log.warning("not checked", watch=self._name, code=error.code)
                asyncio.get_running_loop().call_later(RETRY_S, self._wake.set)
            except Exception:
                log.exception("could not be checked", watch=self._name)
