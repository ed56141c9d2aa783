"""Many meetings at once, calling out of one, watching and taking over, over the real doors."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

from diemcau.access import SYSTEM
from diemcau.meetings import NewMeeting, parse, rollcall
from diemcau.sites import NewSite, ScopeEntry, SiteChange

from .test_calls import answers, call_of, centre, publish
from .world import NORTH, SOUTH, Socket, World

LEVELS = ("province", "district", "commune")


async def meeting_of(world: World, unit: str, title: str = "Họp tỉnh", chair: str | None = None) -> str:
    """An open meeting of a subtree, made by the system."""
    new = NewMeeting(world.command_id(), title, (ScopeEntry(unit, LEVELS),), chair_site=chair)
    made = await world.rooms.meetings.create(SYSTEM, new)
    await world.command("meeting.open", made.id)
    return made.id


async def do(world: World, site: str, kind: str, meeting: str, **more: Any) -> None:
    """A command of a site's, without a connection."""
    from diemcau.access import site_actor

    message = {"id": world.command_id(), "type": kind, "meeting": meeting, **more}
    await world.rooms.meetings.execute(site_actor(site), parse(message))


def event(kind: str) -> Callable[[dict[str, Any]], bool]:
    return lambda frame: frame["type"] == kind


def topic(name: str, when: Callable[[Any], bool] = lambda _: True) -> Callable[[dict[str, Any]], bool]:
    return lambda frame: frame["topic"] == name and when(frame["data"])


