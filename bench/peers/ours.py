"""Our media node, by its control socket (docs/control.md)."""

import asyncio
import json
import subprocess
from pathlib import Path
from typing import Any, ClassVar

from bench.peers.clients import Clients
from bench.peers.server import PUBLISHER, Server

LINES = 4
"""Audio and video lines of a viewer, as pages have them; one of each carries something here."""


class Ours(Server):
    """`diemcau-media serve` with one worker."""

    name: ClassVar[str] = "diemcau"

    def __init__(self, folder: Path, executable: Path, workers: int) -> None:
        super().__init__(folder)
        self.executable = executable
        self.workers = workers
        self.commands = 0
        self.replies: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self.live = asyncio.Event()
        self.writer: asyncio.StreamWriter | None = None
        self.reader: asyncio.Task[None] | None = None

    def version(self) -> str:
        done = subprocess.run([self.executable, "--version"], capture_output=True, text=True, check=True)
        return f"{done.stdout.strip()}, {self.workers} worker"

    async def start(self) -> None:
        control = self.folder / "control.sock"
        bind = ["--bind", "127.0.0.1:0", "--workers", str(self.workers)]
        await self.run(str(self.executable), "serve", "--control", str(control), *bind)
        for _ in range(300):
            try:
                reader, self.writer = await asyncio.open_unix_connection(control, limit=16 << 20)
                break
            except OSError:
                await asyncio.sleep(0.1)
        else:
            raise SystemExit(f"{self.name} did not start:\n{self.log()}")
        self.reader = asyncio.create_task(self.read(reader))
        await self.command("hello", version=1)

    async def read(self, reader: asyncio.StreamReader) -> None:
        while line := await reader.readline():
            said = json.loads(line)
            if said.get("event") == "track_live" and said.get("kind") == "video":
                self.live.set()
            if (waiting := self.replies.pop(said.get("re", ""), None)) is not None:
                waiting.set_result(said)

    async def command(self, name: str, **words: Any) -> dict[str, Any]:
        assert self.writer is not None
        self.commands += 1
        key = str(self.commands)
        future = self.replies[key] = asyncio.get_running_loop().create_future()
        self.writer.write(json.dumps({"id": key, "cmd": name, **words}).encode() + b"\n")
        reply = await asyncio.wait_for(future, 30)
        if "ok" not in reply:
            raise SystemExit(f"{name}: {reply}")
        result: dict[str, Any] = reply["ok"]
        return result

    async def publish(self, clients: Clients) -> None:
        offer = await clients.publisher_offer(PUBLISHER)
        ok = await self.command("publisher_open", publisher="p", party="p", offer=offer, codec="h264")
        clients.take_answer(PUBLISHER, ok["answer"])
        await asyncio.wait_for(self.live.wait(), 30)
        slots = [{"track": "p/video"}]
        await self.command("program_set", program="stage", codec="h264", slots=slots, mics=["p/audio"])

    async def view(self, clients: Clients, number: int) -> None:
        offer = await clients.viewer_offer(number, audio=LINES, video=LINES)
        words = {"viewer": f"v{number}", "party": f"v{number}", "program": "stage", "ceiling": "high"}
        ok = await self.command("viewer_open", offer=offer, **words)
        clients.take_answer(number, ok["answer"])

    async def stop(self) -> None:
        if self.reader is not None:
            self.reader.cancel()
        await super().stop()
