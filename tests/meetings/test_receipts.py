"""Who has got a message and who has answered: on both databases, in few transactions, over restarts."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import select

from diemcau.access import SYSTEM, Role, site_actor
from diemcau.bus import EPHEMERAL, LocalBus
from diemcau.clock import ManualClock
from diemcau.errors import BadRequest, Busy, Forbidden, StorageUnavailable, WrongState
from diemcau.meetings import (
    MeetingNotFound,
    MeetingNotOpen,
    Meetings,
    MessageNotFound,
    NotInMeeting,
    receipts,
)
from diemcau.meetings.tables import message_receipts
from diemcau.sites import NewSite, ScopeEntry, Sites
from diemcau.store import Gathering, Store
from diemcau.units import Units
from tests.meetings.test_service import create, do, opened, restarted, state
from tests.meetings.world import BINH_PHUOC, DIRECTOR, OBSERVER, PROVINCE, SECRETARY, SITES, person

TL, BP, DN = (site_actor(site) for site in ("s_25378", "s_70", "s_75"))


@pytest.fixture(autouse=True)
async def no_pauses(monkeypatch: pytest.MonkeyPatch, meetings: Meetings) -> None:
    """What is gathered for a moment is gathered for none."""
    monkeypatch.setattr(receipts, "TELL_S", 0.0)
    meetings._receipts._gathering._pause = 0.0


@contextmanager
def all_there(gathering: Gathering[Any], patch: pytest.MonkeyPatch, count: int) -> Iterator[None]:
    """The first write waits until `count` items have come: the number of writes is not up to the machine."""
    write = gathering._write

    async def later(items: list[Any]) -> None:
        patch.setattr(gathering, "_write", write)
        async with asyncio.timeout(60):
            while True:
                if len(items) + gathering._waiting >= count:
                    break
                await asyncio.sleep(0)
        await write(items)

    with patch.context() as patch:
        patch.setattr(gathering, "_write", later)
        yield


async def posted(meetings: Meetings, meeting: str = "m_1", **changes: Any) -> str:
    """Posts; answers the message's id."""
    await do(
        meetings, SECRETARY, "message.post", meeting, **{"text": "x", "to": "all", "ask": True} | changes
    )
    return str((await state(meetings, meeting=meeting))["messages"][-1]["id"])


async def rows(store: Store) -> dict[tuple[str, str], tuple[Any, Any]]:
    """(message, site) -> (got at, answered at)."""
    table = message_receipts
    async with store.read() as connection:
        found = await connection.execute(
            select(table.c.message, table.c.site, table.c.got_at, table.c.answered_at)
        )
        return {(row.message, row.site): (row.got_at, row.answered_at) for row in found}


# Who may


async def test_a_message_that_asks_says_so_to_all(meetings: Meetings) -> None:
    await opened(meetings)
    await posted(meetings)
    await posted(meetings, ask=False)
    assert [message["ask"] for message in (await state(meetings, TL))["messages"]] == [True, False]


async def test_only_operators_ask_and_only_sites_are_asked(meetings: Meetings) -> None:
    await opened(meetings)
    with pytest.raises(Forbidden):
        await do(meetings, TL, "message.post", text="x", to="desk", ask=True)
    with pytest.raises(BadRequest):
        await do(meetings, SECRETARY, "message.post", text="x", to="desk", ask=True)


