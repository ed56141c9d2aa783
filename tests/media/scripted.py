"""A node's side of the control socket, written by hand: real socket, scripted answers."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

Answer = Callable[[dict[str, Any]], dict[str, Any] | None]


def done(_: dict[str, Any]) -> dict[str, Any]:
    return {"ok": {"kind": "done"}}


class ScriptedNode:
    """Says hello and a snapshot to every connection, then answers each command with `answer`."""

    def __init__(self, path: Path, incarnation: str = "a", answer: Answer = done, version: int = 1) -> None:
        self.path, self.incarnation, self.answer, self.version = path, incarnation, answer, version
        self.received: list[dict[str, Any]] = []
        self.arrived = asyncio.Condition()
        self.writers: list[asyncio.StreamWriter] = []
        self.seq = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.writers.append(writer)
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                request = json.loads(line)
                async with self.arrived:
                    self.received.append(request)
                    self.arrived.notify_all()
                if request["cmd"] == "hello":
                    hello = {"kind": "hello", "version": self.version, "incarnation": self.incarnation}
                    self.say({"re": request["id"], "ok": hello | {"workers": 1}}, writer)
                    self.snapshot(writer)
                elif request["cmd"] == "snapshot":
                    self.say({"re": request["id"], "ok": {"kind": "done"}}, writer)
                    self.snapshot(writer)
                elif (answer := self.answer(request)) is not None:
                    self.say({"re": request["id"]} | answer, writer)

    def say(self, document: dict[str, Any], writer: asyncio.StreamWriter | None = None) -> None:
        (writer or self.writers[-1]).write(json.dumps(document).encode() + b"\n")

    def event(self, what: dict[str, Any], *, skip: int = 0) -> None:
        self.seq += 1 + skip
        self.say({"seq": self.seq, "at": 1} | what)

    def snapshot(self, writer: asyncio.StreamWriter) -> None:
        self.seq += 1
        body = {"event": "snapshot", "viewers": [], "publishers": [], "programs": []}
        self.say({"seq": self.seq, "at": 1} | body, writer)

    async def receives(self, command: str, count: int = 1) -> list[dict[str, Any]]:
        def found() -> list[dict[str, Any]]:
            return [request for request in self.received if request["cmd"] == command]

        async with self.arrived:
            await self.arrived.wait_for(lambda: len(found()) >= count)
        return found()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator["ScriptedNode"]:
        server = await asyncio.start_unix_server(self, str(self.path))
        try:
            yield self
        finally:
            server.close()
            for writer in self.writers:
                writer.close()
            await asyncio.sleep(0)
            self.path.unlink(missing_ok=True)
