"""The books in memory: loaded when they are first needed, true to the last commit."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from diemcau.clock import Clock, to_millis
from diemcau.meetings import summary
from diemcau.meetings.rollcall import rows
from diemcau.meetings.rollcall.book import Book, Confirmation, RollCall, places
from diemcau.meetings.rollcall.entry import Entry
from diemcau.meetings.rollcall.errors import RollCallNotFound
from diemcau.sites import SiteKind, Sites
from diemcau.store import Store
from diemcau.units import Units

KEPT: Final = 8
"""Books in memory; one of a nation is some 10 MB."""


class Books:
    """Loads, keeps and changes books."""

    def __init__(self, store: Store, units: Units, sites: Sites, clock: Clock) -> None:
        self._store, self._units, self._sites, self._clock = store, units, sites, clock
        self._books: OrderedDict[str, Book] = OrderedDict()
        self._loading = asyncio.Lock()
        self._late: dict[str, list[Callable[[Book], None]]] = {}
        self._latest: dict[str, str | None] = {}
        self._first = 0

    def known(self, call: str) -> Book | None:
        """The book if it is in memory."""
        return self._books.get(call)

    async def calls(self, meeting: str) -> list[RollCall]:
        """The meeting's roll calls, newest first."""
        async with self._store.read() as connection:
            return await rows.calls_of(connection, meeting)

    async def latest(self, meeting: str) -> Book | None:
        """The meeting's newest roll call."""
        if meeting not in self._latest:
            calls = await self.calls(meeting)
            self._latest[meeting] = calls[0].id if calls else None
        call = self._latest[meeting]
        return None if call is None else await self.get(meeting, call)

    def latest_known(self, meeting: str) -> Book | None:
        """The same if it is in memory."""
        call = self._latest.get(meeting)
        return None if call is None else self._books.get(call)

    async def get(self, meeting: str, call: str) -> Book:
        """The book; what another process wrote is in it. Raises RollCallNotFound."""
        found = self._books.get(call)
        if found is not None and found.call.meeting == meeting:
            head = await self._store.head(found.call.stream)
            if head.seq <= found.seq:
                self._books.move_to_end(call)
                return found
        async with self._loading:
            found = self._books.get(call)
            head = await self._store.head(f"rollcall:{call}")
            if found is None or head.seq > found.seq:
                found = await self._load(meeting, call)
            if found.call.meeting != meeting:
                raise RollCallNotFound(None, call=call[:64])
            return found

    def change(self, call: str, seq: int, how: Callable[[Book], None]) -> None:
        """What was committed just now goes into the book, also into one that is being read."""
        if call in self._late:
            self._late[call].append(how)
        book = self._books.get(call)
        if book is not None:
            how(book)
            book.seq = max(book.seq, seq)

    def opened(self, call: RollCall) -> None:
        """A new roll call is the meeting's newest."""
        self._latest[call.meeting] = call.id

    def forget(self, meeting: str) -> None:
        """More sites were invited: read again."""
        for call in [key for key, book in self._books.items() if book.call.meeting == meeting]:
            del self._books[call]

    # inside

    async def _load(self, meeting: str, call: str) -> Book:
        self._late[call] = []
        try:
            head = await self._store.head(f"rollcall:{call}")
            async with self._store.read() as connection:
                calls = {one.id: one for one in await rows.calls_of(connection, meeting)}
                if call not in calls:
                    raise RollCallNotFound(None, call=call[:64])
                entries: Mapping[str, Entry] = await rows.entries_of(connection, call)
                confirmed: Iterable[Confirmation] = await rows.confirmations_of(connection, call)
                ids = await summary.invited_to(connection, meeting)
            sites = [
                one for one in (await self._sites.get_many(ids)).values() if one.kind is not SiteKind.FEED
            ]
            # Above every number of before: who knows an older one asks for the whole.
            self._first = max(self._first + 1_000_000, to_millis(self._clock.now()))
            book = Book(
                calls[call],
                self._units,
                await asyncio.to_thread(places, self._units, sites),
                entries.values(),
                confirmed,
                first=self._first,
                seq=head.seq,
            )
            for how in self._late[call]:
                how(book)
        finally:
            del self._late[call]
        self._books[call] = book
        if len(self._books) > KEPT:
            self._books.popitem(last=False)
        return book
