"""Who waits for a turn, at the door or for a new viewer, and what they are told of their places."""

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from diemcau.api.live import frames
from diemcau.api.live.admission import Admission, Queued, Ticket

if TYPE_CHECKING:
    from diemcau.api.live.connection import Connection

FAR_S = 20
"""Seconds until its turn from which on a party is told its place more rarely."""


class Turns:
    """`goes_ahead`: who must not wait; `connections_of`: a party's clients that are in."""

    def __init__(
        self,
        admission: Admission,
        goes_ahead: Callable[[str], bool],
        connections_of: Callable[[str], Collection["Connection"]],
    ) -> None:
        self.admission = admission
        self._goes_ahead, self._connections_of = goes_ahead, connections_of
        self._waiting: dict[Ticket, Connection | None] = {}
        self._rounds = 0

    def at_door(self) -> "list[Connection]":
        """Clients that are not welcomed yet."""
        return [connection for connection in self._waiting.values() if connection is not None]

    def take(self, party: str) -> None:
        """Raises Queued unless it is the site's turn to open a viewer; its pages are told when it is. Raises
        Busy when too many wait."""
        ticket = self.admission.ask(party, ahead=self._goes_ahead(party))
        if ticket.admitted:
            return
        if ticket not in self._waiting:
            ticket.tell = lambda: self._tell_place(ticket)
            self._waiting[ticket] = None
        place = self.admission.place(ticket)
        raise Queued(None, place=place.place, retry_after=place.seconds + 2)

    def wait_at_door(self, ticket: Ticket, connection: "Connection") -> None:
        """Has a client that is not welcomed yet told where it stands, now and with every beat. A page that
        was reloaded takes the place of the one before."""
        before = self._waiting.get(ticket)
        self._waiting[ticket] = connection
        if before is not None and before is not connection:
            before.end(1000 if before.tab == connection.tab else frames.Close.REPLACED, "replaced")
        self._tell_place(ticket)

    def _tell_place(self, ticket: Ticket) -> None:
        place = self.admission.place(ticket)
        text = frames.wait(place.place, place.of, place.seconds)
        at_door = self._waiting.get(ticket)
        for connection in self._connections_of(ticket.party) if at_door is None else (at_door,):
            connection.tell_place(text, turn=ticket.admitted)
        if ticket.admitted:
            self._waiting.pop(ticket, None)

    def tell_places(self) -> None:
        """Where everybody stands who waits; whose turn is far off hears it at every other beat."""
        self._rounds += 1
        for ticket, at_door in list(self._waiting.items()):
            if ticket.admitted or not self.admission.holds(ticket):
                del self._waiting[ticket]
            elif at_door is not None or self._connections_of(ticket.party):
                far = self.admission.place(ticket).seconds > FAR_S
                if not far or (ticket.number + self._rounds) % 2:
                    self._tell_place(ticket)

    def leave(self, ticket: Ticket, connection: "Connection") -> None:
        """The client that held the ticket has gone; another page of the same party may hold it now."""
        if self._waiting.get(ticket, connection) is not connection:
            return
        self._waiting.pop(ticket, None)
        if not self._connections_of(ticket.party):
            self.admission.leave(ticket)
