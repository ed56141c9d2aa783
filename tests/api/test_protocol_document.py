"""docs/protocol.md and the server say the same: examples, requests, error codes, close codes, commands."""

import json
import re
from pathlib import Path

from diemcau import media, meetings, stage, units  # noqa: F401 - their errors are registered by import
from diemcau.api.live import frames
from diemcau.errors import DiemCauError
from diemcau.inspections import CALL_TYPES
from diemcau.meetings import commands, rollcall
from diemcau.rollout import rehearsals  # noqa: F401
from diemcau.talkback import TALK_TYPES

from .world import World

TEXT = (Path(__file__).resolve().parents[2] / "docs" / "protocol.md").read_text()
CLIENTS = {"hello", "page", "rehearsal", "screen", "sub", "unsub", "cmd", "pong"}


def examples() -> list[dict[str, object]]:
    found = []
    for block in re.findall(r"```jsonc?\n(.*?)```", TEXT, re.S):
        for line in block.splitlines():
            if line.startswith('{"op"'):
                try:
                    found.append(json.loads(line))
                except json.JSONDecodeError:
                    assert '"…"' in line or "|" in line or re.search(r": [A-Z]\w+", line), line
    return [example for example in found if example["op"] in CLIENTS]


def test_every_frame_that_the_document_shows_a_client_sending_is_taken() -> None:
    shown = examples()
    assert {str(example["op"]) for example in shown} >= {"hello", "sub", "cmd", "unsub"}
    for example in shown:
        document = frames.read(json.dumps(example))
        if document["op"] == "hello":
            frames.hello(document)
        elif document["op"] == "cmd":
            commands.parse(document)
        else:
            frames.later(document)


def test_the_close_codes_are_those_of_the_document() -> None:
    line = next(line for line in TEXT.splitlines() if line.startswith("Close codes:"))
    assert {int(code) for code in re.findall(r"\b4\d{3}\b", line)} == {int(code) for code in frames.Close}


def test_the_commands_are_those_of_the_document() -> None:
    assert set(re.findall(r"^\| `([a-z]+(?:\.[a-z_]+)?)` \|", TEXT, re.M)) == {
        *commands.COMMAND_TYPES,
        *rollcall.COMMAND_TYPES,
        *CALL_TYPES,
        *TALK_TYPES,
    }


def test_every_error_code_of_the_document_exists() -> None:
    section = TEXT[TEXT.index("Codes in use:") :].split("\n\n", 1)[0]
    told = set(re.findall(r"`([a-z_]+)`", section))

    def codes(kind: type[DiemCauError]) -> set[str]:
        return {kind.code}.union(*(codes(below) for below in kind.__subclasses__()))

    assert told <= codes(DiemCauError), told - codes(DiemCauError)


async def test_every_request_of_the_document_has_its_door(world: World) -> None:
    doors = {
        (method.upper(), re.sub(r"\{\w+\}", "{}", path))
        for path, item in world.app.openapi()["paths"].items()
        for method in item
    } | {("GET", "/ca.crt")}
    for row in re.findall(r"^\| (`(?:GET|POST|PUT|DELETE).*?) \|", TEXT, re.M):
        method, first = row.split("`")[1].split(" ", 1)
        for path in [first, *re.findall(r"`(/[^`]+)`", row)]:
            assert (method, re.sub(r"\{\w+\}", "{}", path.split("?")[0])) in doors, row
