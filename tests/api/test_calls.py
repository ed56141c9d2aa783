"""Surprise calls over the real doors, with a media node in memory."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from diemcau.access import SYSTEM
from diemcau.inspections import InspectionPolicy
from diemcau.sites import NewSite, SiteChange

from .world import NORTH, OFFER, SOUTH, Socket, World


async def centre(world: World) -> str:
    """The nation's command centre."""
    return str((await world.app.state.services.inspections.centre(SYSTEM, "VN")).id)


async def answers(world: World, site: str, how: str) -> None:
    """How the site takes a call."""
    await world.rooms.sites.change(SYSTEM, [SiteChange(site, answer=how)])  # type: ignore[arg-type]


def calls_with(site: str, state: str) -> Callable[[dict[str, Any]], bool]:
    """Whether a frame tells that the site's call stands so."""
    return lambda frame: (
        frame["topic"] == "calls"
        and any(one["site"] == site and one["state"] == state for one in frame["data"]["calls"])
    )


async def call_of(desk: Socket, site: str, state: str) -> dict[str, Any]:
    """The site's call once it stands so."""
    frame = await desk.next("eph", when=calls_with(site, state))
    return next(one for one in frame["data"]["calls"] if one["site"] == site and one["state"] == state)


async def publish(post: Socket, meeting: str, world: World) -> None:
    """What a page does that is asked to send, over the socket; its picture reaches the node."""
    await post.send({"op": "publisher", "id": "p1", "meeting": meeting, "offer": OFFER})
    opened = await post.next("opened")
    world.node.link(opened["publisher"])
    world.node.go_live(f"{opened['publisher']}/video")


async def test_a_centre_is_opened_with_one_request_and_is_everybodys(world: World) -> None:
    await world.person()
    async with world.log_in() as client:
        made = [await client.post("/api/v1/centres", json={}) for _ in range(2)]
    assert [answer.status_code for answer in made] == [200, 200], made[0].text
    assert made[0].json() == made[1].json()
    assert (made[0].json()["kind"], made[0].json()["level"]) == ("centre", "nation")


