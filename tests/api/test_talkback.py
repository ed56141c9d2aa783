"""Talkbacks and the line-up over the real doors, with a media node in memory."""

import asyncio
from collections.abc import Callable
from typing import Any

from diemcau.access import SYSTEM, Grant, Role
from diemcau.media import wire
from diemcau.stage.checks import VOICE_DBOV

from .world import CENTRE, NORTH, OFFER, SOUTH, Socket, World

TOPICS = {"with": ["presence", "talkback", "lineup"]}


async def joined(world: World, post: Socket, meeting: str) -> None:
    assert (await post.command("meeting.join", meeting))["op"] == "ack"
    await post.you(lambda you: you["in"] == meeting)


def of(site: str, **expected: Any) -> Callable[[dict[str, Any]], bool]:
    """Whether a frame tells of the site's talkback, standing so."""
    return lambda frame: (
        frame["topic"] == "talkback"
        and any(
            one["site"] == site and all(one[key] == value for key, value in expected.items())
            for one in frame["data"]["talks"]
        )
    )


async def opened(desk: Socket, meeting: str, site: str, **expected: Any) -> dict[str, Any]:
    """The site's talkback once a desk is told that it stands so."""
    frame = await desk.next("eph", when=of(site, **expected))
    return next(one for one in frame["data"]["talks"] if one["site"] == site)


async def link(end: Socket, op: str, meeting: str, world: World, *, talk: bool = True) -> str:
    """What a page does that opens one of its connections; it connects, and sends."""
    await end.send({"op": op, "id": f"{op}-1", "meeting": meeting, "offer": OFFER, "talk": talk})
    answer = await end.next("opened", "nack", when=lambda frame: frame["id"] == f"{op}-1")
    assert answer["op"] == "opened", answer
    name = str(answer["viewer" if op == "viewer" else "publisher"])
    world.node.link(name)
    if op == "publisher":
        world.node.go_live(f"{name}/audio")
    return name


def mics(world: World, meeting: str, party: str) -> list[str]:
    return list(world.node.programs[f"talk/{meeting}/{party}"].mics)


async def settled(check: Callable[[], bool]) -> None:
    """Until the node holds it."""
    async with asyncio.timeout(10):
        while not check():  # noqa: ASYNC110 - it has no event for us
            await asyncio.sleep(0.005)


async def ends(world: World, meeting: str, count: int) -> list[str]:
    """Why the meeting's talkbacks ended, once so many have: the log is written after everybody is silent."""
    async with asyncio.timeout(10):
        while True:
            events = await world.rooms.store.events(f"talkback:{meeting}")
            found = [str(event.data["why"]) for event in events if event.type == "talkback_ended"]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.01)


