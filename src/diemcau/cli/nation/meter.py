"""What each part of a load run used: processor and memory, read from /proc."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, TypeAlias

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")

Pid: TypeAlias = Callable[[], int | None]


@dataclass(frozen=True, slots=True)
class Sample:
    """At one moment: seconds of processor since each process began (user and system), resident bytes, open
    descriptors, and what the kernel threw away of everybody's packets since it started."""

    at: float
    cpu_s: Mapping[str, float]
    rss: Mapping[str, int]
    descriptors: Mapping[str, int]
    kernel_drops: int


class Meter:
    """Reads parts by name; one whose process is not there (yet) is left out of the sample."""

    def __init__(self, parts: Mapping[str, Pid]) -> None:
        self._parts = parts

    def sample(self) -> Sample:
        """Now."""
        cpu: dict[str, float] = {}
        rss: dict[str, int] = {}
        descriptors: dict[str, int] = {}
        for name, pid in self._parts.items():
            number = pid()
            try:
                folder = Path(f"/proc/{number}")
                # Fields are counted behind the name in brackets, which may hold anything.
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                cpu[name] = (int(fields[11]) + int(fields[12])) / TICKS
                rss[name] = int((folder / "statm").read_text().split()[1]) * PAGE
                descriptors[name] = sum(1 for _ in (folder / "fd").iterdir())
            except (OSError, IndexError, ValueError):
                continue
        return Sample(monotonic(), cpu, rss, descriptors, _kernel_drops())


def spent(before: Sample, after: Sample) -> dict[str, Any]:
    """Between two samples: `seconds`, and by part the processor seconds and the share of one core."""
    seconds = max(after.at - before.at, 1e-3)
    cpu = {name: used - before.cpu_s.get(name, 0.0) for name, used in after.cpu_s.items()}
    return {
        "seconds": round(seconds, 2),
        "cpu_s": {name: round(used, 2) for name, used in cpu.items()},
        "cores": {name: round(used / seconds, 3) for name, used in cpu.items()},
        "rss_mb": {name: round(used / 1e6, 1) for name, used in after.rss.items()},
        "kernel_drops": after.kernel_drops - before.kernel_drops,
    }


def row(began: Sample, now: Sample) -> dict[str, Any]:
    """One sample of a long run: seconds since it began, MB and descriptors by part."""
    return {
        "s": round(now.at - began.at, 1),
        "rss_mb": {name: round(used / 1e6, 2) for name, used in now.rss.items()},
        "descriptors": dict(now.descriptors),
        "cpu_s": {name: round(used - began.cpu_s.get(name, 0.0), 2) for name, used in now.cpu_s.items()},
    }


def _kernel_drops() -> int:
    """Packets that no process saw: full socket buffers (UDP) and full per-processor backlogs."""
    dropped = 0
    try:
        rows = [
            line.split()
            for line in Path("/proc/net/snmp").read_text().splitlines()
            if line.startswith("Udp:")
        ]
        udp = dict(zip(rows[0][1:], map(int, rows[1][1:]), strict=True))
        dropped += udp["RcvbufErrors"] + udp["SndbufErrors"]
        for line in Path("/proc/net/softnet_stat").read_text().splitlines():
            dropped += int(line.split()[1], 16)
    except (OSError, IndexError, KeyError, ValueError):
        return 0
    return dropped
