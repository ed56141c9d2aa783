"""Tells that a roll call has changed: at most four times a second a meeting, whatever the number of edits.

The message on the bus says only that there is news; what a page is told is made when it leaves, of
what is so then and of what he may see (`RollCalls.frame`). So nothing is stale, lost, or told twice.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

from diemcau.bus import EPHEMERAL, Bus
from diemcau.errors import JsonObject
from diemcau.meetings.rollcall.books import Books
from diemcau.meetings.states import stream_of

TELL_S: Final = 0.25


class Telling:
    """`changed` whenever there is something to tell."""

    def __init__(self, bus: Bus, books: Books) -> None:
        self._bus, self._books = bus, books
        self._changed: dict[str, None] = {}
        self._task: asyncio.Task[None] | None = None

    async def aclose(self) -> None:
        """Tells no more."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def changed(self, meeting: str, sites: Iterable[str]) -> None:
        """News of a meeting's roll call; `sites`: of whom there is new evidence."""
        book = self._books.latest_known(meeting)
        evidence = list(sites)
        if evidence and (book is None or book.call.status == "sealed" or not book.touch(evidence)):
            return
        self._changed[meeting] = None
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="roll-call-telling")

    async def _run(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, {}
                for meeting in changed:
                    body: JsonObject = {"topic": "rollcall", "data": {}}
                    self._bus.publish(f"{EPHEMERAL}{stream_of(meeting)}", body)
                # Not a wait for anything: what comes within a moment is told together.
                await asyncio.sleep(TELL_S)
        finally:
            self._task = None
