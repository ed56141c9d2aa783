"""Who has got a message, and who has answered: stored by the thousand, told as figures.

A message to all goes to ten thousand pages; an event for each that has it would go to all of them again. So
receipts are rows beside the log, written together (`store/gathering.py`), and operators are told numbers.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.dialects import postgresql, sqlite

from diemcau.bus import EPHEMERAL, Bus
from diemcau.clock import Clock
from diemcau.errors import Busy, JsonObject, JsonValue, StorageUnavailable, WrongState
from diemcau.meetings import commands as c
from diemcau.meetings.errors import MessageNotFound
from diemcau.meetings.ledger import Figures, Ledger, Receipt
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.states import stream_of
from diemcau.meetings.tables import message_receipts
from diemcau.store import Gathering, Store, UnitOfWork

_log = logging.getLogger(__name__)

TELL_S: Final = 1.0
"""Between two tellings of a meeting's figures."""

RECENT: Final = 50
"""Messages whose figures are told, the last ones."""

LISTED: Final = 2000
"""Sites that are named: whoever misses more does not call them one by one."""


@dataclass(frozen=True, slots=True)
class Listing:
    """Of one message: its figures, and at most 2,000 of the sites that have not got it, that have not
    answered."""

    figures: Figures
    missing: Sequence[str]
    unanswered: Sequence[str]

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON of the protocol."""
        return {**self.figures.to_json(), "missing": self.missing, "unanswered": self.unanswered}


@dataclass(frozen=True, slots=True)
class Taken:
    """What was taken is stored when `stored` is done, None: already. It is not the caller's to cancel."""

    stored: "asyncio.Future[None] | None"


@dataclass(frozen=True, slots=True)
class _Row:
    meeting: str
    receipt: Receipt
    at: datetime


def _messages(command: c.Got | c.Answer) -> Sequence[str]:
    return (command.message,) if isinstance(command, c.Answer) else command.messages


def _checked(ledger: Ledger, site: str, command: c.Got | c.Answer) -> Sequence[str]:
    """The messages that a site acknowledges or answers. Raises MessageNotFound, WrongState."""
    messages = _messages(command)
    for message in messages:
        found = ledger.find(message, site)
        if found is None:
            raise MessageNotFound(None, message=message)
        if isinstance(command, c.Answer) and not found.ask:
            raise WrongState("The message does not ask for an answer.", message=message)
    return messages


