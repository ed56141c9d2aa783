"""Many sites follow one meeting: what is not urgent waits for what is, or for a beat, and nothing is lost."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from diemcau.api.live import crowd, hub

from .world import CENTRE, NORTH, SOUTH, Socket, World
from .world import world as make_world


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two sites are a crowd, and one so large that only its beats are left for what is not urgent."""
    monkeypatch.setattr(hub, "FEW", 0)
    monkeypatch.setattr(hub, "AT_A_TIME", 1)
    monkeypatch.setattr(crowd, "TELL_S", 60.0)


@pytest.fixture
async def slow(tmp_path: Path) -> AsyncIterator[World]:
    """A server that does not beat while a test lasts: with a beat what waits would leave."""
    async with make_world(tmp_path / "slow", beat_s=600.0) as made:
        yield made


@pytest.fixture
async def quick(tmp_path: Path) -> AsyncIterator[World]:
    """A server whose beats come fast."""
    async with make_world(tmp_path / "quick", beat_s=0.2) as made:
        yield made


async def follow(site: Socket, meeting: str) -> int:
    await site.command("meeting.join", meeting)
    seq: int = (await site.subscribe(meeting))["seq"]
    return seq


async def round_trip(site: Socket, meeting: str) -> None:
    """Whatever was sent to the site before has arrived after this."""
    assert (await site.command("hand.lower", meeting, site=CENTRE))["op"] == "nack"


def heard(site: Socket) -> list[str]:
    return [frame["type"] for frame in site.passed if frame["op"] == "ev"]


async def test_a_hand_somewhere_waits_for_what_is_urgent_and_comes_before_it(many: None, slow: World) -> None:
    await slow.person()
    meeting = await slow.meeting()
    north, south = await slow.device(NORTH), await slow.device(SOUTH)
    async with slow.socket(north) as other, slow.socket(south) as own, slow.desk() as desk:
        seq = await follow(other, meeting)
        await follow(own, meeting)
        await desk.subscribe(meeting)
        await own.command("hand.raise", meeting)
        await desk.next("ev", when=lambda ev: ev["type"] == "hand_raised")
        await own.next("ev", when=lambda ev: ev["data"].get("site") == SOUTH)
        await round_trip(other, meeting)
        assert heard(other) == []
        await slow.command("message.post", meeting, text="nghe rõ", to="all")
        first, second = await other.next("ev"), await other.next("ev")
        assert (first["type"], first["seq"]) == ("hand_raised", seq + 1)
        assert first["data"] == {"hands_total": 1}
        assert (second["type"], second["seq"]) == ("message_posted", seq + 2)


async def test_whom_a_waiting_event_concerns_gets_the_ones_before_it_first(many: None, slow: World) -> None:
    await slow.person()
    meeting = await slow.meeting()
    north, south = await slow.device(NORTH), await slow.device(SOUTH)
    async with slow.socket(north) as one, slow.socket(south) as two:
        seq = await follow(one, meeting)
        await follow(two, meeting)
        await two.command("hand.raise", meeting)
        await round_trip(one, meeting)
        assert heard(one) == []
        await one.command("hand.raise", meeting)
        told = [await one.next("ev"), await one.next("ev")]
        assert [(ev["seq"], ev["data"].get("site")) for ev in told] == [(seq + 1, None), (seq + 2, NORTH)]


async def test_what_waits_leaves_before_the_beat_that_tells_of_it(many: None, quick: World) -> None:
    meeting = await quick.meeting()
    north, south = await quick.device(NORTH), await quick.device(SOUTH)
    async with quick.socket(north) as other, quick.socket(south) as own:
        seq = await follow(other, meeting)
        await follow(own, meeting)
        await own.command("hand.raise", meeting)
        stream = f"meeting:{meeting}"
        await other.next("beat", when=lambda beat: beat["heads"].get(stream) == seq + 1)
        assert heard(other) == ["hand_raised"]  # else the page would ask for what it lacks


