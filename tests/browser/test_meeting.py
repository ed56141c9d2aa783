"""The main job, in real browsers: a commune asks for the floor, gets it, and everyone sees and hears it."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from diemcau.clips.timecode import read_timecode
from tests.browser.chromium import audio, chromium, new_page, pixels
from tests.browser.known import is_known
from tests.browser.nation import Nation

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(240)]
PATIENCE_MS = 20_000
T = TypeVar("T")


def until(page: Page, what: str, ask: Callable[[], T | None], seconds: float = 20) -> T:
    """Ask again at each of the page's animation ticks until the answer is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        page.evaluate("new Promise((go) => requestAnimationFrame(go))")
    page.screenshot(path="test-results/until-failed.png")
    raise AssertionError(f"not within {seconds} s: {what}")


FRAMES = """
document.querySelector('[data-testid="desk-onair-video-0"]').getVideoPlaybackQuality().totalVideoFrames
"""

# In the page itself: from the click on "cut" to the first frame presented whose quadrants have other colours.
WATCH_CUT = """(id) => {
  const video = document.querySelector(`[data-testid="${id}"]`);
  const canvas = document.createElement("canvas");
  canvas.width = 64; canvas.height = 36;
  const context = canvas.getContext("2d", {willReadFrequently: true});
  const sample = () => {
    context.drawImage(video, 0, 0, 64, 36);
    const points = [[16, 9], [48, 9], [16, 27], [48, 27]];
    return points.flatMap(([x, y]) => [...context.getImageData(x, y, 1, 1).data]);
  };
  const first = sample();
  const button = document.querySelector('[data-testid="cut"]');
  button.addEventListener("click", () => {
    window.__clicked = performance.now();
  }, {capture: true, once: true});
  const look = () => {
    const now = sample();
    const change = now.reduce((sum, value, i) => sum + Math.abs(value - first[i]), 0);
    if (window.__clicked && change > 200) window.__cut = performance.now();
    else video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
}"""


def shows_known(desk: Page) -> bool:
    """Whether the desk decodes the known picture on air."""
    picture = pixels(desk, "desk-onair-video-0")
    return picture is not None and is_known(picture)


def shows_clip(desk: Page, testid: str) -> bool:
    """Whether a video element shows a simulated site's clip, told by its time code."""
    picture = pixels(desk, testid)
    return picture is not None and read_timecode(picture) is not None


def silent(page: Page) -> bool:
    """Whether no audio packet comes in half a second of the page's own time."""
    before = audio(page)["packets"]
    page.evaluate("new Promise((go) => setTimeout(go, 500))")
    return audio(page)["packets"] == before


