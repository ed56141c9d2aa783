"""Tells who looks at the board of running meetings that something on it has changed."""

import asyncio
from typing import TYPE_CHECKING

from diemcau.access import covers
from diemcau.api.live import frames
from diemcau.api.services import Services

if TYPE_CHECKING:
    from diemcau.api.live.connection import Connection

PAUSE_S = 0.5
"""Changes are gathered so long: the page reads the board once for all of them."""


class BoardNews:
    """The word is empty: what there is, the page asks for, as its person may see it."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._pages: set[Connection] = set()
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._number = 0

    def follow(self, connection: "Connection", *, on: bool) -> None:
        """The page shows the board, or no longer."""
        (self._pages.add if on else self._pages.discard)(connection)

    def heard(self, stream: str, *, vanishes: bool = False) -> None:
        """Something of this stream has changed. `vanishes`: also for who sees it no longer."""
        if self._pages and stream.startswith("meeting:"):
            self._changed.add("" if vanishes else stream.partition(":")[2])
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(PAUSE_S, self._tell)

    def _tell(self) -> None:
        self._timer, self._number = None, self._number + 1
        changed, self._changed = self._changed, set()
        marks = {self._services.meetings.marks.of(meeting) for meeting in changed}
        for page in self._pages:
            # To who is not cleared a marked meeting does not even change.
            if any(covers(page.clearance, mark) for mark in marks):
                page.outbox.put_latest("board", frames.text({"op": "board", "n": self._number}))
