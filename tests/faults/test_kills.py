"""SIGKILL in a meeting, of control, of the node, of both: all come back by themselves to what was decided."""

import time
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client

from tests.faults.desk import Desk, desk
from tests.faults.house import CENTRE, House, until
from tests.faults.node import Node, node_at
from tests.faults.sites import Sites, sites

SPEAKER, WAITING = "s_79", "s_01"
BACK_S = 10.0
"""Within so many seconds everyone is back (measured from when the dead part serves again)."""


def hold_meeting(house: House, running: Sites, operator: Client, watcher: Desk) -> dict[str, Any]:
    """All are in; a province has the floor and is on air beside the centre, another's hand is up."""
    watcher.wait_state("all joined", lambda: watcher.joined == house.nation.sites)
    house.command(operator, "stage.cut", slots=[CENTRE])
    # The meeting opens with its picture: it may have been shown before all were in.
    watcher.wait_state("the centre is shown", lambda: CENTRE in watcher.shown)
    for site in (SPEAKER, WAITING):
        house.command(house.site(site), "hand.raise")
    house.command(operator, "floor.give", site=SPEAKER)
    watcher.wait_shown(SPEAKER)
    running.wait_joined()  # the centre saw nobody as long as nobody but itself was on air
    house.command(operator, "message.post", text="Xin mời điểm cầu phát biểu", to="all")
    held = house.state(operator)
    assert [hand["site"] for hand in held["state"]["floor"]["hands"]] == [WAITING]
    assert [speaker["site"] for speaker in held["state"]["floor"]["speakers"]] == [SPEAKER]
    assert SPEAKER in held["state"]["stage"]["on_air"]
    return held


def two_seconds_of(node: Node) -> int:
    """Packets that the node sent while its once-a-second levels came twice."""
    before = node.call("stats")["packets_out"]
    node.event("levels")
    node.event("levels")
    return int(node.call("stats")["packets_out"]) - int(before)


def program(house: House) -> str:
    return f"meeting/{house.nation.meeting}"


def test_control_killed_leaves_pictures_running_and_comes_back_as_it_was(
    served: House, clips: Path, record_property: Any
) -> None:
    operator = served.operator()
    with desk(served, operator) as watcher, sites(served, clips) as running:
        held = hold_meeting(served, running, operator, watcher)
        on_air = held["state"]["stage"]["on_air"]
        node = served.node
        served.kill()
        watcher.wait_closed()
        assert served.node == node
        with node_at(served.data) as direct:
            incarnation = direct.incarnation
            assert direct.shown(program(served)) == on_air
            assert len(direct.snapshot["viewers"]) == len(served.nation.sites)
            # 7 viewers x 15 frames/s, and sound: some hundred packets at the least.
            assert two_seconds_of(direct) > 150
        began = time.monotonic()
        served.start()
        serving = time.monotonic()
        assert served.node == node
        watcher.reconnect()
        watcher.wait_state("all back", lambda: watcher.joined == served.nation.sites, BACK_S)
        record_property("serving_s", serving - began)
        record_property("all_back_s", time.monotonic() - serving)
        assert served.state(operator) == held
        # The floor can be taken and given as if nothing had been.
        house_seq = served.command(operator, "floor.give", site=WAITING)
        assert house_seq > held["seq"]
        watcher.wait_shown(WAITING)
        with node_at(served.data) as direct:
            assert direct.incarnation == incarnation
            assert direct.shown(program(served)) == served.state(operator)["state"]["stage"]["on_air"]
        report = running.stop()
    counters = report["counters"]
    # Nobody opened a second connection, nothing was lost, no picture stood still.
    assert counters["viewers"] == counters["pictured"] == len(served.nation.sites), report
    assert counters["viewers_failed"] == counters["publishers_failed"] == 0, report
    assert counters["video_lost"] == counters["audio_lost"] == 0, report
    assert report["violations"] == {}, report
    assert served.verified_head().seq >= house_seq


def test_a_killed_node_is_restarted_and_everyone_sees_the_stage_again(
    served: House, clips: Path, record_property: Any
) -> None:
    operator = served.operator()
    with desk(served, operator) as watcher, sites(served, clips) as running:
        held = hold_meeting(served, running, operator, watcher)
        killed = served.kill_node()
        began = time.monotonic()
        watcher.wait_shown(SPEAKER, BACK_S)
        record_property("shown_s", time.monotonic() - began)
        everyone = len(served.nation.sites)
        until("all watch again", lambda: served.metric("diemcau_node_viewers") == everyone, BACK_S)
        record_property("all_back_s", time.monotonic() - began)
        assert served.node not in (None, killed)
        assert served.state(operator) == held
        assert watcher.joined == served.nation.sites
        with node_at(served.data) as direct:
            assert direct.shown(program(served)) == held["state"]["stage"]["on_air"]
            assert two_seconds_of(direct) > 150
        report = running.stop()
    counters = report["counters"]
    assert counters["viewers"] == counters["pictured"] == 2 * everyone, report
    assert report["violations"] == {}, report


def test_both_killed_come_back_with_what_was_committed(
    served: House, clips: Path, record_property: Any
) -> None:
    operator = served.operator()
    with desk(served, operator) as watcher, sites(served, clips) as running:
        held = hold_meeting(served, running, operator, watcher)
        killed = served.kill_node()
        served.kill()
        served.start()
        serving = time.monotonic()
        watcher.reconnect()
        watcher.wait_state("all back", lambda: watcher.joined == served.nation.sites, BACK_S)
        everyone = len(served.nation.sites)
        until("all watch again", lambda: served.metric("diemcau_node_viewers") == everyone, BACK_S)
        watcher.wait_state("the stage sends", lambda: SPEAKER in watcher.live, BACK_S)
        record_property("all_back_s", time.monotonic() - serving)
        assert time.monotonic() - serving < BACK_S
        assert served.node not in (None, killed)
        assert served.state(operator) == held
        with node_at(served.data) as direct:
            assert direct.shown(program(served)) == held["state"]["stage"]["on_air"]
            assert two_seconds_of(direct) > 150
        report = running.stop()
    counters = report["counters"]
    assert counters["pictured"] == 2 * everyone, report
    assert report["violations"] == {}, report
    assert served.verified_head().seq == held["seq"]


pytestmark = [pytest.mark.alone, pytest.mark.timeout(100)]