async def test_only_a_site_in_the_meeting_acknowledges_and_only_what_is_for_it(meetings: Meetings) -> None:
    await opened(meetings, joined=("s_25378", "s_75"))
    to_all, to_one = await posted(meetings), await posted(meetings, to="s_25378")
    await do(meetings, TL, "message.post", text="x", to="desk")
    to_desk = (await state(meetings))["messages"][-1]["id"]
    for kind in ("message.got", "message.answer"):

        def naming(message: str, kind: str = kind) -> dict[str, Any]:
            return {"messages": [message]} if kind == "message.got" else {"message": message}

        for actor in (DIRECTOR, SYSTEM):
            with pytest.raises(Forbidden):
                await do(meetings, actor, kind, **naming(to_all))
        with pytest.raises(NotInMeeting):
            await do(meetings, BP, kind, **naming(to_all))
        with pytest.raises(MeetingNotFound):
            await do(meetings, site_actor("s_none"), kind, **naming(to_all))
        for message in ("t_none", to_one, to_desk):
            with pytest.raises(MessageNotFound):
                await do(meetings, DN, kind, **naming(message))
        await do(meetings, TL, kind, **naming(to_one))


async def test_of_a_list_with_an_unknown_message_nothing_is_kept(meetings: Meetings, store: Store) -> None:
    await opened(meetings)
    message = await posted(meetings)
    with pytest.raises(MessageNotFound):
        await do(meetings, TL, "message.got", messages=[message, "t_none"])
    assert await rows(store) == {}


async def test_a_message_that_does_not_ask_is_not_answered(meetings: Meetings) -> None:
    await opened(meetings)
    message = await posted(meetings, ask=False)
    with pytest.raises(WrongState):
        await do(meetings, TL, "message.answer", message=message)


async def test_after_the_end_nothing_is_acknowledged_and_who_is_missing_is_still_known(
    meetings: Meetings,
) -> None:
    await opened(meetings, joined=("s_25378", "s_75"))
    message = await posted(meetings)
    await do(meetings, TL, "message.got", messages=[message])
    await do(meetings, DIRECTOR, "meeting.end")
    with pytest.raises(MeetingNotOpen):
        await do(meetings, DN, "message.got", messages=[message])
    listing = await meetings.receipts("m_1", message, DIRECTOR)
    assert (listing.figures.of, list(listing.missing)) == (2, ["s_75"])


# What is stored


async def test_the_first_time_counts_and_an_answer_implies_that_it_was_got(
    meetings: Meetings, store: Store, clock: ManualClock
) -> None:
    await opened(meetings)
    message = await posted(meetings)
    first = clock.now()
    done = await do(meetings, TL, "message.got", messages=[message, message])
    assert done.seq == (await state(meetings))["messages"][-1]["n"] + 2  # where the stream is: no event
    clock.advance(5)
    await do(meetings, DN, "message.answer", message=message)
    await do(meetings, TL, "message.got", messages=[message])
    clock.advance(5)
    await do(meetings, TL, "message.answer", message=message)
    await do(meetings, DN, "message.answer", message=message)
    await do(meetings, DN, "message.got", messages=[message])
    later = first + timedelta(seconds=5)
    assert await rows(store) == {
        (message, "s_25378"): (first, later + timedelta(seconds=5)),
        (message, "s_75"): (later, later),
    }


async def test_another_process_that_was_first_stays_first(
    meetings: Meetings, store: Store, database: str, bus: LocalBus, units: Units, clock: ManualClock
) -> None:
    await opened(meetings)
    message = await posted(meetings)
    await meetings.recent_receipts("m_1")  # in memory: what the other writes is not known here
    first = clock.now()
    async with restarted(database, bus, units, clock) as other:
        await do(other, TL, "meeting.join")
        await do(other, TL, "message.answer", message=message)
    clock.advance(5)
    await do(meetings, TL, "message.got", messages=[message])
    await do(meetings, TL, "message.answer", message=message)
    assert await rows(store) == {(message, "s_25378"): (first, first)}


