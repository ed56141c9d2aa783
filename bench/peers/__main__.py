"""The same stage through our media node, Janus and LiveKit, in turn in one run; ours first and last.

Same publisher (one H.264 layer with the packet sizes that Chromium sent, one voice), same clients
(`diemcau-load endpoints`: ICE, DTLS, SRTP, reports, NACK, loss counted there), same number of viewers. CPU
is what the kernel charged the server's whole process for the measured span, divided by the packets that
arrived at viewers.

    python -m bench.peers [--viewers 100 400] [--ptime 60 20] [--servers diemcau janus livekit]
"""

import argparse
import asyncio
import json
import shutil
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.fanout import RELEASE, prepare
from bench.machine import machine
from bench.peers.clients import Refused
from bench.peers.janus import Janus
from bench.peers.livekit import LiveKit, build
from bench.peers.measure import Load, measure
from bench.peers.ours import Ours
from bench.peers.server import Server

TARGET = 4.5
ATTEMPTS = 3
"""A server whose publisher does not connect is started anew; every failure is printed."""

HEAD = (
    "viewers",
    "audio",
    "server",
    "us/pkt",
    "x ours",
    "pkt/s",
    "lost %",
    "freezes",
    "cores",
    "others",
    "kB",
    "join us",
)


def make(name: str, folder: Path, options: argparse.Namespace) -> Server:
    """The named server, with a folder of its own."""
    place = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=folder))
    if name == "janus":
        return Janus(place)
    if name == "livekit":
        return LiveKit(place, options.livekit, options.livekit_udp)
    return Ours(place, options.media, options.workers)


async def compare(options: argparse.Namespace, folder: Path) -> list[dict[str, Any]]:
    """All servers at all numbers of viewers and packet times."""
    sizes, _, clips = prepare(folder, fps=25, sound=True)
    more = ["--clips", clips, "--sizes", sizes, "--allow-remote", *(["--gro"] if options.gro else [])]
    rows = []
    for viewers in options.viewers:
        for ptime in options.ptime:
            load = Load(viewers, ptime, options.seconds, options.rate)
            group = []
            for name in [*options.servers, options.servers[0]]:
                for _ in range(ATTEMPTS):
                    print(f"... {name}, {viewers} viewers, {ptime} ms", file=sys.stderr, flush=True)
                    server = make(name, folder, options)
                    try:
                        group.append(await measure(server, (options.load, more), load))
                        break
                    except (Refused, SystemExit, TimeoutError) as error:
                        print(f"{name} could not be measured: {error!r}\n{server.log()}", file=sys.stderr)
            ours = [row["us_per_packet"] for row in group if row["server"] == Ours.name]
            for row in group:
                row["times_ours"] = round(row["us_per_packet"] / statistics.mean(ours), 2) if ours else None
            rows += group
    return rows


def table(rows: list[dict[str, Any]]) -> None:
    """For people."""
    print("  ".join(f"{word:>8}" for word in HEAD))
    for row in rows:
        share = row["core_share"]
        cells = [
            row["viewers"],
            f"{row['ptime_ms']} ms",
            row["server"],
            row["us_per_packet"],
            row["times_ours"],
        ]
        cells += [row["packets_per_viewer_second"], round(100 * row["loss"], 3), row["freezes"]]
        cells += [
            f"{share['server']:.2f}",
            f"{share['others']:.2f}",
            row["kb_per_viewer"],
            row["join_cpu_us"],
        ]
        print("  ".join(f"{cell!s:>8}" for cell in cells))
    for row in rows:
        short = row["viewers"] - row["saw_a_picture"]
        odd = {key: row[key] for key in ("ended", "violations", "client_drops", "late_frames") if row[key]}
        if short or odd:
            print(
                f"{row['server']}, {row['viewers']} viewers, {row['ptime_ms']} ms: {short} saw nothing; {odd}"
            )
    for version in dict.fromkeys(f"{row['server']}: {row['version']}; {row['srtp']}" for row in rows):
        print(version)


def saturated(rows: list[dict[str, Any]], cores: int) -> str:
    """What was full, if anything was."""
    full = [row for row in rows if sum(row["core_share"].values()) > 0.85 * cores]
    names = dict.fromkeys(
        f"{row['server']} at {row['viewers']} viewers, {row['ptime_ms']} ms" for row in full
    )
    return "the machine: " + "; ".join(names) if names else "nothing"


def main() -> int:
    """Runs it and prints the table and the line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, default=RELEASE / "diemcau-media")
    parser.add_argument("--load", type=Path, default=RELEASE / "diemcau-load")
    parser.add_argument("--livekit", type=Path, help="a built livekit-server; without, it is built")
    parser.add_argument("--livekit-udp", choices=["mux", "range"], default="mux")
    parser.add_argument("--servers", nargs="+", default=["diemcau", "janus", "livekit"])
    parser.add_argument("--viewers", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--ptime", type=int, nargs="+", default=[60, 20])
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--rate", type=float, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--gro", action="store_true", help="receivers let the kernel join datagrams")
    options = parser.parse_args()
    for name, tool in (("janus", "janus"), ("livekit", "go")):
        missing = name in options.servers and shutil.which(tool) is None
        if missing and not (name == "livekit" and options.livekit):
            print(f"{name} is left out: {tool} is not installed", file=sys.stderr)
            options.servers.remove(name)
    with tempfile.TemporaryDirectory() as folder:
        if "livekit" in options.servers and options.livekit is None:
            options.livekit = build(Path(folder))
        rows = asyncio.run(compare(options, Path(folder)))
    on = machine()
    table(rows)
    full = saturated(rows, int(on["cores"]))
    peers = [row["times_ours"] for row in rows if row["server"] != Ours.name and row["times_ours"]]
    least = min(peers, default=None)
    print(f"Clients on the same machine. Saturated: {full}. Least advantage: {least} (target {TARGET}).")
    print(json.dumps({"bench": "peers", "machine": on, "gro": options.gro, "saturated": full, "rows": rows}))
    return 0 if rows else 1


if __name__ == "__main__":
    sys.exit(main())