class Receipts:
    """Takes what sites acknowledge, and tells operators how many."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        clock: Clock,
        state: Callable[[str], Awaitable[Meeting]],
        present: Callable[[str], AbstractSet[str]],
        *,
        kept: int = 64,
    ) -> None:
        """`state`, `present`: of a meeting as it is now. `kept`: meetings in memory."""
        self._store = store
        self._bus = bus
        self._clock = clock
        self._state = state
        self._present = present
        self._kept = kept
        self._ledgers: OrderedDict[str, Ledger] = OrderedDict()
        self._gathering = Gathering(self._write)
        self._reading = asyncio.Lock()
        self._changed: dict[str, None] = {}
        self._telling: asyncio.Task[None] | None = None

    @property
    def writes(self) -> int:
        """Transactions so far, for tests and benchmarks."""
        return self._gathering.writes

    async def aclose(self) -> None:
        """Takes and tells nothing more."""
        await self._gathering.aclose()
        if self._telling is not None:
            self._telling.cancel()
            with suppress(asyncio.CancelledError):
                await self._telling

    async def take(self, meeting: Meeting, site: str, command: c.Got | c.Answer) -> None:
        """Returns when the receipts of a site that is in the meeting are stored; what is stored already costs
        nothing. Raises MessageNotFound, WrongState (it asks for no answer), Busy, StorageUnavailable.
        """
        ledger = self._ledger(meeting)
        await self._load(meeting.id, ledger, _checked(ledger, site, command))
        stored = self._add(meeting, ledger, site, command)
        if stored is not None:
            await asyncio.shield(stored)

    def take_at_once(self, meeting: Meeting, site: str, command: c.Got | c.Answer) -> Taken | None:
        """The same for who has no task to wait in, where nothing has to be read first; None: `take`. The
        state need not be the newest."""
        ledger = self._ledger(meeting)
        if any(ledger.find(message, site) is None for message in _messages(command)):
            return None
        if ledger.unloaded(_checked(ledger, site, command)):
            return None
        return Taken(self._add(meeting, ledger, site, command))

    def _add(
        self, meeting: Meeting, ledger: Ledger, site: str, command: c.Got | c.Answer
    ) -> "asyncio.Future[None] | None":
        now, answered = self._clock.now(), isinstance(command, c.Answer)
        receipts = [Receipt(message, site, answered) for message in _messages(command)]
        fresh = [_Row(meeting.id, one, now) for one in receipts if not ledger.has(one)]
        return self._gathering.add(fresh) if fresh else None

    async def listing(self, meeting: Meeting, message: str, among: Collection[str]) -> Listing:
        """Who of the sites has not got the message. Raises MessageNotFound."""
        ledger = self._ledger(meeting)
        ledger.follow(meeting, self._present(meeting.id))
        if message not in ledger.messages:
            raise MessageNotFound(None, message=message)
        await self._load(meeting.id, ledger, (message,))
        if message not in ledger.messages:  # forgotten while it was read
            raise MessageNotFound(None, message=message)
        missing, unanswered = ledger.missing(message, among, LISTED)
        return Listing(ledger.figures((message,), among)[message], missing, unanswered)

    async def recent(self, meeting: Meeting) -> list[str]:
        """The messages whose figures are told; their receipts are in memory then."""
        ledger = self._ledger(meeting)
        ledger.follow(meeting, self._present(meeting.id))
        recent = ledger.recent(RECENT)
        await self._load(meeting.id, ledger, recent)
        return recent

    def figures(self, meeting: str, messages: Iterable[str], among: Collection[str]) -> Mapping[str, Figures]:
        """The figures that are in memory, of these sites only."""
        ledger = self._ledgers.get(meeting)
        return {} if ledger is None else ledger.figures(messages, among)

    def touch(self, meeting: str) -> None:
        """Messages, receipts or who is in the meeting have changed: told soon."""
        if meeting in self._ledgers:
            self._changed[meeting] = None
            if self._telling is None:
                self._telling = asyncio.create_task(self._tell_all(), name="receipts told")

    def posted(self, meeting: Meeting, messages: Iterable[str]) -> None:
        """Messages are being posted, and nobody has heard of them: from now on they are counted, and nothing
        of them needs to be read when a crowd's receipts come."""
        ledger = self._ledger(meeting)
        for message in messages:
            ledger.load(message, (), ())
        self.touch(meeting.id)

    # inside

    def _ledger(self, meeting: Meeting) -> Ledger:
        ledger = self._ledgers.get(meeting.id)
        if ledger is None:
            ledger = self._ledgers[meeting.id] = Ledger()
            if len(self._ledgers) > self._kept:
                self._ledgers.popitem(last=False)
        self._ledgers.move_to_end(meeting.id)
        if ledger.seq < meeting.seq:
            ledger.follow(meeting, self._present(meeting.id))
        return ledger

    async def _load(self, meeting: str, ledger: Ledger, messages: Sequence[str]) -> None:
        """Reads the stored receipts of messages that were not read yet."""
        if not ledger.unloaded(messages):
            return
        async with self._reading:
            unknown = ledger.unloaded(messages)
            if not unknown:
                return
            # One row a message, not one a site: 50 messages are 500,000 of those.
            table = message_receipts
            answered = table.c.answered_at.is_not(None)
            query = (
                select(table.c.message, answered, func.aggregate_strings(table.c.site, "\n"))
                .where(table.c.meeting == meeting, table.c.message.in_(unknown))
                .group_by(table.c.message, answered)
            )
            async with self._store.read() as connection:
                rows = (await connection.execute(query)).all()
        sides: dict[str, tuple[list[str], list[str]]] = {message: ([], []) for message in unknown}
        for message, has_answered, sites in rows:
            sides[message][1 if has_answered else 0].extend(sites.split("\n"))
        for message, (got, answers) in sides.items():
            ledger.load(message, got, answers)

    async def _write(self, rows: list[_Row]) -> None:
        first: dict[tuple[str, str, str], tuple[datetime, datetime | None]] = {}
        for row in rows:
            key = (row.meeting, row.receipt.message, row.receipt.site)
            got, answered = first.get(key, (row.at, None))
            if row.receipt.answered and answered is None:
                answered = row.at
            first[key] = (got, answered)
        values = [
            {"meeting": meeting, "message": message, "site": site, "got_at": got, "answered_at": answered}
            for (meeting, message, site), (got, answered) in first.items()
        ]

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            insert = (sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert)(
                message_receipts
            )
            # Another process, or an earlier batch, may have been first: first times stay.
            kept = func.coalesce(message_receipts.c.answered_at, insert.excluded.answered_at)
            await connection.execute(
                insert.on_conflict_do_update(
                    index_elements=["meeting", "message", "site"], set_={"answered_at": kept}
                ),
                values,
            )
            return {}

        await self._store.write(work)
        marked: dict[str, list[Receipt]] = {}
        for row in rows:
            marked.setdefault(row.meeting, []).append(row.receipt)
        for meeting, receipts in marked.items():
            if (ledger := self._ledgers.get(meeting)) is not None:
                ledger.mark(receipts)
                self.touch(meeting)

    async def _tell_all(self) -> None:
        try:
            while self._changed:
                changed, self._changed = self._changed, {}
                for meeting in changed:
                    try:
                        await self._tell(meeting)
                    except (Busy, StorageUnavailable):
                        self._changed[meeting] = None
                    except Exception:
                        # The telling must not end with one mistake.
                        _log.exception("the figures of %s were not told", meeting)
                # Not a wait for anything: what comes within a second is told together.
                await asyncio.sleep(TELL_S)
        finally:
            self._telling = None

    async def _tell(self, meeting: str) -> None:
        state = await self._state(meeting)
        await self.recent(state)
        ledger = self._ledgers.get(meeting)
        if ledger is None:
            return
        if news := ledger.news(ledger.recent(RECENT)):
            told: dict[str, JsonValue] = {key: one.to_json() for key, one in ledger.figures(news).items()}
            body: JsonObject = {"topic": "receipts", "data": {"messages": told}}
            self._bus.publish(f"{EPHEMERAL}{stream_of(meeting)}", body)
