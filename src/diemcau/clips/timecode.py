"""The machine-readable time code in the top tenth of every frame.

Two rows of 20 cells across the full width, each row a twentieth of the height. The four corner cells are
white, black / black, white (which tells the levels, and that this is a code at all); the 36 others carry, row
by row and most significant bit first, white for 1:

    16 bits  milliseconds modulo the loop
    12 bits  number of the clip
     8 bits  CRC-8 (polynomial 0x07, initial value 0xFF) of the 28 bits before as a 32-bit big-endian number

Proportions are relative, so the code survives scaling; a cell of 4 x 4 pixels still reads.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

COLUMNS: Final = 20
ROWS: Final = 2
MAX_MS: Final = (1 << 16) - 1
MAX_NUMBER: Final = (1 << 12) - 1
_WHITE: Final = 235
_BLACK: Final = 16
# Smallest difference between the darkest white and the lightest black corner, of 255.
_CONTRAST: Final = 60
_CORNERS: Final = {(0, 0): 1, (0, COLUMNS - 1): 0, (1, 0): 0, (1, COLUMNS - 1): 1}
_DATA: Final = [(r, c) for r in range(ROWS) for c in range(COLUMNS) if (r, c) not in _CORNERS]


def _crc8(value: int) -> int:
    crc = 0xFF
    for byte in value.to_bytes(4, "big"):
        crc ^= byte
        for _ in range(8):
            crc = (crc << 1 ^ 0x07 if crc & 0x80 else crc << 1) & 0xFF
    return crc


def code_height(height: int) -> int:
    """Rows of pixels that the code takes of a frame `height` pixels high."""
    return _edge(ROWS, height, 2 * COLUMNS // ROWS)


def _edge(index: int, size: int, parts: int) -> int:
    return round(index * size / parts)


def cells(ms: int, number: int) -> npt.NDArray[np.uint8]:
    """The code as an array of shape (2, 20), 1 for white.

    `ms`: 0 to 65,535; `number`: 0 to 4,095; raises ValueError outside.
    """
    if not (0 <= ms <= MAX_MS and 0 <= number <= MAX_NUMBER):
        raise ValueError("time code out of range")
    head = ms << 12 | number
    word = head << 8 | _crc8(head)
    out = np.zeros((ROWS, COLUMNS), np.uint8)
    for place, bit in _CORNERS.items():
        out[place] = bit
    for i, place in enumerate(_DATA):
        out[place] = word >> (len(_DATA) - 1 - i) & 1
    return out


def draw_timecode(frame: npt.NDArray[np.uint8], ms: int, number: int) -> None:
    """Draws the code over the top of `frame`, shape (height, width) or (height, width, 3), in place."""
    height, width = frame.shape[:2]
    for (row, column), bit in np.ndenumerate(cells(ms, number)):
        top, bottom = _edge(row, height, 20), _edge(row + 1, height, 20)
        left, right = _edge(column, width, COLUMNS), _edge(column + 1, width, COLUMNS)
        frame[top:bottom, left:right] = _WHITE if bit else _BLACK


def read_timecode(frame: npt.NDArray[np.uint8]) -> tuple[int, int] | None:
    """Milliseconds modulo the loop and the clip's number, or None when the frame shows no whole code.

    `frame`: shape (height, width) luma, or (height, width, 3) RGB, at any scale of the original.
    """
    if frame.ndim not in (2, 3) or frame.shape[0] < 40 or frame.shape[1] < 2 * COLUMNS:
        return None
    height, width = frame.shape[:2]
    top = frame[: code_height(height)]
    luma = top.mean(axis=2) if top.ndim == 3 else top
    levels = np.empty((ROWS, COLUMNS))
    for row in range(ROWS):
        for column in range(COLUMNS):
            # The middle half of a cell: its edges are smeared by scaling and by the deblocking filter.
            y0, y1 = (row + 0.25) * height / 20, (row + 0.75) * height / 20
            x0, x1 = (column + 0.25) * width / COLUMNS, (column + 0.75) * width / COLUMNS
            inner = luma[
                int(y0) : max(int(np.ceil(y1)), int(y0) + 1), int(x0) : max(int(np.ceil(x1)), int(x0) + 1)
            ]
            levels[row, column] = inner.mean()
    white = min(levels[place] for place, bit in _CORNERS.items() if bit)
    black = max(levels[place] for place, bit in _CORNERS.items() if not bit)
    if white - black < _CONTRAST:
        return None
    word = 0
    for place in _DATA:
        word = word << 1 | int(levels[place] > (white + black) / 2)
    head, crc = word >> 8, word & 0xFF
    if _crc8(head) != crc:
        return None
    return head >> 12, head & MAX_NUMBER
