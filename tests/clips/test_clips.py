import contextlib
import io
import json
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from diemcau.clips import ClipsError, container, voice
from diemcau.clips.container import Clip, Packet, Stream
from diemcau.clips.draw import frame_ms
from diemcau.clips.encode import Shape
from diemcau.clips.errors import ClipCorrupt
from diemcau.clips.make import demo_sites, make, read_sites
from diemcau.clips.timecode import read_timecode
from diemcau.clips.watch import watch


def _index(made: Path) -> dict[str, object]:
    return json.loads(made.read_text("utf-8"))


def _clip(made: Path, codec: str, number: int = 0) -> Clip:
    return container.read(made.parent / str(_index(made)["clips"][number][codec]))  # type: ignore[index]


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_every_encoding_decodes_from_its_keyframe_and_shows_the_running_code(
    made: Path, shape: Shape, codec: str
) -> None:
    clip = _clip(made, codec)
    assert len(clip.streams) == shape.phases * len(shape.layers)
    for stream in clip.streams:
        assert [packet.position for packet in stream.packets if packet.keyframe] == [stream.phase]
        decoder = av.CodecContext.create(codec, "r")
        decoder.options = {"flags": "low_delay"}
        for k in range(2 * shape.frames):
            packet = stream.packets[(stream.phase + k) % shape.frames]
            frames = decoder.decode(av.Packet(packet.data))
            assert [(f.width, f.height) for f in frames] == [(stream.width, stream.height)]
            code = read_timecode(frames[0].to_ndarray(format="gray"))
            assert code == (frame_ms(packet.position, shape.frames, shape.loop_ms), clip.number)


def test_h264_is_constrained_baseline_with_parameter_sets_before_the_keyframe(made: Path) -> None:
    for stream in _clip(made, "h264").streams:
        data = stream.packets[stream.phase].data
        at = data.index(b"\x00\x00\x01\x67")
        profile, constraints = data[at + 4], data[at + 5]
        assert profile == 66
        assert constraints & 0x40
        assert b"\x00\x00\x01\x68" in data
        assert b"\x00\x00\x01\x65" in data


def test_bitrates_are_what_the_shape_says(made: Path, shape: Shape) -> None:
    wanted = {layer.name: layer.bitrate for layer in shape.layers}
    for codec in ("h264", "vp8"):
        for stream in _clip(made, codec).streams:
            rate = sum(len(p.data) for p in stream.packets) * 8000 / shape.loop_ms
            assert 0.4 * wanted[stream.layer] < rate < 2.0 * wanted[stream.layer]  # type: ignore[index]


def test_the_voice_has_packets_of_20_and_60_ms_with_pauses_and_decodes(made: Path, shape: Shape) -> None:
    clip = container.read(made.parent / str(_index(made)["voices"][0]))  # type: ignore[index]
    span = shape.loop_ms * shape.voice_loops
    assert [len(stream.packets) for stream in clip.streams] == [span // 20, span // 60]
    for stream in clip.streams:
        levels = [packet.level for packet in stream.packets]
        assert min(levels) < 40
        assert max(levels) == 127
        decoder = av.CodecContext.create("opus", "r")
        samples = np.concatenate(
            [f.to_ndarray().ravel() for p in stream.packets for f in decoder.decode(av.Packet(p.data))]
        )
        assert float(np.sqrt(np.mean(np.square(samples)))) > 0.01


def test_a_voice_is_the_same_for_the_same_seed() -> None:
    assert np.array_equal(voice.speech(1.0, 7), voice.speech(1.0, 7))
    assert not np.array_equal(voice.speech(1.0, 7), voice.speech(1.0, 8))
    assert voice.level(np.zeros(100, np.float32)) == 127
    assert voice.level(np.ones(100, np.float32)) == 0


def test_everyone_has_a_snapshot(made: Path) -> None:
    index = _index(made)
    clip = container.read(made.parent / str(index["pictures"]))
    assert index["picture_sites"] == ["demo-0", "demo-1", "demo-2"]
    for number, packet in enumerate(clip.streams[0].packets):
        image = Image.open(io.BytesIO(packet.data))
        assert image.format == "JPEG"
        assert read_timecode(np.array(image)) == (0, number)


def test_what_is_there_is_not_made_again(made: Path, shape: Shape) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in made.parent.glob("*.dcc")}
    said: list[int] = []
    make(made.parent, demo_sites(3), h264=2, vp8=1, shape=shape, progress=lambda *a: said.append(a[0]))
    assert {path.name: path.stat().st_mtime_ns for path in made.parent.glob("*.dcc")} == before
    assert said == []


