from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, sync_playwright

from tests.browser.known import write_picture, write_sound
from tests.browser.nation import Nation, demo


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def nation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nation]:
    with demo(tmp_path_factory.mktemp("nation"), sites=60) as running:
        running.until_joined(60, seconds=240)  # the first run encodes the clips
        yield running


@pytest.fixture(scope="session")
def picture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("known") / "picture.y4m"
    write_picture(path)
    return path


@pytest.fixture(scope="session")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("known") / "sound.wav"
    write_sound(path)
    return path