async def test_a_private_word_goes_both_ways_and_the_meeting_hears_nothing_of_it(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        me = desk.welcome["who"]["id"]
        await joined(world, post, meeting)
        await desk.subscribe(meeting, **TOPICS)
        assert (await desk.command("talk.open", meeting, site=SOUTH))["op"] == "ack"
        you = await post.you(lambda you: you["talks"] != [])
        assert you["talks"][0]["by"]["name"] == "Trần Thị Bình"
        assert you["publish"] == {"audio": True, "video": False}, (
            "a site that stands by is asked for its sound"
        )
        assert you["state"] == "in_meeting", "it keeps its place"
        talk = (await opened(desk, meeting, SOUTH))["id"]
        voice = await link(desk, "publisher", meeting, world)
        await link(desk, "viewer", meeting, world)
        await link(post, "viewer", meeting, world)
        site_voice = await link(post, "publisher", meeting, world, talk=False)
        await opened(desk, meeting, SOUTH, hears=True, sends=True)
        assert mics(world, meeting, SOUTH) == [] and mics(world, meeting, me) == []

        await desk.command("talk.say", meeting, talk=talk, on=True)
        await settled(lambda: mics(world, meeting, SOUTH) == [f"{voice}/audio"])
        await post.you(lambda you: bool(you["talks"]) and you["talks"][0]["speaks"])
        await post.command("talk.say", meeting, talk=talk, on=True)
        await settled(lambda: mics(world, meeting, me) == [f"{site_voice}/audio"])
        await post.command("talk.tap", meeting, talk=talk, clear=False)
        told = await opened(desk, meeting, SOUTH, answers=True)
        told = told if told["tapped"] else await opened(desk, meeting, SOUTH, answers=True)
        assert told["tapped"]["clear"] is False
        assert world.node.programs[f"meeting/{meeting}"].mics == []
        await desk.command("talk.mute", meeting, talk=talk, on=True)
        await settled(lambda: mics(world, meeting, me) == [])

        assert (await post.command("talk.end", meeting, talk=talk))["op"] == "ack"
        await post.you(lambda you: you["talks"] == [] and you["publish"] is None)
        await settled(lambda: not [n for n in world.node.programs if n.startswith("talk/")])
        await settled(lambda: not [n for n in world.node.viewers if n.startswith("talk/")])
        assert voice not in world.node.publishers, "nobody's microphone stays open"
    begun, ended = await world.rooms.store.events(f"talkback:{meeting}")
    assert (begun.type, ended.type) == ("talkback_opened", "talkback_ended")
    assert set(ended.data) == {"talk", "site", "by", "since", "until", "why"}
    assert ended.data["why"] == "site" and ended.actor == f"site:{SOUTH}"


async def test_a_site_that_the_meeting_hears_does_not_answer_in_private(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        me = desk.welcome["who"]["id"]
        await joined(world, post, meeting)
        await desk.subscribe(meeting, **TOPICS)
        await desk.command("talk.open", meeting, site=SOUTH)
        talk = (await opened(desk, meeting, SOUTH))["id"]
        await link(desk, "publisher", meeting, world)
        site_voice = await link(post, "publisher", meeting, world, talk=False)
        await post.command("talk.say", meeting, talk=talk, on=True)
        await settled(lambda: mics(world, meeting, me) == [f"{site_voice}/audio"])
        await desk.command("floor.give", meeting, site=SOUTH, stage=False)
        await opened(desk, meeting, SOUTH, answers=False)
        await settled(lambda: mics(world, meeting, me) == [])
        assert world.node.programs[f"meeting/{meeting}"].mics == [f"{site_voice}/audio"]
        refused = await post.command("talk.say", meeting, talk=talk, on=True)
        assert refused["problem"]["code"] == "mic_open"
        assert (await post.command("talk.tap", meeting, talk=talk, clear=True))["op"] == "ack"
        await desk.command("floor.end", meeting, site=SOUTH)
        await post.you(lambda you: you["mic"] == "off")
        assert mics(world, meeting, me) == [], "it does not go on by itself"


async def test_who_may_speak_with_whom(world: World) -> None:
    meeting = await world.meeting()
    await world.person("technician", "92", "kythuat")
    await world.person("observer", "VN", "theodoi")
    async with (
        world.socket(await world.device(SOUTH)) as post,
        world.socket(await world.device(NORTH), tab="tab-2") as other,
        world.desk("kythuat") as desk,
        world.desk("theodoi", tab="tab-3") as observer,
    ):
        await joined(world, post, meeting)
        await joined(world, other, meeting)
        await desk.subscribe(meeting, **TOPICS)
        refused = await desk.command("talk.open", meeting, site=NORTH)
        assert refused["problem"]["code"] == "forbidden"
        assert (await observer.command("talk.open", meeting, site=SOUTH))["problem"]["code"] == "forbidden"
        assert (await post.command("talk.open", meeting, site=NORTH))["problem"]["code"] == "forbidden"
        absent = await desk.command("talk.open", meeting, site=CENTRE)
        assert absent["problem"]["code"] == "forbidden"
        early = {"op": "viewer", "id": "v", "meeting": meeting, "offer": OFFER, "talk": True}
        await other.send(early)
        assert (await other.next("nack"))["problem"]["code"] == "wrong_state", "there is nothing to hear"
        await desk.command("talk.open", meeting, site=SOUTH)
        talk = (await opened(desk, meeting, SOUTH))["id"]
        for stranger in (other, observer):
            for kind, more in (("talk.say", {"on": True}), ("talk.tap", {"clear": True})):
                answer = await stranger.command(kind, meeting, talk=talk, **more)
                assert answer["problem"]["code"] == "talk_not_found"
        assert (await observer.command("talk.end", meeting, talk=talk))["problem"]["code"] == "forbidden"
        assert (await desk.command("talk.open", meeting, site=SOUTH))["op"] == "ack", "it is open already"
        me = desk.welcome["who"]["id"]
        await world.rooms.access.set_grants(SYSTEM, me, [Grant(Role.LEAD, "92")])
        await post.you(lambda you: you["talks"] == [])
        assert await ends(world, meeting, 1) == ["operator_left"]


async def test_an_operator_who_does_not_come_back_ends_it_and_a_node_that_was_restarted_does_not(
    world: World,
) -> None:
    talkback = world.app.state.services.talkback
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        me = desk.welcome["who"]["id"]
        await joined(world, post, meeting)
        await desk.subscribe(meeting, **TOPICS)
        await desk.command("talk.open", meeting, site=SOUTH)
        talk = (await opened(desk, meeting, SOUTH))["id"]
        await link(desk, "publisher", meeting, world)
        await desk.command("talk.say", meeting, talk=talk, on=True)
        await opened(desk, meeting, SOUTH, sends=True, speaks=True)
        world.node.disconnect()
        world.node.start()
        stands = await desk.next("standing", when=lambda frame: frame["publishers"] == [])
        assert stands["viewers"] == []
        voice = await link(desk, "publisher", meeting, world)
        ear = await link(post, "viewer", meeting, world)
        await settled(lambda: mics(world, meeting, SOUTH) == [f"{voice}/audio"])
        standing = [*talkback.names(me), *talkback.names(SOUTH)]
        assert standing == [[], [voice], [ear], []]
        talkback.grace_s = 0.05
        world.node.gone(voice, "timeout")
        told = await desk.next("gone")
        assert (told["publishers"], told["turn"]) == ([voice], True)
        await post.you(lambda you: you["talks"] == [])
        assert await ends(world, meeting, 1) == ["operator_left"]


async def test_it_ends_with_the_site_and_with_the_meeting(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with (
        world.socket(await world.device(SOUTH)) as post,
        world.socket(await world.device(NORTH), tab="tab-2") as other,
        world.desk() as desk,
    ):
        for one in (post, other):
            await joined(world, one, meeting)
        await desk.subscribe(meeting, **TOPICS)
        await desk.command("talk.open", meeting, site=SOUTH)
        await desk.command("talk.open", meeting, site=NORTH)
        assert (await desk.command("talk.together", meeting, on=True))["op"] == "ack"
        await opened(desk, meeting, NORTH, together=True)
        await post.command("meeting.leave", meeting)
        assert await ends(world, meeting, 1) == ["site_left"]
        await other.you(lambda you: len(you["talks"]) == 1)
        await desk.command("meeting.end", meeting)
        await other.you(lambda you: you["talks"] == [])
        assert await ends(world, meeting, 2) == ["site_left", "meeting_ended"]


async def test_the_machine_ticks_who_is_lined_up_and_forgets_who_left_the_line(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        await joined(world, post, meeting)
        await desk.subscribe(meeting, **TOPICS)
        assert (await desk.command("stage.line_up", meeting, site=SOUTH))["op"] == "ack"
        you = await post.you(lambda you: you["publish"] is not None)
        assert you["publish"] == {"audio": True, "video": True}
        assert you["checked"] and you["mic"] == "off", "the machine looks, and nobody hears it"

        def marks(picture: bool, dbov: int | None) -> Callable[[dict[str, Any]], bool]:
            def fits(frame: dict[str, Any]) -> bool:
                check = frame["data"].get("checks", {}).get(SOUTH) if frame["topic"] == "lineup" else None
                voice = None if check is None or check["voice"] is None else check["voice"]["dbov"]
                return check is not None and (check["picture"], voice) == (picture, dbov)

            return fits

        await desk.next("eph", when=marks(False, None))
        name = await link(post, "publisher", meeting, world, talk=False)
        world.node.go_live(f"{name}/video")
        await desk.next("eph", when=marks(True, None))
        assert world.node.line_up == [f"{name}/video"], "its keyframes keep coming"
        for dbov in (VOICE_DBOV, -28):
            level = wire.Level(track=f"{name}/audio", dbov=dbov)
            world.node.emit(wire.LevelsEvent(seq=0, at=0, levels=[level]))
        await desk.next("eph", when=marks(True, -28))
        world.node.lose(f"{name}/video")
        await desk.next("eph", when=marks(False, -28))
        assert world.node.programs[f"meeting/{meeting}"].mics == []
        await desk.command("stage.line_up", meeting, site=SOUTH, on=False)
        await post.you(lambda you: you["publish"] is None and not you["checked"])


async def test_the_next_of_the_speakers_list_is_lined_up_when_it_comes_and_until_it_is_unlisted(
    world: World,
) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk:
        await desk.subscribe(meeting, **TOPICS)
        assert (await desk.command("list.add", meeting, site=SOUTH))["op"] == "ack"
        await joined(world, post, meeting)
        you = await post.you(lambda you: you["checked"])
        assert you["publish"] == {"audio": True, "video": True} and you["mic"] == "off"
        await desk.command("list.remove", meeting, site=SOUTH)
        await post.you(lambda you: you["publish"] is None and not you["checked"])
