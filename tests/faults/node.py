"""The media node's control socket, spoken to directly: what the node does while control is dead."""

import contextlib
import itertools
import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class Node:
    """One connection that said hello. While it is the last to do so, events come to it, not to control."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream, self._file = stream, stream.makefile("rb")
        self._names = itertools.count()
        self.events: list[dict[str, Any]] = []
        self.incarnation: str = self.call("hello", version=1)["incarnation"]
        self.snapshot = self.event("snapshot")

    def close(self) -> None:
        """Lets go of the socket, which its owner closes."""
        self._file.close()

    def call(self, command: str, **arguments: Any) -> dict[str, Any]:
        """The `ok` of one command."""
        name = f"test-{id(self):x}-{next(self._names)}"
        self._stream.sendall(json.dumps({"id": name, "cmd": command, **arguments}).encode() + b"\n")
        while True:
            line = json.loads(self._file.readline())
            if line.get("re") == name:
                assert "ok" in line, line
                answer: dict[str, Any] = line["ok"]
                return answer
            self.events.append(line)

    def event(self, kind: str) -> dict[str, Any]:
        """Waits for the next event of a kind (the socket's timeout bounds each line)."""
        while True:
            line: dict[str, Any] = json.loads(self._file.readline())
            if line.get("event") == kind:
                return line

    def shown(self, program: str) -> list[str | None]:
        """The parties whose tracks the program's slots show."""
        found = next(item for item in self.snapshot["programs"] if item["program"] == program)
        parties = {
            f"{publisher['publisher']}/video": publisher["party"] for publisher in self.snapshot["publishers"]
        }
        return [parties.get(slot.get("track")) for slot in found["slots"]]


@contextlib.contextmanager
def node_at(data: Path) -> Iterator[Node]:
    """A connection to the node of a data folder."""
    with socket.socket(socket.AF_UNIX) as stream:
        stream.settimeout(5)
        stream.connect(str(data / "media.sock"))
        node = Node(stream)
        try:
            yield node
        finally:
            node.close()
