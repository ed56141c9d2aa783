"""The main job, in real browsers: a commune asks for the floor, gets it, and everyone sees and hears it."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from diemcau.clips import read_timecode
from tests.browser.chromium import audio, chromium, new_page, pixels
from tests.browser.known import is_known
from tests.browser.nation import Nation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
T = TypeVar("T")


def until(page: Page, what: str, ask: Callable[[], T | None], seconds: float = 20) -> T:
    """Ask again at each of the page's animation ticks until the answer is true."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if answer := ask():
            return answer
        page.evaluate("new Promise((go) => requestAnimationFrame(go))")
    page.screenshot(path="/tmp/until-failed.png")
    raise AssertionError(f"not within {seconds} s: {what}")


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


def test_a_commune_raises_its_hand_gets_the_floor_and_is_seen_and_heard(desk: Page, commune: Page) -> None:
    until(commune, "the commune sees the stage", lambda: pixels(commune, "stage-video-0") is not None)
    commune.get_by_test_id("raise-hand").click()
    hand = desk.get_by_test_id("hand-item").filter(has_text="Điểm cầu")
    expect(hand.first).to_be_visible(timeout=10_000)
    heard_before = audio(desk)["energy"]
    hand.first.get_by_test_id("give-floor").click()

    def shows_known() -> bool:
        picture = pixels(desk, "desk-onair-video-0")
        return picture is not None and is_known(picture)

    until(desk, "the desk decodes the commune's picture", shows_known)
    until(desk, "the desk hears the commune", lambda: audio(desk)["energy"] > heard_before + 0.005)
    expect(commune.get_by_test_id("site-state")).to_contain_text("LÊN HÌNH")


def test_the_speaker_does_not_hear_or_see_himself(desk: Page, commune: Page) -> None:
    stage = pixels(commune, "stage-video-0")
    assert stage is not None
    assert not is_known(stage), "the speaker sees himself on the stage"
    desk.get_by_test_id("mute-all").click()
    # Only the commune is heard now: nothing may come back to it, while the desk hears it.
    desk_before, commune_before = audio(desk), audio(commune)
    until(desk, "two seconds of sound", lambda: audio(desk)["packets"] > desk_before["packets"] + 30)
    assert audio(commune)["packets"] - commune_before["packets"] <= 4


def test_a_cut_shows_the_other_site_within_a_second(desk: Page, nation: Nation) -> None:
    before = pixels(desk, "desk-onair-video-0")
    assert before is not None and is_known(before)
    with nation.operator_client() as client:
        sites = client.get(f"/api/v1/meetings/{nation.meeting}/roster").json()["joined"]
        state_site = next(site for site in sites if site != nation.site.get("site"))
        nation.command(client, "stage.preview", slots=[state_site])
        until(desk, "preview decodes", lambda: pixels(desk, "desk-preview-video-0") is not None)
        began = time.monotonic()
        nation.command(client, "stage.cut")

    def shows_clip() -> bool:
        picture = pixels(desk, "desk-onair-video-0")
        return picture is not None and read_timecode(picture) is not None

    until(desk, "the cut is decoded", shows_clip, seconds=10)
    assert time.monotonic() - began < 1.0 + 0.5  # half a second for reading pixels out of a busy page
