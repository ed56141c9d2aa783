"""The parser of commands meets whatever a client sends."""

import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.errors import BadRequest
from diemcau.meetings import parse
from diemcau.meetings.commands import (
    COMMAND_TYPES,
    MAX_TEXT,
    Answer,
    Command,
    Cut,
    EndFloor,
    GiveFloor,
    Got,
    Invite,
    LineUp,
    LowerHand,
    Mute,
    Post,
    Preview,
    SetMic,
)

BASE = {"op": "cmd", "id": "c0ffee42", "meeting": "m_1"}


@pytest.mark.parametrize(
    ("message", "what"),
    [
        ({"type": "hand.lower"}, LowerHand(None)),
        ({"type": "hand.lower", "site": None}, LowerHand(None)),
        ({"type": "hand.lower", "site": "s_1"}, LowerHand("s_1")),
        ({"type": "floor.give", "site": "s_1"}, GiveFloor("s_1", True, True)),
        (
            {"type": "floor.give", "site": "s_1", "replace": False, "stage": False},
            GiveFloor("s_1", False, False),
        ),
        ({"type": "floor.end"}, EndFloor(None)),
        ({"type": "mic.set", "on": False}, SetMic(False)),
        ({"type": "mute", "all": True}, Mute(all=True)),
        ({"type": "mute", "unit": "70"}, Mute(unit="70")),
        ({"type": "mute", "site": "s_1", "unit": None, "all": None}, Mute(site="s_1")),
        ({"type": "stage.preview", "slots": ["s_1", None]}, Preview(("s_1", None))),
        ({"type": "stage.line_up", "site": "s_1"}, LineUp("s_1")),
        ({"type": "stage.line_up", "site": "s_1", "on": False}, LineUp("s_1", False)),
        ({"type": "stage.line_up", "site": "s_1", "place": 0}, LineUp("s_1", True, 0)),
        ({"type": "stage.cut"}, Cut(None)),
        ({"type": "stage.cut", "slots": None}, Cut(None)),
        ({"type": "stage.cut", "slots": [None]}, Cut((None,))),
        ({"type": "meeting.invite", "sites": ["s_1", "s_2", "s_1"]}, Invite(("s_1", "s_2"))),
        ({"type": "message.post", "text": "ế" * MAX_TEXT, "to": "all"}, Post("ế" * MAX_TEXT, "all")),
        ({"type": "message.post", "text": "x", "to": "s_1", "ask": True}, Post("x", "s_1", True)),
        ({"type": "message.got", "messages": ["t_1", "t_2", "t_1"]}, Got(("t_1", "t_2"))),
        ({"type": "message.answer", "message": "t_1"}, Answer("t_1")),
    ],
)
def test_commands_of_the_protocol(message: dict[str, Any], what: object) -> None:
    assert parse(BASE | message) == Command("c0ffee42", message["type"], "m_1", what)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"type": "no.such"},
        {"type": 1},
        {"type": "hand.raise", "extra": 1},
        {"type": "hand.raise", "id": "short"},
        {"type": "hand.raise", "id": "x" * 65},
        {"type": "hand.raise", "id": "with a space"},
        {"type": "hand.raise", "id": "ếếếếếếếếế"},
        {"type": "hand.raise", "id": None},
        {"type": "hand.raise", "meeting": ""},
        {"type": "hand.raise", "meeting": "x" * 65},
        {"type": "hand.raise", "meeting": ["m_1"]},
        {"type": "hand.lower", "site": 1},
        {"type": "floor.give"},
        {"type": "floor.give", "site": "s_1", "replace": "yes"},
        {"type": "floor.give", "site": "s_1", "stage": 1},
        {"type": "floor.give", "site": "s\x001"},
        {"type": "floor.give", "site": "s_\ud800"},
        {"type": "mic.set"},
        {"type": "mic.set", "on": None},
        {"type": "mute"},
        {"type": "mute", "all": False},
        {"type": "mute", "all": "true"},
        {"type": "mute", "site": "s_1", "all": True},
        {"type": "unmute"},
        {"type": "stage.preview"},
        {"type": "stage.preview", "slots": None},
        {"type": "stage.preview", "slots": []},
        {"type": "stage.preview", "slots": ["s_1", "s_2", "s_3"]},
        {"type": "stage.preview", "slots": ["s_1", "s_1"]},
        {"type": "stage.preview", "slots": [1]},
        {"type": "stage.cut", "slots": "s_1"},
        {"type": "stage.line_up"},
        {"type": "stage.line_up", "site": "s_1", "on": 1},
        {"type": "stage.line_up", "site": "s_1", "place": 4},
        {"type": "stage.line_up", "site": "s_1", "place": True},
        {"type": "meeting.invite", "sites": []},
        {"type": "meeting.invite", "sites": ["s_1"] * 1001},
        {"type": "meeting.invite", "sites": [None]},
        {"type": "message.post", "text": "", "to": "all"},
        {"type": "message.post", "text": " \n", "to": "all"},
        {"type": "message.post", "text": "x" * (MAX_TEXT + 1), "to": "all"},
        {"type": "message.post", "text": "x\ud800", "to": "all"},
        {"type": "message.post", "text": "x"},
        {"type": "message.post", "text": "x", "to": "all", "ask": None},
        {"type": "message.got", "message": "t_1"},
        {"type": "message.got", "messages": []},
        {"type": "message.got", "messages": ["t_1"] * 101},
        {"type": "message.got", "messages": [["t_1"]]},
        {"type": "message.answer", "message": ["t_1"]},
    ],
)
def test_everything_else_is_a_bad_request(message: dict[str, Any]) -> None:
    with pytest.raises(BadRequest):
        parse(BASE | message)


anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["s_1", "m_1", "all"]),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=10,
)
fields = st.sampled_from(
    (
        *("id", "type", "meeting", "site", "sites", "unit", "all", "slots", "text", "to", "on", "replace"),
        *("stage", "ask", "message", "messages"),
    )
)


@given(
    st.dictionaries(fields | st.text(string.ascii_letters, max_size=5), anything, max_size=8),
    st.sampled_from(COMMAND_TYPES),
)
def test_no_input_gets_past_as_anything_but_a_command_or_a_bad_request(
    message: dict[str, Any], kind: str
) -> None:
    for tried in (message, BASE | message, BASE | message | {"type": kind}):
        given_ = dict(tried)
        try:
            command = parse(tried)
        except BadRequest as error:
            assert error.code == "bad_request"
            error.problem()
        else:
            assert command.type in COMMAND_TYPES
            assert len(command.id) <= 64
        assert list(tried) == list(given_)
