import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from diemcau.clips.timecode import MAX_MS, MAX_NUMBER, cells, draw_timecode, read_timecode

_ms = st.integers(0, MAX_MS)
_number = st.integers(0, MAX_NUMBER)


def _frame(ms: int, number: int, width: int = 640, height: int = 360) -> np.ndarray:
    frame = np.full((height, width, 3), 90, np.uint8)
    draw_timecode(frame, ms, number)
    return frame


@given(_ms, _number)
def test_what_is_drawn_is_read(ms: int, number: int) -> None:
    assert read_timecode(_frame(ms, number)) == (ms, number)
    assert read_timecode(_frame(ms, number)[:, :, 0]) == (ms, number)


@pytest.mark.parametrize("size", [(1920, 1080), (853, 480), (320, 180), (160, 90), (100, 57)])
def test_the_code_survives_scaling_and_jpeg(size: tuple[int, int], tmp_path: object) -> None:
    import io

    for ms, number in [(0, 0), (2933, 15), (MAX_MS, MAX_NUMBER), (1234, 2730)]:
        small = Image.fromarray(_frame(ms, number)).resize(size, Image.Resampling.BILINEAR)
        buffer = io.BytesIO()
        small.save(buffer, "JPEG", quality=40)
        assert read_timecode(np.array(Image.open(buffer))) == (ms, number)


@given(_ms, _number, st.integers(0, 35))
def test_one_wrong_cell_is_not_believed(ms: int, number: int, which: int) -> None:
    frame = _frame(ms, number)
    places = [(r, c) for r in range(2) for c in range(20) if (r, c) not in [(0, 0), (0, 19), (1, 0), (1, 19)]]
    row, column = places[which]
    value = 16 if cells(ms, number)[row, column] else 235
    frame[row * 18 : row * 18 + 18, column * 32 : column * 32 + 32] = value
    assert read_timecode(frame) is None


@pytest.mark.parametrize("value", [0, 16, 128, 255])
def test_a_plain_picture_has_no_code(value: int) -> None:
    assert read_timecode(np.full((360, 640), value, np.uint8)) is None
    assert read_timecode(np.zeros((10, 10), np.uint8)) is None
    assert read_timecode(np.zeros(10, np.uint8)) is None


@given(st.binary(min_size=96 * 160, max_size=96 * 160))
def test_noise_is_refused_or_read_but_never_an_error(noise: bytes) -> None:
    read_timecode(np.frombuffer(noise, np.uint8).reshape(96, 160))


def test_numbers_out_of_range_are_refused() -> None:
    for ms, number in [(-1, 0), (MAX_MS + 1, 0), (0, MAX_NUMBER + 1)]:
        with pytest.raises(ValueError, match="out of range"):
            cells(ms, number)