async def test_a_crowd_costs_few_transactions_and_a_crowd_that_repeats_itself_none(
    meetings: Meetings, store: Store, sites: Sites, monkeypatch: pytest.MonkeyPatch, units: Units
) -> None:
    communes = [unit.code for unit in units if unit.level == "commune"][:1000]
    made = await sites.create(SYSTEM, [NewSite(code, "Điểm cầu", id=f"s_x{code}") for code in communes])
    meeting = await create(meetings, scope=(ScopeEntry("VN", ("commune",)),))
    await do(meetings, DIRECTOR, "meeting.open", meeting)
    crowd = [site_actor(site.id) for site in made]
    await asyncio.gather(*(do(meetings, one, "meeting.join", meeting) for one in crowd))
    message = await posted(meetings, meeting)
    commits, head = store.stats.commits, (await store.head(f"meeting:{meeting}")).seq
    got = [do(meetings, one, "message.got", meeting, messages=[message]) for one in crowd]
    answered = [do(meetings, one, "message.answer", meeting, message=message) for one in crowd[:700]]
    with all_there(meetings._receipts._gathering, monkeypatch, len(got) + len(answered)):
        await asyncio.gather(*got, *answered)
    assert store.stats.commits - commits <= 17  # for 1,700 commands
    assert (await store.head(f"meeting:{meeting}")).seq == head
    found = await meetings.receipts(meeting, message, DIRECTOR)
    assert found.figures.to_json() == {"got": 1000, "answered": 700, "of": 1000}
    commits = store.stats.commits
    await asyncio.gather(
        *(do(meetings, one, "message.got", meeting, messages=[message]) for one in crowd),
        *(do(meetings, one, "message.answer", meeting, message=message) for one in crowd[:700]),
    )
    assert store.stats.commits == commits
    assert (found.missing, len(found.unanswered)) == ([], 300)


