r"""The clip file: one header, one index, encoded packets.

    8 bytes   "DCCLIP1\n"
    u32       length of the header, at most 1 MiB
    header    JSON, UTF-8 (`Header`)
    u32       number of packets, at most 262,144
    index     12 bytes a packet: u32 offset into the data, u32 length (at most 1 MiB), u16 position in the
              loop, u8 flags (bit 0: keyframe), u8 audio level (-dBov; 127 for video)
    data      the packets

Integers are little endian. Packets of a stream are consecutive, in the order of their position in the loop,
one a position. H.264 packets are Annex B access units, parameter sets repeated before every keyframe. The
twin of this file is `rust/load/src/clips/container.rs`.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from diemcau.clips.errors import ClipCorrupt

MAGIC: Final = b"DCCLIP1\n"
MAX_HEADER: Final = 1 << 20
MAX_PACKETS: Final = 1 << 18
MAX_PACKET: Final = 1 << 20
_ENTRY: Final = struct.Struct("<IIHBB")


@dataclass(frozen=True)
class Packet:
    """One encoded frame (video), packet (audio) or picture (JPEG)."""

    position: int
    data: bytes
    keyframe: bool = False
    level: int = 127


@dataclass
class Stream:
    """Packets of one encoding.

    `codec`: "h264", "vp8", "opus" or "jpeg". `layer`: "low", "high" or "" (not video). `phase`: position of
    the video's keyframe. `span_ms`: length of the loop, milliseconds; a packet is due at
    `position * span_ms / count`.
    """

    codec: Literal["h264", "vp8", "opus", "jpeg"]
    span_ms: int
    layer: Literal["low", "high", ""] = ""
    phase: int = 0
    width: int = 0
    height: int = 0
    packets: list[Packet] = field(default_factory=list)


@dataclass
class Clip:
    """One file. `number` is what the time code of its pictures carries."""

    number: int
    name: str
    code: str
    streams: list[Stream]


def write(path: Path, clip: Clip) -> None:
    """Writes the file whole or not at all."""
    packets: list[Packet] = []
    streams: list[dict[str, Any]] = []
    for stream in clip.streams:
        entry = asdict(stream)
        entry.pop("packets")
        streams.append(entry | {"first": len(packets), "count": len(stream.packets)})
        packets += stream.packets
    header = {"version": 1, "number": clip.number, "name": clip.name, "code": clip.code, "streams": streams}
    encoded = json.dumps(header, ensure_ascii=False).encode()
    index, offset = bytearray(), 0
    for packet in packets:
        index += _ENTRY.pack(offset, len(packet.data), packet.position, int(packet.keyframe), packet.level)
        offset += len(packet.data)
    beside = path.with_suffix(".part")
    with beside.open("wb") as out:
        out.write(MAGIC + struct.pack("<I", len(encoded)) + encoded + struct.pack("<I", len(packets)) + index)
        out.writelines(packet.data for packet in packets)
    beside.replace(path)


def read(path: Path) -> Clip:
    """Reads the file; raises `ClipCorrupt` when anything in it points outside of it."""
    return parse(path.read_bytes())


def parse(data: bytes) -> Clip:
    """As `read`, from memory."""
    try:
        return _parse(data)
    except (struct.error, ValueError, KeyError, TypeError, IndexError) as error:
        raise ClipCorrupt(f"not a clip file: {error}") from error


def _parse(data: bytes) -> Clip:
    if data[:8] != MAGIC:
        raise ClipCorrupt("not a clip file: magic")
    (header_len,) = struct.unpack_from("<I", data, 8)
    if header_len > MAX_HEADER or 12 + header_len > len(data):
        raise ClipCorrupt("not a clip file: header")
    header = json.loads(data[12 : 12 + header_len])
    at = 12 + header_len
    (count,) = struct.unpack_from("<I", data, at)
    at += 4
    body = at + count * _ENTRY.size
    if header["version"] != 1 or count > MAX_PACKETS or body > len(data):
        raise ClipCorrupt("not a clip file: index")
    packets: list[Packet] = []
    for i in range(count):
        offset, length, position, flags, level = _ENTRY.unpack_from(data, at + i * _ENTRY.size)
        if length > MAX_PACKET or body + offset + length > len(data):
            raise ClipCorrupt("not a clip file: packet outside")
        start = body + offset
        packets.append(Packet(position, data[start : start + length], bool(flags & 1), level))
    streams = [_stream(entry, packets) for entry in header["streams"]]
    return Clip(int(header["number"]), str(header["name"]), str(header["code"]), streams)


def _stream(entry: dict[str, Any], packets: Sequence[Packet]) -> Stream:
    fields = dict(entry)
    first, count = fields.pop("first"), fields.pop("count")
    if not (0 <= first <= first + count <= len(packets)):
        raise ClipCorrupt("not a clip file: stream outside")
    return Stream(**fields, packets=list(packets[first : first + count]))
