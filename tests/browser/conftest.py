import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Error, Playwright, expect, sync_playwright

from tests.browser.chromium import opened
from tests.browser.known import write_picture, write_sound
from tests.browser.nation import Nation, demo

PATIENCE_MS = 15_000
"""How long an expectation of a page waits; a module of slower steps says a `PATIENCE_MS` of its own."""

STARTED = pytest.StashKey[contextlib.ExitStack]()


@pytest.hookimpl(tryfirst=True)  # before pytest-xdist looks at the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the demo's nation serves comes first and in one process; a module's tests stay together."""
    items.sort(key=lambda item: not of_nation(item))
    for item in items:
        item.add_marker(pytest.mark.xdist_group("nation" if of_nation(item) else item.path.name))


def of_nation(item: pytest.Item | None) -> bool:
    return "nation" in getattr(item, "fixturenames", ())


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """The nation ends with the last test that it serves: its sixty sites would slow all that come after."""
    if of_nation(item) and not of_nation(nextitem) and STARTED in item.session.stash:
        item.session.stash[STARTED].close()


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def nation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nation]:
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(demo(tmp_path_factory.mktemp("nation"), sites=60))
        request.session.stash[STARTED] = stack
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


@pytest.fixture(autouse=True, scope="module")
def patience(request: pytest.FixtureRequest) -> None:
    expect.set_options(timeout=getattr(request.module, "PATIENCE_MS", PATIENCE_MS))


@pytest.fixture(autouse=True)
def closed_again() -> Iterator[None]:
    """The pages that a test opened end with it: their cameras and lines would slow the tests after it. Those
    of a module's fixtures were there before, and stay."""
    before = len(opened)
    yield
    for context in opened[before:]:
        with contextlib.suppress(Error):  # its browser may be gone
            context.close()
    del opened[before:]
