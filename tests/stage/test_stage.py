"""The stage over a node in memory: what it tells the node, and when."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from diemcau.bus import EVENTS, LocalBus
from diemcau.media import MediaUnavailable, wire
from diemcau.media.fake import FakeNode
from diemcau.meetings import MeetingNotFound, MeetingNotOpen
from diemcau.meetings.meeting import Meeting, Speaker
from diemcau.meetings.order import Listed, Order
from diemcau.meetings.presence import PRESENCE
from diemcau.stage import (
    GONE,
    LINES,
    STANDING,
    NotAskedToPublish,
    PublisherNotFound,
    Stage,
    TooManyPins,
    ViewerNotFound,
)

CHAIR, ANN, BEN = "s_chair", "s_ann", "s_ben"
OFFER = "v=0\r\nm=video\r\nm=video\r\nH264"
NOW = datetime(2021, 9, 5, tzinfo=UTC)


class Meetings:
    """What the stage needs of meetings: their states."""

    def __init__(self, bus: LocalBus) -> None:
        self.bus = bus
        self.present = {CHAIR, ANN}
        self.states = {"m": Meeting("m", "Họp", "h264", (), CHAIR, NOW, 3, status="open", on_air=(CHAIR,))}

    async def state(self, meeting: str) -> Meeting:
        if meeting not in self.states:
            raise MeetingNotFound
        return self.states[meeting]

    async def list_for(self, _: object) -> tuple[Meeting, ...]:
        return tuple(self.states.values())

    def joined(self, _: str) -> frozenset[str]:
        return frozenset(self.present)

    def come(self, site: str) -> None:
        self.present.add(site)
        self.bus.publish(f"{PRESENCE}meeting:m", {})

    def change(self, meeting: str = "m", **changes: Any) -> None:
        for name, value in changes.items():
            setattr(self.states[meeting], name, value)
        self.bus.publish(f"{EVENTS}meeting:{meeting}", {})


class Bench:
    def __init__(self) -> None:
        self.bus, self.node = LocalBus(), FakeNode()
        self.meetings = Meetings(self.bus)
        self.stage = Stage(self.node, self.meetings, self.bus)  # type: ignore[arg-type]

    @property
    def program(self) -> wire.ProgramState:
        return self.node.programs["meeting/m"]

    async def settle(self) -> None:
        for _ in range(50):
            await asyncio.sleep(0)

    async def publish(self, site: str, *, live: bool = True) -> str:
        opened = await self.stage.open_publisher("m", site, OFFER)
        if live:
            self.node.go_live(f"{opened.publisher}/audio")
            self.node.go_live(f"{opened.publisher}/video")
            await self.settle()
        return opened.publisher


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made = Bench()
    await made.stage.start()
    made.node.start()
    await made.settle()
    yield made
    await made.stage.aclose()


@contextmanager
def heard(bench: Bench, topic: str) -> Iterator[list[Any]]:
    bodies: list[Any] = []
    subscription = bench.bus.subscribe(topic)

    async def read() -> None:
        async for message in subscription:
            bodies.append(message.body)  # noqa: PERF401 - read while it grows

    task = asyncio.create_task(read())
    try:
        yield bodies
    finally:
        subscription.close()
        task.cancel()


async def test_an_open_meeting_has_its_program_as_soon_as_a_node_is_there(bench: Bench) -> None:
    assert bench.program.slots == [wire.Slot()]


async def test_a_cut_waits_for_the_picture_and_then_is_one_command(bench: Bench) -> None:
    chair = await bench.publish(CHAIR)
    bench.meetings.change(on_air=(ANN,), before=(CHAIR,), speakers={ANN: Speaker(NOW)})
    await bench.settle()
    assert bench.stage.part("m", ANN).publish is not None
    assert bench.program.slots[0].track == f"{chair}/video"
    ann = await bench.publish(ANN, live=False)
    await bench.settle()
    bench.node.commands.clear()
    bench.node.go_live(f"{ann}/video")
    await bench.settle()
    assert [command.cmd for command in bench.node.commands] == ["slot_set"]
    assert bench.program.slots == [wire.Slot(track=f"{ann}/video", alternate=f"{chair}/video")]
    assert bench.stage.part("m", ANN).state == "on_air"


async def test_who_is_muted_is_out_of_the_program_at_once(bench: Bench) -> None:
    chair = await bench.publish(CHAIR)
    bench.meetings.change(speakers={ANN: Speaker(NOW)}, chair_mic="open")
    await bench.settle()
    ann = await bench.publish(ANN)
    assert bench.program.mics == [f"{chair}/audio", f"{ann}/audio"]
    bench.meetings.change(speakers={ANN: Speaker(NOW, "muted")})
    await bench.settle()
    assert bench.program.mics == [f"{chair}/audio"]
    bench.meetings.change(speakers={}, chair_mic="off")
    await bench.settle()
    assert bench.program.mics == []


async def test_only_who_is_asked_may_publish(bench: Bench) -> None:
    with pytest.raises(NotAskedToPublish):
        await bench.stage.open_publisher("m", ANN, OFFER)
    with pytest.raises(MeetingNotOpen):
        await bench.stage.open_publisher("m_none", ANN, OFFER)


async def test_a_pin_asks_the_site_and_shows_it_when_it_comes(bench: Bench) -> None:
    viewer = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    await bench.stage.pin(viewer, "p_1", 1, BEN)
    publish = bench.stage.part("m", BEN).publish
    assert publish is not None and publish.video and not publish.audio
    ben = await bench.publish(BEN)
    assert bench.node.pins[viewer, 1] == f"{ben}/video"
    await bench.stage.pin(viewer, "p_1", 1, None)
    assert bench.node.pins[viewer, 1] is None
    assert bench.stage.part("m", BEN).publish is None


async def test_a_viewer_is_its_partys_own(bench: Bench) -> None:
    viewer = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    for attempt in (
        bench.stage.pin(viewer, "p_2", 0, BEN),
        bench.stage.close_viewer(viewer, "p_2"),
        bench.stage.pin("v_none", "p_1", 0, BEN),
    ):
        with pytest.raises(ViewerNotFound):
            await attempt
    with pytest.raises(TooManyPins):
        await bench.stage.pin(viewer, "p_1", 2, BEN)
    publisher = await bench.publish(CHAIR)
    with pytest.raises(PublisherNotFound):
        await bench.stage.close_publisher(publisher, ANN)


async def test_a_party_holds_a_few_viewers_and_a_new_one_replaces(bench: Bench) -> None:
    first = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    second = (await bench.stage.open_viewer("m", "p_1", OFFER, replaces=first)).viewer
    assert set(bench.node.viewers) == {second}
    for _ in range(12):
        await bench.stage.open_viewer("m", "p_1", OFFER)
    assert len(bench.node.viewers) == 8 and second not in bench.node.viewers


async def test_a_viewer_without_the_meetings_codec_is_told_so(bench: Bench) -> None:
    opened = await bench.stage.open_viewer("m", "p_1", "v=0\r\nm=video\r\nVP8")
    assert opened.codecs == ("vp8",) and not opened.can_show


async def test_preview_keeps_pictures_warm(bench: Bench) -> None:
    bench.meetings.change(preview=(BEN,))
    await bench.settle()
    ben = await bench.publish(BEN)
    assert bench.node.line_up == [f"{ben}/video"]


async def test_the_next_of_the_speakers_list_is_asked_to_send_as_soon_as_it_is_there(bench: Bench) -> None:
    listed = Order(listed=(Listed(BEN), Listed(ANN)))
    bench.meetings.change(order=listed)
    await bench.settle()
    assert bench.stage.part("m", ANN).checked, "who is not there is passed over, as 'next' does"
    bench.meetings.come(BEN)
    await bench.settle()
    assert bench.stage.part("m", BEN).checked and not bench.stage.part("m", ANN).checked
    ben = await bench.publish(BEN)
    assert bench.node.line_up == [f"{ben}/video"]
    bench.meetings.change(order=Order(listed=(Listed(ANN),)))
    await bench.settle()
    assert bench.stage.part("m", BEN).publish is None and bench.stage.part("m", ANN).checked


async def test_a_restarted_node_is_given_everything_again_and_parties_are_told(bench: Bench) -> None:
    await bench.publish(CHAIR)
    viewer = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    with heard(bench, GONE) as told:
        bench.node.disconnect()
        with pytest.raises(MediaUnavailable):
            await bench.stage.open_viewer("m", "p_1", OFFER)
        bench.node.start()
        await bench.settle()
    assert {body["party"] for body in told} == {CHAIR, "p_1"}
    assert [viewer] in [body["viewers"] for body in told]
    assert bench.program.slots == [wire.Slot()]
    chair = await bench.publish(CHAIR)
    assert bench.program.slots[0].track == f"{chair}/video"


async def test_a_new_control_finds_a_running_node_and_disturbs_no_picture(bench: Bench) -> None:
    chair = await bench.publish(CHAIR)
    bench.meetings.change(on_air=(ANN,), speakers={ANN: Speaker(NOW)})
    await bench.settle()
    ann = await bench.publish(ANN)
    viewer = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    before = bench.program
    await bench.stage.aclose()
    bench.meetings.change(speakers={ANN: Speaker(NOW, "muted")})  # while control was away
    bench.node._handlers.clear()
    again = Stage(bench.node, bench.meetings, bench.bus)  # type: ignore[arg-type]
    await again.start()
    bench.node.commands.clear()
    bench.node.reconnect(fresh=True)
    await bench.settle()
    assert bench.program.slots == before.slots
    assert before.mics == [f"{ann}/audio"] and bench.program.mics == []
    assert [command.cmd for command in bench.node.commands] == ["mics_set"]
    assert again.part("m", ANN).state == "on_air"
    await again.close_viewer(viewer, "p_1")
    await again.close_publisher(chair, CHAIR)
    await again.aclose()


async def test_a_connection_that_ends_by_itself_is_told_to_its_party(bench: Bench) -> None:
    viewer = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    with heard(bench, GONE) as told:
        bench.node.gone(viewer, "timeout")
        await bench.settle()
        assert told == [{"party": "p_1", "viewers": [viewer], "publishers": [], "reason": "timeout"}]


async def test_which_connections_stand_is_known_once_the_node_was_heard(bench: Bench) -> None:
    viewer = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    second = (await bench.stage.open_viewer("m", "p_1", OFFER)).viewer
    chair = await bench.publish(CHAIR)
    assert bench.stage.standing("p_1") == ([viewer, second], [])
    assert bench.stage.standing(CHAIR) == ([], [chair])
    await bench.stage.close_viewer(viewer, "p_1")
    assert bench.stage.standing("p_1") == ([second], [])
    # A control that starts anew knows nothing before the node has said what it holds.
    await bench.stage.aclose()
    bench.node._handlers.clear()
    again = Stage(bench.node, bench.meetings, bench.bus)  # type: ignore[arg-type]
    await again.start()
    assert again.standing("p_1") is None
    with heard(bench, STANDING) as told:
        await bench.settle()
        bench.node.reconnect(fresh=True)
        await bench.settle()
    assert told == [{}]
    assert again.standing("p_1") == ([second], [])
    assert again.standing(CHAIR) == ([], [chair])
    await again.aclose()


async def test_a_meeting_that_ends_takes_its_program_along(bench: Bench) -> None:
    await bench.publish(CHAIR)
    bench.meetings.change(status="ended")
    await bench.settle()
    assert bench.node.programs == {}
    assert bench.stage.part("m", CHAIR).publish is None
    with pytest.raises(MeetingNotOpen):
        await bench.stage.open_viewer("m", "p_1", OFFER)


async def test_a_meeting_that_ends_while_the_node_refuses_is_taken_off_the_air_all_the_same(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.stage.keeper.RETRY_S", 0.0)
    call, failures = bench.node.call, iter([True])

    async def failing(command: wire.Command, *, patience: float = 5.0) -> wire.ReplyData:
        if command.cmd == "program_delete" and next(failures, False):
            raise MediaUnavailable("test")
        return await call(command, patience=patience)

    await bench.publish(CHAIR)
    bench.meetings.change(chair_mic="open")
    await bench.settle()
    monkeypatch.setattr(bench.node, "call", failing)
    bench.meetings.change(status="ended", chair_mic="off", on_air=(None,))
    await bench.settle()
    assert bench.stage.counters.commands_failed == 1
    assert bench.node.programs == {}


async def test_a_site_holds_no_more_than_two_publishers(bench: Bench) -> None:
    opened = [await bench.publish(CHAIR, live=False) for _ in range(4)]
    assert sorted(bench.node.publishers) == sorted(opened[-2:])
    assert bench.stage.standing(CHAIR) == ([], opened[-2:])


async def test_levels_and_speakers_are_told_by_site(bench: Bench) -> None:
    chair = await bench.publish(CHAIR)
    with heard(bench, "eph:meeting:m") as told:
        level = wire.Level(track=f"{chair}/audio", dbov=-31)
        bench.node.emit(wire.LevelsEvent(seq=90, at=1, levels=[level, wire.Level(track="x/audio", dbov=-1)]))
        bench.node.emit(wire.SpeakingEvent(seq=91, at=1, program="meeting/m", tracks=[f"{chair}/audio"]))
        bench.node.emit(
            wire.SlotShownEvent(
                seq=92, at=1, program="meeting/m", slot=0, track=f"{chair}/video", after_ms=84
            )
        )
        await bench.settle()
    by_topic = {body["topic"]: body["data"] for body in told}
    assert by_topic["levels"] == {"levels": {CHAIR: -31}}
    assert by_topic["speaking"] == {"sites": [CHAIR]}
    assert by_topic["stage"] == {"live": [CHAIR], "shown": [{"slot": 0, "site": CHAIR, "after_ms": 84}]}


def quality(seq: int, **steps: wire.Step) -> wire.QualityEvent:
    viewers = [
        wire.ViewerQuality(
            viewer=viewer, loss=0.0, nacks=0, plis=0, step=step, why=None if step == "high" else "estimate"
        )
        for viewer, step in steps.items()
    ]
    return wire.QualityEvent(seq=seq, at=1, viewers=viewers)


async def test_a_party_is_told_at_once_what_its_line_carries_and_only_when_that_changes(bench: Bench) -> None:
    opened = await bench.stage.open_viewer("m", ANN, OFFER)
    with heard(bench, LINES) as told:
        for step in ("low", "low", "slides"):
            bench.node.emit(quality(90, **{opened.viewer: step}))
        bench.node.emit(quality(91, **{"m:unknown": "low"}))
        await bench.settle()
    line = {"party": ANN, "viewer": opened.viewer, "why": "estimate"}
    assert told == [{"viewers": [{**line, "step": "low"}]}, {"viewers": [{**line, "step": "slides"}]}]
    assert bench.stage.lines(ANN) == {opened.viewer: {"step": "slides", "why": "estimate"}}


async def test_operators_are_told_of_ten_thousand_lines_in_one_message_and_of_changes_only(
    bench: Bench,
) -> None:
    viewers = [(await bench.stage.open_viewer("m", f"s_{n}", OFFER)).viewer for n in range(10_000)]
    told = aiter(bench.bus.subscribe("eph:meeting:m"))

    async def steps() -> Any:
        message = await asyncio.wait_for(anext(told), 5)
        assert message.body["topic"] == "quality"
        data: Any = message.body["data"]
        return data["steps"]

    bench.node.emit(quality(90, **dict.fromkeys(viewers, "low")))
    bench.node.emit(quality(91, **{viewers[7]: "high", viewers[8]: "text"}))
    first = await steps()
    bench.node.emit(quality(92, **{viewers[0]: "high"}))
    bench.node.gone(viewers[1])
    second = await steps()
    assert len(first) == 9_999 and first["s_8"] == "text" and "s_7" not in first
    assert second == {"s_0": "high", "s_1": "high"}
    full = dict(bench.stage.ephemera("m"))["quality"]
    assert len(full["steps"]) == 9_997 and full["full"] is True  # type: ignore[arg-type]


async def test_what_lines_carry_is_known_again_from_the_snapshot_of_a_running_node(bench: Bench) -> None:
    opened = await bench.stage.open_viewer("m", ANN, OFFER)
    state = bench.node.viewers[opened.viewer]
    bench.node.viewers[opened.viewer] = state.model_copy(update={"step": "audio"})
    bench.node.disconnect()
    bench.node.reconnect()
    await bench.settle()
    assert bench.stage.lines(ANN)[opened.viewer]["step"] == "audio"
    assert bench.stage.shows("m", CHAIR) and not bench.stage.shows("m", BEN)


async def test_a_refused_command_is_tried_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("diemcau.stage.keeper.RETRY_S", 0.0)
    call, failures = bench.node.call, iter([True, True])

    async def failing(command: wire.Command, *, patience: float = 5.0) -> wire.ReplyData:
        if command.cmd == "mics_set" and next(failures, False):
            raise MediaUnavailable("test")
        return await call(command, patience=patience)

    chair = await bench.publish(CHAIR)
    monkeypatch.setattr(bench.node, "call", failing)
    bench.meetings.change(chair_mic="open")
    await bench.settle()
    assert bench.program.mics == [f"{chair}/audio"]
    assert bench.stage.counters.commands_failed == 1  # then the program was set whole
