"""Records what a real Chromium sends: by frame the payload sizes of its packets, as the media node sees them.

Not a benchmark of its own: it makes `bench/data/chromium_packet_sizes.json`, which the benchmarks send.

    python -m bench.record_sizes rust/target/release/diemcau-media

The camera is a noisy moving test picture of 1280x720 at 25 fps, sent in two layers (320x180 and
640x360, 150 and 600 kbit/s), and Chromium's test tone as Opus at 60 ms. Ten seconds of each, after
the encoder has settled.
"""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

import av
import av.filter
from playwright.sync_api import sync_playwright

from bench import chromium

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench" / "data" / "chromium_packet_sizes.json"
SETTLE_S = 12
LENGTH_S = 10


def camera(path: Path) -> None:
    """Four seconds of a test picture with noise, as Y4M."""
    graph = av.filter.Graph()
    chain = [
        graph.add("testsrc2", "size=1280x720:rate=25"),
        graph.add("noise", "alls=6:allf=t"),
        graph.add("format", "yuv420p"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*chain).configure()
    with path.open("wb") as out:
        out.write(b"YUV4MPEG2 W1280 H720 F25:1 Ip A1:1 C420jpeg\n")
        for _ in range(100):
            frame = chain[-1].pull()
            assert isinstance(frame, av.VideoFrame)
            out.write(b"FRAME\n")
            for plane, (width, height) in zip(
                frame.planes, [(1280, 720), (640, 360), (640, 360)], strict=True
            ):
                data = bytes(plane)
                for row in range(height):
                    start = row * plane.line_size
                    out.write(data[start : start + width])


def frames(node: subprocess.Popen[str], into: list[dict[str, Any]]) -> None:
    """Collects the node's notes of frames from its log."""
    assert node.stderr is not None
    for line in node.stderr:
        with contextlib.suppress(ValueError):
            note = json.loads(line)
            if note.get("target") == "frames":
                into.append(note["fields"])


def tracks(notes: list[dict[str, Any]], codec: str) -> list[dict[str, Any]]:
    """The last ten seconds of each source."""
    end = max(note["at"] for note in notes)
    begin = end - LENGTH_S * 1_000_000
    found: dict[str, list[tuple[float, list[int]]]] = {}
    for note in notes:
        if note["at"] < begin or note["at"] >= end:
            continue
        kind = "opus" if note["codec"] == "Opus" else f"{codec}_{'high' if note['layer'] else 'low'}"
        sizes = note["sizes"]
        sizes = json.loads(sizes) if isinstance(sizes, str) else sizes
        found.setdefault(kind, []).append((round((note["at"] - begin) / 1e3, 2), [s for s in sizes if s]))
    return [{"name": name, "frames": rows} for name, rows in sorted(found.items())]


def main(media: str) -> None:
    """Records both codecs and writes the file."""
    recorded: dict[str, dict[str, Any]] = {}
    page_text = chromium.PAGE.replace("maxBitrate: 900000", "maxBitrate: 600000")
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder, "camera.y4m")
        camera(picture)
        for codec in ("h264", "vp8"):
            path = Path(folder, f"control-{codec}")
            node = subprocess.Popen(
                [media, "serve", "--control", path, "--bind", "127.0.0.1:0", "--workers", "1", "--log-json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "DIEMCAU_LOG": "warn,frames=trace"},
            )
            assert node.stdout is not None
            node.stdout.readline()
            notes: list[dict[str, Any]] = []
            reader = threading.Thread(target=frames, args=(node, notes), daemon=True)
            reader.start()
            with sync_playwright() as driver:
                browser = driver.chromium.launch(
                    executable_path="/usr/bin/chromium",
                    args=[*chromium.FLAGS, f"--use-file-for-fake-video-capture={picture}"],
                )
                page = browser.new_page()
                page.goto(chromium.serve_page(page_text))
                control = chromium.Control(path)
                offer = page.evaluate("name => publish(name)", "a")
                opened = control.ask("publisher_open", publisher="a", offer=offer, codec=codec)
                page.evaluate("([key, sdp]) => answer(key, sdp)", ["pub_a", opened["answer"]])
                control.wait("track_live", track="a/video")
                page.wait_for_timeout((SETTLE_S + LENGTH_S) * 1000)
                version = browser.version
                browser.close()
            node.terminate()
            node.wait(10)
            reader.join(10)
            for track in tracks(notes, codec):
                recorded.setdefault(track["name"], track)
    OUT.parent.mkdir(exist_ok=True)
    camera_words = (
        "noisy test picture 1280x720@25, layers 320x180 at 150 and 640x360 at 600 kbit/s, Opus 60 ms"
    )
    head = {"source": f"Chromium {version}: {camera_words}", "length_ms": LENGTH_S * 1000}
    rows = ",\n".join(json.dumps(track, separators=(",", ":")) for track in recorded.values())
    OUT.write_text(json.dumps(head, ensure_ascii=False)[:-1] + ',"tracks":[\n' + rows + "\n]}\n")
    for name, track in recorded.items():
        packets = sum(len(sizes) for _, sizes in track["frames"])
        total = sum(sum(sizes) for _, sizes in track["frames"])
        print(
            f"{name}: {len(track['frames'])} frames, {packets} packets, "
            f"{total * 8 / LENGTH_S / 1000:.0f} kbit/s"
        )


if __name__ == "__main__":
    main(sys.argv[1])