def test_sites_are_read_from_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "sites.jsonl"
    path.write_text('{"site": "s_1", "name": "Đồng Phú", "code": "70", "credential": "x"}\n\n', "utf-8")
    assert [site.name for site in read_sites(path)] == ["Đồng Phú"]
    path.write_text('{"site": "s_1"}\n', "utf-8")
    with pytest.raises(ClipsError):
        read_sites(path)
    with pytest.raises(ClipsError):
        make(tmp_path, [])


@given(st.data())
@settings(max_examples=200)
def test_a_damaged_file_is_refused_or_stays_inside_itself(data: st.DataObject) -> None:
    import tempfile

    clip = Clip(1, "x", "y", [Stream("opus", 60, packets=[Packet(0, b"abc", True), Packet(1, b"de")])])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.dcc"
        container.write(path, clip)
        good = path.read_bytes()
    assert container.parse(good) == clip
    bad = bytearray(good)
    for at in data.draw(st.lists(st.integers(0, len(bad) - 1), min_size=1, max_size=4)):
        bad[at] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(0, len(bad)))
    for hostile in (bytes(bad), good[:cut] if cut < len(good) else good[:-1]):
        try:
            parsed = container.parse(hostile)
        except ClipCorrupt:
            continue
        assert all(len(p.data) <= len(hostile) for s in parsed.streams for p in s.packets)


def _record(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


def _frames(made: Path, codec: str, start: int, count: int, arrival_us: int) -> bytes:
    stream = _clip(made, codec).streams[-1]
    out = _record(struct.pack("<BIB", 1, 9, 1 if codec == "h264" else 2))
    for k in range(count):
        packet = stream.packets[(stream.phase + start + k) % len(stream.packets)]
        out += _record(struct.pack("<BIQ", 2, 9, arrival_us) + packet.data)
    return out


@pytest.mark.parametrize("codec", ["h264", "vp8"])
def test_watching_reports_the_code_and_the_age_of_every_frame(made: Path, shape: Shape, codec: str) -> None:
    sink = io.StringIO()
    arrival_ms = 1_700_000_000_123
    watch(io.BytesIO(_frames(made, codec, 0, 6, arrival_ms * 1000)), sink, shape.loop_ms)
    reports = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert len(reports) == 6
    for report in reports:
        assert (report["stream"], report["site"], report["broken"]) == (9, 0, None)
        assert report["latency_ms"] == (arrival_ms - report["ms"]) % shape.loop_ms


def test_a_stream_that_does_not_begin_with_a_keyframe_is_reported_broken(made: Path, shape: Shape) -> None:
    sink = io.StringIO()
    watch(io.BytesIO(_frames(made, "h264", 1, 3, 0)), sink, shape.loop_ms)
    reports = [json.loads(line) for line in sink.getvalue().splitlines()]
    assert [report["broken"] for report in reports] == ["decode"] * 3


@pytest.mark.parametrize("bad", [b"\x01", b"\x05\0\0\0\x02", b"\xff\xff\xff\xff", _record(b"\x07\0\0\0\0")])
def test_a_record_that_is_none_ends_the_watch(bad: bytes) -> None:
    with pytest.raises(ClipsError):
        watch(io.BytesIO(bad), io.StringIO(), 1000)


def test_the_command_says_what_it_made(tmp_path: Path) -> None:
    arguments = [
        "make",
        "--out",
        str(tmp_path),
        "--count",
        "1",
        "--h264",
        "1",
        "--vp8",
        "0",
        "--loop-ms",
        "400",
    ]
    done = subprocess.run(
        [sys.executable, "-m", "diemcau.clips", *arguments, "--phases", "2", "--workers", "1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert Path(done.stdout.strip()) == tmp_path / "index.json"
    assert "3/3" not in done.stdout
    assert len(list(tmp_path.glob("*.dcc"))) == 6


def test_workers_end_with_the_process_that_asked_for_the_clips(tmp_path: Path) -> None:
    asked = subprocess.Popen(
        [sys.executable, "-m", "diemcau.clips", "make", "--out", tmp_path, "--count", "64"],
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )

    def alive(pid: int) -> bool:
        with contextlib.suppress(OSError):
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        return False

    try:
        until(lambda: any(tmp_path.iterdir()), 60)  # a clip is there: its workers encode the next
        children = [
            int(pid) for pid in Path(f"/proc/{asked.pid}/task/{asked.pid}/children").read_text().split()
        ]
        assert children and all(map(alive, children))
    finally:
        asked.kill()
        asked.wait()
    until(lambda: not any(map(alive, children)), 10)


def until(done: Callable[[], bool], seconds: float) -> None:
    """Looks at another process until it is so."""
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end
        time.sleep(0.02)
