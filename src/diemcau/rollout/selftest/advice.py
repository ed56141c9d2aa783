"""What a self-test's figures mean, and the one thing to do about each: pure rules, thresholds as constants.

A *fault* means that the site cannot do its part in a meeting; what is no fault can be lived with and is said
all the same.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from diemcau.errors import JsonObject, JsonValue
from diemcau.rollout.selftest.figures import Figures, Network
from diemcau.rollout.selftest.texts import TEXTS

Part: TypeAlias = Literal["camera", "microphone", "speaker", "network", "browser"]

SMALL_WIDTH: Final = 640
"""A narrower picture is too coarse for a wall of the centre."""

LOSS: Final = 0.03
LOSS_FAULT: Final = 0.15
"""Shares of packets lost: above the first each packet of sound is sent twice (docs/bandwidth.md), above the
second speech is not understood any more."""

RTT_MS: Final = 300
RTT_FAULT_MS: Final = 1000
"""Round trips: above the first people begin to talk into each other (ITU-T G.114 wants 150 ms one way)."""

DOWN_KBPS: Final = 400
DOWN_FAULT_KBPS: Final = 100
"""The small layer, sound and what comes with them; and sound with stills."""

WIDER: Final = 1.6
"""The picture comes back on two lines. Where so many times what went up came down, the way down carried all
that was sent: a low figure then says something of the way up only."""

UP_KBPS: Final = 300
UP_FAULT_KBPS: Final = 60
"""The small layer and sound; and sound alone."""


@dataclass(frozen=True, slots=True)
class Advice:
    """One finding. `values`: what its text names."""

    code: str
    part: Part
    fault: bool
    values: Mapping[str, JsonValue] = field(default_factory=dict)

    def text(self, language: Literal["vi", "en"]) -> str:
        """In plain words: what is, and one action."""
        return TEXTS[self.code][language].format(**self.values)

    def to_json(self) -> JsonObject:
        """`{"code", "part", "fault", "vi", "en"}`."""
        return {
            "code": self.code,
            "part": self.part,
            "fault": self.fault,
            "vi": self.text("vi"),
            "en": self.text("en"),
        }


@dataclass(frozen=True, slots=True)
class Reach:
    """Where the media node is, for whoever must let packets through: "203.0.113.7 UDP 41800-41803"."""

    udp: str = ""
    tcp: str = ""


def advise(figures: Figures, *, seen: bool, reach: Reach = Reach()) -> tuple[Advice, ...]:
    """The findings, faults first, in the order of the steps. `seen`: the media node saw the loop itself.

    No fault: the self-test is passed.
    """
    found = [*_camera(figures), *_sound(figures), *_network(figures.network, seen, reach), *_browser(figures)]
    return tuple(sorted(found, key=lambda advice: not advice.fault))


def _camera(figures: Figures) -> Iterator[Advice]:
    camera = figures.camera
    if camera.state != "ok":
        yield Advice(f"camera_{camera.state}", "camera", True)
    elif camera.width < SMALL_WIDTH:
        yield Advice("camera_small", "camera", False, {"width": camera.width, "height": camera.height})


def _sound(figures: Figures) -> Iterator[Advice]:
    if figures.microphone.state != "ok":
        yield Advice(f"microphone_{figures.microphone.state}", "microphone", True)
    if figures.speaker.state != "ok":
        yield Advice(f"speaker_{figures.speaker.state}", "speaker", True)


def _network(network: Network, seen: bool, reach: Reach) -> Iterator[Advice]:
    at = {"udp": reach.udp or "UDP", "tcp": reach.tcp or "TCP"}
    if network.state == "skipped":
        yield Advice("network_skipped", "network", True)
        return
    if not (network.udp or network.tcp or network.relay) and network.path is None:
        yield Advice("network_blocked", "network", True, at)
        return
    if network.state == "failed":
        yield Advice("network_failed", "network", True)
        return
    if not seen:
        yield Advice("network_unseen", "network", True)
        return
    yield from _rates(network)
    if network.udp is False:
        only = "tcp_only" if network.tcp or network.path == "tcp" else "relay_only"
        yield Advice(only, "network", False, at)


def _rates(network: Network) -> Iterator[Advice]:
    up, down = network.up_kbps, network.down_kbps
    if up is None or up < UP_KBPS:
        yield Advice("up_slow", "network", up is None or up < UP_FAULT_KBPS, {"kbps": up or 0})
    carried_all = up is not None and down is not None and up > 0 and down >= WIDER * up
    if down is None or (down < DOWN_KBPS and not carried_all):
        yield Advice("down_slow", "network", down is None or down < DOWN_FAULT_KBPS, {"kbps": down or 0})
    losses = [loss for loss in (network.down_loss, network.up_loss) if loss is not None]
    if losses and (worst := max(losses)) > LOSS:
        yield Advice("loss", "network", worst > LOSS_FAULT, {"percent": round(worst * 100)})
    if network.rtt_ms is not None and network.rtt_ms > RTT_MS:
        yield Advice("slow_answers", "network", network.rtt_ms > RTT_FAULT_MS, {"ms": network.rtt_ms})


def _browser(figures: Figures) -> Iterator[Advice]:
    if not figures.codecs:
        yield Advice("no_codecs", "browser", True)
    elif "h264" not in figures.codecs:
        yield Advice("no_h264", "browser", False)
