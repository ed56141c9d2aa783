"""Figures of a self-test that went well, to be changed by tests."""

from typing import Any

from diemcau.rollout.selftest import Figures

GOOD: dict[str, Any] = {
    "camera": {"state": "ok", "width": 1280, "height": 720, "fps": 25},
    "microphone": {"state": "ok", "level": 0.7},
    "speaker": {"state": "ok", "by_microphone": True},
    "network": {
        "state": "ok",
        "trouble": None,
        "down_kbps": 2400,
        "up_kbps": 1200,
        "down_loss": 0.001,
        "up_loss": 0.0,
        "rtt_ms": 24,
        "jitter_ms": 3,
        "path": "udp",
        "udp": True,
        "tcp": True,
        "relay": None,
    },
    "codecs": ["h264", "vp8"],
    "browser": "Chrome 156",
    "os": "Windows 11",
    "seconds": 71,
}


def changed(**parts: dict[str, Any] | Any) -> dict[str, Any]:
    """The good figures with parts of them changed."""
    return {
        key: {**value, **parts.get(key, {})} if isinstance(value, dict) else parts.get(key, value)
        for key, value in GOOD.items()
    }


def figures(**parts: Any) -> Figures:
    """The same, validated."""
    return Figures.model_validate(changed(**parts))
