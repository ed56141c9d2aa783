"""A voice that is nobody's: harmonics under moving formants, breath noise, syllables, phrases and pauses."""

from typing import Final

import numpy as np
import numpy.typing as npt

RATE: Final = 48_000
# Formant centres in Hz of five vowels (F1, F2, F3).
_VOWELS: Final = (
    (730, 1090, 2440),
    (530, 1840, 2480),
    (270, 2290, 3010),
    (570, 840, 2410),
    (300, 870, 2240),
)
_HARMONICS: Final = 24


def speech(seconds: float, seed: int) -> npt.NDArray[np.float32]:
    """Mono samples at 48 kHz, -1 to 1, silent at both ends; the same seed gives the same voice."""
    rng = np.random.default_rng(seed)
    total = round(seconds * RATE)
    out = np.zeros(total, np.float32)
    pitch = float(rng.uniform(95, 210))
    at = round(0.1 * RATE)
    while True:
        for _ in range(int(rng.integers(4, 11))):
            length = round(float(rng.uniform(0.12, 0.26)) * RATE)
            if at + length > total - round(0.15 * RATE):
                return out
            out[at : at + length] = _syllable(length, pitch * float(rng.uniform(0.85, 1.2)), rng)
            at += length + round(float(rng.uniform(0.0, 0.04)) * RATE)
        at += round(float(rng.uniform(0.25, 0.7)) * RATE)


def _syllable(length: int, pitch: float, rng: np.random.Generator) -> npt.NDArray[np.float32]:
    time = np.arange(length) / RATE
    position = np.linspace(0.0, 1.0, length)
    glide = pitch * (1 + float(rng.uniform(-0.12, 0.12)) * position)
    phase = 2 * np.pi * np.cumsum(glide) / RATE
    formants = _VOWELS[int(rng.integers(len(_VOWELS)))]
    voiced = np.zeros(length)
    for harmonic in range(1, _HARMONICS + 1):
        frequency = harmonic * pitch
        gain = sum(
            np.exp(-(((frequency - f) / (80 + 0.06 * f)) ** 2)) / (1 + i) for i, f in enumerate(formants)
        )
        voiced += (gain + 0.02) / harmonic**0.3 * np.sin(harmonic * phase)
    breath = rng.standard_normal(length) * np.exp(-time / 0.02) * 0.5
    envelope = np.sin(np.pi * position) ** 0.5
    wave = envelope * voiced / 3.0 + breath * (rng.random() < 0.5) * envelope
    return np.clip(wave * 0.45 * float(rng.uniform(0.6, 1.0)), -0.95, 0.95).astype(np.float32)


def level(samples: npt.NDArray[np.float32]) -> int:
    """Audio level of RFC 6464: 0 is the loudest, 127 is silence, in -dBov."""
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    if power < 1e-13:
        return 127
    return int(np.clip(round(-10 * np.log10(power)), 0, 127))
