from pathlib import Path

import pytest

from diemcau.clips.encode import LayerShape, Shape
from diemcau.clips.make import demo_sites, make

# A second of two small layers: the same code as the demo's clips in a twentieth of the time.
SHAPE = Shape(
    loop_ms=1000,
    phases=3,
    layers=(LayerShape("low", 160, 90, 60_000), LayerShape("high", 320, 180, 120_000)),
    voice_loops=3,
)


@pytest.fixture(scope="session")
def shape() -> Shape:
    return SHAPE


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clips")
    return make(out, demo_sites(3), h264=2, vp8=1, shape=SHAPE, workers=2)
