"""The whole nation on this machine: 9,812 sites, real WebRTC and WebSocket clients, one server.

Runs `diemcau load --nation` (3 minutes: join storm, cuts, a message that every site acknowledges and
answers) and the same sites standing by (WebSockets only), and prints the figures P2, P3, P6 and P7 beside
their targets; misses stay visible. The second table is arithmetic, not a meeting: what the measured cost of a
packet makes of a stage of 0.7 and 1 Mbit/s.

    python -m bench.nation [--duration 180] [--sites 9812] [--us-per-packet 3.9] [--fps 2]
"""

import argparse
import json
import subprocess
import sys
from typing import Any

from bench.machine import machine

PACKET = 1_150
"""Payload bytes of a full video packet."""

OVERHEAD = 28 + 12 + 16 + 8
"""Bytes beside it on the wire: IP and UDP, RTP, AEAD tag, one header extension."""

AUDIO_PACKETS = 1000 / 60
AUDIO_BITS = 24_000 + AUDIO_PACKETS * OVERHEAD * 8


def load(arguments: list[str]) -> dict[str, Any]:
    """One run of `diemcau load`; its progress goes to standard error."""
    command = [sys.executable, "-m", "diemcau", "load", *arguments, "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode != 0 or not done.stdout.strip():
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stdout[-500:]}")
    report: dict[str, Any] = json.loads(done.stdout)
    return report


def verdicts(whole: dict[str, Any], standby: dict[str, Any]) -> list[tuple[str, str, str, bool]]:
    """(figure, measured, target, met) of each."""
    more, parts = whole["more"], whole["parts"]
    join, cut, got = whole["join_ms"], whole["cut_ms"], more["got_ms"]
    sites, seconds = more["sites"], more["join_seconds"] or float("inf")
    work = sum(parts["join"]["cpu_s"].get(name, 0.0) for name in ("control", "node"))
    counters = whole["counters"]
    lost = counters["video_lost"] + counters["audio_lost"]
    memory = parts.get("kb_a_site", {})
    waiting = standby["parts"].get("kb_a_site", {})
    inside, standing = sum(memory.values()), sum(waiting.values())
    everybody = counters["pictured"] >= sites - 1 and got["count"] >= sites - 1
    took = f"{seconds:.1f} (p50 {join['p50']:.0f} ms, p99 {join['p99']:.0f} ms)"
    node = memory.get("node", 0.0)
    wrong = lost + counters["freezes"] + sum(whole["violations"].values())
    broken = f"{lost}, {counters['freezes']}, {whole['violations'] or 0}"
    return [
        ("P2 all in, s", took, "60", seconds <= 60),
        ("P2 server's processor while joining, s", f"{work:.1f}", "30", work <= 30),
        ("P3 cut p99, ms", f"{cut['p99']:.0f} (p50 {cut['p50']:.0f})", "500", cut["p99"] <= 500),
        ("P6 message acknowledged p99, ms", f"{got['p99']:.0f} ({got['count']})", "2000", got["p99"] <= 2000),
        ("P7 kB a site in the meeting", f"{inside:.1f} {memory}", "100", inside <= 100),
        ("P7 kB a site standing by", f"{standing:.1f} {waiting}", "60", standing <= 60),
        ("P7 media node, kB a viewer", f"{node:.1f}", "30", node <= 30),
        ("saw, acknowledged", f"{counters['pictured']}, {got['count']} of {sites}", "all", everybody),
        ("packets lost, freezes, breaches", broken, "0", wrong == 0),
    ]


def extrapolation(us_per_packet: float, viewers: int) -> list[tuple[str, str]]:
    """What a fuller stage would take, by arithmetic."""
    rows = []
    for rate in (0.7e6, 1.0e6):
        video = (rate - AUDIO_BITS) / 8 / (PACKET + OVERHEAD)
        packets = video + AUDIO_PACKETS
        cores = packets * us_per_packet * viewers / 1e6
        gbit = rate * viewers / 1e9
        value = f"{packets:.0f} packets/s a viewer: {cores:.1f} cores, {gbit:.1f} Gbit/s"
        rows.append((f"{rate / 1e6:.1f} Mbit/s", value))
    return rows


def main() -> int:
    """Runs both and prints the tables and the line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--duration", type=float, default=180)
    parser.add_argument("--sites", type=int, default=None)
    parser.add_argument("--us-per-packet", type=float, default=4.5, help="of `python -m bench fanout`")
    parser.add_argument("--fps", type=int, default=2, help="pictures a second of the stage")
    options = parser.parse_args()
    some = [] if options.sites is None else ["--sites", str(options.sites)]
    whole = load(["--nation", *some, "--duration", str(options.duration), "--fps", str(options.fps)])
    count = whole["more"]["sites"]
    standby = load(["--sites", str(count), "--rate", "500", "--duration", "20", "--view-every", "0"])
    rows = verdicts(whole, standby)
    width = max(len(row[0]) for row in rows)
    for name, measured, target, met in rows:
        print(f"{'     ' if met else 'MISS '} {name:<{width}}  {measured}  (target {target})")
    for phase in ("join", "run"):
        used = whole["parts"].get(phase, {})
        drops = used.get("kernel_drops")
        print(f"{phase}: cores {used.get('cores')}, MB {used.get('rss_mb')}, dropped by the kernel {drops}")
    own, cores = whole["self"], whole["cores"]
    busy = sum(whole["parts"].get("run", {}).get("cores", {}).values())
    full = f"the machine: {busy:.2f} of {cores} cores in the meeting" if busy > 0.85 * cores else "nothing"
    print(f"Saturated: {full}.")
    print(f"Clients share the machine: {own['own_drops']} drops, {own['late_frames']} frames late.")
    print(f"By arithmetic only, {options.us_per_packet} us a packet, {count} viewers:")
    for name, value in extrapolation(options.us_per_packet, count):
        print(f"  {name}: {value}")
    result = {
        "bench": "nation",
        "machine": machine(),
        "saturated": full,
        "rows": rows,
        "whole": whole,
        "standby": standby,
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