async def until(what: str, holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


@asynccontextmanager
async def called_out(world: World) -> AsyncIterator[tuple[Socket, Socket, Socket, str, str, dict[str, Any]]]:
    """The south's site has the floor and its hand up no more in its province's meeting; the centre calls it.

    Post, the province's desk, the centre's desk, the province's meeting, the centre, the call."""
    await world.person()
    await world.person("director", "92", "tinh")
    await answers(world, SOUTH, "auto")
    theirs, ours = await meeting_of(world, "92"), await centre(world)
    async with (
        world.socket(await world.device(SOUTH)) as post,
        world.desk("tinh") as province,
        world.desk() as nation,
    ):
        await province.subscribe(theirs)
        await nation.subscribe(ours, **{"with": ["presence", "calls"]})
        assert (await post.command("meeting.join", theirs))["op"] == "ack"
        assert (await province.command("floor.give", theirs, site=SOUTH))["op"] == "ack"
        assert (await nation.command("call.start", ours, site=SOUTH))["op"] == "ack"
        await post.you(lambda you: you["in"] == ours)
        await publish(post, ours, world)
        yield post, province, nation, theirs, ours, await call_of(nation, SOUTH, "live")


async def test_sixty_three_meetings_at_once_never_touch_each_other(world: World) -> None:
    provinces = [unit.code for unit in world.rooms.units.children("VN")]
    assert len(provinces) == 63
    known = {"02": NORTH, "92": SOUTH}
    new = [NewSite(code, f"Điểm cầu {code}", id=f"s_p{code}") for code in provinces if code not in known]
    await world.rooms.sites.create(SYSTEM, new)
    sites = {code: known.get(code, f"s_p{code}") for code in provinces}
    made = await asyncio.gather(*(meeting_of(world, code, f"Họp {code}", sites[code]) for code in provinces))
    meetings = dict(zip(provinces, made, strict=True))
    stages = list(provinces)[::2]

    async def work(code: str, meeting: str) -> None:
        await do(world, sites[code], "meeting.join", meeting)
        await do(world, sites[code], "hand.raise", meeting)
        if code in stages:
            await world.command("floor.give", meeting, site=sites[code])
            await world.command("message.post", meeting, text=f"chỉ {code}", to="all")
        if code == "02":
            opened = rollcall.parse({"id": "roll-call-1", "type": "rollcall.open", "meeting": meeting})
            await world.app.state.services.roll_calls.execute(SYSTEM, opened)

    await asyncio.gather(*(work(*one) for one in meetings.items()))
    for code, meeting in meetings.items():
        state = await world.rooms.meetings.state(meeting)
        own = {sites[code]}
        assert world.rooms.meetings.joined(meeting) == own
        assert set(state.names) <= own
        assert list(state.speakers) == (list(own) if code in stages else [])
        assert list(state.hands) == ([] if code in stages else list(own))
        assert [one.text for one in state.messages] == ([f"chỉ {code}"] if code in stages else [])
        assert state.on_air == (sites[code],)
    calls = world.app.state.services.roll_calls
    with_call = [code for code, one in meetings.items() if await calls.listing(one, SYSTEM)]
    assert with_call == ["02"], "nobody else's roll call began"
    await world.command("meeting.end", meetings["02"])
    opened = [await world.rooms.meetings.get(meeting) for meeting in meetings.values()]
    assert [one.status for one in opened].count("open") == 62
    await world.person()
    async with world.log_in() as client:
        board = (await client.get("/api/v1/board")).json()["meetings"]
        assert len(board) == 62
        assert {row["present"] for row in board} == {1}
        assert {row["role"] for row in board} == {"oversees"}
        assert {row["meeting"]["level"] for row in board} == {"province"}


async def test_a_site_is_called_out_of_its_meeting_and_taken_back_to_it(world: World) -> None:
    async with called_out(world) as (post, province, nation, theirs, ours, call):
        you = await post.you(lambda you: you["call"] is not None and you["call"]["state"] == "live")
        assert you["call"]["by"]["name"] == "Trần Thị Bình"
        assert you["call"]["where"] == "Trung tâm chỉ huy"
        assert you["call"]["whence"]["unit"] == "VN"
        assert you["call"]["out"] is True
        ended = await province.next("ev", when=event("floor_ended"))
        assert ended["data"] == {"site": SOUTH, "reason": "called"}
        gone = (await province.next("ev", when=event("site_called_out")))["data"]
        assert gone["whence"]["unit"] == "VN"
        assert ours not in str(gone), "the other meeting is not named"
        async with world.log_in("tinh") as client:
            state = (await client.get(f"/api/v1/meetings/{theirs}")).json()["state"]
            assert list(state["away"]) == [SOUTH]
        assert (await nation.command("call.end", ours, call=call["id"]))["op"] == "ack"
        await post.you(lambda you: you["in"] == theirs and you["call"] is None)
        back = await province.next("ev", when=event("site_returned"))
        assert back["data"] == {"site": SOUTH, "why": "returned"}
        assert (await post.command("hand.raise", theirs))["op"] == "ack", "it is in, as if nothing had been"


async def test_a_site_whose_meeting_ended_meanwhile_stands_by_after_the_call(world: World) -> None:
    async with called_out(world) as (post, province, nation, theirs, ours, call):
        assert (await province.command("meeting.end", theirs))["op"] == "ack"
        assert (await nation.command("call.end", ours, call=call["id"]))["op"] == "ack"
        await post.you(lambda you: you["in"] is None and you["call"] is None)


async def test_a_site_that_drops_while_it_is_called_has_its_place_for_a_grace(world: World) -> None:
    async with called_out(world) as (post, province, nation, theirs, _, _):
        await post.raw.close()
        await until("it is gone", lambda: not world.rooms.meetings.is_connected(SOUTH))
        await world.rooms.meetings.timer.expire(world.rooms.clock.now() + timedelta(seconds=31))
        await call_of(nation, SOUTH, "ended")
        back = await province.next("ev", when=event("site_returned"))
        assert back["data"]["why"] == "returned"
        assert world.rooms.meetings.meeting_of(SOUTH) == theirs
        await world.rooms.meetings.timer.expire(world.rooms.clock.now() + timedelta(seconds=31))
        assert world.rooms.meetings.meeting_of(SOUTH) is None


async def test_a_site_that_rings_stays_in_its_meeting_until_somebody_answers(world: World) -> None:
    await world.person()
    theirs, ours = await meeting_of(world, "92"), await centre(world)
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as nation:
        await post.command("meeting.join", theirs)
        await nation.subscribe(ours, **{"with": ["calls"]})
        await nation.command("call.start", ours, site=SOUTH)
        you = await post.you(lambda you: you["call"] is not None)
        assert (you["in"], you["call"]["state"], you["call"]["out"]) == (theirs, "ringing", True)
        assert world.rooms.meetings.meeting_of(SOUTH) == theirs
        await nation.command("call.end", ours, call=you["call"]["id"])
        await post.you(lambda you: you["call"] is None and you["in"] == theirs)
        assert (await world.rooms.meetings.state(theirs)).away == {}


async def test_a_site_is_called_out_into_an_ordinary_national_meeting(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    theirs, ours = await meeting_of(world, "92"), await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as nation:
        await post.command("meeting.join", theirs)
        await nation.subscribe(ours, **{"with": ["calls"]})
        assert (await nation.command("call.start", ours, site=SOUTH))["op"] == "ack"
        await post.you(lambda you: you["in"] == ours)
        call = await call_of(nation, SOUTH, "calling")
        await nation.command("call.end", ours, call=call["id"])
        await post.you(lambda you: you["in"] == theirs)


async def test_of_two_invitations_the_page_is_told_which_one_is_higher(world: World) -> None:
    await meeting_of(world, "92")
    await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post:
        told = {one["level"]: one["place"]["unit"] for one in post.welcome["you"]["meetings"]}
        assert told == {"nation": "VN", "province": "92"}
        assert post.welcome["you"]["in"] is None, "the clerk chooses"


async def test_the_centre_watches_is_seen_takes_over_and_gives_back(world: World) -> None:
    await world.person()
    await world.person("director", "92", "tinh")
    await world.person("chair", "VN", "chutri")
    theirs = await meeting_of(world, "92", chair=SOUTH)
    async with (
        world.socket(await world.device(SOUTH)) as post,
        world.desk("tinh") as province,
        world.desk() as nation,
        world.desk("chutri") as other,
        world.log_in() as client,
    ):
        await post.command("meeting.join", theirs)
        await post.subscribe(theirs)
        await province.subscribe(theirs)
        assert (await province.command("stage.cut", theirs, slots=[None]))["op"] == "ack"
        await nation.send({"op": "board", "on": True})
        await nation.subscribe(theirs)
        seen = await province.next("eph", when=topic("observers", lambda data: data["people"]))
        assert seen["data"]["people"][0]["name"] == "Trần Thị Bình"
        assert seen["data"]["people"][0]["whence"]["unit"] == "VN"
        assert all(frame.get("topic") != "observers" for frame in post.passed), "desks are told, not posts"
        refused = await nation.command("stage.cut", theirs, slots=[SOUTH])
        assert refused["problem"]["code"] == "not_directing"
        assert (await nation.command("direction.take", theirs))["op"] == "ack"
        taken = await post.next("ev", when=event("direction_taken"))
        assert taken["data"]["by"]["name"] == "Trần Thị Bình", "the chair's own page hears it too"
        await province.next("eph", when=topic("observers", lambda data: data["people"] == []))
        await nation.next("board")
        [row] = (await client.get("/api/v1/board")).json()["meetings"]
        assert (row["role"], row["taken"]["title"]) == ("directs", "Đạo diễn hình")
        assert row["led_by"]["id"] != row["taken"]["id"]
        for desk in (province, other):
            refused = await desk.command("mute", theirs, all=True)
            assert refused["problem"]["code"] == "direction_taken"
        assert (await other.command("direction.take", theirs))["problem"]["code"] == "direction_taken"
        assert (await nation.command("stage.cut", theirs, slots=[SOUTH]))["op"] == "ack"
        assert (await nation.command("direction.return", theirs))["op"] == "ack"
        assert (await province.command("stage.cut", theirs, slots=[None]))["op"] == "ack"


async def test_who_took_over_and_is_gone_for_a_minute_has_it_no_longer(world: World) -> None:
    await world.person()
    await world.person("director", "92", "tinh")
    theirs = await meeting_of(world, "92")
    meetings = world.rooms.meetings
    async with world.desk("tinh") as province:
        await province.subscribe(theirs)
        async with world.desk() as nation:
            await nation.subscribe(theirs)
            await nation.command("direction.take", theirs)
            await meetings.timer.expire(world.rooms.clock.now() + timedelta(hours=1))
            assert (await meetings.state(theirs)).direction is not None, "as long as his desk is there"
        await until("his desk has gone", lambda: meetings.desks.next_due() is not None)
        await meetings.timer.expire(world.rooms.clock.now() + timedelta(seconds=50))
        assert (await meetings.state(theirs)).direction is not None
        await meetings.timer.expire(world.rooms.clock.now() + timedelta(seconds=61))
        back = await province.next("ev", when=event("direction_returned"))
        assert back["data"] == {"reason": "lost"}


async def test_who_comes_back_within_the_minute_still_directs(world: World) -> None:
    await world.person()
    theirs = await meeting_of(world, "92")
    meetings = world.rooms.meetings
    async with world.desk() as nation:
        await nation.subscribe(theirs)
        await nation.command("direction.take", theirs)
    await until("his desk has gone", lambda: meetings.desks.next_due() is not None)
    async with world.desk() as nation:
        await nation.subscribe(theirs)
        assert meetings.desks.next_due() is None
        await meetings.timer.expire(world.rooms.clock.now() + timedelta(hours=1))
        assert (await nation.command("stage.cut", theirs, slots=[SOUTH]))["op"] == "ack"


async def test_a_province_sees_and_takes_only_its_own(world: World) -> None:
    await world.person("director", "92", "tinh")
    await meeting_of(world, "02")
    own, national = await meeting_of(world, "92"), await world.meeting()
    async with world.log_in("tinh") as client, world.desk("tinh") as desk:
        board = (await client.get("/api/v1/board")).json()["meetings"]
        assert {row["meeting"]["id"] for row in board} == {own, national}
        for meeting in (own, national):
            refused = await desk.command("direction.take", meeting)
            assert refused["problem"]["code"] == "forbidden"


async def test_how_a_site_answers_is_changed_by_who_may(world: World) -> None:
    await world.person("technician", "92", "kythuat")
    await world.rooms.sites.change(SYSTEM, [SiteChange(SOUTH, answer="ring")])
    async with world.log_in("kythuat") as client:
        changed = await client.patch(f"/api/v1/sites/{SOUTH}", json={"answer": "auto", "kind": "room"})
        assert changed.json()["answer"] == "auto"
        cleared = {"level": "secret", "days": 30}
        refused = await client.put(f"/api/v1/sites/{SOUTH}/clearance", json=cleared)
        assert refused.json()["code"] == "forbidden", "who looks after a site does not clear it"
