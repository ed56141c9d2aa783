import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from diemcau.media import wire
from diemcau.media.client import NodeClient
from diemcau.media.errors import BadOffer, MediaUnavailable, NodeRefused
from diemcau.media.port import NodeDown, NodeUp, Signal

from .scripted import ScriptedNode


class Heard:
    def __init__(self) -> None:
        self.signals: asyncio.Queue[Signal] = asyncio.Queue()

    async def next(self) -> Signal:
        return await asyncio.wait_for(self.signals.get(), 5)


@contextlib.asynccontextmanager
async def running(path: Path) -> AsyncIterator[tuple[NodeClient, Heard]]:
    client, heard = NodeClient(path, retry=0.005), Heard()
    client.listen(heard.signals.put_nowait)
    task = asyncio.create_task(client.run())
    try:
        yield client, heard
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "node.sock"


async def test_it_connects_to_a_node_that_starts_later_and_hands_on_its_snapshot(path: Path) -> None:
    async with running(path) as (client, heard):
        with pytest.raises(MediaUnavailable):
            await client.call(wire.StatsCommand())
        async with ScriptedNode(path).serving():
            up = await heard.next()
            assert isinstance(up, NodeUp) and up.fresh and up.incarnation == "a"
            assert client.connected


async def test_replies_find_their_commands_in_any_order(path: Path) -> None:
    held: list[str] = []

    def answer(request: dict[str, object]) -> None:
        held.append(str(request["id"]))

    async with ScriptedNode(path, answer=answer).serving() as node, running(path) as (client, heard):
        await heard.next()
        first = asyncio.create_task(client.call(wire.KeyframeCommand(track="a/video")))
        second = asyncio.create_task(client.call(wire.KeyframeCommand(track="b/video")))
        await node.receives("keyframe", 2)
        node.say({"re": held[1], "error": {"code": "bad_offer", "message": "no"}})
        with pytest.raises(BadOffer):
            await second
        assert not first.done()
        node.say({"re": held[0], "ok": {"kind": "done"}})
        assert isinstance(await first, wire.DoneReply)


async def test_a_refusal_unknown_here_keeps_the_nodes_code(path: Path) -> None:
    refuse = {"error": {"code": "exists", "message": "twice"}}
    async with ScriptedNode(path, answer=lambda _: refuse).serving(), running(path) as (client, heard):
        await heard.next()
        with pytest.raises(NodeRefused) as caught:
            await client.call(wire.LineUpCommand(tracks=[]))
        assert caught.value.details["node_code"] == "exists"


async def test_a_silent_node_is_given_up_in_time_and_its_late_reply_harms_nothing(path: Path) -> None:
    async with ScriptedNode(path, answer=lambda _: None).serving() as node, running(path) as (client, heard):
        await heard.next()
        with pytest.raises(MediaUnavailable):
            await client.call(wire.StatsCommand(), patience=0.01)
        [request] = await node.receives("stats")
        node.say({"re": request["id"], "ok": {"kind": "done"}})
        node.event({"event": "track_lost", "track": "x/video"})
        assert isinstance(await heard.next(), wire.TrackLostEvent)
        assert client.counters.timeouts == 1


async def test_a_command_survives_a_lost_connection_with_the_same_id(path: Path) -> None:
    async with ScriptedNode(path, answer=lambda _: None).serving() as node, running(path) as (client, heard):
        await heard.next()
        call = asyncio.create_task(client.call(wire.LineUpCommand(tracks=[])))
        [before] = await node.receives("line_up")
        node.answer = lambda _: {"ok": {"kind": "done"}}
        node.writers[-1].close()
        assert isinstance(await heard.next(), NodeDown)
        up = await heard.next()
        assert isinstance(up, NodeUp) and not up.fresh
        assert isinstance(await call, wire.DoneReply)
        _, after = await node.receives("line_up", 2)
        assert after == before


async def test_a_command_fails_when_another_process_answers(path: Path) -> None:
    async with ScriptedNode(path, answer=lambda _: None).serving() as node, running(path) as (client, heard):
        await heard.next()
        call = asyncio.create_task(client.call(wire.LineUpCommand(tracks=[])))
        await node.receives("line_up")
        node.incarnation = "b"
        node.writers[-1].close()
        await heard.next()
        up = await heard.next()
        assert isinstance(up, NodeUp) and up.fresh
        with pytest.raises(MediaUnavailable):
            await call


@pytest.mark.parametrize("why", ["gap", "lagged"])
async def test_missed_events_are_made_good_by_a_snapshot(path: Path, why: str) -> None:
    async with ScriptedNode(path).serving() as node, running(path) as (client, heard):
        await heard.next()
        if why == "gap":
            node.event({"event": "track_lost", "track": "x/video"}, skip=3)
            assert isinstance(await heard.next(), wire.TrackLostEvent)
        else:
            node.event({"event": "lagged", "dropped": 7})
            assert isinstance(await heard.next(), wire.LaggedEvent)
        assert isinstance(await heard.next(), wire.SnapshotEvent)
        assert client.counters.event_gaps == 1


@pytest.mark.parametrize(
    "line",
    [
        b"not json\n",
        b"[]\n",
        b"{}\n",
        b'{"re":5}\n',
        b'{"seq":9,"at":1,"event":"from_a_newer_node"}\n',
        b"\xff\xfe\n",
    ],
)
async def test_lines_not_understood_are_counted_and_change_nothing(path: Path, line: bytes) -> None:
    async with ScriptedNode(path).serving() as node, running(path) as (client, heard):
        await heard.next()
        node.writers[-1].write(line)
        node.event({"event": "track_lost", "track": "x/video"})
        assert isinstance(await heard.next(), wire.TrackLostEvent)
        assert client.counters.bad_lines == 1 and client.connected


async def test_a_node_of_another_version_is_asked_less_and_less_often(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    enough = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 6:
            enough.set()

    async with ScriptedNode(path, version=2).serving():
        client = NodeClient(path, retry=0.05, retry_max=0.4)
        monkeypatch.setattr("diemcau.media.client.asyncio.sleep", sleep)
        task = asyncio.create_task(client.run())
        await asyncio.wait_for(enough.wait(), 10)
        monkeypatch.undo()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert waits[:6] == [0.05, 0.1, 0.2, 0.4, 0.4, 0.4]
    assert not client.connected


async def test_a_node_of_another_version_is_not_used(path: Path) -> None:
    async with ScriptedNode(path, version=2).serving() as node, running(path) as (client, _):
        await node.receives("hello", 2)  # it was hung up on, and is tried again
        assert not client.connected
