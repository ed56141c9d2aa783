"""What a page measured: validated and bounded, for whoever posts it is a stranger's browser."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Kbps = Annotated[int, Field(ge=0, le=10_000_000)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Ms = Annotated[int, Field(ge=0, le=600_000)]
Word = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$")]
Fault = Literal["none", "refused", "busy", "insecure", "lost"]


class Strict(BaseModel):
    """Unknown fields and other types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Camera(Strict):
    """Step 1. `black`: no light in it; `frozen`: successive pictures are the same."""

    state: Literal["ok", "black", "frozen", "skipped"] | Fault
    width: Annotated[int, Field(ge=0, le=16_384)] = 0
    height: Annotated[int, Field(ge=0, le=16_384)] = 0
    fps: Annotated[int, Field(ge=0, le=1000)] = 0


class Microphone(Strict):
    """Step 2. `level`: the loudest that was heard, 0 (-60 dB) to 1 (full scale)."""

    state: Literal["ok", "silent", "skipped"] | Fault
    level: Share = 0.0


class Speaker(Strict):
    """Step 2. `by_microphone`: the microphone heard the tone from the loudspeaker itself."""

    state: Literal["ok", "not_heard", "skipped"]
    by_microphone: bool = False


class Network(Strict):
    """Step 3, against the media node. Rates: what got through, at least that. `path`: the one in use;
    `udp`, `tcp`, `relay`: whether it connects, None where it was not tried."""

    state: Literal["ok", "failed", "skipped"]
    trouble: Annotated[str, StringConstraints(pattern=r"^[a-z_]{1,40}$")] | None = None
    down_kbps: Kbps | None = None
    up_kbps: Kbps | None = None
    down_loss: Share | None = None
    up_loss: Share | None = None
    rtt_ms: Ms | None = None
    jitter_ms: Ms | None = None
    path: Literal["udp", "tcp", "relay"] | None = None
    udp: bool | None = None
    tcp: bool | None = None
    relay: bool | None = None


class Figures(Strict):
    """One self-test. `codecs`: what the browser can show."""

    camera: Camera
    microphone: Microphone
    speaker: Speaker
    network: Network
    codecs: Annotated[list[Literal["h264", "vp8"]], Field(max_length=2)]
    browser: Word
    os: Word
    seconds: Annotated[int, Field(ge=0, le=86_400)]
