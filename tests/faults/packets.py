"""Datagrams that look like something: for the node's port. All from a seeded `Random`."""

import hashlib
import hmac
import struct
import zlib
from collections.abc import Iterator
from random import Random

MAGIC = 0x2112A442


def stun(random: Random, attributes: bytes, kind: int = 0x0001, length: int | None = None) -> bytes:
    """A STUN message (RFC 8489 §5) around `attributes`, which may lie about its length."""
    length = len(attributes) if length is None else length
    return struct.pack("!HHI", kind, length & 0xFFFF, MAGIC) + random.randbytes(12) + attributes


def attribute(kind: int, value: bytes) -> bytes:
    """One attribute, padded to four bytes (RFC 8489 §14)."""
    return struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)


def check(random: Random, username: str, password: str) -> bytes:
    """A connectivity check that nominates, with MESSAGE-INTEGRITY and FINGERPRINT (RFC 8445 §7.1)."""
    body = attribute(0x0006, username.encode()) + attribute(0x0024, bytes(4)) + attribute(0x0025, b"")
    body += attribute(0x802A, random.randbytes(8))
    head = stun(random, body)
    signed = head[:2] + struct.pack("!H", len(body) + 24) + head[4:]
    body += attribute(0x0008, hmac.new(password.encode(), signed, hashlib.sha1).digest())
    whole = signed[:2] + struct.pack("!H", len(body) + 8) + signed[4:20] + body
    return whole + attribute(0x8028, struct.pack("!I", zlib.crc32(whole) ^ 0x5354554E))


def dtls(random: Random) -> bytes:
    """A record of DTLS 1.2 (RFC 6347 §4.1), often a handshake fragment, whose parts need not fit."""
    kind = random.choice((20, 21, 22, 22, 22, 23, 24, 25, 63))
    body = random.randbytes(random.randrange(0, 200))
    if kind == 22:
        body = (
            bytes([random.choice((1, 1, 1, 2, 11, 16, 20, 255))])
            + random.choice((b"\0\0\0", b"\xff\xff\xff", random.randbytes(3)))
            + random.randbytes(2)
            + random.choice((b"\0\0\0", random.randbytes(3)))
            + random.choice((b"\0\0\0", random.randbytes(3)))
            + random.choice((b"\xfe\xfd", b"\xfe\xff", b"\x03\x03"))
            + body
        )
    length = random.choice((len(body), len(body), 0, 0xFFFF, random.randrange(1 << 16)))
    epoch = random.choice((0, 0, 1, 0xFFFF))
    head = struct.pack(
        "!BHHHIH", kind, random.choice((0xFEFD, 0xFEFF, 0x0303)), epoch, 0, random.randrange(9), length
    )
    return head + body


def rtp(random: Random) -> bytes:
    """An RTP packet (RFC 3550 §5.1) whose counts, extensions and padding need not fit."""
    first = 0x80 | random.randrange(64)
    head = struct.pack(
        "!BBHII",
        first,
        random.choice((96, 111, 96 | 0x80, random.randrange(256))),
        random.randrange(1 << 16),
        random.randrange(1 << 32),
        random.randrange(1 << 32),
    )
    extension = struct.pack("!HH", random.choice((0xBEDE, 0x1000, 0)), random.choice((0, 1, 0xFFFF)))
    return head + extension + random.randbytes(random.randrange(0, 1200))


def rtcp(random: Random) -> bytes:
    """A compound of RTCP packets (RFC 3550 §6.4) whose lengths need not fit."""
    parts = []
    for _ in range(random.randrange(1, 5)):
        body = random.randbytes(4 * random.randrange(0, 12))
        length = random.choice((len(body) // 4, len(body) // 4, 0, 0xFFFF))
        first = 0x80 | random.randrange(64)
        parts.append(struct.pack("!BBH", first, random.choice(range(192, 224)), length) + body)
    return b"".join(parts)


def stun_like(random: Random, ufrag: str) -> bytes:
    """A STUN message with attributes that may be anything, now and then for a connection that exists."""
    attributes = b""
    for _ in range(random.randrange(0, 6)):
        kind = random.choice((0x0006, 0x0008, 0x0020, 0x0025, 0x8028, 0x802A, random.randrange(1 << 16)))
        name = random.choice((f"{ufrag}:x".encode(), b"", b"\xff" * 9, random.randbytes(20)))
        value = name if kind == 6 else random.randbytes(random.choice((0, 4, 8, 20, 63)))
        made = attribute(kind, value)
        attributes += made if random.random() < 0.8 else made[: random.randrange(len(made) + 1)]
    length = random.choice((None, None, 0, 0xFFFC, random.randrange(1 << 16)))
    return stun(random, attributes, random.choice((0x0001, 0x0001, 0x0101, 0x0111, 0x0011, 0x3FFF)), length)


def garbage(random: Random, ufrag: str, count: int) -> Iterator[bytes]:
    """So many datagrams of every kind, and cut ones."""
    kinds = (
        lambda: random.randbytes(random.choice((0, 1, 2, 12, 20, 100, 1472, 9000))),
        lambda: stun_like(random, ufrag),
        lambda: dtls(random),
        lambda: rtp(random),
        lambda: rtcp(random),
    )
    for _ in range(count):
        made = random.choice(kinds)()
        yield made[: random.randrange(len(made) + 1)] if random.random() < 0.2 else made