async def test_what_cannot_be_stored_is_refused_and_taken_again(
    meetings: Meetings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    await opened(meetings)
    message = await posted(meetings)
    real = store.write

    async def full(*_: Any, **__: Any) -> Any:
        raise StorageUnavailable

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(StorageUnavailable):
        await do(meetings, TL, "message.got", messages=[message])
    assert (await meetings.receipts("m_1", message, DIRECTOR)).figures.got == 0
    monkeypatch.setattr(store, "write", real)
    await do(meetings, TL, "message.got", messages=[message])
    assert (await meetings.receipts("m_1", message, DIRECTOR)).figures.got == 1


async def test_a_full_queue_is_busy(meetings: Meetings) -> None:
    await opened(meetings)
    message = await posted(meetings)
    meetings._receipts._gathering._limit = 1
    results = await asyncio.gather(
        *(do(meetings, site, "message.got", messages=[message]) for site in (TL, BP)), return_exceptions=True
    )
    assert [isinstance(result, Busy) for result in results] == [False, True]


async def test_figures_survive_a_restart(
    meetings: Meetings, database: str, bus: LocalBus, units: Units, clock: ManualClock
) -> None:
    await opened(meetings)
    message, other = await posted(meetings), await posted(meetings, ask=False)
    await do(meetings, TL, "message.answer", message=message)
    await do(meetings, DN, "message.got", messages=[message, other])
    async with restarted(database, bus, units, clock) as again:
        for site in ("s_70", "s_75"):
            await do(again, site_actor(site), "meeting.join")
        found = await again.receipts("m_1", message, DIRECTOR)
        # s_70 has come back without it, s_25378 has it and has not come back.
        assert found.figures.to_json() == {"got": 2, "answered": 1, "of": 3}
        assert (list(found.missing), sorted(found.unanswered)) == (["s_70"], ["s_70", "s_75"])
        found = await again.receipts("m_1", other, DIRECTOR)
        assert (found.figures.to_json(), list(found.unanswered)) == ({"got": 1, "answered": 0, "of": 2}, [])


# What is told


async def test_figures_are_told_to_the_bus_only_when_they_change(meetings: Meetings, bus: LocalBus) -> None:
    await opened(meetings, joined=("s_25378", "s_75"))
    subscription = bus.subscribe(f"{EPHEMERAL}meeting:m_1")

    async def told() -> Any:
        async with asyncio.timeout(10):
            while True:
                body: Any = (await anext(aiter(subscription))).body
                if body["topic"] == "receipts":
                    return body["data"]["messages"]

    first = await posted(meetings)
    assert await told() == {first: {"got": 0, "answered": 0, "of": 2}}
    second = await posted(meetings, to="s_70")
    assert await told() == {second: {"got": 0, "answered": 0, "of": 1}}
    await do(meetings, TL, "message.got", messages=[first])
    assert await told() == {first: {"got": 1, "answered": 0, "of": 2}}
    await do(meetings, TL, "message.got", messages=[first])  # nothing new: nothing is told
    await do(meetings, TL, "message.answer", message=first)
    assert await told() == {first: {"got": 1, "answered": 1, "of": 2}}
    await do(meetings, BP, "meeting.join")
    meetings.timer.flush_presence()
    assert await told() == {first: {"got": 1, "answered": 1, "of": 3}}
    await do(meetings, DN, "meeting.leave")
    meetings.timer.flush_presence()
    await do(meetings, BP, "message.got", messages=[second])
    assert await told() == {second: {"got": 1, "answered": 0, "of": 1}}


async def test_operators_see_the_receipts_of_their_own_sites_and_others_none(meetings: Meetings) -> None:
    await opened(meetings)
    to_all, to_dn = await posted(meetings), await posted(meetings, to="s_75")
    await do(meetings, DN, "message.got", messages=[to_all, to_dn])
    await do(meetings, TL, "message.answer", message=to_all)
    whole = await meetings.receipts("m_1", to_all, DIRECTOR)
    assert whole.figures.to_json() == {"got": 2, "answered": 1, "of": len(SITES)}
    assert set(whole.missing) == {*SITES} - {"s_75", "s_25378"}
    assert set(whole.unanswered) == {*SITES} - {"s_25378"}
    part = await meetings.receipts("m_1", to_all, PROVINCE)
    assert part.figures.to_json() == {"got": 1, "answered": 1, "of": 4}
    assert set(part.missing) == {"s_70", "s_695", "s_25378b"} == set(part.unanswered)
    for refused, actor in (
        (MessageNotFound, PROVINCE),  # written to a site of another province
        (MessageNotFound, person(Role.TECHNICIAN, BINH_PHUOC)),
        (Forbidden, OBSERVER),
        (Forbidden, DN),
    ):
        with pytest.raises(refused):
            await meetings.receipts("m_1", to_dn, actor)
    with pytest.raises(MessageNotFound):
        await meetings.receipts("m_1", "t_none", DIRECTOR)


# Whatever is done in whatever order


@pytest.mark.parametrize("seed", range(4))
async def test_any_order_with_any_repetition_makes_one_receipt_of_first_times(
    meetings: Meetings, store: Store, clock: ManualClock, seed: int
) -> None:
    """Steps of the same moment are done at once, in one batch or in several."""
    meeting = await opened(meetings)
    message = await posted(meetings, meeting)
    want: dict[tuple[str, str], list[Any]] = {}
    together: list[Any] = []
    random = Random(seed)
    for _ in range(40):
        site = random.choice(("s_70", "s_75", "s_79", "s_25378"))
        answers, then_wait = random.random() < 0.3, random.random() < 0.3
        one = want.setdefault((message, site), [clock.now(), None])
        arguments: dict[str, Any] = {"message": message} if answers else {"messages": [message]}
        if answers and one[1] is None:
            one[1] = clock.now()
        kind = "message.answer" if answers else "message.got"
        together.append(do(meetings, site_actor(site), kind, meeting, **arguments))
        if then_wait:
            await asyncio.gather(*together)
            together = []
            clock.advance(1)
    await asyncio.gather(*together)
    assert await rows(store) == {key: tuple(times) for key, times in want.items()}
    found = await meetings.receipts(meeting, message, DIRECTOR)
    assert found.figures.got == len(want)
    assert found.figures.answered == len([1 for _, answered in want.values() if answered is not None])
