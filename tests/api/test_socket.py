"""Frames of a client, however they are cut up: whole ones go past the parser, the others through it."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.frames import Close, Frame, Opcode

from diemcau.api.live.socket import GatheringSocket, whole_text

from .world import NORTH, World


def frame(text: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True, mask: bool = True) -> bytes:
    return Frame(opcode, text, fin=fin).serialize(mask=mask)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 1000, 65_535])
def test_a_whole_text_is_read(length: int) -> None:
    text = "ả" * (length // 3) + "." * (length % 3)
    assert whole_text(frame(text.encode())) == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x81",
        frame(b"chao")[:-1],
        frame(b"chao") + b"\x81",
        frame(b"chao") * 2,
        frame(b"chao", fin=False),
        frame(b"chao", mask=False),
        frame(b"chao", Opcode.BINARY),
        frame(b"chao", Opcode.PING),
        frame(b"chao", Opcode.CONT),
        frame(b"\xff\xfe"),
        frame(b"." * 65_536),
        b"\xc1" + frame(b"chao")[1:],
        b"\x81\xfe\x00",
    ],
    ids=itertools.count(),
)
def test_anything_else_is_the_parsers(data: bytes) -> None:
    assert whole_text(data) is None


class Raw:
    """A client that decides where its bytes are cut."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.taken = asyncio.Event()

    async def send(self, *pieces: bytes) -> None:
        """The server has taken each before the next leaves."""
        for piece in pieces:
            self.taken.clear()
            self.writer.write(piece)
            async with asyncio.timeout(10):
                await self.taken.wait()

    async def next(self, op: str) -> dict[str, Any]:
        async with asyncio.timeout(10):
            while True:
                head = await self.reader.readexactly(2)
                length = head[1]
                if length == 126:
                    length = int.from_bytes(await self.reader.readexactly(2))
                elif length == 127:
                    length = int.from_bytes(await self.reader.readexactly(8))
                body = await self.reader.readexactly(length)
                if head[0] & 15 == Opcode.CLOSE:
                    return {"op": "close", "code": Close.parse(body).code}
                if head[0] & 15 != Opcode.TEXT:
                    continue
                document: dict[str, Any] = json.loads(body)
                if document["op"] == op:
                    return document


@asynccontextmanager
async def raw(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Raw]:
    """A site's connection, welcomed."""
    address = urlsplit(world.url)
    credential = await world.device(NORTH)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    try:
        lines = [
            "GET /api/v1/ws HTTP/1.1",
            f"Host: {address.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version: 13",
            f"Authorization: Bearer {credential}",
        ]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
        client = Raw(reader, writer)
        take = GatheringSocket.data_received

        def taken(socket: GatheringSocket, data: bytes) -> None:
            take(socket, data)
            client.taken.set()

        monkeypatch.setattr(GatheringSocket, "data_received", taken)
        await client.send(frame(b'{"op":"hello","proto":1,"page":"site","tab":"tab-1"}'))
        await client.next("welcome")
        yield client
    finally:
        writer.close()


def said(number: int) -> bytes:
    """A command that is refused under its number."""
    return json.dumps({"op": "cmd", "id": f"command-{number}", "type": "no.such"}).encode()


async def test_frames_are_taken_in_order_however_they_are_cut_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with raw(world, monkeypatch) as client:
        first, second, third, fourth = (frame(said(number)) for number in range(4))
        half = len(said(4)) // 2
        begun, ended = frame(said(4)[:half], fin=False), frame(said(4)[half:], Opcode.CONT)
        for count, pieces in (
            (2, (first, second)),
            (2, (first[:1], first[1:], second)),
            (2, (first[:2], first[2:6], first[6:], second)),
            (2, (first + second[:3], second[3:])),
            (4, (first + second + third[:-1], third[-1:] + fourth)),
        ):
            await client.send(*pieces)
            for number in range(count):
                assert (await client.next("nack"))["id"] == f"command-{number}"
        # A ping may come between the parts of a message, another message may not.
        await client.send(begun, frame(b"", Opcode.PING), ended, first)
        assert (await client.next("nack"))["id"] == "command-4"
        assert (await client.next("nack"))["id"] == "command-0"
        await client.send(begun, first)
        assert (await client.next("close"))["code"] == 1002


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(b"\xff\xfe"), 1007),
        (frame(said(0), mask=False), 1002),
        (frame(b"." * 70_000), 1009),
        (frame(b"[]"), 4000),
        (frame(b"chao", Opcode.CONT), 1002),
    ],
    ids=["text", "mask", "size", "object", "part"],
)
async def test_what_is_wrong_ends_the_connection_with_its_code(
    world: World, monkeypatch: pytest.MonkeyPatch, data: bytes, code: int
) -> None:
    async with raw(world, monkeypatch) as client:
        await client.send(frame(said(0)), data)
        assert (await client.next("close"))["code"] == code
