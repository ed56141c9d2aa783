"""The floor through the provinces over the wire: who sees which queue, and what outlives whom."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from diemcau.access import SYSTEM
from diemcau.sites import NewSite
from tests.api.world import NORTH, SOUTH, Socket, World

COMMUNE, OTHER = "s_commune", "s_other"
"""Two communes of Hà Giang (02): Mèo Vạc's xã Thượng Phùng and xã Pải Lủng."""


@pytest.fixture
async def meeting(world: World) -> str:
    units = [unit.code for unit in world.rooms.units.subtree("02") if unit.level == "commune"][:2]
    names = zip(units, (COMMUNE, OTHER), strict=True)
    await world.rooms.sites.create(SYSTEM, [NewSite(unit, "Điểm cầu xã", id=name) for unit, name in names])
    await world.person()
    await world.person("director", "02", "hagiang")
    await world.person("secretary", "02", "hagiang2")
    return await world.meeting()


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as opened:
        yield opened


async def site(world: World, stack: AsyncExitStack, meeting: str, name: str) -> Socket:
    socket = await stack.enter_async_context(world.socket(await world.device(name)))
    await socket.subscribe(meeting)
    assert (await socket.command("meeting.join", meeting))["op"] == "ack"
    return socket


async def desk(
    world: World, stack: AsyncExitStack, meeting: str, username: str
) -> tuple[Socket, dict[str, Any]]:
    socket = await stack.enter_async_context(world.desk(username))
    return socket, (await socket.subscribe(meeting, **{"with": ["operators"]}))["state"]


def operators(units: list[str]) -> Any:
    return lambda frame: frame["topic"] == "operators" and frame["data"]["units"] == units


async def test_a_queue_outlives_its_operator_and_the_centre_is_told_who_is_there(
    world: World, stack: AsyncExitStack, meeting: str
) -> None:
    commune = await site(world, stack, meeting, COMMUNE)
    other = await site(world, stack, meeting, OTHER)
    centre, whole = await desk(world, stack, meeting, "daodien")
    await centre.next("eph", when=operators([]))
    assert whole["reach"] == "centre"
    async with AsyncExitStack() as line:
        province, part = await desk(world, line, meeting, "hagiang")
        assert part["reach"] == "desk"
        await centre.next("eph", when=operators(["02"]))
        for socket in (commune, other):
            assert (await socket.command("hand.raise", meeting))["op"] == "ack"
        note = {"site": COMMUNE, "note": "xin phát biểu về nước sinh hoạt"}
        assert (await province.command("hand.forward", meeting, **note))["op"] == "ack"
        seen = await centre.next("ev", when=lambda frame: frame["type"] == "hand_forwarded")
        assert (seen["data"]["note"], seen["data"]["by"]) == (note["note"], "Trần Thị Bình")
        own = await commune.next("ev", when=lambda frame: frame["type"] == "hand_forwarded")
        assert (own["data"]["site"], own["data"]["note"]) == (COMMUNE, "")
        public = await other.next("ev", when=lambda frame: frame["type"] == "hand_forwarded")
        assert public["data"] == {}
    await centre.next("eph", when=operators([]))  # its line is lost; its queue is not
    second, state = await desk(world, stack, meeting, "hagiang2")
    queue = {hand["site"]: hand for hand in state["floor"]["hands"]}
    assert queue[COMMUNE]["forwarded"]["note"] == note["note"]
    assert (queue[OTHER]["branch"], queue[OTHER]["forwarded"]) == ("02", None)
    assert (await second.command("hand.forward", meeting, site=OTHER))["op"] == "ack"
    taken = await second.command("hand.forward", meeting, site=OTHER, note="khác")
    assert (taken["op"], taken["problem"]["code"]) == ("nack", "conflict")
    assert (await centre.command("floor.give", meeting, site=COMMUNE, minutes=2))["op"] == "ack"
    given = await commune.next("ev", when=lambda frame: frame["type"] == "floor_given")
    assert given["data"]["until"] > given["at"]


