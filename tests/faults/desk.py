"""A director's WebSocket, as the desk's page holds it: follows the meeting, comes back by its seq."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

from httpx2 import Client
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.faults.house import House, until


class Desk:
    """One client. What it knows of the meeting comes from `snap`, `ev` and `eph` only."""

    def __init__(self, house: House, client: Client) -> None:
        self.house, self._client, self._open = house, client, contextlib.ExitStack()
        self.stream = f"meeting:{house.nation.meeting}"
        self.socket: ClientConnection | None = None
        self.seq: int | None = None
        self.joined: set[str] = set()
        self.live: list[str] = []
        self.shown: set[str | None] = set()
        self.reconnect()

    def reconnect(self, seconds: float = 10) -> None:
        """A connection, asked for again while it is refused; the stream goes on after the last seq."""
        cookie = "; ".join(f"{name}={value}" for name, value in self._client.cookies.items())

        def attempt() -> ClientConnection | None:
            with contextlib.suppress(OSError):
                return self._open.enter_context(
                    connect(
                        self.house.url.replace("http", "ws") + "/api/v1/ws",
                        additional_headers={"Cookie": cookie},
                        open_timeout=5,
                    )
                )
            return None

        self.close()
        self.socket = until("the WebSocket is taken", attempt, seconds)
        self.say({"op": "hello", "proto": 1, "page": "desk", "tab": "faults"})
        self.wait("welcome", lambda message: message["op"] == "welcome")
        self.joined, self.live, self.shown = set(), [], set()
        self.say({"op": "sub", "stream": self.stream, "since": self.seq, "with": ["presence"]})

    def say(self, document: dict[str, Any]) -> None:
        assert self.socket is not None
        self.socket.send(json.dumps(document))

    def hear(self, seconds: float) -> dict[str, Any]:
        """The next message. Raises ConnectionClosed, TimeoutError."""
        assert self.socket is not None
        message: dict[str, Any] = json.loads(self.socket.recv(timeout=seconds))
        match message["op"]:
            case "snap":
                self.seq = message["seq"]
            case "ev":
                assert self.seq is not None and message["seq"] == self.seq + 1, "a gap"
                self.seq = message["seq"]
            case "eph" if message["topic"] == "presence":
                data = message["data"]
                self.joined = set() if data.get("full") else self.joined
                self.joined = (self.joined | set(data["joined"])) - set(data["left"])
            case "eph" if message["topic"] == "stage":
                self.live = message["data"]["live"]
                self.shown |= {item["site"] for item in message["data"]["shown"]}
            case "beat":
                self.say({"op": "pong"})
        return message

    def wait(self, what: str, done: Callable[[dict[str, Any]], bool], seconds: float = 10) -> dict[str, Any]:
        """The next message for which `done` holds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            with contextlib.suppress(TimeoutError):
                message = self.hear(left)
                if done(message):
                    return message
        raise AssertionError(f"not within {seconds} s: {what}; joined {self.joined}, live {self.live}")

    def wait_state(self, what: str, done: Callable[[], bool], seconds: float = 10) -> None:
        """Until what it knows satisfies `done`."""
        if not done():
            self.wait(what, lambda _: done(), seconds)

    def wait_shown(self, site: str, seconds: float = 10) -> None:
        """Until a slot of the node shows the site's picture to everyone."""

        def shows(message: dict[str, Any]) -> bool:
            shown = message["data"].get("shown", []) if message.get("topic") == "stage" else []
            return any(item["site"] == site for item in shown)

        self.wait(f"{site} is shown", shows, seconds)

    def wait_closed(self) -> None:
        """Until the server is gone."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.hear(5)

    def close(self) -> None:
        self._open.close()
        self.socket = None


@contextlib.contextmanager
def desk(house: House, client: Client) -> Iterator[Desk]:
    made = Desk(house, client)
    try:
        yield made
    finally:
        made.close()
