"""What every server under comparison has: a process, a publisher, viewers."""

import asyncio
import contextlib
import socket
from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

from bench.peers.clients import Clients

PUBLISHER = 1 << 32
"""Number of the publishing client; viewers count from 0."""


def free_port() -> int:
    """A TCP port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server(ABC):
    """One server and its signalling."""

    name: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @abstractmethod
    def version(self) -> str:
        """Version and settings that matter."""

    @abstractmethod
    async def start(self) -> None:
        """Starts it and waits until its signalling answers."""

    @abstractmethod
    async def publish(self, clients: Clients) -> None:
        """Connects the publishing client."""

    @abstractmethod
    async def view(self, clients: Clients, number: int) -> None:
        """Gives viewer `number` its descriptions; it is connected and sees a picture later."""

    async def run(self, *command: str) -> None:
        """Starts the process, its output in a file of the folder."""
        with (self.folder / f"{self.name}.log").open("wb") as log:
            self.process = await asyncio.create_subprocess_exec(
                *command, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log
            )

    async def listening(self, port: int) -> None:
        """Waits until the port is open, 30 s at most."""
        for _ in range(300):
            if self.process is not None and self.process.returncode is not None:
                break
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.1)
        raise SystemExit(f"{self.name} did not start:\n{self.log()}")

    def log(self) -> str:
        """The end of its output."""
        path = self.folder / f"{self.name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    async def stop(self) -> None:
        """Ends the process."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.terminate()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.process.wait(), 10)
            return
        self.process.kill()
        await self.process.wait()
