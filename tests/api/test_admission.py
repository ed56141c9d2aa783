"""The way in: order, bounds, turns; then over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diemcau.api.live import admission
from diemcau.api.live.admission import Admission, Ticket
from diemcau.errors import Busy

from .world import CENTRE, NORTH, OFFER, SOUTH, World


def make(at_once: int = 2, hold_s: float = 60.0) -> tuple[Admission, list[float]]:
    waited: list[float] = []
    return Admission(waited.append, at_once=at_once, hold_s=hold_s), waited


async def test_they_come_in_in_the_order_in_which_they_asked() -> None:
    door, waited = make()
    told: list[str] = []
    tickets = []
    for name in "abcde":
        ticket = door.ask(name)
        ticket.tell = lambda name=name: told.append(name)  # type: ignore[misc]
        tickets.append(ticket)
    assert [ticket.admitted for ticket in tickets] == [True, True, False, False, False]
    assert [door.place(ticket).place for ticket in tickets] == [0, 0, 1, 2, 3]
    assert door.place(tickets[4]).of == 3
    door.done("b")
    door.done("a")
    assert told == ["c", "d"]
    assert door.place(tickets[4]).place == 1
    assert (door.inside, door.waiting, len(waited)) == (2, 1, 4)


async def test_a_party_has_one_ticket_however_often_it_asks() -> None:
    door, _ = make(at_once=1)
    door.ask("a")
    ticket = door.ask("b")
    assert door.ask("b") is ticket
    door.done("b")
    assert not door.holds(ticket)
    assert door.ask("b") is not ticket


async def test_who_must_not_wait_goes_ahead_even_of_a_place_it_had() -> None:
    door, _ = make(at_once=1)
    door.ask("a")
    waiting = door.ask("chair")
    assert not waiting.admitted
    assert door.ask("chair", ahead=True) is waiting
    assert waiting.admitted
    assert (door.inside, door.waiting) == (2, 0)


async def test_fewer_come_in_at_once_while_answers_are_slow_and_more_again_afterwards() -> None:
    door, _ = make(at_once=64)
    door.answered("a", admission.SLOW_S + 1)
    door.answered("b", admission.SLOW_S + 1)  # of the same crowd: counted once
    assert door.window == 32
    for name in range(40):
        door.ask(str(name))
    assert (door.inside, door.waiting) == (32, 8)
    for _ in range(200):
        door.answered("c", 0.1)
    assert door.window == 64
    door.done("0")
    assert (door.inside, door.waiting) == (39, 0)


async def test_a_way_in_that_takes_too_long_lets_fewer_in_too(monkeypatch: pytest.MonkeyPatch) -> None:
    door, _ = make(at_once=64)
    door.ask("quick")
    door.answered("quick", 0.1)
    assert door.window == 64
    monkeypatch.setattr(admission, "LONG_S", -1.0)
    door.answered("quick", 0.1)
    assert door.window == 32


async def test_a_turn_that_is_not_used_is_over() -> None:
    door, _ = make(at_once=1, hold_s=0.01)
    door.ask("a")
    ticket = door.ask("b")
    came = asyncio.Event()
    ticket.tell = came.set
    async with asyncio.timeout(5):
        await came.wait()
    assert ticket.admitted


async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "WAITING", 3)
    door, _ = make(at_once=1)
    for name in "abcd":
        door.ask(name)
    with pytest.raises(Busy):
        door.ask("e")
    assert door.ask("chair", ahead=True).admitted


@given(
    st.lists(st.tuples(st.sampled_from(["ask", "ahead", "done", "leave"]), st.integers(0, 9)), max_size=80)
)
@settings(max_examples=100, deadline=None)
def test_whatever_happens_places_are_counted_right(steps: list[tuple[str, int]]) -> None:
    async def run() -> None:
        door, _ = make(at_once=3)
        held: dict[str, Ticket] = {}
        for what, number in steps:
            party = str(number)
            if what in ("ask", "ahead"):
                held[party] = door.ask(party, ahead=what == "ahead")
            elif what == "done":
                door.done(party)
                held.pop(party, None)
            elif party in held:
                door.leave(held.pop(party))
            inside = [ticket for ticket in held.values() if ticket.admitted]
            waiting = [ticket for ticket in held.values() if not ticket.admitted]
            assert (door.inside, door.waiting) == (len(inside), len(waiting))
            assert not waiting or door.inside >= 3
            places = [door.place(ticket).place for ticket in sorted(waiting, key=lambda one: one.number)]
            assert places == sorted(set(places)) and all(place >= 1 for place in places)

    asyncio.run(run())


@pytest.fixture
async def narrow(world: World) -> AsyncIterator[World]:
    """A server with one place on the way in, which whoever has it keeps until it is through."""
    hub = world.app.state.hub
    hub.turns.admission = Admission(hub.services.metrics.admission_seconds.observe, at_once=1, hold_s=60.0)
    yield world


async def test_a_crowd_waits_at_the_door_and_is_told_its_place(narrow: World) -> None:
    await narrow.person()
    meeting = await narrow.meeting()
    north, south = await narrow.device(NORTH), await narrow.device(SOUTH)
    async with narrow.socket(north) as first, narrow.knock(south) as second:
        wait = await second.next("wait")
        assert (wait["place"], wait["of"]) == (1, 1)
        async with narrow.desk():  # who directs the meeting never waits
            pass
        await second.send({"op": "pong"})
        await first.command("meeting.join", meeting)
        async with narrow.client(headers={"Authorization": f"Bearer {north}"}) as http:
            opened = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        assert opened.status_code == 201
        assert (await second.next("welcome"))["you"]["state"] == "standby"


async def test_who_has_nothing_to_open_does_not_hold_the_door(narrow: World) -> None:
    await narrow.meeting(opened=False)
    async with AsyncExitStack() as stack:
        for site in (NORTH, SOUTH):
            await stack.enter_async_context(narrow.socket(await narrow.device(site)))
        assert narrow.app.state.hub.turns.admission.inside == 0


async def test_who_goes_leaves_its_place(narrow: World) -> None:
    await narrow.meeting()
    south = await narrow.device(SOUTH)
    async with narrow.socket(await narrow.device(NORTH)), narrow.knock(south) as second:
        await second.next("wait")
    async with narrow.socket(south):  # the door is free, or it would not be welcomed for a minute
        door = narrow.app.state.hub.turns.admission
        assert (door.inside, door.waiting) == (1, 0)


async def test_a_page_that_is_reloaded_while_it_waits_keeps_its_place(narrow: World) -> None:
    await narrow.meeting()
    south = await narrow.device(SOUTH)
    async with narrow.socket(await narrow.device(NORTH)), narrow.knock(south) as second:
        await second.next("wait")
        async with narrow.knock(south) as again:
            assert (await again.next("wait"))["place"] == 1
            assert (await second.closed())[0] == 1000
            narrow.app.state.hub.turns.admission.done(NORTH)
            await again.next("welcome")


async def test_who_does_not_wait_for_the_welcome_is_shown_out(narrow: World) -> None:
    meeting = await narrow.meeting()
    async with narrow.socket(await narrow.device(NORTH)), narrow.knock(await narrow.device(SOUTH)) as second:
        await second.next("wait")
        await second.send({"op": "sub", "stream": f"meeting:{meeting}"})
        assert (await second.closed())[0] == 4000


async def test_the_chairs_site_does_not_wait(narrow: World) -> None:
    await narrow.meeting()
    async with narrow.socket(await narrow.device(NORTH)), narrow.socket(await narrow.device(CENTRE)) as chair:
        assert chair.welcome["you"]["meetings"]


async def test_when_the_node_was_restarted_viewers_come_back_in_turn(narrow: World) -> None:
    meeting = await narrow.meeting()
    north, south = await narrow.device(NORTH), await narrow.device(SOUTH)
    async with AsyncExitStack() as stack:
        sockets, clients = [], []
        for credential in (north, south):
            socket = await stack.enter_async_context(narrow.socket(credential))
            client = narrow.client(headers={"Authorization": f"Bearer {credential}"})
            http = await stack.enter_async_context(client)
            await socket.command("meeting.join", meeting)
            opened = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
            assert opened.status_code == 201
            sockets.append(socket)
            clients.append(http)
        narrow.node.viewers.clear()
        narrow.node.reconnect(fresh=True)
        gone = [await socket.next("gone") for socket in sockets]
        assert sorted(message["turn"] for message in gone) == [False, True]
        last = 0 if not gone[0]["turn"] else 1
        early = await clients[last].post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        assert early.status_code == 503
        assert (early.json()["code"], early.json()["place"]) == ("queued", 1)
        assert int(early.headers["Retry-After"]) >= 1
        path = f"/api/v1/meetings/{meeting}/viewer"
        assert (await clients[1 - last].post(path, json={"offer": OFFER})).status_code == 201
        await sockets[last].next("wait", when=lambda wait: wait["place"] == 0)
        assert (await clients[last].post(path, json={"offer": OFFER})).status_code == 201
