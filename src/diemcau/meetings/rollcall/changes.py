"""`Changes`: what commands do to roll calls."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from typing import Final

from diemcau.access import Access, Actor
from diemcau.errors import JsonObject
from diemcau.ids import NewId
from diemcau.meetings.errors import MeetingNotOpen, NotInMeeting
from diemcau.meetings.rollcall import commands as c
from diemcau.meetings.rollcall import result, rows
from diemcau.meetings.rollcall.book import Book, Confirmation, RollCall, stream_of
from diemcau.meetings.rollcall.books import Books
from diemcau.meetings.rollcall.edits import decide
from diemcau.meetings.rollcall.entry import Edit, Entry, Statement
from diemcau.meetings.rollcall.errors import EntryConflict, RollCallNotFound, RollCallOpen, RollCallSealed
from diemcau.meetings.rollcall.telling import Telling
from diemcau.meetings.rollcall.watching import Watching
from diemcau.meetings.service import Done, Meetings
from diemcau.meetings.states import stream_of as meeting_stream
from diemcau.store import Store, UnitOfWork
from diemcau.units import ROOT_CODE, UnitNotFound, Units

IN_EVENT: Final = 1000
"""Entries of one event."""

Acks = Mapping[str, tuple[int, int]]
"""Of each site: messages that its page has, messages that were answered there."""


class Changes:
    """Every change of a roll call goes through here."""

    def __init__(
        self,
        store: Store,
        units: Units,
        access: Access,
        meetings: Meetings,
        books: Books,
        watching: Watching,
        telling: Telling,
        make_id: NewId,
    ) -> None:
        self._store, self._units, self._access, self._meetings = store, units, access, meetings
        self._books, self._watching, self._telling, self._make_id = books, watching, telling, make_id
        self._acks: dict[str, Acks] = {}

    def acks(self, meeting: str) -> Acks:
        """Acknowledgements as they were last read."""
        return self._acks.get(meeting, {})

    async def read_acks(self, meeting: str) -> Acks:
        """Acknowledgements as they are stored."""
        async with self._store.read() as connection:
            found = self._acks[meeting] = await rows.acks_of(connection, meeting)
        while len(self._acks) > 64:
            del self._acks[next(iter(self._acks))]
        return found

    async def execute(self, actor: Actor, command: c.RollCommand) -> Done:
        """Does one command, idempotent by (actor, `command.id`). Raises coded errors."""
        state = await self._meetings.state(command.meeting)
        await self._meetings.viewer(command.meeting, actor)
        scope = tuple(dict.fromkeys(entry.unit for entry in state.scope))
        match command.what:
            case c.OpenCall(corrects):
                self._access.authorise(actor, command.type, *scope)
                if state.status != "open":
                    raise MeetingNotOpen
                return await self._open(actor, command, corrects)
            case c.EditEntries(call, edits):
                book = await self._books.get(command.meeting, call)
                for edit in edits:
                    if edit.site not in book.places:
                        raise NotInMeeting("The site is not invited to this meeting.", site=edit.site)
                units = {book.places[edit.site].site.unit for edit in edits}
                self._access.authorise(actor, command.type, *units)
                return await self._edit(actor, command, book, lambda _: edits)
            case c.FillPresent(call, unit):
                self._units.get(unit)
                self._access.authorise(actor, "rollcall.edit", unit)
                book = await self._books.get(command.meeting, call)
                return await self._fill(actor, command, book, unit)
            case c.ConfirmBranch(call, unit, on):
                book = await self._books.get(command.meeting, call)
                if unit not in book.branches:
                    raise UnitNotFound("The roll call has no such province.", unit=unit)
                self._access.authorise(actor, command.type, unit)
                return await self._confirm(actor, command, book, unit, on)
            case c.SealCall(call):
                self._access.authorise(actor, command.type, *scope)
                return await self._seal(actor, command, await self._books.get(command.meeting, call))

    async def _open(self, actor: Actor, command: c.RollCommand, corrects: str | None) -> Done:
        new = self._make_id("r")
        stream = stream_of(new)

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            before = await rows.calls_of(connection, command.meeting)
            if before and before[0].status == "open":
                raise RollCallOpen(None, call=before[0].id)
            copied: Iterable[Entry] = ()
            if corrects is not None:
                if corrects not in {one.id for one in before}:
                    raise RollCallNotFound(None, call=corrects)
                copied = (await rows.entries_of(connection, corrects)).values()
            number = before[0].number + 1 if before else 1
            call = RollCall(new, command.meeting, number, corrects, "open", unit.now, _name(actor))
            await rows.add_call(connection, call)
            if copied:
                await rows.put_entries(connection, new, copied)
            data: JsonObject = {"meeting": command.meeting, "number": number, "corrects": corrects}
            unit.append(stream, "roll_call_opened", data, actor=actor.key)
            unit.on_commit(lambda: self._books.opened(call))
            return {"stream": stream, "seq": 1}

        # The meeting's stream is locked with it: one roll call at a time, whatever process asks.
        answer = await self._store.write(
            work,
            streams=[stream, meeting_stream(command.meeting)],
            command=f"{actor.key}/{command.id}",
        )
        await self.read_acks(command.meeting)
        await self._books.latest(command.meeting)
        self._telling.changed(command.meeting, ())
        return Done(str(answer["stream"]), int(str(answer["seq"])))

    async def _fill(self, actor: Actor, command: c.RollCommand, book: Book, unit: str) -> Done:
        witness = self._watching.witness(command.meeting)
        here = [site for site in book.inside((unit,)) if witness.is_in(site) and book.says(site) is None]

        def edits(stored: Mapping[str, Entry]) -> Iterable[Edit]:
            for site in here:
                have = stored.get(site) or Entry(site)
                if have.statement.says is None:
                    said = have.statement
                    yield Edit(site, have.version, Statement("present", None, "", said.head, said.note))

        return await self._edit(actor, command, book, edits, here)

    async def _edit(
        self,
        actor: Actor,
        command: c.RollCommand,
        book: Book,
        edits: Callable[[Mapping[str, Entry]], Iterable[Edit]],
        sites: Collection[str] | None = None,
    ) -> Done:
        asked = [edit.site for edit in edits({})] if sites is None else list(sites)

        async def run(unit: UnitOfWork, call: RollCall) -> None:
            connection = await unit.connection()
            stored = await rows.entries_of(connection, call.id, asked)
            made, against = decide(edits(stored), stored, actor, unit.now)
            if against:
                raise EntryConflict(None, conflicts=[entry.to_json() for entry in against])
            if not made:
                return
            await rows.put_entries(connection, call.id, made)
            for start in range(0, len(made), IN_EVENT):
                batch = made[start : start + IN_EVENT]
                said = [[one.site, one.version, one.statement.says, one.statement.reason] for one in batch]
                unit.append(call.stream, "roll_entries_set", {"entries": said}, actor=actor.key)
            self._after(unit, call, lambda book: book.put(made))

        return await self._write(actor, command, book, run)

    async def _confirm(
        self, actor: Actor, command: c.RollCommand, book: Book, unit_code: str, on: bool
    ) -> Done:
        async def run(unit: UnitOfWork, call: RollCall) -> None:
            made = Confirmation(unit_code, unit.now, _name(actor)) if on else None
            await rows.put_confirmation(await unit.connection(), call.id, unit_code, made)
            data: JsonObject = {"unit": unit_code, "on": on}
            unit.append(call.stream, "roll_branch_confirmed", data, actor=actor.key)
            self._after(unit, call, lambda book: book.confirm(unit_code, made))

        return await self._write(actor, command, book, run)

    async def _seal(self, actor: Actor, command: c.RollCommand, book: Book) -> Done:
        state = await self._meetings.state(command.meeting)
        acks, watching = await self.read_acks(command.meeting), self._watching

        async def run(unit: UnitOfWork, call: RollCall) -> None:
            connection = await unit.connection()
            sealed = replace(call, status="sealed", sealed_at=unit.now, sealed_by=_name(actor))
            # What is stored, not what is in memory: another process may have written.
            book.put((await rows.entries_of(connection, call.id)).values())
            made = result.sealed_bytes(
                book,
                sealed,
                state,
                watching.witness(call.meeting).since,
                (ROOT_CODE,),
                lambda site: watching.evidence(call.meeting, site, acks),
            )
            digest = result.digest_of(made)
            data: JsonObject = {
                "meeting": call.meeting,
                "number": call.number,
                "digest": digest,
                "totals": [total.to_json() for total in book.totals((ROOT_CODE,))],
            }
            seq = unit.append(call.stream, "roll_call_sealed", data, actor=actor.key).seq
            done = replace(sealed, digest=digest, seq=seq)
            await rows.seal_call(connection, done, rows.pack(made))
            self._after(unit, done, lambda book: book.sealed(done))

        return await self._write(actor, command, book, run)

    async def _write(
        self,
        actor: Actor,
        command: c.RollCommand,
        book: Book,
        run: Callable[[UnitOfWork, RollCall], Awaitable[None]],
    ) -> Done:
        stream = book.call.stream

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            call = await rows.call_of(connection, book.call.id)
            if call.status == "sealed":
                raise RollCallSealed(None, call=call.id)
            await run(unit, call)
            return {"seq": unit.head(stream).seq}

        answer = await self._store.write(work, streams=[stream], command=f"{actor.key}/{command.id}")
        return Done(stream, int(str(answer["seq"])))

    def _after(self, unit: UnitOfWork, call: RollCall, how: Callable[[Book], None]) -> None:
        seq = unit.head(call.stream).seq

        def committed() -> None:
            self._books.change(call.id, seq, how)
            self._telling.changed(call.meeting, ())

        unit.on_commit(committed)


def _name(actor: Actor) -> str:
    return actor.name or ("Hệ thống" if actor.kind == "system" else actor.id)
