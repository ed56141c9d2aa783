"""`diemcau-load sites`: every site of the nation as a real WebRTC client, and what they report in the end."""

import contextlib
import json
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from diemcau.clips.encode import LayerShape, Shape
from diemcau.clips.make import demo_sites, make
from diemcau.media.executable import find
from tests.faults.house import House

# Two small layers of a second with a keyframe every 250 ms: the picture is not what these tests look at.
SHAPE = Shape(
    loop_ms=1000,
    phases=4,
    layers=(LayerShape("low", 160, 90, 60_000), LayerShape("high", 320, 180, 120_000)),
    voice_loops=3,
)


def make_clips(folder: Path) -> Path:
    return make(folder, demo_sites(2), h264=2, vp8=0, shape=SHAPE, workers=2).parent


@dataclass
class Sites:
    """The running clients. `report` is there after they were stopped."""

    process: "subprocess.Popen[str]"
    report: dict[str, Any] = field(default_factory=dict)

    def wait_joined(self) -> None:
        """Until every one of them has decoded a picture."""
        assert self.process.stdout is not None
        said = json.loads(self.process.stdout.readline())
        assert said["event"] == "joined" and said["pictured"] == said["sites"], said

    def stop(self) -> dict[str, Any]:
        """Ends them; answers the report."""
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        assert json.loads(self.process.stdout.readline())["event"] == "ending"
        self.report = json.loads(self.process.stdout.readline())
        self.process.wait(10)
        return self.report


@contextlib.contextmanager
def sites(house: House, clips: Path) -> Iterator[Sites]:
    """All sites of the nation join and watch; who is asked to publishes."""
    command = [
        str(find("diemcau-load")), "sites", "--server", house.url, "--clips", str(clips), "--json",
        "--credentials", str(house.data / house.nation.file), "--meeting", house.nation.meeting,
        "--duration", "0", "--rate", "20", "--snapshot-every", "0", "--patience", "20", "--exit-with-stdin",
    ]  # fmt: skip
    with (house.data.parent / "sites.log").open("a") as log:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
        )
    assert process.stdin is not None and process.stdout is not None
    try:
        yield Sites(process)
    finally:
        process.stdin.close()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()