async def test_a_site_that_answers_by_itself_is_called_and_lies_on_the_preview(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    meeting = await centre(world)
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        assert post.welcome["you"]["meetings"] == [], "a centre is nothing that a site comes to by itself"
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        assert (await desk.command("call.start", meeting, site=SOUTH))["op"] == "ack"
        you = await post.you(lambda you: you["publish"] is not None)
        assert you["in"] == meeting
        assert you["meetings"][0]["id"] == meeting
        assert you["call"]["by"]["name"] == "Trần Thị Bình"
        previewed = await desk.next("ev", when=lambda frame: frame["type"] == "stage_previewed")
        assert previewed["data"]["slots"] == [SOUTH]
        await publish(post, meeting, world)
        live = await call_of(desk, SOUTH, "live")
        assert (await desk.command("stage.cut", meeting))["op"] == "ack"
        ended = await desk.command("call.end", meeting, call=live["id"])
        assert ended["problem"]["code"] == "on_stage", "hanging up must not tear a hole into the stage"
        await desk.command("stage.cut", meeting, slots=[None])
        assert (await desk.command("call.end", meeting, call=live["id"]))["op"] == "ack"
        await post.you(lambda you: you["in"] is None and you["call"] is None)
        assert (await desk.next("ev", when=lambda f: f["type"] == "stage_previewed"))["data"]["slots"] == [
            None
        ]


async def test_a_site_that_rings_is_seen_only_when_somebody_answers(world: World) -> None:
    await world.person()
    meeting = await centre(world)
    async with world.socket(await world.device(NORTH)) as post, world.desk() as desk:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        await desk.command("call.start", meeting, site=NORTH)
        you = await post.you(lambda you: you["call"] is not None)
        assert you["call"]["state"] == "ringing"
        assert you["publish"] is None
        assert you["in"] is None
        answered = await post.command("call.answer", meeting, call=you["call"]["id"])
        assert answered["op"] == "ack"
        await post.you(lambda you: you["publish"] == {"audio": True, "video": True})
        await publish(post, meeting, world)
        call = await call_of(desk, NORTH, "live")
        assert call["answered_at"] is not None
        events = await world.rooms.store.events(f"inspection:{call['id']}")
        kinds = [event.type for event in events]
        assert kinds[:2] == ["call_started", "call_answered"]


async def test_nobody_answers_and_the_call_goes_on_by_phone_and_to_the_level_above(world: World) -> None:
    world.app.state.services.inspections.calls.ring_s = 0.2
    await world.person()
    [below] = await world.rooms.sites.create(SYSTEM, [NewSite("00691", "Điểm cầu xã", id="s_below")])
    await world.rooms.sites.change(SYSTEM, [SiteChange(below.id, phones=("0219 3 888 999", "0912 000 111"))])
    meeting = await centre(world)
    async with (
        world.socket(await world.device(below.id)),
        world.socket(await world.device(NORTH), tab="tab-2"),
        world.desk() as desk,
    ):
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        await desk.command("call.start", meeting, site=below.id)
        call = await call_of(desk, below.id, "no_answer")
        assert call["why"] == "not_answered"
        assert call["phones"] == ["0219 3 888 999", "0912 000 111"]
        assert [(step["site"], step["online"]) for step in call["above"]] == [(NORTH, True)]
        phoned = await desk.command("call.phoned", meeting, call=call["id"], phone=1, reached=False)
        assert phoned["op"] == "ack"
        on = await desk.command("call.start", meeting, site=NORTH, after=call["id"])
        assert on["op"] == "ack"
        events = await world.rooms.store.events(f"inspection:{call['id']}")
        assert [event.type for event in events] == ["call_started", "call_ended", "call_phoned"]
        assert "0912" not in str([event.data for event in events]), "numbers would stay in the log for good"
        [first, *_] = await world.rooms.store.events(on["stream"])
        assert first.data["after"] == call["id"]


async def test_a_site_that_is_away_is_offline_at_once(world: World) -> None:
    await world.person()
    meeting = await centre(world)
    async with world.desk() as desk:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        await desk.command("call.start", meeting, site=SOUTH)
        await call_of(desk, SOUTH, "offline")


async def test_the_centre_calls_a_site_out_of_a_meeting_but_a_province_cannot(world: World) -> None:
    await world.person()
    await world.person("director", "92", "tinh")
    await answers(world, SOUTH, "auto")
    national = await world.meeting()
    inspections = world.app.state.services.inspections
    async with (
        world.socket(await world.device(SOUTH)) as post,
        world.desk("tinh") as province,
        world.desk() as nation,
    ):
        await post.command("meeting.join", national)
        theirs = (await inspections.centre(SYSTEM, "92")).id
        await province.subscribe(theirs, **{"with": ["presence", "calls"]})
        await province.command("call.start", theirs, site=SOUTH)
        await call_of(province, SOUTH, "busy")
        ours = await centre(world)
        await nation.subscribe(ours, **{"with": ["presence", "calls"]})
        assert (await nation.command("call.start", ours, site=SOUTH))["op"] == "ack"
        await post.you(lambda you: you["in"] == ours)


async def test_the_same_command_twice_calls_once(world: World) -> None:
    await world.person()
    meeting = await centre(world)
    async with world.socket(await world.device(NORTH)), world.desk() as desk:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        frame = {"op": "cmd", "id": "the-same-1", "type": "call.start", "meeting": meeting, "site": NORTH}
        await desk.send(frame)
        first = await desk.next("ack")
        await desk.send(frame)
        second = await desk.next("ack")
        assert first["stream"] == second["stream"]
        other = await desk.command("call.start", meeting, site=NORTH)
        assert other["problem"]["code"] == "call_running"


async def test_who_may_not_call_is_refused_and_a_site_answers_only_for_itself(world: World) -> None:
    await world.person("secretary", "VN", "thuky")
    await world.person("director", "92", "tinh")
    meeting = await centre(world)
    async with (
        world.socket(await world.device(NORTH)) as post,
        world.desk("thuky") as secretary,
        world.desk("tinh") as province,
    ):
        for desk in (secretary, province):
            refused = await desk.command("call.start", meeting, site=NORTH)
            assert refused["problem"]["code"] == "forbidden"
        assert (await post.command("call.start", meeting, site=NORTH))["problem"]["code"] == "forbidden"
        unknown = await post.command("call.answer", meeting, call="i_unknown")
        assert unknown["problem"]["code"] == "call_not_found"
        assert (await post.command("meeting.join", meeting))["problem"]["code"] == "not_in_meeting"


@pytest.mark.parametrize(
    "wrong",
    [{}, {"site": 7}, {"site": SOUTH, "more": 1}, {"site": "s" * 65}, {"site": SOUTH, "after": "a b"}],
)
async def test_a_hostile_call_is_a_bad_request(world: World, wrong: dict[str, Any]) -> None:
    await world.person()
    meeting = await centre(world)
    async with world.desk() as desk:
        assert (await desk.command("call.start", meeting, **wrong))["problem"]["code"] == "bad_request"


async def test_a_call_lives_on_when_the_server_is_started_again(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    meeting = await centre(world)
    services = world.app.state.services
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        await desk.command("call.start", meeting, site=SOUTH)
        await post.you(lambda you: you["publish"] is not None)
        await publish(post, meeting, world)
        await call_of(desk, SOUTH, "live")
    calls = services.inspections.calls
    async with asyncio.timeout(10):  # the record of its picture is on its way
        while calls._work:
            await asyncio.gather(*calls._work)
    again = type(calls)(
        world.rooms.store, world.rooms.bus, world.rooms.units, world.rooms.access, world.rooms.sites,
        world.rooms.meetings, services.stage, world.rooms.clock, lambda prefix: f"{prefix}_x",
        InspectionPolicy().ring_s,
    )  # fmt: skip
    await again.start()
    try:
        found = again.of_site(SOUTH)
        assert found is not None and (found.state, found.by.name) == ("live", "Trần Thị Bình")
        assert world.rooms.meetings.meeting_of(SOUTH) == meeting
    finally:
        await again.aclose()
