"""The real media node under its supervisor: starts, dies, is adopted. Fails where it was not built."""

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from diemcau.media import wire
from diemcau.media.client import NodeClient
from diemcau.media.errors import BadOffer, MediaExecutableMissing, MediaUnavailable, ViewerNotFound
from diemcau.media.executable import find
from diemcau.media.port import NodeUp, Signal
from diemcau.media.supervisor import NodeOptions, Supervisor, owner


class Kept:
    """A supervised node, and the signals of its client."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "media.sock"
        self.client = NodeClient(self.socket)
        options = NodeOptions(find(), self.socket, workers=1, log_file=folder / "media.log")
        self.supervisor = Supervisor(options, self.client)
        self.signals: asyncio.Queue[Signal] = asyncio.Queue()
        self.client.listen(self.signals.put_nowait)

    async def up(self) -> NodeUp:
        async with asyncio.timeout(20):
            while not isinstance(signalled := await self.signals.get(), NodeUp):
                pass
        return signalled


@contextlib.asynccontextmanager
async def kept(folder: Path, *, stop: bool = True) -> AsyncIterator[tuple[Kept, NodeUp]]:
    made = Kept(folder)
    task = asyncio.create_task(made.supervisor.run())
    try:
        yield made, await made.up()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if stop:
            await made.supervisor.stop()


async def test_a_node_is_started_and_does_as_the_schema_says(tmp_path: Path) -> None:
    async with kept(tmp_path) as (node, up):
        assert up.fresh and up.snapshot.programs == []
        assert node.socket.stat().st_mode & 0o777 == 0o600
        call = node.client.call
        slot = wire.Slot(track="m:a/video", alternate="m:b/video")
        command = wire.ProgramSetCommand(program="meeting/m", codec="h264", slots=[slot], mics=["m:a/audio"])
        assert isinstance(await call(command), wire.DoneReply)
        assert isinstance(await call(wire.MicsSetCommand(program="meeting/m", mics=[])), wire.DoneReply)
        with pytest.raises(BadOffer):
            await call(wire.ViewerOpenCommand(viewer="m:v", offer="nonsense", program="meeting/m"))
        with pytest.raises(ViewerNotFound):
            await call(wire.ViewerPinCommand(viewer="m:none", line=0, track="m:a/video"))
        stats = await call(wire.StatsCommand())
        assert isinstance(stats, wire.StatsReply) and stats.viewers == 0
        await call(wire.SnapshotCommand())
        async with asyncio.timeout(5):
            while not isinstance(event := await node.signals.get(), wire.SnapshotEvent):
                pass
        [program] = event.programs
        assert program.slots == [slot] and program.mics == []
    assert await asyncio.to_thread(owner, node.socket) is None


async def test_a_killed_node_is_started_again_and_is_another(tmp_path: Path) -> None:
    async with kept(tmp_path) as (node, first):
        assert node.supervisor.pid is not None
        os.kill(node.supervisor.pid, signal.SIGKILL)
        second = await node.up()
        assert second.fresh and second.incarnation != first.incarnation
        assert node.supervisor.restarts == 1


async def test_a_node_outlives_its_control_and_is_adopted(tmp_path: Path) -> None:
    async with kept(tmp_path, stop=False) as (node, first):
        pid = node.supervisor.pid
        command = wire.ProgramSetCommand(program="meeting/m", codec="vp8", slots=[wire.Slot()])
        await node.client.call(command)
    async with kept(tmp_path) as (again, second):
        assert again.supervisor.pid == pid
        assert second.incarnation == first.incarnation
        assert [program.program for program in second.snapshot.programs] == ["meeting/m"]
    assert await asyncio.to_thread(owner, again.socket) is None  # `stop` ends an adopted one too


async def test_a_node_that_cannot_start_is_tried_again_later(tmp_path: Path) -> None:
    script = tmp_path / "node"
    count = tmp_path / "count"
    script.write_text(f"#!/bin/sh\necho x >> {count}\nexit 3\n")
    script.chmod(0o755)
    client = NodeClient(tmp_path / "media.sock")
    supervisor = Supervisor(NodeOptions(script, client.path), client)
    task = asyncio.create_task(supervisor.run())
    async with asyncio.timeout(20):
        while supervisor.restarts < 3:  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.02)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await supervisor.stop()
    assert count.read_text().count("x") >= 3
    with pytest.raises(MediaUnavailable):
        await client.call(wire.StatsCommand())


def test_the_executable_is_looked_for_where_it_was_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "none"
    with pytest.raises(MediaExecutableMissing):
        find(setting=missing)
    monkeypatch.setenv("DIEMCAU_MEDIA", str(missing))
    with pytest.raises(MediaExecutableMissing):
        find()
    monkeypatch.setenv("DIEMCAU_MEDIA", sys.executable)
    assert find() == Path(sys.executable)
