"""Frames of a simulated site: somebody at a desk, the site's name and code, a running time code."""

import colorsys
import math
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import as_file, files
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from diemcau.clips.timecode import code_height, draw_timecode

_BAND: Final = (11, 27, 58)
_AMBER: Final = (255, 196, 61)
_WHITE: Final = (245, 247, 250)
# Room around the backdrop that it may drift into, pixels.
_DRIFT: Final = 24


@dataclass(frozen=True)
class Card:
    """What a clip shows. `number` goes into the time code: 0 to 4,095."""

    number: int
    name: str
    code: str


def _font(size: int) -> ImageFont.FreeTypeFont:
    with as_file(files("diemcau.clips") / "fonts" / "BeVietnamPro-SemiBold.ttf") as path:
        return ImageFont.truetype(str(path), size)


def _backdrop(card: Card, width: int, height: int) -> Image.Image:
    """A blurred room in the site's own colour, larger than the frame by the drift on every side."""
    rng = np.random.default_rng(card.number)
    hue = (card.number * 0.381966) % 1.0
    size = (width + 2 * _DRIFT, height + 2 * _DRIFT)
    light = rng.integers(70, 190, (size[1] // 40, size[0] // 40), np.uint8)
    texture = np.asarray(Image.fromarray(light).resize(size, Image.Resampling.BICUBIC), np.float32) / 255
    tint = np.array(colorsys.hsv_to_rgb(hue, 0.45, 1.0), np.float32)
    return Image.fromarray((texture[:, :, None] * tint * 255).astype(np.uint8))


def _person(card: Card, width: int, height: int) -> Image.Image:
    """Head and shoulders, RGBA, as large as the frame."""
    image = Image.new("RGBA", (width, height))
    draw = ImageDraw.Draw(image)
    hue = (card.number * 0.618034 + 0.3) % 1.0
    r, g, b = (int(255 * v) for v in colorsys.hsv_to_rgb(hue, 0.5, 0.55))
    cx, unit = width * 0.5, height / 100
    draw.ellipse((cx - 38 * unit, 58 * unit, cx + 38 * unit, 150 * unit), (r, g, b, 255))
    draw.polygon(
        [(cx - 7 * unit, 58 * unit), (cx + 7 * unit, 58 * unit), (cx, 74 * unit)], (235, 235, 235, 255)
    )
    draw.ellipse((cx - 14 * unit, 24 * unit, cx + 14 * unit, 62 * unit), (222, 180, 148, 255))
    draw.chord((cx - 15 * unit, 21 * unit, cx + 15 * unit, 55 * unit), 180, 360, (38, 30, 28, 255))
    return image


def _fit(text: str, width: int, largest: int, smallest: int) -> tuple[list[str], ImageFont.FreeTypeFont]:
    """The largest type in which `text` fits `width` in at most two lines; what still does not fit is cut."""
    words = text.split() or ["?"]
    for size in range(largest, smallest - 1, -2):
        font = _font(size)
        if font.getlength(text) <= width:
            return [text], font
        for cut in range(len(words) - 1, 0, -1):
            lines = [" ".join(words[:cut]), " ".join(words[cut:])]
            if font.getlength(lines[0]) <= width and font.getlength(lines[1]) <= width:
                return lines, font
    font = _font(smallest)
    while len(text) > 1 and font.getlength(text + "…") > width:
        text = text[:-1]
    return [text + "…"], font


def _lower_third(card: Card, width: int, height: int) -> tuple[Image.Image, int]:
    """The band with the name and the code, and how far from the top it belongs."""
    band = Image.new("RGB", (width, round(height * 0.31)), _BAND)
    draw = ImageDraw.Draw(band)
    margin = round(width * 0.03)
    draw.rectangle((0, 0, width, max(2, height // 90)), _AMBER)
    code_font = _font(round(height * 0.085))
    code_width = math.ceil(code_font.getlength(card.code))
    lines, font = _fit(card.name, width - 3 * margin - code_width, round(height * 0.11), round(height * 0.06))
    step = round(font.size * 1.15)
    top = (band.height - step * len(lines)) // 2
    for i, line in enumerate(lines):
        draw.text((margin, top + i * step), line, _WHITE, font)
    draw.text((width - margin - code_width, band.height // 2), card.code, _AMBER, code_font, anchor="lm")
    return band, height - band.height


def frames(card: Card, width: int, height: int, count: int, loop_ms: int) -> Iterator[npt.NDArray[np.uint8]]:
    """The `count` frames of one loop, RGB, shape (height, width, 3); the last flows into the first."""
    backdrop, person = _backdrop(card, width, height), _person(card, width, height)
    band, band_top = _lower_third(card, width, height)
    clock_font = _font(round(height * 0.1))
    clock_size = (math.ceil(clock_font.getlength("00.000")) + 16, round(height * 0.14))
    rng = np.random.default_rng(card.number + 1)
    for k in range(count):
        turn = 2 * math.pi * k / count
        dx, dy = round(_DRIFT * math.sin(turn)), round(_DRIFT * 0.5 * math.cos(2 * turn))
        image = backdrop.crop((_DRIFT + dx, _DRIFT + dy, _DRIFT + dx + width, _DRIFT + dy + height))
        sway = (round(width * 0.015 * math.sin(2 * turn)), round(height * 0.01 * (1 + math.cos(3 * turn))))
        image.paste(person, sway, person)
        draw = ImageDraw.Draw(image)
        # A mouth that moves, so that a frozen picture looks frozen.
        open_by = height * 0.008 * (1.2 + math.sin(7 * turn))
        mx, my = width * 0.5 + sway[0], height * 0.52 + sway[1]
        draw.ellipse((mx - height * 0.045, my - open_by, mx + height * 0.045, my + open_by), (120, 50, 50))
        image.paste(band, (0, band_top))
        ms = frame_ms(k, count, loop_ms)
        left, top = width - clock_size[0], code_height(height)
        draw.rectangle((left, top, width, top + clock_size[1]), _BAND)
        draw.text((left + 8, top + clock_size[1] // 2), f"{ms / 1000:06.3f}", _WHITE, clock_font, anchor="lm")
        pixels = np.array(image)
        # Camera noise: without it an encoder has nothing to do between keyframes.
        grain = rng.integers(-3, 4, pixels.shape[:2], np.int16)
        pixels = np.clip(pixels + grain[:, :, None], 0, 255).astype(np.uint8)
        draw_timecode(pixels, ms, card.number)
        yield pixels


def frame_ms(index: int, count: int, loop_ms: int) -> int:
    """Time code of frame `index` of `count`: the moment of the loop at which it is sent, milliseconds."""
    return index * loop_ms // count
