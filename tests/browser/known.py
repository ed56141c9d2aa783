"""A picture and a sound that are known, for Chromium's fake camera and microphone."""

import math
import struct
import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WIDTH, HEIGHT = 640, 360
# One colour a quadrant (RGB), reading order: no two alike, so a mirrored or a wrong picture fails.
QUADRANTS = [(200, 40, 40), (40, 160, 40), (40, 60, 200), (200, 190, 60)]


def write_picture(path: Path) -> None:
    """Write a Y4M clip (4:2:0, 15 frames/s, two frames that loop) of the four quadrants."""
    planes = [
        np.zeros((HEIGHT, WIDTH)),
        np.zeros((HEIGHT // 2, WIDTH // 2)),
        np.zeros((HEIGHT // 2, WIDTH // 2)),
    ]
    for index, (red, green, blue) in enumerate(QUADRANTS):
        row, column = divmod(index, 2)
        y = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
        u = 128 + (-37.797 * red - 74.203 * green + 112.0 * blue) / 255
        v = 128 + (112.0 * red - 93.786 * green - 18.214 * blue) / 255
        for plane, value in zip(planes, (y, u, v), strict=True):
            height, width = plane.shape[0] // 2, plane.shape[1] // 2
            plane[row * height : (row + 1) * height, column * width : (column + 1) * width] = round(value)
    frame = b"FRAME\n" + b"".join(plane.astype(np.uint8).tobytes() for plane in planes)
    path.write_bytes(f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F15:1 Ip A1:1 C420jpeg\n".encode() + frame * 2)


def write_sound(path: Path) -> None:
    """Write a WAV (48 kHz mono) of syllables: a steady tone would be taken for noise and suppressed."""
    rate, samples = 48_000, []
    for n in range(rate * 4):
        t = n / rate
        syllable = max(0.0, math.sin(2 * math.pi * 3 * t)) ** 0.5
        pitch = 160 + 40 * math.sin(2 * math.pi * 0.7 * t)
        voice = sum(math.sin(2 * math.pi * pitch * k * t) / k for k in range(1, 12))
        samples.append(int(9000 * syllable * voice / 2))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(struct.pack(f"<{len(samples)}h", *(max(-32768, min(32767, s)) for s in samples)))


def quadrants_of(picture: NDArray[np.uint8]) -> list[tuple[int, int, int]]:
    """Median colour of the middle of each quadrant of an RGB picture `(height, width, 3)`."""
    height, width, _ = picture.shape
    answer = []
    for index in range(4):
        row, column = divmod(index, 2)
        y, x = int(height * (0.25 + 0.5 * row)), int(width * (0.25 + 0.5 * column))
        patch = picture[y - height // 16 : y + height // 16, x - width // 16 : x + width // 16]
        red, green, blue = np.median(patch.reshape(-1, 3), axis=0)
        answer.append((int(red), int(green), int(blue)))
    return answer


def is_known(picture: NDArray[np.uint8], tolerance: int = 48) -> bool:
    """Whether every quadrant of the picture has its known colour."""
    return all(
        abs(a - b) <= tolerance
        for got, want in zip(quadrants_of(picture), QUADRANTS, strict=True)
        for a, b in zip(got, want, strict=True)
    )
