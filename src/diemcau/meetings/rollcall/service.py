"""`RollCalls`: every change of a roll call, and every look at one, goes through here."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from diemcau.access import Access, Actor
from diemcau.bus import Bus
from diemcau.clock import Clock, rfc3339
from diemcau.errors import Forbidden, JsonValue
from diemcau.ids import NewId, new_id
from diemcau.meetings.rollcall import result, rows
from diemcau.meetings.rollcall.book import Book
from diemcau.meetings.rollcall.books import Books
from diemcau.meetings.rollcall.changes import Changes
from diemcau.meetings.rollcall.commands import RollCommand
from diemcau.meetings.rollcall.errors import RollCallNotFound
from diemcau.meetings.rollcall.report import Report
from diemcau.meetings.rollcall.report import make as make_report
from diemcau.meetings.rollcall.telling import Telling
from diemcau.meetings.rollcall.watching import TestTimes, Watching
from diemcau.meetings.service import Done, Meetings
from diemcau.sites import Sites
from diemcau.store import Store
from diemcau.units import ROOT_CODE, Units

IN_FRAME: Final = 300
"""Rows that are made at once: some 10 ms, then others have their turn."""


async def _no_tests(_: Collection[str] | None) -> Mapping[str, datetime]:
    return {}


class RollCalls:
    """See docs/rollcall.md."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        meetings: Meetings,
        clock: Clock,
        *,
        tests: TestTimes = _no_tests,
        make_id: NewId = new_id,
    ) -> None:
        """`tests`: when sites passed their last self-test, which a room above knows."""
        self._store, self._units, self._access, self._sites = store, units, access, sites
        self._meetings, self._clock, self._tests = meetings, clock, tests
        self._books = Books(store, units, sites, clock)
        self._telling = Telling(bus, self._books)
        self._watching = Watching(bus, clock, meetings, self._telling.changed, self._grown)
        self._changes = Changes(
            store, units, access, meetings, self._books, self._watching, self._telling, make_id
        )

    async def start(self) -> None:
        """Watches and tells until `aclose`."""
        self._watching.tested.update(await self._tests(None))
        self._watching.start()

    async def aclose(self) -> None:
        """Ends both."""
        await self._watching.aclose()
        await self._telling.aclose()

    async def execute(self, actor: Actor, command: RollCommand) -> Done:
        """Does one command, idempotent by (actor, `command.id`). Raises coded errors."""
        return await self._changes.execute(actor, command)

    # looking

    async def listing(self, meeting: str, actor: Actor) -> list[dict[str, JsonValue]]:
        """The meeting's roll calls, newest first. Raises MeetingNotFound, Forbidden."""
        await self.units_seen(meeting, actor)
        return [call.to_json() for call in await self._books.calls(meeting)]

    async def units_seen(self, meeting: str, actor: Actor, unit: str | None = None) -> tuple[str, ...]:
        """The topmost units whose rows the actor may see; `unit`: inside this one only. Raises
        MeetingNotFound, Forbidden, UnitNotFound."""
        await self._meetings.viewer(meeting, actor)
        if unit is not None:
            self._units.get(unit)
            self._access.authorise(actor, "rollcall.see", unit)
            return (unit,)
        granted = self._access.units_granted(actor, "rollcall.see")
        if not granted:
            raise Forbidden(None, command="rollcall.see")
        return granted

    async def view(self, meeting: str, call: str, actor: Actor) -> dict[str, JsonValue]:
        """The whole roll call as the actor may see it, with phones and people; what a page begins with."""
        units = await self.units_seen(meeting, actor)
        book = await self._books.get(meeting, call)
        number = book.number
        shown, since = await self.rows(book, units)
        sites = await self._sites.get_many([str(one["site"]) for one in shown])
        edited = self._access.units_granted(actor, "rollcall.edit") if book.call.status == "open" else ()
        editable = set(book.inside(edited))
        for one in shown:
            site = sites.get(str(one["site"]))
            one["phones"] = [] if site is None else list(site.phones)
            one["people"] = (
                [] if site is None else [{"name": p.name, "title": p.title} for p in site.people[:10]]
            )
            one["editable"] = one["site"] in editable
        state = await self._meetings.state(meeting)
        scope = tuple(entry.unit for entry in state.scope)
        return {
            **self._head(book, units),
            "n": number,
            "watched_since": since,
            "may": {
                "open": all(self._access.allowed(actor, "rollcall.open", unit) for unit in scope),
                "seal": all(self._access.allowed(actor, "rollcall.seal", unit) for unit in scope),
                "confirm": [
                    unit for unit in book.branches if self._access.allowed(actor, "rollcall.confirm", unit)
                ],
            },
            "rows": shown,
        }

    async def rows(self, book: Book, units: Collection[str]) -> tuple[list[dict[str, Any]], str]:
        """The rows of these subtrees and since when the house has looked: sealed as they were then."""
        inside = book.inside(units)
        if book.call.status == "sealed":
            document = await self.sealed(book)
            here = set(inside)
            return [one for one in document["rows"] if one["site"] in here], str(document["watched_since"])
        meeting = book.call.meeting
        acks = await self._changes.read_acks(meeting)
        watching = self._watching
        shown: list[dict[str, Any]] = []
        for site in inside:
            shown.append(result.named_row(book, site, watching.evidence(meeting, site, acks)))
            if len(shown) % IN_FRAME == 0:
                await asyncio.sleep(0)  # others' turn
        return shown, rfc3339(watching.witness(meeting).since)

    async def book(self, meeting: str, call: str) -> Book:
        """For the doors and exports: no check who asks. Raises RollCallNotFound."""
        return await self._books.get(meeting, call)

    async def sealed(self, book: Book) -> Mapping[str, Any]:
        """The sealed document. Raises RollCallNotFound for one that is not."""
        return result.read(await self.sealed_bytes(book))

    async def sealed_bytes(self, book: Book) -> bytes:
        """The bytes whose SHA-256 is in the log."""
        async with self._store.read() as connection:
            found = await rows.result_of(connection, book.call.id)
        if found is None:
            raise RollCallNotFound("The roll call is not sealed.", call=book.call.id)
        return found

    async def proof(self, meeting: str, call: str, actor: Actor) -> bytes:
        """The same for who may see all of it. Raises Forbidden, RollCallNotFound."""
        state = await self._meetings.state(meeting)
        await self.units_seen(meeting, actor)
        self._access.authorise(actor, "rollcall.see", *(entry.unit for entry in state.scope))
        return await self.sealed_bytes(await self._books.get(meeting, call))

    async def report(self, meeting: str, call: str, actor: Actor, unit: str | None) -> Report:
        """What an export says; `unit`: of this subtree only. Raises what `units_seen` does, and
        RollCallNotFound."""
        units = await self.units_seen(meeting, actor, unit)
        book = await self._books.get(meeting, call)
        shown, since = await self.rows(book, units)
        confirmed: Any = (
            (await self.sealed(book))["confirmed"]
            if book.call.status == "sealed"
            else book.confirmations(units)
        )
        sites = await self._sites.get_many([str(one["site"]) for one in shown])
        corrected = [one for one in await self._books.calls(meeting) if one.id == book.call.corrects]
        state = await self._meetings.state(meeting)
        return make_report(
            self._units,
            book.call.to_json(),
            state.title,
            state.secrecy,
            ", ".join(self._units.get(code).title for code in units),
            corrected[0].number if corrected else None,
            shown,
            confirmed,
            {site.id: site.phones for site in sites.values()},
            since,
            self._clock.now(),
        )

    async def touch(self, meeting: str) -> int | None:
        """Has the newest roll call in memory, so that frames can be made; its number."""
        book = await self._books.latest(meeting)
        return None if book is None else book.number

    def frame(self, meeting: str, actor: Actor, since: int | None) -> tuple[dict[str, JsonValue], int | None]:
        """What the actor's page is told: totals, and the rows that are other than at number `since`. With the
        number that it knows then, less than the book's when there is more to tell."""
        book = self._books.latest_known(meeting)
        if book is None:
            return {"call": None}, None
        units = self._access.units_granted(actor, "rollcall.see")
        since = book.number if since is None else max(since, book.first)
        changed, number = book.changed_since(since, units, IN_FRAME)
        if book.call.status == "sealed":
            changed, number = [], book.number
        acks = self._changes.acks(meeting)
        told: dict[str, JsonValue] = {
            **self._head(book, units),
            "since": since,
            "n": number,
            "rows": [
                result.row(book, site, self._watching.evidence(meeting, site, acks)) for site in changed
            ],
        }
        return told, number

    def behind(self, meeting: str, number: int | None) -> bool:
        """Whether who knows this number is to be told more."""
        book = self._books.latest_known(meeting)
        return book is not None and number is not None and number < book.number

    def saw(self, site: str) -> None:
        """A picture of the site came."""
        self._watching.saw(site)

    # inside

    def _head(self, book: Book, units: Collection[str]) -> dict[str, JsonValue]:
        return {
            "call": book.call.to_json(),
            "totals": [total.to_json() for total in book.totals(units)],
            "confirmed": book.confirmations(units),
            "branches": len(book.branches.keys() - {ROOT_CODE, ""}),
        }

    def _grown(self, meeting: str) -> None:
        self._books.forget(meeting)
        self._telling.changed(meeting, ())
