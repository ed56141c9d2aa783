"""Malformed HTTP and WebSocket input at a running server: refused with a code or closed, never a 500."""

import contextlib
import json
import os
import re
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import orjson
import pytest
from httpx2 import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.faults.house import House, Nation, house

pytestmark = [pytest.mark.alone, pytest.mark.timeout(100)]

UPGRADE = b"Host: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
LOG_IN = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\n"
DEEP = "[" * 100_000
DEEP_OBJECT = '{"a":' * 40_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, template: tuple[Path, Nation]) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("hostile-doors"), *template) as running:
        yield running


@pytest.fixture(autouse=True)
def unhurt(home: House) -> Iterator[None]:
    """After every test: the same server answers, nothing of its own went wrong, its memory is as it was."""
    pid, rss = home.pid, home.rss(home.pid)
    yield
    assert home.pid == pid and home.get("/readyz").status_code == 200
    metrics = home.get("/metrics").text
    # `/readyz` answers 503 while the node starts: that is its answer, not a fault.
    failed = re.findall(r'diemcau_http_requests_total\{[^}]*status="5[^}]*\}', metrics)
    assert [line for line in failed if not ('route="/readyz"' in line and 'status="503"' in line)] == []
    assert not re.search(r'diemcau_ws_closes_total\{code="1011"', metrics)
    assert "Traceback" not in home.log, home.log[-4000:]
    assert home.rss(pid) - rss < 64 << 20


def raw(home: House, data: bytes, *, half_close: bool = True) -> bytes:
    """What a connection answers to bytes until it is closed."""
    got = b""
    address = ("127.0.0.1", home.port)
    with socket.create_connection(address, timeout=10) as stream, contextlib.suppress(ConnectionError):
        stream.sendall(data)
        if half_close:
            stream.shutdown(socket.SHUT_WR)
        while part := stream.recv(65536):
            got += part
    return got


