"""Self-tests' figures and what follows from them."""

from string import Formatter
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from diemcau.rollout.selftest import Figures, advise
from diemcau.rollout.selftest.advice import Reach
from diemcau.rollout.selftest.figures import Camera, Fault, Microphone, Speaker
from diemcau.rollout.selftest.loop import written
from diemcau.rollout.selftest.texts import TEXTS

from .figures import changed, figures

BLOCKED = {"state": "failed", "udp": False, "tcp": False, "relay": None, "path": None}

# What was measured -> the codes, faults with an exclamation mark.
CASES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"camera": {"state": "busy"}}, ["camera_busy!"]),
    ({"camera": {"state": "black"}}, ["camera_black!"]),
    ({"camera": {"width": 320, "height": 240}}, ["camera_small"]),
    ({"camera": {"width": 640}}, []),
    (
        {"microphone": {"state": "silent"}, "speaker": {"state": "not_heard"}},
        ["microphone_silent!", "speaker_not_heard!"],
    ),
    ({"network": {"state": "skipped"}}, ["network_skipped!"]),
    ({"network": {**BLOCKED}}, ["network_blocked!"]),
    ({"network": {**BLOCKED, "tcp": True}}, ["network_failed!"]),
    ({"network": {"udp": False, "path": "tcp"}}, ["tcp_only"]),
    ({"network": {"udp": False, "tcp": False, "relay": True, "path": "relay"}}, ["relay_only"]),
    ({"network": {"down_kbps": 400, "up_kbps": 300}}, []),
    ({"network": {"down_kbps": 399}}, ["down_slow"]),
    ({"network": {"down_kbps": 99}}, ["down_slow!"]),
    ({"network": {"down_kbps": None}}, ["down_slow!"]),
    ({"network": {"up_kbps": 299}}, ["up_slow"]),
    ({"network": {"up_kbps": 150, "down_kbps": 250}}, ["up_slow"]),  # what came up came down twice
    ({"network": {"up_kbps": 150, "down_kbps": 230}}, ["up_slow", "down_slow"]),
    ({"network": {"up_kbps": 0, "down_kbps": 0}}, ["up_slow!", "down_slow!"]),
    ({"network": {"up_kbps": 59}}, ["up_slow!"]),
    ({"network": {"down_loss": 0.03, "up_loss": 0.03}}, []),
    ({"network": {"down_loss": 0.031}}, ["loss"]),
    ({"network": {"up_loss": 0.16}}, ["loss!"]),
    ({"network": {"rtt_ms": 300}}, []),
    ({"network": {"rtt_ms": 301}}, ["slow_answers"]),
    ({"network": {"rtt_ms": 1001}}, ["slow_answers!"]),
    ({"codecs": ["vp8"]}, ["no_h264"]),
    ({"codecs": []}, ["no_codecs!"]),
    ({"camera": {"width": 320}, "network": {"state": "skipped"}}, ["network_skipped!", "camera_small"]),
]


@pytest.mark.parametrize(("parts", "codes"), CASES)
def test_figures_lead_to_their_advice_faults_first(parts: dict[str, Any], codes: list[str]) -> None:
    found = advise(figures(**parts), seen=True)
    assert [one.code + "!" * one.fault for one in found] == codes


def test_a_network_that_the_node_never_saw_is_not_passed() -> None:
    assert [one.code for one in advise(figures(), seen=False)] == ["network_unseen"]


def test_advice_on_a_blocked_network_names_the_ports_and_addresses_to_open() -> None:
    udp, tcp = "UDP 41800-41803 → 203.0.113.7", "TCP 41800 → 203.0.113.7"
    [blocked] = advise(figures(network=BLOCKED), seen=False, reach=Reach(udp, tcp))
    for language in ("vi", "en"):
        assert udp in blocked.text(language) and tcp in blocked.text(language)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ({}, ""),
        ({"203.0.113.7": {41800}}, "UDP 41800 → 203.0.113.7"),
        (
            {"203.0.113.7": {41803, 41800}, "2001:db8::7": {41800}},
            "UDP 41800-41803 → 203.0.113.7, 2001:db8::7",
        ),
        ({"203.0.113.7": {33945, 56454}}, "UDP 33945, 56454 → 203.0.113.7"),
        ({"127.0.0.1": {9}, "203.0.113.7": {41800}}, "UDP 41800 → 203.0.113.7"),
        ({"127.0.0.1": {9}}, "UDP 9 → 127.0.0.1"),
    ],
)
def test_ports_are_written_for_a_networks_owner(where: dict[str, set[int]], text: str) -> None:
    assert written(where, "UDP") == text


def test_every_state_that_a_page_can_report_has_words_in_both_languages() -> None:
    def states(model: type) -> set[str]:
        annotation = model.model_fields["state"].annotation  # type: ignore[attr-defined]
        found: set[str] = set()
        for part in get_args(annotation):
            found |= set(get_args(part)) or {part}
        return found - {"ok"}

    for name, model in (("camera", Camera), ("microphone", Microphone), ("speaker", Speaker)):
        assert states(model)
        for state in states(model):
            assert f"{name}_{state}" in TEXTS
    assert set(get_args(Fault)) <= states(Camera)
    for code, words in TEXTS.items():
        fields = [{name for _, name, _, _ in Formatter().parse(words[lang]) if name} for lang in ("vi", "en")]  # type: ignore[index]
        assert fields[0] == fields[1], code


@pytest.mark.parametrize(
    "parts",
    [
        {"camera": {"state": "purple"}},
        {"camera": {"width": -1}},
        {"camera": {"width": 1e9}},
        {"camera": {"width": "1280"}},
        {"microphone": {"level": float("nan")}},
        {"microphone": {"level": 1.5}},
        {"network": {"down_kbps": 10**9}},
        {"network": {"trouble": "<script>"}},
        {"network": {"extra": 1}},
        {"codecs": ["h264"] * 3},
        {"codecs": ["av1"]},
        {"browser": ""},
        {"browser": "x" * 81},
        {"browser": "a\nb"},
        {"seconds": -1},
        {"camera": None},
    ],
)
def test_figures_of_another_shape_are_refused(parts: dict[str, Any]) -> None:
    given = {**changed(), **parts} if parts.get("camera", 0) is None else changed(**parts)
    with pytest.raises(ValidationError):
        Figures.model_validate(given)
