"""A private word in real browsers: who hears it, who does not, and the marks of who comes next."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import audio, chromium, new_page
from tests.faults.house import House, make_nation, until

# Two short presses of T, by the page's own clock: on a busy machine two of a test's lie far apart.
TWICE = """() => { for (const type of ["keydown", "keyup", "keydown", "keyup"])
  document.body.dispatchEvent(new KeyboardEvent(type, {key: "t", code: "KeyT", bubbles: true})); }"""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]
PATIENCE_MS = 30_000

POST, OTHER = "s_26863", "s_92"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("talkback") / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        made = House(data, elsewhere.submit(make_nation, data).result())
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright, picture: Path, sound: Path) -> Iterator[Browser]:
    with chromium(playwright, picture=picture, sound=sound) as running:
        yield running


def site(browser: Browser, house: House, name: str) -> Page:
    """A site's page in the meeting, armed by its one tap."""
    page = new_page(browser, permissions=["camera", "microphone"], viewport={"width": 1366, "height": 768})
    page.goto(house.link(name))
    page.get_by_test_id("activated-go").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()
    expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "in_meeting")
    return page


def desk_of(browser: Browser, house: House) -> Page:
    page = new_page(browser, permissions=["microphone"], viewport={"width": 1366, "height": 768})
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(house.nation.operator["username"])
    page.get_by_test_id("login-password").fill(house.nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam")
    page.goto(f"{house.url}/trung-tam/{house.nation.meeting}")
    expect(page.locator('[data-region="roster"] [role=tree]')).to_be_visible()
    return page


def louder(page: Page, than: float) -> Callable[[], bool]:
    """Whether the page has been given sound since its energy was so much."""
    return lambda: audio(page)["energy"] > than + 1e-4


def test_the_director_and_a_post_speak_and_the_meeting_hears_nothing(browser: Browser, house: House) -> None:
    post, other, desk = site(browser, house, POST), site(browser, house, OTHER), desk_of(browser, house)
    post.get_by_test_id("raise-hand").click()
    hand = desk.locator(f'[data-testid="hand-item"][data-site="{POST}"]')
    hand.locator("button").first.click()

    desk.keyboard.press("l")
    marks = desk.locator(f'[data-testid="lined-up"][data-site="{POST}"] [data-testid="check-marks"]')
    expect(post.get_by_test_id("lined-up-note")).to_be_visible()
    expect(marks).to_have_attribute("data-picture", "true", timeout=20_000)
    expect(marks).to_have_attribute("data-voice", "true", timeout=20_000)

    silence, before = audio(other), audio(post)["energy"]
    desk.evaluate(TWICE)
    row = desk.locator(f'[data-testid="talk"][data-site="{POST}"]')
    expect(row).to_have_attribute("data-ready", "true", timeout=20_000)
    expect(row).to_have_attribute("data-speaks", "true")
    banner = post.get_by_test_id("talk-banner")
    expect(banner).to_have_attribute("data-speaks", "true")
    expect(banner).to_contain_text("Trần Thị Bình")
    until("the post hears the director", louder(post, before), 20)

    desk.keyboard.press("t")
    expect(banner).to_have_attribute("data-speaks", "false")
    before = audio(desk)["energy"]
    assert row.get_attribute("data-answers") == "false", "nobody listens in before the post answers"
    post.get_by_test_id("talk-answer").click()
    expect(row).to_have_attribute("data-answers", "true")
    until("the director hears the post", louder(desk, before), 20)
    post.get_by_test_id("talk-clear").click()
    expect(row.get_by_test_id("talk-tapped")).to_contain_text("Nghe rõ")
    assert audio(other)["packets"] == silence["packets"], "not one packet of it went to the meeting"

    desk.keyboard.press("n")
    expect(desk.get_by_test_id("lined-up")).to_have_count(0)
    expect(desk.get_by_test_id("desk-preview-video-0")).to_be_visible()
    desk.keyboard.press("g")
    expect(row.get_by_test_id("talk-on-air")).to_be_visible()
    expect(row).to_have_attribute("data-answers", "false")
    expect(post.get_by_test_id("talk-answer")).to_have_count(0)
    until("with the floor the meeting hears the post", louder(other, silence["energy"]), 20)
    row.get_by_test_id("talk-end").click()
    expect(banner).to_have_count(0)
    for page in (post, other, desk):
        page.context.close()