async def test_a_province_orders_its_queue_and_nothing_above_it(
    world: World, stack: AsyncExitStack, meeting: str
) -> None:
    for name in (COMMUNE, SOUTH):
        socket = await site(world, stack, meeting, name)
        assert (await socket.command("hand.raise", meeting))["op"] == "ack"
    await site(world, stack, meeting, NORTH)
    province, state = await desk(world, stack, meeting, "hagiang")
    assert [hand["site"] for hand in state["floor"]["hands"]] == [COMMUNE]
    assert state["floor"]["hands_total"] == 2
    for kind, arguments in (
        ("hand.forward", {"site": SOUTH}),
        ("floor.give", {"site": COMMUNE}),
        ("floor.extend", {"site": COMMUNE, "minutes": 2}),
        ("floor.rules", {"minutes": 3, "auto_end": True}),
        ("list.add", {"site": COMMUNE}),
        ("list.remove", {"site": COMMUNE}),
        ("agenda.set", {"items": [{"title": "Khai mạc"}], "version": 0}),
        ("agenda.start", {"item": "a_1"}),
        ("mic.ask", {"site": SOUTH}),
    ):
        refused = await province.command(kind, meeting, **arguments)
        assert refused.get("problem", {}).get("code") == "forbidden", (kind, refused)
    for kind in ("hand.forward", "hand.recall", "hand.move"):
        answer = await province.command(kind, meeting, site=COMMUNE)
        assert answer["op"] == "ack", (kind, answer)
    reason = "đã nêu trong báo cáo của tỉnh"
    assert (await province.command("hand.lower", meeting, site=COMMUNE, reason=reason))["op"] == "ack"
    posted = await province.next("ev", when=lambda frame: frame["type"] == "message_posted")
    assert (posted["data"]["to"], posted["data"]["text"]) == (COMMUNE, reason)


async def test_a_floor_ends_by_itself_only_where_the_meeting_says_so(
    world: World, stack: AsyncExitStack, meeting: str
) -> None:
    await site(world, stack, meeting, NORTH)
    centre, _ = await desk(world, stack, meeting, "daodien")
    await centre.command("floor.give", meeting, site=NORTH, minutes=1)
    given = await centre.next("ev", when=lambda frame: frame["type"] == "floor_given")
    over = world.rooms.meetings.state
    until = (await over(meeting)).speakers[NORTH].until
    assert until is not None
    await world.rooms.meetings.timer.expire(until)
    assert NORTH in (await over(meeting)).speakers, "no meeting cuts anybody off unasked"
    await centre.command("floor.rules", meeting, minutes=None, auto_end=True)
    await world.rooms.meetings.timer.expire(until)
    ended = await centre.next("ev", when=lambda frame: frame["type"] == "floor_ended")
    assert (ended["data"], ended["actor"]) == ({"site": NORTH, "reason": "time"}, "system")
    assert given["data"]["until"] is not None


async def test_microphones_are_shut_asked_for_and_opened_again(
    world: World, stack: AsyncExitStack, meeting: str
) -> None:
    speaker = await site(world, stack, meeting, NORTH)
    centre, _ = await desk(world, stack, meeting, "daodien")
    await centre.command("floor.give", meeting, site=NORTH)
    await speaker.you(lambda you: you["mic"] == "open")
    assert (await centre.command("mute", meeting, unit="02"))["op"] == "ack"
    muted = await centre.next("ev", when=lambda frame: frame["type"] == "muted")
    assert (muted["data"]["unit"], muted["data"]["sites"]) == ("02", [NORTH])
    assert (await centre.command("mute.undo", meeting, n=muted["seq"]))["op"] == "ack"
    assert (await centre.next("ev", when=lambda frame: frame["type"] == "unmuted"))["data"] == {"site": NORTH}
    await speaker.command("mic.set", meeting, on=False)
    assert (await centre.command("mic.ask", meeting, site=NORTH))["op"] == "ack"
    await speaker.next("ev", when=lambda frame: frame["type"] == "unmute_asked")
    assert (await speaker.command("mic.answer", meeting, yes=False))["op"] == "ack"
    declined = await centre.next("ev", when=lambda frame: frame["type"] == "unmute_answered")
    assert declined["data"] == {"site": NORTH, "yes": False}
    await centre.command("floor.end", meeting, site=NORTH)
    await speaker.you(lambda you: you["mic"] == "off")
