"""A long, lossy line before a server: its TCP here, its media through `diemcau-load net`.

There is no `netem` on every machine, so a lost TCP segment is what a sender makes of one: what comes
behind it waits for its repetition (RFC 6298: at least a round trip, 200 ms on Linux).
"""

import asyncio
import random
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Final

from tests.browser.lines import emulator

REPEATED_S: Final = 0.2
CHUNK: Final = 1400


@dataclass(frozen=True)
class FarLine:
    """`port`: the server's TCP door as seen from far; `detours`: UDP ports to those that lead there."""

    port: int
    detours: dict[int, int]


async def _pipe(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, loss: float, rng: random.Random
) -> None:
    """One way of a connection; what is under way is bounded by the queue."""
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(256)
    now = asyncio.get_running_loop().time

    async def arrive() -> None:
        while True:
            at, chunk = await under_way.get()
            await asyncio.sleep(max(0.0, at - now()))
            if not chunk:
                writer.write_eof()
                return
            writer.write(chunk)
            await writer.drain()

    async with asyncio.TaskGroup() as both:
        both.create_task(arrive())
        latest = 0.0
        while True:
            chunk = await reader.read(CHUNK)
            late = REPEATED_S + 2 * delay if rng.random() < loss else 0.0
            latest = max(latest, now() + delay + late)
            await under_way.put((latest, chunk))
            if not chunk:
                return


async def _serve(
    port: int, delay: float, loss: float, ready: threading.Event, listening: list[int], stop: threading.Event
) -> None:
    rng = random.Random(7)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", port)
        with suppress(BaseExceptionGroup, OSError):
            async with asyncio.TaskGroup() as both:
                both.create_task(_pipe(reader, back, delay, loss, rng))
                both.create_task(_pipe(there, writer, delay, loss, rng))
        for one in (writer, back):
            one.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    listening.append(server.sockets[0].getsockname()[1])
    ready.set()
    await asyncio.to_thread(stop.wait)
    server.close()


@contextmanager
def far_line(port: int, media: list[int], *, round_trip_ms: float, loss: float) -> Iterator[FarLine]:
    """A way to the server at TCP `port` and its node at UDP ports `media`; `loss` each way, 0 to 1."""
    delay_ms = round_trip_ms / 2
    with ExitStack() as stack:
        detours = {}
        for one in media:
            line = stack.enter_context(emulator(one))
            line.set(up={"delay_ms": delay_ms, "loss": loss}, down={"delay_ms": delay_ms, "loss": loss})
            detours[one] = line.port
        ready, stop = threading.Event(), threading.Event()
        listening: list[int] = []
        thread = threading.Thread(
            target=lambda: asyncio.run(_serve(port, delay_ms / 1000, loss, ready, listening, stop)),
            daemon=True,
        )
        thread.start()
        try:
            assert ready.wait(10), "the far line did not open"
            yield FarLine(listening[0], detours)
        finally:
            stop.set()
            thread.join(5)
