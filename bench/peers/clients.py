"""The load clients: one `diemcau-load endpoints` process, the same binary before every server."""

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PATIENCE = 60.0
LINE = 16 << 20


class Refused(Exception):
    """A client that could not be opened, or ended."""


class Clients:
    """Orders go in as JSON lines; answers are told apart by id and kind."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.waiting: dict[tuple[int | None, str], asyncio.Future[Any]] = {}
        self.ended: Counter[str] = Counter()
        self.reader = asyncio.create_task(self.read())

    @classmethod
    async def start(cls, executable: Path, options: Sequence[Any]) -> "Clients":
        command = [str(executable), "endpoints", *map(str, options)]
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, limit=LINE)
        assert process.stdout is not None
        first = json.loads(await asyncio.wait_for(process.stdout.readline(), PATIENCE))
        if first != {"ready": True}:
            raise SystemExit(f"{command}: {first}")
        return cls(process)

    async def read(self) -> None:
        assert self.process.stdout is not None
        while line := await self.process.stdout.readline():
            said = json.loads(line)
            number = said.get("id")
            if said.get("happened") == "ended":
                self.ended[said["code"]] += 1
                self.fail(number, f"ended: {said['code']}")
            elif "error" in said:
                self.fail(number, said["error"])
            elif "happened" in said:
                self.settle((number, said["happened"]), None)
            else:
                kind = next(kind for kind in ("offer", "answer", "stats") if kind in said)
                self.settle((number, kind), said[kind])

    def future(self, key: tuple[int | None, str]) -> asyncio.Future[Any]:
        return self.waiting.setdefault(key, asyncio.get_running_loop().create_future())

    def settle(self, key: tuple[int | None, str], value: Any) -> None:
        future = self.future(key)
        if not future.done():
            future.set_result(value)

    def fail(self, number: int | None, why: str) -> None:
        for key, future in self.waiting.items():
            if key[0] == number and not future.done():
                future.set_exception(Refused(why))

    def say(self, order: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(order).encode() + b"\n")

    async def wait(self, number: int | None, kind: str) -> Any:
        try:
            return await asyncio.wait_for(self.future((number, kind)), PATIENCE)
        finally:
            self.waiting.pop((number, kind), None)

    async def publisher_offer(self, number: int) -> str:
        self.say({"publish": {"id": number}})
        return str(await self.wait(number, "offer"))

    async def viewer_offer(self, number: int, *, audio: int, video: int) -> str:
        self.say({"view": {"id": number, "audio": audio, "video": video}})
        return str(await self.wait(number, "offer"))

    def take_answer(self, number: int, sdp: str) -> None:
        """The server's answer: from now on the client connects."""
        self.say({"answer": {"id": number, "sdp": sdp}})

    async def answer(self, number: int, offer: str) -> str:
        """Our answer to the server's offer."""
        self.say({"offer": {"id": number, "sdp": offer}})
        return str(await self.wait(number, "answer"))

    async def happened(self, number: int, what: str) -> None:
        """Waits for `connected` or `pictured`."""
        await self.wait(number, what)

    async def stats(self) -> dict[str, Any]:
        self.say({"stats": {}})
        result: dict[str, Any] = await self.wait(None, "stats")
        return result

    async def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), 10)
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        self.reader.cancel()