@pytest.fixture(scope="module")
def desk_browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def desk(desk_browser: Browser, nation: Nation) -> Page:
    page = new_page(desk_browser, viewport={"width": 1920, "height": 1080})
    page.goto(nation.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(nation.operator["username"])
    page.get_by_test_id("login-password").fill(nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    page.get_by_test_id("arm-sound").click()
    return page


@pytest.fixture(scope="module")
def commune(playwright: Playwright, nation: Nation, picture: Path, sound: Path) -> Iterator[Page]:
    with chromium(playwright, picture=picture, sound=sound) as browser:
        page = new_page(
            browser, viewport={"width": 1366, "height": 768}, permissions=["camera", "microphone"]
        )
        page.goto(nation.site["link"])
        page.get_by_test_id("arm-sound").click()
        yield page


def test_a_commune_raises_its_hand_gets_the_floor_and_is_seen_and_heard(
    desk: Page, commune: Page, nation: Nation
) -> None:
    until(commune, "the commune sees the stage", lambda: pixels(commune, "stage-video-0") is not None)
    commune.get_by_test_id("raise-hand").click()
    # Simulated provinces ask for the floor too: the commune's hand is one of several.
    hand = desk.locator(f'[data-testid="hand-item"][data-site="{nation.site["id"]}"]')
    expect(hand).to_be_visible(timeout=10_000)
    heard_before = audio(desk)["energy"]
    hand.get_by_test_id("give-floor").click()

    until(desk, "the desk decodes the commune's picture", lambda: shows_known(desk))
    until(desk, "the desk hears the commune", lambda: audio(desk)["energy"] > heard_before + 0.005)
    expect(commune.get_by_test_id("site-state")).to_contain_text("LÊN HÌNH")


def test_a_message_that_asks_is_answered_by_key_and_the_desk_counts_it(
    desk: Page, commune: Page, nation: Nation
) -> None:
    desk.get_by_test_id("message-ask").check()
    desk.get_by_test_id("message-text").fill("Điểm danh sáng nay")
    desk.get_by_test_id("message-text").press("Enter")
    ask = commune.get_by_test_id("ask")
    expect(ask).to_be_visible()
    if "sáng nay" not in ask.inner_text():  # what asked before comes first
        commune.get_by_test_id("answer").press("Enter")
        expect(ask).to_contain_text("sáng nay", timeout=10_000)
    commune.get_by_test_id("answer").press("Enter")
    expect(commune.get_by_test_id("answered")).to_contain_text("Đã trả lời")
    figure = desk.locator('[data-testid^="receipts-"]').last
    expect(figure).to_contain_text(re.compile(r"đã nhận [1-9]\S*/\S+ · đã trả lời [1-9]"), timeout=10_000)
    message = (figure.get_attribute("data-testid") or "").removeprefix("receipts-")
    with nation.operator_client() as client:
        path = f"/api/v1/meetings/{nation.meeting}/messages/{message}/receipts"
        listing = client.get(path).raise_for_status().json()
    assert nation.site["id"] not in {*listing["missing"], *listing["unanswered"]}
    figure.click()
    expect(desk.get_by_test_id("counted-list")).to_be_visible()
    desk.keyboard.press("Escape")


def test_the_speaker_does_not_hear_or_see_himself(desk: Page, commune: Page, nation: Nation) -> None:
    stage = pixels(commune, "stage-video-0")
    assert stage is not None
    assert not is_known(stage), "the speaker sees himself on the stage"
    with nation.operator_client() as client:
        chair = client.get(f"/api/v1/meetings/{nation.meeting}").json()["state"]["chair_site"]
        nation.command(client, "mute", site=chair)
    # Only the commune is heard now: nothing may come back to it, while the desk hears it.
    until(commune, "the chair falls silent", lambda: silent(commune))
    before = audio(desk), audio(commune)
    until(desk, "two seconds of sound", lambda: audio(desk)["packets"] > before[0]["packets"] + 30)
    assert audio(commune)["packets"] == before[1]["packets"]


def test_a_mute_of_all_is_heard_by_nobody(desk: Page, commune: Page) -> None:
    desk.get_by_test_id("mute-all").click()
    until(desk, "silence at the desk", lambda: silent(desk))
    expect(commune.get_by_test_id("site-state")).to_contain_text("LÊN HÌNH")


def test_a_cut_shows_the_other_site_within_a_second(desk: Page, nation: Nation) -> None:
    before = pixels(desk, "desk-onair-video-0")
    assert before is not None and is_known(before)
    with nation.operator_client() as client:
        joined = client.get(f"/api/v1/meetings/{nation.meeting}/roster").json()["joined"]
        other = next(site for site in joined if site not in (nation.site["id"], "s_VN", "s_vn"))
        nation.command(client, "stage.preview", slots=[other])
        until(desk, "the preview is decoded", lambda: shows_clip(desk, "desk-preview-video-0"))
        desk.evaluate(WATCH_CUT, "desk-onair-video-0")
        desk.get_by_test_id("cut").click()
        until(desk, "the cut is decoded", lambda: shows_clip(desk, "desk-onair-video-0"))
        # The page's own watch may come to that frame a moment later.
        until(desk, "the cut is timed", lambda: desk.evaluate("Number.isFinite(window.__cut)"))
    assert desk.evaluate("window.__cut - window.__clicked") <= 1000


def test_a_reload_brings_the_commune_back(desk: Page, commune: Page, nation: Nation) -> None:
    with nation.operator_client() as client:
        nation.command(client, "stage.cut", slots=[nation.site["id"]])
    until(desk, "the commune is on air again", lambda: shows_known(desk))
    commune.reload()
    arm = commune.get_by_test_id("arm-sound")
    if arm.is_visible():
        arm.click()
    expect(commune.get_by_test_id("site-state")).to_contain_text("LÊN HÌNH", timeout=15_000)
    before = desk.evaluate(FRAMES)
    until(
        desk, "new frames of the commune", lambda: desk.evaluate(FRAMES) > before + 15 and shows_known(desk)
    )


def test_a_network_cut_of_20_s_brings_the_commune_back_by_itself(commune: Page, desk: Page) -> None:
    context = commune.context
    state = commune.get_by_test_id("connection-state")
    connected = state.inner_text()
    context.set_offline(True)
    expect(state).not_to_have_text(connected, timeout=30_000)
    commune.evaluate("new Promise((go) => setTimeout(go, 20_000))")
    context.set_offline(False)
    expect(state).to_have_text(connected, timeout=20_000)
    expect(commune.get_by_test_id("site-state")).to_contain_text("LÊN HÌNH", timeout=15_000)
    until(desk, "the commune is seen", lambda: shows_known(desk))
