"""Makes the machine's pictures and notes of rehearsals: `python scripts/make_rehearsal_clips.py`.

They are shipped (src/diemcau/rollout/rehearsals/clips), so that a server needs no encoder. Needs the group
`clips` (PyAV, numpy, Pillow).
"""

import colorsys
import json
import math
import shutil
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from diemcau.clips.container import Clip, Packet, Stream, write
from diemcau.clips.draw import frame_ms
from diemcau.clips.encode import LayerShape, Shape, layers, opus
from diemcau.clips.timecode import code_height, draw_timecode
from diemcau.clips.voice import RATE, level
from diemcau.rollout.rehearsals.source import CLIPS, NOTES, clip_name

SHAPE = Shape(
    loop_ms=2_000,
    fps=5,
    phases=5,
    layers=(LayerShape("low", 160, 90, 20_000), LayerShape("high", 640, 360, 90_000)),
)
PACKET_MS = 60
SPAN_MS = 2_400
EVERY_MS = 1_200
LOUD = 0.2


def font(size: int) -> ImageFont.FreeTypeFont:
    """The house's type."""
    with as_file(files("diemcau.clips") / "fonts" / "BeVietnamPro-SemiBold.ttf") as path:
        return ImageFont.truetype(str(path), size)


def picture(number: int, position: int) -> npt.NDArray[np.uint8]:
    """A slate: a large number on its own colour, a hand that turns, the code above."""
    width, height = 640, 360
    ground = tuple(int(255 * v) for v in colorsys.hsv_to_rgb(number / len(NOTES), 0.55, 0.42))
    image = Image.new("RGB", (width, height), ground)
    draw = ImageDraw.Draw(image)
    draw.text((width / 2, 62), "CHẠY THỬ", "white", font(34), anchor="mt")
    draw.text((width / 2, 205), str(number + 1), "white", font(170), anchor="mm")
    draw.text((width / 2, 338), "Hình của máy để kiểm tra đường truyền", "white", font(20), anchor="mb")
    angle = 2 * math.pi * position / SHAPE.frames
    x, y, r = 540, 200, 52
    draw.ellipse((x - r, y - r, x + r, y + r), outline="white", width=5)
    tip = (x + (r - 12) * math.sin(angle), y - (r - 12) * math.cos(angle))
    draw.line((x, y, *tip), "white", 7)
    pixels = np.array(image)
    pixels[: code_height(height)] = 0
    draw_timecode(pixels, frame_ms(position, SHAPE.frames, SHAPE.loop_ms), number)
    return pixels


def note(hz: float) -> npt.NDArray[np.float32]:
    """A soft bell every `EVERY_MS`, fading out before the next."""
    count = RATE * SPAN_MS // 1000
    time = (np.arange(count) % (RATE * EVERY_MS // 1000)) / RATE
    attack = np.minimum(1.0, time / 0.02)
    fade = np.clip((EVERY_MS / 1000 - time) / 0.05, 0.0, 1.0)
    return (LOUD * attack * fade * np.exp(-2.2 * time) * np.sin(2 * np.pi * hz * time)).astype(np.float32)


def main() -> None:
    """Writes them all."""
    shutil.rmtree(CLIPS, ignore_errors=True)
    CLIPS.mkdir(parents=True)
    clips, voices = [], []
    for number, hz in enumerate(NOTES):
        drawn = [picture(number, position) for position in range(SHAPE.frames)]
        entry = {"number": number, "site": clip_name(number), "name": "", "code": "", "voice": number}
        for codec in ("h264", "vp8"):
            streams = layers(drawn, codec, SHAPE)
            name = f"{codec}-{number}.dcc"
            write(CLIPS / name, Clip(number, "", "", streams))
            entry[codec] = name
        clips.append(entry)
        samples = note(hz)
        packets = opus(samples, PACKET_MS, 24_000)
        size = RATE * PACKET_MS // 1000
        packets = [
            Packet(one.position, one.data, True, level(samples[k * size : (k + 1) * size]))
            for k, one in enumerate(packets)
        ]
        write(CLIPS / f"note-{number}.dcc", Clip(number, "", "", [Stream("opus", SPAN_MS, packets=packets)]))
        voices.append(f"note-{number}.dcc")
    write(CLIPS / "pictures.dcc", Clip(0, "", "", []))
    index = {
        "version": 1,
        "loop_ms": SHAPE.loop_ms,
        "fps": SHAPE.fps,
        "clips": clips,
        "voices": voices,
        "pictures": "pictures.dcc",
        "picture_sites": [],
    }
    Path(CLIPS / "index.json").write_text(json.dumps(index, indent=1) + "\n", "utf-8")
    print(f"{sum(file.stat().st_size for file in CLIPS.iterdir()) // 1024} kB in {CLIPS}")


main()
