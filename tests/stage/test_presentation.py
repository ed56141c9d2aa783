"""What an operator presents, over a node in memory: whose connection it is, and what a slot shows of it."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from diemcau.media import wire
from diemcau.meetings import PRESENTATION
from diemcau.meetings.staging import Hold, Presentation, Staging
from diemcau.stage import GONE, NotAskedToPublish, PublisherNotFound, Stage

from .test_stage import ANN, CHAIR, OFFER, Bench, bench, heard

__all__ = ["bench"]

NOW = datetime(2021, 9, 5, tzinfo=UTC)
SHOWN = Staging(
    on_air="slides_speaker", presentation=Presentation("key-0001", "p_1", "Bình", "Báo cáo.pdf", NOW)
)


async def presents(bench: Bench) -> str:
    bench.meetings.change(staging=SHOWN, on_air=(PRESENTATION, CHAIR))
    await bench.settle()
    opened = await bench.stage.open_presentation("m", "p_1", OFFER)
    bench.node.go_live(f"{opened.publisher}/video")
    await bench.settle()
    return opened.publisher


async def test_only_who_presents_sends_and_all_see_it_himself_too(bench: Bench) -> None:
    with pytest.raises(NotAskedToPublish):
        await bench.stage.open_presentation("m", "p_1", OFFER)
    publisher = await presents(bench)
    with pytest.raises(NotAskedToPublish):
        await bench.stage.open_presentation("m", "p_2", OFFER)
    assert bench.program.slots[0] == wire.Slot(track=f"{publisher}/video")
    # The node shows nobody his own: the presenter's desk is another party than what he presents.
    assert bench.node.publishers[publisher].party == PRESENTATION
    assert bench.stage.part("m", PRESENTATION).publish is None, "it is no site"
    with pytest.raises(PublisherNotFound):
        await bench.stage.close_publisher(publisher, "p_2")
    await bench.stage.close_publisher(publisher, "p_1")
    assert publisher not in bench.node.publishers


async def test_what_is_presented_in_one_meeting_is_seen_in_no_other(bench: Bench) -> None:
    await presents(bench)
    other = replace(bench.meetings.states["m"], id="n", on_air=(PRESENTATION,), staging=Staging())
    bench.meetings.states["n"] = other
    bench.meetings.change("n")
    await bench.settle()
    assert bench.node.programs["meeting/n"].slots == [wire.Slot()]


async def test_a_presenter_is_told_of_his_connection_also_by_a_control_that_starts_anew(bench: Bench) -> None:
    publisher = await presents(bench)
    assert bench.stage.standing("p_1") == ([], [publisher])
    await bench.stage.aclose()
    bench.node._handlers.clear()
    again = Stage(bench.node, bench.meetings, bench.bus)  # type: ignore[arg-type]
    await again.start()
    bench.node.reconnect(fresh=True)
    await bench.settle()
    assert again.standing("p_1") == ([], [publisher])
    with heard(bench, GONE) as told:
        bench.node.gone(publisher, "timeout")
        await bench.settle()
    assert [(body["party"], body["publishers"]) for body in told] == [("p_1", [publisher])]
    assert bench.program.slots[0] == wire.Slot()
    await again.aclose()


async def test_the_holding_picture_takes_pictures_off_the_air_and_keeps_them_ready(bench: Bench) -> None:
    chair = await bench.publish(CHAIR)
    bench.meetings.change(staging=Staging(hold=Hold(NOW)), chair_mic="open")
    await bench.settle()
    assert bench.program.slots == [wire.Slot()] and bench.program.mics == [f"{chair}/audio"]
    assert bench.node.line_up == [f"{chair}/video"]
    assert bench.stage.part("m", CHAIR).state == "in_meeting", "nobody sees it"
    bench.node.commands.clear()
    bench.meetings.change(staging=Staging())
    await bench.settle()
    assert [one.cmd for one in bench.node.commands] == ["slot_set", "line_up"]
    assert bench.program.slots == [wire.Slot(track=f"{chair}/video")]
    assert bench.stage.part("m", ANN).publish is None
