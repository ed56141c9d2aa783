"""The windows that are open, in memory: gone with their connections, and with the process."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from diemcau.clock import rfc3339
from diemcau.errors import Busy, Conflict, JsonObject
from diemcau.screens.documents import Kind, Order, Show, Status
from diemcau.screens.errors import ScreenNotFound

MAX_SCREENS: Final = 64
"""Windows open in one meeting."""

MAX_OWN: Final = 16
"""Windows that one person may have open in one meeting."""

KEPT_SHOWS: Final = 1000
"""What windows were last told, also of those that are gone: a window that comes back shows what it showed."""


@dataclass(slots=True, eq=False)
class Screen:
    """An open window. `id`: its own name, kept over a reload; `tell`: what reaches it (what it shows, and an
    order)."""

    id: str
    meeting: str
    kind: Kind
    person: str
    name: str
    label: str
    since: datetime
    tell: Callable[[Show, Order | None], None]
    show: Show
    status: Status

    def to_json(self) -> JsonObject:
        """`Screen` of docs/protocol.md."""
        return {
            "id": self.id,
            "kind": self.kind,
            "person": self.person,
            "name": self.name,
            "label": self.label,
            "since": rfc3339(self.since),
            "show": self.show.model_dump(mode="json"),
            "status": self.status.model_dump(mode="json"),
        }


class Registry:
    """Who may open or drive a window is asked before."""

    def __init__(self) -> None:
        self._open: dict[str, dict[str, Screen]] = {}
        self._shows: OrderedDict[tuple[str, str, str], Show] = OrderedDict()

    def open(self, screen: Screen) -> Show:
        """The window is open, or open again; answers what it shows: what it was last told, else what it came
        with.

        Raises Conflict (the name is another person's window), Busy (too many).
        """
        here = self._open.setdefault(screen.meeting, {})
        before = here.get(screen.id)
        if before is not None and before.person != screen.person:
            raise Conflict("Another person's window has this name", field="screen")
        own = sum(one.person == screen.person for one in here.values())
        if before is None and (len(here) >= MAX_SCREENS or own >= MAX_OWN):
            raise Busy("Too many windows are open in this meeting", limit=MAX_SCREENS)
        screen.show = self._shows.get(_key(screen), screen.show)
        if before is not None:
            screen.since = before.since
        here[screen.id] = screen
        self._remember(screen)
        return screen.show

    def close(self, screen: Screen) -> bool:
        """The window is gone; False when another connection has taken its place."""
        here = self._open.get(screen.meeting, {})
        if here.get(screen.id) is not screen:
            return False
        del here[screen.id]
        if not here:
            del self._open[screen.meeting]
        return True

    def get(self, meeting: str, name: str) -> Screen:
        """Raises ScreenNotFound."""
        screen = self._open.get(meeting, {}).get(name)
        if screen is None:
            raise ScreenNotFound(None, screen=name[:64])
        return screen

    def tell(self, screen: Screen, show: Show | None, order: Order | None) -> None:
        """Has the window show something, or do something once."""
        if show is not None:
            screen.show = show
            self._remember(screen)
        screen.tell(screen.show, order)

    def listing(self, meeting: str) -> list[JsonObject]:
        """The meeting's windows, longest open first."""
        here = self._open.get(meeting, {}).values()
        return [screen.to_json() for screen in sorted(here, key=lambda one: (one.since, one.id))]

    def of(self, meeting: str, person: str, kind: Kind) -> list[Screen]:
        """The person's windows of a kind."""
        here = self._open.get(meeting, {}).values()
        return [screen for screen in here if screen.person == person and screen.kind == kind]

    def __len__(self) -> int:
        return sum(len(here) for here in self._open.values())

    def _remember(self, screen: Screen) -> None:
        self._shows[_key(screen)] = screen.show
        self._shows.move_to_end(_key(screen))
        if len(self._shows) > KEPT_SHOWS:
            self._shows.popitem(last=False)


def _key(screen: Screen) -> tuple[str, str, str]:
    return screen.meeting, screen.person, screen.id
