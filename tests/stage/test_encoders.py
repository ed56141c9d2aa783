"""Encoders at the stage: they send unasked, hold their place, and outlive a control that starts anew."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest

from diemcau.access import Actor
from diemcau.bus import LocalBus
from diemcau.media import NoCommonCodec, wire
from diemcau.media.fake import FakeNode
from diemcau.meetings import Command, MeetingNotFound
from diemcau.meetings.commands import Join, Leave
from diemcau.meetings.meeting import Meeting
from diemcau.stage import PublisherNotFound, Stage
from diemcau.stage.mirror import encoder_name, meeting_of, token_of

FEED, TOKEN, OFFER = "s_feed", "k_1", "v=0\r\nm=audio\r\nm=video\r\nH264"
NOW = datetime(2021, 9, 5, tzinfo=UTC)


class Meetings:
    """One open meeting, and who holds a place in it."""

    def __init__(self) -> None:
        self.meeting = Meeting("m", "Họp", "h264", (), None, NOW, 3, status="open", on_air=(FEED,))
        self.invited = {FEED}
        self.places: set[str] = set()
        self.held: dict[str, set[str]] = {}

    async def state(self, _: str) -> Meeting:
        return self.meeting

    def joined(self, _: str) -> frozenset[str]:
        return frozenset(self.places)

    async def list_for(self, _: object) -> tuple[Meeting, ...]:
        return (self.meeting,)

    async def execute(self, actor: Actor, command: Command) -> None:
        if actor.id not in self.invited:
            raise MeetingNotFound
        match command.what:
            case Join():
                self.places.add(actor.id)
            case Leave():
                self.places.discard(actor.id)

    def meeting_of(self, site: str) -> str | None:
        return "m" if site in self.places else None

    def connected(self, site: str, by: str = "page") -> None:
        self.held.setdefault(site, set()).add(by)

    def disconnected(self, site: str, by: str = "page") -> None:
        self.held.get(site, set()).discard(by)

    def is_connected(self, site: str) -> bool:
        return bool(self.held.get(site))


class Bench:
    def __init__(self, node: FakeNode | None = None, meetings: Meetings | None = None) -> None:
        self.node, self.meetings = node or FakeNode(), meetings or Meetings()
        self.stage = Stage(self.node, self.meetings, LocalBus())  # type: ignore[arg-type]

    async def publish(self, token: str = TOKEN) -> str:
        opened = await self.stage.open_encoder("m", FEED, token, OFFER)
        for kind in ("audio", "video"):
            self.node.go_live(f"{opened.publisher}/{kind}")
        await self.settle()
        return opened.publisher

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    await made.stage.start()
    made.node.start()
    await made.settle()
    yield made
    await made.stage.aclose()


def test_an_encoders_name_says_its_meeting_and_its_token_and_fits_the_nodes_bound() -> None:
    meeting, token = f"m_{'0' * 26}", f"k_{'1' * 26}"
    name = encoder_name(meeting, token, "abcdefgh-_ijklmn")
    assert (meeting_of(name), token_of(name), len(name)) == (meeting, token, 64)
    assert token_of(f"{meeting}:abcdefgh-_ijklmn") is None


async def test_an_encoder_sends_unasked_and_is_shown(bench: Bench) -> None:
    publisher = await bench.publish()
    assert bench.meetings.places == {FEED} and bench.meetings.held == {FEED: {publisher}}
    assert bench.node.programs["meeting/m"].slots == [wire.Slot(track=f"{publisher}/video")]
    part = bench.stage.part("m", FEED)
    assert (part.state, part.publish) == ("on_air", None)


async def test_its_goodbye_is_its_tokens_alone_and_takes_the_site_out(bench: Bench) -> None:
    publisher = await bench.publish()
    for other in ("k_2", "", FEED):
        with pytest.raises(PublisherNotFound):
            await bench.stage.close_encoder(publisher, other)
    with pytest.raises(PublisherNotFound):  # nor is it the page's
        await bench.stage.close_publisher(publisher, FEED)
    bench.meetings.connected(FEED)
    await bench.stage.close_encoder(publisher, TOKEN)
    assert bench.meetings.places == {FEED} and bench.meetings.held == {FEED: {"page"}}
    bench.meetings.disconnected(FEED)
    await bench.stage.close_encoder(await bench.publish(), TOKEN)
    assert bench.meetings.places == set() and not bench.node.publishers


async def test_an_encoder_that_comes_back_replaces_itself_when_it_sends(bench: Bench) -> None:
    first = await bench.publish()
    second = await bench.publish()
    assert bench.node.programs["meeting/m"].slots[0].track == f"{second}/video"
    third = await bench.publish()
    assert set(bench.node.publishers) == {second, third} and first not in bench.meetings.held[FEED]
    assert bench.meetings.is_connected(FEED)


async def test_a_picture_that_the_meeting_could_not_show_is_refused(bench: Bench) -> None:
    bench.meetings.meeting.codec = "vp8"
    await bench.stage._keeper.reload("m")

    async def in_h264(command: wire.Command, **_: object) -> wire.ReplyData:
        reply = await call(command)
        if isinstance(reply, wire.PublisherReply):
            reply = reply.model_copy(
                update={"tracks": [track.model_copy(update={"codec": "h264"}) for track in reply.tracks]}
            )
        return reply

    call, bench.node.call = bench.node.call, in_h264  # type: ignore[method-assign, assignment]
    with pytest.raises(NoCommonCodec):
        await bench.stage.open_encoder("m", FEED, TOKEN, OFFER)
    assert not bench.node.publishers and not bench.meetings.places


async def test_who_is_not_invited_is_not_let_in_and_not_left_behind(bench: Bench) -> None:
    bench.meetings.invited.clear()
    with pytest.raises(MeetingNotFound):
        await bench.stage.open_encoder("m", FEED, TOKEN, OFFER)
    assert not bench.node.publishers and not bench.meetings.held.get(FEED)


async def test_a_control_that_starts_anew_takes_its_encoders_up(bench: Bench) -> None:
    publisher = await bench.publish()
    await bench.stage.aclose()
    for invited in (True, False):
        meetings = Meetings()
        meetings.invited = {FEED} if invited else set()
        again = Bench(bench.node, meetings)
        await again.stage.start()
        again.node.reconnect()
        await again.settle()
        assert (meetings.places, meetings.is_connected(FEED)) == (
            ({FEED}, True) if invited else (set(), False)
        )
        assert (publisher in bench.node.publishers) is invited
        assert again.stage.tokens() == ({TOKEN} if invited else set())
        await again.stage.aclose()


async def test_a_node_that_dies_takes_the_encoder_and_leaves_the_place_to_its_grace(bench: Bench) -> None:
    await bench.publish()
    bench.node.start()
    await bench.settle()
    assert bench.meetings.places == {FEED} and not bench.meetings.is_connected(FEED)


async def test_a_device_that_loses_its_access_takes_no_encoder_along(bench: Bench) -> None:
    publisher = await bench.publish()
    await bench.stage.close_party(FEED)
    assert publisher in bench.node.publishers
    assert bench.stage.standing(FEED) == ([], [])


async def test_an_ended_token_ends_what_it_opened(bench: Bench) -> None:
    mine, other = await bench.publish(), await bench.publish("k_2")
    viewer = await bench.stage.open_viewer("m", TOKEN, OFFER, most=1)
    assert bench.stage.tokens() == {TOKEN, "k_2"} and bench.stage.holds(viewer.viewer, TOKEN)
    await bench.stage.close_token(TOKEN)
    assert set(bench.node.publishers) == {other} and not bench.node.viewers and mine != other
    assert bench.stage.tokens() == {"k_2"}
