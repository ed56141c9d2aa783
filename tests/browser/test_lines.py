"""What weak lines carry, with a real Chromium behind the network emulator; full runs: docs/bandwidth.md."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.lines import Between, Lines, lines
from tests.browser.nation import Nation

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(120)]
PATIENCE_MS = 20_000
FAR = {"delay_ms": 50.0}
LOSSY = {"delay_ms": 50.0, "loss": 0.1}


SHOWS = """() => (document.querySelector('[data-testid="stage-video-0"]')?.videoWidth ?? 0) > 0"""


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
    line.wait(3)
    # A hundredth remains; in so short a time perhaps three times that. Unmended it would be a tenth.
    assert line.concealed(8) <= 0.04, line.received("audio")
    assert line.step() in ("high", "low")
    shown = line.received("video")["framesDecoded"]
    line.until("pictures go on", lambda: line.received("video")["framesDecoded"] > shown + 10, 3)


def test_a_narrow_line_keeps_the_sound_and_gets_the_picture_back_with_its_rate(line: Lines) -> None:
    line.connect()
    line.wait(2)
    line.down.set(down={"rate_kbps": 150.0})
    line.until("it steps down", lambda: line.step() in ("low", "slides"), 8)
    line.wait(2)
    assert line.concealed(8) <= 0.02
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
    assert line.concealed(8) <= 0.02
    line.up.set()
    line.until("the large layer", lambda: line.received("video").get("frameHeight") == 360, 25)


def test_a_weak_line_is_said_on_the_sites_page_and_counted_at_the_desk(
    browser: Browser, nation: Nation
) -> None:
    with ExitStack() as stack:
        between = Between(stack)
        commune = new_page(browser, permissions=["camera", "microphone"])
        stack.callback(commune.context.close)
        commune.route_web_socket("**/api/v1/ws", between.wire)
        commune.goto(nation.spare_sites[-1]["link"])
        commune.get_by_test_id("arm-sound").click()
        step = commune.get_by_test_id("line-step")
        commune.wait_for_function(SHOWS, timeout=30_000)
        expect(step).to_have_attribute("data-step", "high")
        desk = new_page(browser, viewport={"width": 1366, "height": 768})
        stack.callback(desk.context.close)
        desk.goto(nation.url + "/dang-nhap")
        desk.get_by_test_id("login-username").fill(nation.operator["username"])
        desk.get_by_test_id("login-password").fill(nation.operator["password"])
        desk.get_by_test_id("login-submit").click()
        desk.wait_for_url("**/trung-tam*")
        desk.goto(f"{nation.url}/trung-tam/{nation.meeting}")
        expect(desk.get_by_test_id("roster-row").first).to_be_visible(timeout=30_000)
        between.set(down={"rate_kbps": 130.0})
        expect(step).to_have_attribute("data-step", re.compile("slides|audio"), timeout=15_000)
        expect(step).to_contain_text(re.compile("Ảnh và tiếng|Chỉ có tiếng"))
        if step.get_attribute("data-step") == "slides":
            still = commune.get_by_test_id("stage-still").first
            expect(still).to_be_visible(timeout=20_000)
            assert still.evaluate("image => image.decode().then(() => image.naturalWidth)") == 320
        expect(desk.get_by_test_id("weak-lines")).to_contain_text("dưới mức đủ hình", timeout=10_000)
        between.set()
        expect(step).to_have_attribute("data-step", "high", timeout=15_000)
        expect(step).to_have_text("")
