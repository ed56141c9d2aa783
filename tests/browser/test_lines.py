"""What weak lines carry, with a real Chromium behind the network emulator; full runs: docs/bandwidth.md."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright

from tests.browser.chromium import chromium
from tests.browser.lines import Lines, lines

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
FAR = {"delay_ms": 50.0}
LOSSY = {"delay_ms": 50.0, "loss": 0.1}


@pytest.fixture(scope="module")
def browser(playwright: Playwright, sound: Path) -> Iterator[Browser]:
    with chromium(playwright, sound=sound) as running:
        yield running


@pytest.fixture
def line(browser: Browser, tmp_path: Path) -> Iterator[Lines]:
    with lines(browser, tmp_path) as made:
        yield made


@pytest.mark.parametrize("way", ["up", "down"])
def test_sound_stays_whole_with_a_tenth_of_the_packets_lost(line: Lines, way: str) -> None:
    line.up.set(up=FAR, down=FAR)
    line.down.set(up=FAR, down=FAR)
    line.connect()
    if way == "up":
        line.up.set(up=LOSSY, down=FAR)
    else:
        line.down.set(up=FAR, down=LOSSY)
    line.wait(4)
    assert line.concealed(12) <= 0.02, line.received("audio")
    assert line.step() in ("high", "low")
    shown = line.received("video")["framesDecoded"]
    line.until("pictures go on", lambda: line.received("video")["framesDecoded"] > shown + 10, 3)


def test_a_narrow_line_keeps_the_sound_and_gets_the_picture_back_with_its_rate(line: Lines) -> None:
    line.connect()
    line.wait(2)
    line.down.set(down={"rate_kbps": 150.0})
    line.until("it steps down", lambda: line.step() in ("low", "slides"), 8)
    line.wait(2)
    assert line.concealed(10) <= 0.02
    assert len(line.steps) <= 3, line.steps
    line.down.set()
    line.until("the whole picture", lambda: line.step() == "high", 10)
    shown = line.received("video")["framesDecoded"]
    line.until("it moves", lambda: line.received("video")["framesDecoded"] > shown + 10, 4)


def test_pictures_are_back_within_a_second_of_a_burst(line: Lines) -> None:
    line.up.set(up=FAR, down=FAR)
    line.down.set(up=FAR, down=FAR)
    line.connect()
    for _ in range(3):
        line.wait(2)
        line.down.outage(250)
        line.page.evaluate("new Promise((go) => setTimeout(go, 250))")
        shown = line.received("video")["framesDecoded"]
        line.until("frames", lambda shown=shown: line.received("video")["framesDecoded"] >= shown + 3, 1.25)


def test_a_publisher_on_a_narrow_line_sends_the_small_picture_and_all_of_the_sound(line: Lines) -> None:
    line.connect()
    line.wait(2)
    line.up.set(up={"rate_kbps": 150.0})
    line.until("the large layer stops", lambda: line.received("video").get("frameHeight") == 180, 15)
    line.wait(3)
    assert line.concealed(8) <= 0.05
    line.up.set()
    line.until("the large layer", lambda: line.received("video").get("frameHeight") == 360, 25)