async def test_a_small_crowd_is_told_before_its_beats(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    monkeypatch.setattr(hub, "FEW", 0)
    meeting = await world.meeting()
    north, south = await world.device(NORTH), await world.device(SOUTH)
    async with world.socket(north) as other, world.socket(south) as own:
        await follow(other, meeting)
        await follow(own, meeting)
        await own.command("hand.raise", meeting)
        await other.next("ev", when=lambda ev: ev["type"] == "hand_raised")


async def test_of_the_pictures_a_crowd_is_told_the_latest_and_at_once_of_who_is_on_air(
    many: None, slow: World
) -> None:
    meeting = await slow.meeting()
    async with slow.socket(await slow.device(NORTH)) as other:
        await follow(other, meeting)
        bus, stream = slow.rooms.bus, f"eph:meeting:{meeting}"
        for live in ([SOUTH], [SOUTH, CENTRE]):
            bus.publish(stream, {"topic": "stage", "data": {"live": live, "shown": []}})
        await round_trip(other, meeting)
        assert not [frame for frame in other.passed if frame.get("data") == {"live": [SOUTH], "shown": []}]
        last = {"live": [CENTRE], "shown": []}
        bus.publish(stream, {"topic": "stage", "data": last, "hurry": True})
        frames = [await other.next("eph", when=lambda f: CENTRE in f["data"].get("live", ()))]
        frames.append(await other.next("eph", when=lambda f: f["data"] == last))
        assert [frame["data"]["live"] for frame in frames] == [[SOUTH, CENTRE], [CENTRE]]


async def test_a_crowd_is_told_of_a_cut_behind_its_picture_and_whom_it_shows_at_once(
    many: None, slow: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "PICTURE_S", 600.0)
    await slow.person()
    meeting = await slow.meeting()
    north, south = await slow.device(NORTH), await slow.device(SOUTH)
    async with slow.socket(north) as other, slow.socket(south) as own, slow.desk() as desk:
        seq = await follow(other, meeting)
        await follow(own, meeting)
        await desk.subscribe(meeting)
        bus, stream = slow.rooms.bus, f"eph:meeting:{meeting}"
        for number, slots in ((1, [SOUTH]), (2, [CENTRE])):  # it comes on air, and leaves it
            await slow.command("stage.cut", meeting, slots=slots)
            for told in (desk, own):
                await told.next("ev", when=lambda ev, slots=slots: ev["data"].get("slots") == slots)
            await round_trip(other, meeting)
            assert "stage_cut" not in heard(other)
            shown = {"slot": 0, "site": slots[0], "after_ms": 40}
            bus.publish(stream, {"topic": "stage", "data": {"live": slots, "shown": [shown]}})
            cut = await other.next("ev", when=lambda ev: ev["type"] == "stage_cut")
            assert (cut["seq"], cut["data"]["slots"]) == (seq + number, slots)


async def test_a_cut_whose_picture_does_not_come_is_told_all_the_same(
    many: None, slow: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crowd, "PICTURE_S", 0.05)
    await slow.person()
    meeting = await slow.meeting()
    async with slow.socket(await slow.device(NORTH)) as other:
        await follow(other, meeting)
        await slow.command("stage.cut", meeting, slots=[SOUTH])
        await other.next("ev", when=lambda ev: ev["type"] == "stage_cut")


async def test_who_was_told_something_lately_is_spared_two_beats_in_a_row(slow: World) -> None:
    meeting = await slow.meeting()
    async with slow.socket(await slow.device(NORTH)) as site:
        live: hub.Hub = slow.app.state.hub
        (connection,) = live.connections

        async def beats() -> int:
            before = len([frame for frame in site.passed if frame["op"] == "beat"])
            for _ in range(6):
                live.beat([connection])
            await round_trip(site, meeting)
            return len([frame for frame in site.passed if frame["op"] == "beat"]) - before

        await follow(site, meeting)
        assert await beats() == 2
        connection._spoke -= live.services.options.beat_s  # as if nothing had been said since
        live.beat([connection])
        await site.next("beat")
