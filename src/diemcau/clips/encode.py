"""Encodes the drawn frames and the voice with PyAV."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Literal

import av
import numpy as np
import numpy.typing as npt
from PIL import Image

from diemcau.clips import voice
from diemcau.clips.container import Packet, Stream
from diemcau.clips.draw import Card, frames

VideoCodec = Literal["h264", "vp8"]


@dataclass(frozen=True)
class LayerShape:
    """One simulcast layer. `bitrate`: bit/s."""

    name: Literal["low", "high"]
    width: int
    height: int
    bitrate: int


@dataclass(frozen=True)
class Shape:
    """What is made of one site. A PLI is answered within `loop_ms / phases`."""

    loop_ms: int = 3_000
    fps: int = 15
    phases: int = 15
    layers: tuple[LayerShape, ...] = (
        LayerShape("low", 320, 180, 100_000),
        LayerShape("high", 640, 360, 350_000),
    )
    # Audio repeats after so many loops of the picture.
    voice_loops: int = 4
    voice_bitrate: int = 24_000

    @property
    def frames(self) -> int:
        """Frames of one loop."""
        return self.loop_ms * self.fps // 1000


OPUS_MS: Final = (20, 60)


def video(card: Card, codec: VideoCodec, shape: Shape) -> list[Stream]:
    """All layers of `card`, each encoded `phases` times, every time with its one keyframe elsewhere."""
    top = max(shape.layers, key=lambda layer: layer.height)
    return layers(list(frames(card, top.width, top.height, shape.frames, shape.loop_ms)), codec, shape)


def layers(drawn: Sequence[npt.NDArray[np.uint8]], codec: VideoCodec, shape: Shape) -> list[Stream]:
    """The same of frames that are drawn already, RGB, as large as the top layer."""
    streams = []
    for layer in shape.layers:
        pictures = [
            av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                layer.width, layer.height, "yuv420p", dst_colorspace="ITU709", dst_color_range="MPEG"
            )
            for pixels in drawn
        ]
        for phase in range(shape.phases):
            start = phase * shape.frames // shape.phases
            packets = _encode(pictures, start, codec, layer, shape)
            streams.append(
                Stream(codec, shape.loop_ms, layer.name, start, layer.width, layer.height, packets)
            )
    return streams


def _encode(
    pictures: Sequence[av.VideoFrame], start: int, codec: VideoCodec, layer: LayerShape, shape: Shape
) -> list[Packet]:
    context = _context(codec, layer, shape)
    count = len(pictures)
    encoded: list[tuple[bytes, bool]] = []
    for k in range(count):
        picture = pictures[(start + k) % count]
        picture.pts, picture.time_base = k, Fraction(1, shape.fps)
        encoded += [(bytes(packet), packet.is_keyframe) for packet in context.encode(picture)]
    encoded += [(bytes(packet), packet.is_keyframe) for packet in context.encode(None)]
    if len(encoded) != count or [key for _, key in encoded] != [True] + [False] * (count - 1):
        raise RuntimeError(
            f"{codec} encoder made {len(encoded)} packets of {count} frames, or other keyframes"
        )
    packets = [Packet((start + k) % count, data, key) for k, (data, key) in enumerate(encoded)]
    return sorted(packets, key=lambda packet: packet.position)


def _context(codec: VideoCodec, layer: LayerShape, shape: Shape) -> av.VideoCodecContext:
    context = av.VideoCodecContext.create("libx264" if codec == "h264" else "libvpx", "w")
    context.width, context.height, context.pix_fmt = layer.width, layer.height, "yuv420p"
    context.bit_rate = layer.bitrate
    context.time_base, context.framerate = Fraction(1, shape.fps), Fraction(shape.fps)
    context.gop_size, context.max_b_frames, context.thread_count = 10_000, 0, 1
    if codec == "h264":
        kbps = layer.bitrate // 1000
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "profile": "baseline",
            "x264-params": (
                f"repeat-headers=1:annexb=1:keyint=infinite:scenecut=0:bframes=0:sliced-threads=0:slices=1:"
                f"level=3.1:vbv-maxrate={kbps}:vbv-bufsize={kbps // 2}"
            ),
        }
    else:
        context.options = {
            "deadline": "realtime",
            "cpu-used": "16",
            "lag-in-frames": "0",
            "auto-alt-ref": "0",
            "max-intra-rate": "600",
            "error-resilient": "default",
        }
    return context


def speech(seed: int, shape: Shape) -> list[Stream]:
    """One voice as Opus, mono at 48 kHz, in packets of 20 and of 60 ms, with each packet's level."""
    span = shape.loop_ms * shape.voice_loops
    samples = voice.speech(span / 1000, seed)
    return [Stream("opus", span, packets=opus(samples, ms, shape.voice_bitrate)) for ms in OPUS_MS]


def opus(samples: npt.NDArray[np.float32], packet_ms: int, bitrate: int) -> list[Packet]:
    """Packets of samples at 48 kHz, mono."""
    context = av.AudioCodecContext.create("libopus", "w")
    context.sample_rate, context.layout, context.format = voice.RATE, "mono", "flt"
    context.bit_rate = bitrate
    context.options = {"frame_duration": str(packet_ms), "application": "voip", "vbr": "on"}
    size = voice.RATE * packet_ms // 1000
    count = len(samples) // size
    encoded: list[bytes] = []
    for k in range(count):
        frame = av.AudioFrame.from_ndarray(
            samples[None, k * size : (k + 1) * size], format="flt", layout="mono"
        )
        frame.sample_rate, frame.pts, frame.time_base = voice.RATE, k * size, Fraction(1, voice.RATE)
        encoded += [bytes(packet) for packet in context.encode(frame)]
    # The flush brings one more packet, the encoder's look-ahead, which belongs to the beginning of the loop.
    return [
        Packet(k, data, True, voice.level(samples[k * size : (k + 1) * size]))
        for k, data in enumerate(encoded[:count])
    ]


def picture(card: Card, shape: Shape, quality: int = 70) -> bytes:
    """A snapshot of the site as JPEG, as large as the lowest layer."""
    layer = min(shape.layers, key=lambda layer: layer.height)
    pixels = next(frames(card, layer.width, layer.height, 1, shape.loop_ms))
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality)
    return out.getvalue()