def statuses(answer: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", answer)]


MALFORMED = {
    "nothing": b"",
    "garbage": bytes(range(256)) * 8,
    "no version": b"GET /healthz\r\n\r\n",
    "another version": b"GET /healthz HTTP/9.9\r\nHost: x\r\n\r\n",
    "a TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),
    "HTTP/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two lengths": LOG_IN + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "length and chunks": LOG_IN + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a negative length": LOG_IN + b"Content-Length: -5\r\n\r\n{}",
    "an endless length": LOG_IN + b"Content-Length: " + b"9" * 400 + b"\r\n\r\n",
    "a bad chunk": LOG_IN + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    "a header without colon": b"GET /healthz HTTP/1.1\r\nHost: x\r\nnonsense\r\n\r\n",
    "a null in a header": b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nCookie: dc_session=\x00\x01\r\n\r\n",
    "bytes in a header": b"GET /api/v1/me HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer \xff\xfe\xfd\r\n\r\n",
    "a large header": b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 2_000_000 + b"\r\n\r\n",
    "many headers": b"GET /healthz HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 100_000 + b"\r\n",
    "a long path": b"GET /" + b"x" * 500_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path outside": b"GET /../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    "an escaped path outside": b"GET /..%2f..%2f..%2fetc%2fpasswd HTTP/1.1\r\nHost: x\r\n\r\n",
    "a null in the path": b"GET /a%00b HTTP/1.1\r\nHost: x\r\n\r\n",
    "bytes in the path": b"GET /%ff%fe HTTP/1.1\r\nHost: x\r\n\r\n",
    "a surrogate in the path": b"GET /assets/%ed%a0%80 HTTP/1.1\r\nHost: x\r\n\r\n",
    "a path longer than a name": b"GET /assets/" + b"a" * 5000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "a null in a query": b"GET /api/v1/units/search?q=%00%ff HTTP/1.1\r\nHost: x\r\n\r\n",
    "a half WebSocket": b"GET /api/v1/ws HTTP/1.1\r\n" + UPGRADE + b"\r\n",
    "a WebSocket elsewhere": b"GET /healthz HTTP/1.1\r\n"
    + UPGRADE
    + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_http_is_refused_or_closed(home: House, name: str) -> None:
    answer = raw(home, MALFORMED[name])
    assert all(status in range(200, 500) for status in statuses(answer)), answer[:500]
    assert b"root:" not in answer


def test_random_bytes_are_refused_or_closed(home: House) -> None:
    random = Random(5)
    whole = LOG_IN + b"Content-Type: application/json\r\nContent-Length: 40\r\n\r\n"
    for _ in range(60):
        data = bytearray(whole + random.randbytes(40))
        for _ in range(random.randrange(1, 12)):
            data[random.randrange(len(data))] = random.randrange(256)
        answer = raw(home, bytes(data))
        assert all(status in range(200, 500) for status in statuses(answer)), (bytes(data), answer[:500])


def test_bodies_beyond_the_limit_are_not_read(home: House) -> None:
    head = LOG_IN + b"Content-Type: application/json\r\n"
    said = raw(home, head + b"Content-Length: 50000000\r\n\r\n" + b"x" * 100_000, half_close=False)
    assert statuses(said) == [413] and b'"too_large"' in said
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    chunked = raw(home, head + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 100)
    assert statuses(chunked)[:1] in ([413], []), chunked[:300]


BODIES: dict[str, bytes] = {
    "nothing": b"",
    "no JSON": b"{nonsense",
    "deep": DEEP.encode(),
    "deep objects": DEEP_OBJECT.encode(),
    "closed and deep": ("[" * 5_000 + "]" * 5_000).encode(),
    "no UTF-8": b'{"username": "\xff\xfe", "password": "x"}',
    "a lone surrogate": b'{"username": "\\ud800", "password": "\\udfff", "id": "\\ud800aaaaaaaaa"}',
    "nulls": b'{"username": "\\u0000", "password": "\\u0000", "id": "' + b"\\u0000" * 8 + b'"}',
    "a list": b"[1, 2, 3]",
    "a number": b"1e999",
    "a large number": b'{"id": ' + b"9" * 5000 + b"}",
    "not a number": b'{"id": NaN}',
    "many keys": b"{" + b",".join(b'"k%d": 1' % n for n in range(15_000)) + b"}",
}


@pytest.fixture(scope="module")
def operator(home: House) -> Client:
    return home.operator()


@pytest.mark.parametrize("name", BODIES)
def test_a_malformed_body_is_a_coded_refusal_at_every_door(home: House, operator: Client, name: str) -> None:
    meeting = home.nation.meeting
    for method, path in (
        ("POST", "/api/v1/meetings"),
        ("POST", "/api/v1/commands"),
        ("POST", f"/api/v1/meetings/{meeting}/viewer"),
        ("POST", f"/api/v1/meetings/{meeting}/publisher"),
        ("PUT", "/api/v1/viewers/none/pins/1"),
        ("PUT", "/api/v1/snapshot"),
        ("POST", "/api/v1/activation"),
        ("POST", "/api/v1/device/challenge"),
        ("POST", "/api/v1/device/session"),
        ("POST", "/api/v1/rollout/sheets"),
        ("POST", "/api/v1/rollout/codes/revoke"),
    ):
        headers = {"Content-Type": "application/json"}
        answer = operator.request(method, path, content=BODIES[name], headers=headers)
        assert answer.status_code in range(400, 500), (path, answer.status_code, answer.text)
        assert answer.headers["content-type"] == "application/problem+json"
        assert re.fullmatch("[a-z_]+", answer.json()["code"]), answer.text


STRANGE: list[object] = [
    None, True, -1, 1e300, 2**63, 10**400, "", "\x00", "\x00\ud800", "x" * 60_000, [], [[]] * 1000, {},
    {"a": {"b": []}},
    ["s_79"] * 500, "s_79", "s_none", "../..", "'; DROP TABLE events; --",
]  # fmt: skip
"""Values for any argument."""

KINDS = (
    "meeting.open", "meeting.end", "meeting.invite", "meeting.join", "meeting.leave", "hand.raise",
    "hand.lower",
    "floor.give", "floor.end", "mic.set", "mute", "unmute", "stage.preview", "stage.cut", "message.post",
    "message.got", "message.answer",
    "none", "",
)  # fmt: skip
ARGUMENTS = (
    "site",
    "sites",
    "slots",
    "on",
    "all",
    "unit",
    "text",
    "to",
    "replace",
    "stage",
    "ask",
    "message",
    "messages",
    "id",
    "meeting",
    "more",
)


def strange_command(random: Random, meeting: str) -> dict[str, object]:
    body: dict[str, object] = {"id": f"{random.getrandbits(64):016x}", "type": random.choice(KINDS)}
    body["meeting"] = meeting if random.random() < 0.9 else random.choice(STRANGE)
    for name in random.sample(ARGUMENTS, random.randrange(4)):
        body[name] = random.choice(STRANGE)
    return body


def encoded(document: object) -> str:
    """JSON of ASCII characters, so that lone surrogates travel as escapes."""
    return json.dumps(document)


def test_strange_commands_are_done_or_refused_with_a_code(home: House, operator: Client) -> None:
    random, codes = Random(6), set()
    for _ in range(300):
        body = strange_command(random, home.nation.meeting)
        if body["type"] == "meeting.end":
            continue
        answer = operator.post(
            "/api/v1/commands", content=encoded(body), headers={"Content-Type": "application/json"}
        )
        assert answer.status_code in (200, *range(400, 500)), (body, answer.text)
        if answer.status_code != 200:
            codes.add(answer.json()["code"])
    assert {"bad_request", "wrong_state"} & codes and len(codes) >= 2, codes
    assert home.state(operator)["state"]["status"] == "open"


@contextlib.contextmanager
def socket_of(home: House, *, hello: bool = True) -> Iterator[ClientConnection]:
    """A site's WebSocket, past its welcome."""
    headers = {"Authorization": f"Bearer {home.nation.credentials['s_31']}"}
    with connect(f"ws://127.0.0.1:{home.port}/api/v1/ws", additional_headers=headers) as client:
        if hello:
            client.send('{"op": "hello", "proto": 1, "page": "site", "tab": "hostile"}')
            assert json.loads(client.recv(timeout=10))["op"] == "welcome"
        yield client


def close_code(client: ClientConnection) -> int:
    """The code with which the server closes."""
    try:
        while True:
            client.recv(timeout=10)
    except ConnectionClosed as closed:
        return 1006 if closed.rcvd is None else closed.rcvd.code


FRAMES: dict[str, tuple[str | bytes, set[int]]] = {
    "no JSON": ("nonsense", {4000}),
    "nothing": ("", {4000}),
    "deep JSON": (DEEP[:60_000], {4000}),
    "deep objects": (DEEP_OBJECT[:60_000], {4000}),
    "closed and deep": ("[" * 30_000 + "]" * 30_000, {4000}),
    "a list": ("[]", {4000}),
    "no op": ('{"x": 1}', {4000}),
    "an op that is no text": ('{"op": {"op": "sub"}}', {4000}),
    "an unknown op": ('{"op": "none"}', {4000}),
    "a second hello": ('{"op": "hello", "proto": 1, "page": "site", "tab": "x"}', {4000}),
    "a lone surrogate": ('{"op": "\\ud800"}', {4000}),
    "a since below zero": ('{"op": "sub", "stream": "meeting:x", "since": -1}', {4000}),
    "a since beyond all": ('{"op": "sub", "stream": "meeting:x", "since": ' + "9" * 400 + "}", {4000}),
    "unknown topics": ('{"op": "sub", "stream": "meeting:x", "with": ["all"]}', {4000}),
    "binary": (b"\x00\xff" * 100, {4000, 1003}),
    "beyond the limit": ("x" * 70_000, {1009}),
}


@pytest.mark.parametrize("name", FRAMES)
@pytest.mark.parametrize("when", ["before hello", "after hello"])
def test_a_malformed_frame_closes_with_a_code(home: House, name: str, when: str) -> None:
    frame, codes = FRAMES[name]
    if (name, when) == ("a second hello", "before hello"):
        return
    with socket_of(home, hello=when == "after hello") as client:
        with contextlib.suppress(ConnectionClosed):
            client.send(frame)
        assert close_code(client) in codes


def test_subscriptions_and_commands_that_make_no_sense_are_refused_and_the_connection_stays(
    home: House,
) -> None:
    random = Random(7)
    with socket_of(home) as client:
        for stream in ("meeting:none", "meeting:", "x", "meeting:\x00", "meeting:\ud800"[:8], "a:b:c"):
            client.send(encoded({"op": "sub", "stream": stream}))
            assert answer_to(client, "nack")["problem"]["status"] in range(400, 500)
        for _ in range(60):
            command = {"op": "cmd", **strange_command(random, home.nation.meeting)}
            if len(encoded(command)) > 60_000:
                continue  # too long a frame ends the connection, see above
            with contextlib.suppress(orjson.JSONDecodeError):
                orjson.loads(encoded(command))  # what is no JSON for the server closes, see above
                client.send(encoded(command))
                said = answer_to(client, "ack", "nack")
                assert said["op"] == "ack" or said["problem"]["status"] in range(400, 500), (command, said)


def answer_to(client: ClientConnection, *ops: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(client.recv(timeout=10))
        if message["op"] in ops:
            return message


HANDSHAKE = (
    b"GET /api/v1/ws HTTP/1.1\r\n"
    + UPGRADE
    + b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(first: int, payload: bytes, *, masked: bool = True, length: int | None = None) -> bytes:
    """A frame (RFC 6455 §5.2) that may lie about its length."""
    length = len(payload) if length is None else length
    mask = bytes(4) if masked else b""
    return struct.pack("!BBQ", first, (0x80 if masked else 0) | 127, length) + mask + payload


WIRE = {
    "not masked": frame(0x81, b"{}", masked=False),
    "reserved bits": frame(0xF1, b"{}"),
    "an unknown opcode": frame(0x8F, b"{}"),
    "an endless length": frame(0x81, b"{}", length=(1 << 63) - 1),
    "a length with its sign bit": frame(0x81, b"{}", length=(1 << 64) - 1),
    "a continuation of nothing": frame(0x80, b"{}"),
    "a long ping": frame(0x89, bytes(1000)),
    "a fragmented ping": frame(0x09, b"x"),
    "text that is no UTF-8": frame(0x81, b"\xff\xfe\xfd"),
    "a close without sense": frame(0x88, b"\x00"),
    "a close with a forbidden code": frame(0x88, struct.pack("!H", 1005)),
    "fragments without end": frame(0x01, b"x" * 30_000) + frame(0x00, b"x" * 30_000) * 20,
    "garbage": os.urandom(0) + Random(8).randbytes(4000),
}


@pytest.mark.parametrize("name", WIRE)
def test_malformed_websocket_bytes_end_their_own_connection(home: House, name: str) -> None:
    answer = raw(home, HANDSHAKE + WIRE[name])
    assert statuses(answer) == [101]
    code = re.search(rb"\x88[\x02-\x7d](..)", answer[answer.index(b"\r\n\r\n") :], re.DOTALL)
    if code:
        assert struct.unpack("!H", code[1])[0] in (1000, 1002, 1005, 1007, 1009, 4000, 4001, 4010), answer[
            -80:
        ]
