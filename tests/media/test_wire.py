"""`wire.py` is what the generator makes of the committed schema: the two sides of the socket cannot drift."""

import importlib.util
import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter, ValidationError

from diemcau.media import wire

ROOT = Path(__file__).resolve().parents[2]


def test_the_committed_types_are_those_of_the_schema() -> None:
    source = ROOT / "scripts" / "generate_wire.py"
    spec = importlib.util.spec_from_file_location("generate_wire", source)
    assert spec is not None and spec.loader is not None
    generator = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(generator)
    schema = json.loads((ROOT / "rust" / "control" / "schema.json").read_text())
    assert generator.generate(schema) == Path(wire.__file__).read_text()


def test_events_are_told_apart_by_their_tag() -> None:
    events: TypeAdapter[wire.Event] = TypeAdapter(wire.Event)
    live = events.validate_json('{"seq":1,"at":5,"event":"track_live","track":"x/video","kind":"video"}')
    assert isinstance(live, wire.TrackLiveEvent)
    assert live.layers == [] and live.codec is None
    with pytest.raises(ValidationError):
        events.validate_json('{"seq":1,"at":5,"event":"no_such_event"}')


def test_a_command_is_written_as_the_node_reads_it() -> None:
    command = wire.SlotSetCommand(program="meeting/m_1", slot=0, track="p/video")
    assert command.model_dump(exclude_none=True) == {
        "cmd": "slot_set",
        "program": "meeting/m_1",
        "slot": 0,
        "track": "p/video",
    }
