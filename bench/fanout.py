"""What a viewer costs the media node, beside the least that sending to it can cost.

For each number of viewers, in one run on one machine: `diemcau-media limit` (encrypt, UDP GSO,
sendmmsg, nothing else) before and after a real node with real viewers (`diemcau-load direct`), both
with the packet sizes that Chromium sent (`bench/data/chromium_packet_sizes.json`, H.264 at 600
kbit/s and 25 fps) and 60 ms Opus. `--fps 4 --no-sound` sends the same frames more rarely and alone,
so that as many viewers fit a small machine as a country has. Then a node whose viewers watch nothing.
CPU is the node's whole process (all threads, publisher included) against the limit's sending thread.

    python -m bench.fanout [--media PATH] [--load PATH] [--viewers 100 400] [--fps 4 --no-sound] [--gro]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.machine import machine

ROOT = Path(__file__).resolve().parent.parent
SIZES = ROOT / "bench" / "data" / "chromium_packet_sizes.json"
PTIME_MS = 60
RELEASE = ROOT / "rust" / "target" / "release"


def run(command: list[Any]) -> dict[str, Any]:
    """Runs a program that prints one JSON line last."""
    text = list(map(str, command))
    done = subprocess.run(text, capture_output=True, text=True, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        raise SystemExit(f"{' '.join(text)}\nended with {done.returncode}:\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(lines[-1])
    return result


def prepare(folder: Path, fps: int, sound: bool) -> tuple[Path, Path, Path]:
    """The same packets as the two programs read them, and clips for the client's clock and voices."""
    recorded = {track["name"]: track["frames"] for track in json.loads(SIZES.read_text())["tracks"]}
    video = [sizes for _, sizes in recorded["h264_high"]]
    audio = [sizes for _, sizes in recorded["opus"]]
    load = folder / "load.json"
    load.write_text(json.dumps(video))
    length = len(video) * 1000 // fps
    tracks = [
        {"name": "video", "frames": [(n * 1000 / fps, sizes) for n, sizes in enumerate(video)]},
    ]
    if sound:
        voice = [(n * PTIME_MS, audio[n % len(audio)]) for n in range(length // PTIME_MS)]
        tracks.append({"name": "audio", "frames": voice})
    limit = folder / "limit.json"
    limit.write_text(json.dumps({"length_ms": length, "tracks": tracks}))
    clips = folder / "clips"
    make = [
        sys.executable,
        "-m",
        "diemcau.clips",
        "make",
        "--out",
        clips,
        "--count",
        1,
        "--h264",
        1,
        "--vp8",
        1,
    ]
    make += ["--fps", fps, "--loop-ms", 2000, "--phases", 2]
    subprocess.run(list(map(str, make)), check=True, stdout=subprocess.DEVNULL, cwd=ROOT)
    return load, limit, clips


class Bench:
    """Both programs with their options."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options = options
        self.load_sizes, self.limit_sizes, self.clips = prepare(folder, options.fps, options.sound)
        self.gro = ["--gro"] if options.gro else []

    def limit(self, receivers: int) -> dict[str, Any]:
        command = [self.options.media, "limit", "--receivers", receivers, "--sizes", self.limit_sizes]
        return run([*command, "--seconds", self.options.seconds, *self.gro])

    def node(self, viewers: int, publishers: int) -> dict[str, Any]:
        command = [
            self.options.load,
            "direct",
            "--node",
            self.options.media,
            "--workers",
            self.options.workers,
        ]
        command += ["--clips", self.clips, "--sizes", self.load_sizes, "--ptime", PTIME_MS]
        command += ["--json", "--patience", 60 + viewers // 50]
        command += [
            "--viewers",
            viewers,
            "--publishers",
            publishers,
            "--mics",
            min(publishers, int(self.options.sound)),
            "--slots",
            1,
        ]
        # The limit sends to a socket each, and waking them is part of what is compared.
        command += ["--socket-each"]
        command += ["--audio-lines", 4, "--video-lines", 4, "--rate", 200, "--duration", self.options.seconds]
        return run([*command, *self.gro])

    def row(self, viewers: int) -> dict[str, Any]:
        """Limit, node, limit again, idle node."""
        before = self.limit(viewers)
        busy = self.node(viewers, 1)
        after = self.limit(viewers)
        idle = self.node(viewers, 0)
        more = busy["more"]
        limit = statistics.mean([before["us_per_packet"], after["us_per_packet"]])
        packets, messages = more["node_packets_out"], more["node_messages_out"]
        return {
            "viewers": viewers,
            "limit_us_per_packet": round(limit, 3),
            "limit_runs": [round(one["us_per_packet"], 3) for one in (before, after)],
            "node_us_per_packet": round(more["node_us_per_packet"], 3),
            "ratio": round(more["node_us_per_packet"] / limit, 3),
            "packets_per_viewer_second": round(packets / viewers / more["steady_seconds"], 1),
            "packets_per_message": [round(before["packets_per_message"], 2), round(packets / messages, 2)],
            "bytes_per_packet": [round(before["bytes_per_packet"]), round(more["node_bytes_out"] / packets)],
            "lost": [
                before["lost"] + after["lost"],
                busy["counters"]["video_lost"] + busy["counters"]["audio_lost"],
            ],
            "blocked": more["node"]["send_blocked"],
            "client_drops": busy["self"]["own_drops"],
            "core_share": {
                "limit": round(before["core_share"], 3),
                "node": round(more["node_cpu_share"], 3),
                "client": round(busy["self"]["cpu_share"], 3),
            },
            "kb_per_viewer": round(more["node_rss_kb_per_viewer"], 1),
            "idle_us_per_viewer_second": round(idle["more"]["node_us_per_viewer_second"], 2),
            "join_cpu_us": round(idle["more"]["node_join_cpu_us_per_viewer"]),
        }


def saturation(rows: list[dict[str, Any]], cores: int) -> str:
    """What was full, if anything was."""
    worst = max(rows, key=lambda row: sum(row["core_share"][who] for who in ("node", "client")))
    used = worst["core_share"]["node"] + worst["core_share"]["client"]
    said = f"{used:.2f} of {cores} cores at {worst['viewers']} viewers"
    return f"the machine: {said}" if used > 0.85 * cores else f"nothing: {said}"


def main() -> int:
    """Runs the rows and prints the table and the line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--media", type=Path, default=RELEASE / "diemcau-media")
    parser.add_argument("--load", type=Path, default=RELEASE / "diemcau-load")
    parser.add_argument("--viewers", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--fps", type=int, default=25, help="frames a second (2: the nation's stage)")
    parser.add_argument("--no-sound", dest="sound", action="store_false", help="pictures only")
    parser.add_argument("--gro", action="store_true", help="receivers let the kernel join datagrams")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        rows = [bench.row(viewers) for viewers in options.viewers]
    head = [
        "viewers",
        "limit us",
        "node us",
        "ratio",
        "pkt/s",
        "pkt/msg",
        "lost",
        "kB",
        "idle us/s",
        "join us",
    ]
    print("  ".join(f"{word:>9}" for word in head))
    for row in rows:
        cells: list[Any] = [
            row["viewers"],
            row["limit_us_per_packet"],
            row["node_us_per_packet"],
            row["ratio"],
        ]
        cells += [row["packets_per_viewer_second"], "/".join(map(str, row["packets_per_message"]))]
        cells += ["/".join(map(str, row["lost"])), row["kb_per_viewer"], row["idle_us_per_viewer_second"]]
        cells += [row["join_cpu_us"]]
        print("  ".join(f"{cell:>9}" for cell in cells))
    on = machine()
    saturated = saturation(rows, int(on["cores"]))
    print(
        "CPU per packet and viewer; pkt/msg and lost: limit/node. "
        f"Saturated: {saturated}. {options.fps} frames/s, sound: {options.sound}, GRO: {options.gro}."
    )
    result = {
        "bench": "fanout",
        "machine": on,
        "clients_share_machine": True,
        "gro": options.gro,
        "fps": options.fps,
        "sound": options.sound,
        "workers": options.workers,
        "seconds": options.seconds,
        "saturated": saturated,
        "rows": rows,
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
