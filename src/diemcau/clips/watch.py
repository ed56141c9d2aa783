r"""The child of `diemcau-load` that decodes what its sampled viewers receive.

Standard input, little endian: `u32 length`, then `length` bytes of a record:

    u8 1, u32 stream, u8 codec (1 H.264, 2 VP8)                      opens a stream, or begins it anew
    u8 2, u32 stream, u64 arrival (Unix time, microseconds; 0: no age is asked), frame   H.264 as Annex B
    u8 3, u32 stream                                                 closes it

Standard output: one JSON line a frame, `{"stream", "ms", "site", "latency_ms", "broken", "width", "height"}`.
`ms` and `site` are the time code (null when there is none), `latency_ms` is the age of the picture at its
arrival, modulo the loop, or null; `broken` says why the frame is not whole: "decode", "corrupt", "no_code",
or null.
"""

import json
import struct
from typing import Any, BinaryIO, Final, TextIO

import av
import numpy as np
import numpy.typing as npt

from diemcau.clips.errors import ClipsError
from diemcau.clips.timecode import code_height, read_timecode

MAX_RECORD: Final = 4 << 20
MAX_STREAMS: Final = 4_096
_CODECS: Final = {1: "h264", 2: "vp8"}


class Decoder:
    """One stream. `loop_ms`: length of the clips' loop, milliseconds."""

    def __init__(self, codec: str, loop_ms: int) -> None:
        self.codec = codec
        self.loop_ms = loop_ms
        self.context = self._fresh()

    def _fresh(self) -> av.VideoCodecContext:
        context = av.CodecContext.create(self.codec, "r")
        if not isinstance(context, av.VideoCodecContext):
            raise ClipsError(f"{self.codec} is no video codec")
        context.thread_count = 1
        # Low delay: every frame comes out at once; explode: what is damaged is said, not painted over.
        context.options = {"flags": "low_delay", "err_detect": "explode"}
        return context

    def decode(self, arrival_us: int, data: bytes) -> list[dict[str, Any]]:
        """What the frame shows; nothing when the decoder gave no picture for it."""
        try:
            frames = self.context.decode(av.Packet(data))
        except (av.error.InvalidDataError, av.error.UndefinedError, av.error.EOFError):
            self.context = self._fresh()
            return [
                {"ms": None, "site": None, "latency_ms": None, "broken": "decode", "width": 0, "height": 0}
            ]
        return [self._describe(frame, arrival_us) for frame in frames]

    def _describe(self, frame: av.VideoFrame, arrival_us: int) -> dict[str, Any]:
        found = read_timecode(_luma(frame))
        broken = "corrupt" if frame.is_corrupt else None if found else "no_code"
        out: dict[str, Any] = {"ms": None, "site": None, "latency_ms": None}
        if found:
            ms, site = found
            late = round((arrival_us / 1000 - ms) % self.loop_ms, 1) if arrival_us else None
            out = {"ms": ms, "site": site, "latency_ms": late}
        return out | {"broken": broken, "width": frame.width, "height": frame.height}


def _luma(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    """The frame's luma, shape (height, width); only the rows that the code takes are really read."""
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    luma = np.zeros((frame.height, frame.width), np.uint8)
    top = code_height(frame.height)
    luma[:top] = rows[:top, : frame.width]
    return luma


def watch(source: BinaryIO, sink: TextIO, loop_ms: int) -> None:
    """Runs until `source` ends. Raises `ClipsError` when a record is not one."""
    decoders: dict[int, Decoder] = {}
    while head := source.read(4):
        (length,) = struct.unpack("<I", head) if len(head) == 4 else (0,)
        body = source.read(length) if 5 <= length <= MAX_RECORD else b""
        if len(body) != length or length < 5:
            raise ClipsError("a record on standard input is cut or too long")
        kind, stream = struct.unpack_from("<BI", body)
        if kind == 1 and len(body) == 6 and body[5] in _CODECS and len(decoders) < MAX_STREAMS:
            decoders[stream] = Decoder(_CODECS[body[5]], loop_ms)
        elif kind == 3:
            decoders.pop(stream, None)
        elif kind == 2 and len(body) > 13 and (decoder := decoders.get(stream)):
            (arrival,) = struct.unpack_from("<Q", body, 5)
            for report in decoder.decode(arrival, body[13:]):
                sink.write(json.dumps({"stream": stream} | report) + "\n")
            sink.flush()
        else:
            raise ClipsError(f"a record of kind {kind} on standard input is not one")
