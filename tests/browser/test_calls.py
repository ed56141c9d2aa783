"""The surprise call in real browsers: from the key press to the picture, and what may not happen."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.clock import WATCH, arrived, awaiting, clock_camera
from tests.faults.house import House, make_nation, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

ROOM, POST, NAMESAKE = "s_92", "s_26863", "s_twin"

# Every camera that the page has opened; its light is on while one of them lives.
KEEP_CAMERAS = """
window.__cameras = [];
{
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    window.__cameras.push(...stream.getVideoTracks());
    return stream;
  };
}
"""
OPEN_CAMERAS = "window.__cameras.filter((track) => track.readyState === 'live').length"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("calls") / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        made = House(data, elsewhere.submit(make_nation, data).result())
    try:
        made.start()
        console = made.console()
        # Another commune of the same name and kind, far away.
        twin = [{"unit": "31087", "label": "Điểm cầu xã", "id": NAMESAKE}]
        console.post("/console/v1/sites", json={"sites": twin}).raise_for_status()
        console.patch(f"/api/v1/sites/{POST}", json={"phones": ["028 3896 6789"]}).raise_for_status()
        made.command(made.operator(), "meeting.end")  # the sites stand by
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as running:
        yield running


@pytest.fixture(scope="module")
def desk(browser: Browser, house: House) -> Iterator[Page]:
    page = new_page(browser, viewport={"width": 1920, "height": 1080})
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(house.nation.operator["username"])
    page.get_by_test_id("login-password").fill(house.nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("open-centre").click()
    expect(page.locator('[data-region="roster"] [role=tree]')).to_be_visible()
    page.evaluate(WATCH)
    yield page
    page.context.close()


def standing_by(browser: Browser, house: House, site: str, number: int) -> Page:
    """A post whose page was opened by its sheet and armed by one tap; it waits, connected to nothing else."""
    page = new_page(browser, permissions=["camera", "microphone"], viewport={"width": 1366, "height": 768})
    page.add_init_script(clock_camera(number) + KEEP_CAMERAS)
    page.goto(house.link(site))
    page.get_by_test_id("activated-go").click()
    page.get_by_test_id("self-test-later").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()
    expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "ready")
    return page


def ask_for(desk: Page, words: str) -> None:
    """Types a name into the find box and presses Enter."""
    desk.get_by_test_id("roster-search").fill(words)
    expect(desk.get_by_role("listbox", name="Kết quả tìm")).to_be_visible()
    desk.get_by_test_id("roster-search").press("Enter")


def test_a_called_room_is_on_the_preview_and_one_more_key_puts_it_on_stage(
    browser: Browser, house: House, desk: Page
) -> None:
    post = standing_by(browser, house, ROOM, 7)
    awaiting(desk, 7)
    ask_for(desk, "can tho")
    call = until("a frame that is younger than the press", lambda: arrived(desk), 20)
    took = call["shown"] - call["pressed"]
    age = call["code"] - call["pressed"]
    print(f"\nsurprise call: {took:.0f} ms from the key press to a frame of {age:.0f} ms")
    assert age > 0  # how long it may take is measured by bench/calls.py, not by a test
    row = desk.locator(f'[data-testid="call"][data-site="{ROOM}"]')
    expect(row).to_have_attribute("data-state", "live")
    expect(post.get_by_test_id("seen")).to_contain_text("Trần Thị Bình")
    desk.keyboard.press("Enter")
    expect(post.get_by_test_id("site-state")).to_have_attribute("data-state", "on_air")
    expect(row.get_by_test_id("call-end")).to_be_disabled()
    client = house.operator()
    centre = next(m for m in client.get("/api/v1/meetings").json()["meetings"] if m["kind"] == "centre")
    cut = {"id": "leave-the-stage", "type": "stage.cut", "meeting": centre["id"], "slots": [None]}
    client.post("/api/v1/commands", json=cut).raise_for_status()
    row.get_by_test_id("call-end").click()
    expect(post.get_by_test_id("seen")).to_have_count(0)
    expect(post.get_by_test_id("site-state")).to_have_attribute("data-state", "ready")
    post.context.close()


def test_an_ambiguous_name_never_dials(desk: Page) -> None:
    before = desk.get_by_test_id("call").count()
    ask_for(desk, "xa")
    found = desk.get_by_role("listbox", name="Kết quả tìm").get_by_role("option")
    expect(found).to_have_count(2)
    for words in found.all_inner_texts():
        assert words.count(",") >= 1 or "·" in words, "district and province tell namesakes apart"
    assert desk.get_by_test_id("call").count() == before
    desk.get_by_test_id("roster-search").press("Escape")


def test_a_site_is_looked_up_without_ringing_it(desk: Page) -> None:
    before = desk.get_by_test_id("call").count()
    box = desk.get_by_test_id("roster-search")
    box.fill("26863")
    box.press("Shift+Enter")
    expect(desk.get_by_role("heading", name="phường Phước Bình")).to_be_visible()
    expect(box).to_have_value("")
    assert desk.get_by_test_id("call").count() == before


def test_a_post_rings_and_is_seen_when_somebody_answers(browser: Browser, house: House, desk: Page) -> None:
    post = standing_by(browser, house, POST, 9)
    ask_for(desk, "26863")
    expect(post.get_by_test_id("ringing")).to_contain_text("Trần Thị Bình")
    row = desk.locator(f'[data-testid="call"][data-site="{POST}"]')
    expect(row).to_have_attribute("data-state", "ringing")
    assert post.get_by_test_id("seen").count() == 0, "nobody is seen before somebody answers"
    post.get_by_test_id("answer-call").press("Enter")
    expect(row).to_have_attribute("data-state", "live", timeout=15_000)
    row.get_by_test_id("call-end").click()
    post.context.close()


def test_a_camera_that_waits_is_closed_until_somebody_answers_and_again_after(
    browser: Browser, house: House, desk: Page
) -> None:
    post = standing_by(browser, house, POST, 11)
    shown = post.get_by_test_id("camera-indicator")
    expect(shown).to_have_attribute("data-on", "true")
    post.get_by_test_id("help").click()
    post.get_by_test_id("device-check").click()
    post.get_by_test_id("camera-waits").press("Space")
    post.keyboard.press("Escape")
    expect(shown).to_have_attribute("data-on", "false")
    expect(shown).to_contain_text("Camera đóng khi chờ")
    expect(post.get_by_test_id("camera")).to_contain_text("Camera chờ gọi")
    assert post.evaluate(OPEN_CAMERAS) == 0, "its light is out"
    expect(post.get_by_test_id("site-state")).to_have_attribute("data-state", "ready")

    awaiting(desk, 11)
    ask_for(desk, "26863")
    expect(post.get_by_test_id("ringing")).to_be_visible()
    assert post.evaluate(OPEN_CAMERAS) == 0, "ringing alone opens it for nobody"
    post.get_by_test_id("answer-call").press("Enter")
    until("its picture is at the desk", lambda: arrived(desk), 20)
    expect(shown).to_have_attribute("data-sending", "true")
    assert post.evaluate(OPEN_CAMERAS) == 1

    desk.locator(f'[data-testid="call"][data-site="{POST}"]').first.get_by_test_id("call-end").click()
    expect(shown).to_have_attribute("data-on", "false")
    expect(shown).to_have_attribute("data-sending", "false")
    expect(shown).to_contain_text("Camera đóng khi chờ")
    assert post.evaluate(OPEN_CAMERAS) == 0
    post.context.close()


def test_a_post_that_is_away_is_followed_by_its_phone_and_the_level_above(desk: Page, house: House) -> None:
    calls = desk.locator(f'[data-testid="call"][data-site="{POST}"]')
    expect(calls.first).to_have_attribute("data-state", "ended")
    expect(calls.and_(desk.locator(':not([data-state="ended"])'))).to_have_count(0)
    console = house.console()
    until("the post is away", lambda: not console.get("/api/v1/readiness/sites", params={"unit": "26863"})
          .json()["rows"][0]["connected"])  # fmt: skip
    ask_for(desk, "26863")
    row = desk.locator(f'[data-testid="call"][data-site="{POST}"][data-state="offline"]')
    expect(row).to_contain_text("028 3896 6789")
    row.get_by_test_id("phoned").click()
    expect(row).to_contain_text("Đã gọi điện")
    row.locator('[data-testid="call-above"][data-site="s_79"]').click()
    expect(desk.locator('[data-testid="call"][data-site="s_79"]')).to_have_attribute("data-state", "offline")
