from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from .world import World
from .world import world as make_world


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(tmp_path) as made:
        yield made
