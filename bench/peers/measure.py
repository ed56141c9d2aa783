"""One server, one number of viewers, one packet time: what a forwarded packet costs it."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.peers.clients import PATIENCE, Clients, Refused
from bench.peers.server import Server

TICK = os.sysconf("SC_CLK_TCK")
SETTLE = 2.0
"""Seconds between the last first picture and the measured span."""


@dataclass(frozen=True, slots=True)
class Load:
    """What is done to each server."""

    viewers: int
    ptime: int
    seconds: float
    rate: float
    """Joins a second."""


def cpu_us(pid: int) -> int:
    """User and system time of a process with all its threads, microseconds (in steps of 10 ms)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1_000_000 // TICK


def busy_us() -> int:
    """What all processors together have worked."""
    words = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = map(int, words[:8])
    return (user + nice + system + irq + softirq + steal) * 1_000_000 // TICK


def rss_kb(pid: int) -> int:
    """Resident memory."""
    text = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in text.splitlines() if line.startswith("VmRSS"))


async def join(server: Server, clients: Clients, load: Load) -> int:
    """Opens the viewers at the rate; answers how many saw a picture in time."""

    async def one(number: int) -> bool:
        try:
            await server.view(clients, number)
            await clients.happened(number, "pictured")
        except (Refused, TimeoutError):
            return False
        return True

    began = asyncio.get_running_loop().time()
    tasks = []
    for number in range(load.viewers):
        due = began + number / load.rate
        await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
        tasks.append(asyncio.create_task(one(number)))
    done = await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE + load.viewers / load.rate)
    return sum(done)


async def measure(server: Server, options: tuple[Path, Sequence[Any]], load: Load) -> dict[str, Any]:
    """Starts both, lets the viewers join, and compares two readings `seconds` apart."""
    executable, more = options
    clients = await Clients.start(executable, [*more, "--ptime", load.ptime])
    try:
        await server.start()
        await server.publish(clients)
        memory, before = rss_kb(server.pid), cpu_us(server.pid)
        saw = await join(server, clients, load)
        joined = cpu_us(server.pid) - before
        await asyncio.sleep(SETTLE)
        first = await clients.stats()
        cpu, all_cpu, own = cpu_us(server.pid), busy_us(), cpu_us(clients.process.pid)
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(load.seconds)
        cpu, all_cpu, own = cpu_us(server.pid) - cpu, busy_us() - all_cpu, cpu_us(clients.process.pid) - own
        seconds = asyncio.get_running_loop().time() - began
        last = await clients.stats()
        memory = rss_kb(server.pid) - memory
    finally:
        await clients.stop()
        await server.stop()

    def grew(*names: str) -> int:
        return sum(int(last["counters"][name]) - int(first["counters"][name]) for name in names)

    packets = grew("video_packets", "audio_packets", "rtx_packets")
    lost = grew("video_lost", "audio_lost")
    used = cpu / seconds / 1e6
    return {
        "server": server.name,
        "version": server.version(),
        "viewers": load.viewers,
        "saw_a_picture": saw,
        "ptime_ms": load.ptime,
        "us_per_packet": round(cpu / max(packets, 1), 2),
        "us_per_viewer_second": round(cpu / max(saw, 1) / seconds, 1),
        "packets_per_viewer_second": round(packets / max(saw, 1) / seconds, 1),
        "packets": packets,
        "lost": lost,
        "loss": round(lost / max(lost + packets, 1), 5),
        "freezes": grew("freezes"),
        "rtx": grew("rtx_packets"),
        "client_drops": grew("own_drops"),
        "late_frames": grew("late_frames"),
        "srtp": last["profiles"],
        "violations": last["violations"],
        "ended": dict(clients.ended),
        "core_share": {
            "server": round(used, 3),
            "clients": round(own / seconds / 1e6, 3),
            "others": round((all_cpu - cpu - own) / seconds / 1e6, 3),
        },
        "kb_per_viewer": round(memory / load.viewers, 1),
        "join_cpu_us": round(joined / load.viewers),
    }
