"""A rehearsal with the real node and real pages: one post goes through all four steps without a press and is
rehearsed; one whose microphone is mute fails to speak, with the cause; the board shows both live."""

import wave
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.test_accessibility import findings
from tests.faults.house import House, make_nation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PATIENCE_MS = 20_000

GOOD, MUTE, AWAY = "s_01", "s_31", "s_48"
DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("rehearsal") / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        made = House(data, elsewhere.submit(make_nation, data).result())
    try:
        made.start()
        # A meeting goes before a rehearsal: the posts would be in that one.
        made.command(made.operator(), "meeting.end")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def silence(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("mute") / "silence.wav"
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(48_000)
        out.writeframes(bytes(2 * 48_000 * 2))
    return path


def enter(page: Page, link: str) -> None:
    """The post's page, with its one tap."""
    page.goto(link)
    page.get_by_test_id("activated-go").click()
    page.get_by_test_id("self-test-later").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()


def test_two_posts_rehearse_and_the_board_shows_why_one_is_not_through(
    playwright: Playwright, house: House, silence: Path
) -> None:
    client = house.operator()
    with chromium(playwright) as browser, chromium(playwright, sound=silence) as silent:
        loud = new_page(browser, viewport=DESK, permissions=["camera", "microphone"])
        quiet = new_page(silent, viewport=PHONE, permissions=["camera", "microphone"])
        enter(loud, house.link(GOOD))
        enter(quiet, house.link(MUTE))
        body = {"id": "browser-rehearsal", "scope": {"sites": [GOOD, MUTE, AWAY]}, "minutes": 5}
        made = client.post("/api/v1/rehearsals", json=body).raise_for_status().json()

        desk = new_page(browser, viewport=DESK)
        desk.goto(house.url + "/dang-nhap")
        desk.get_by_test_id("login-username").fill(house.nation.operator["username"])
        desk.get_by_test_id("login-password").fill(house.nation.operator["password"])
        desk.get_by_test_id("login-submit").click()
        desk.wait_for_url("**/trung-tam*")
        desk.goto(f"{house.url}/trung-tam/trien-khai/chay-thu")
        listed = desk.get_by_test_id("rehearsal-row")
        expect(listed).to_be_visible(timeout=60_000)
        assert findings(desk) == []
        listed.get_by_role("link").click()
        expect(desk.get_by_test_id("rehearsal-status")).to_have_text("Đang chạy", timeout=20_000)

        for post in (loud, quiet):
            # A browser on a busy machine may want a second touch.
            if (sound := post.get_by_test_id("arm-sound")).is_visible():
                sound.click()
        card = loud.get_by_test_id("rehearsal")
        expect(card).to_be_visible(timeout=20_000)
        for step in ("connect", "see", "hear", "speak"):
            tick = loud.get_by_test_id(f"rehearsal-{step}")
            expect(tick).to_have_attribute("data-state", "done", timeout=60_000)
        expect(card).to_have_attribute("data-said", "through")
        assert findings(loud) == []

        expect(quiet.get_by_test_id("rehearsal-hear")).to_have_attribute("data-state", "done", timeout=60_000)
        said = quiet.get_by_test_id("rehearsal")
        expect(said).to_have_attribute("data-said", "fault", timeout=60_000)
        expect(said).to_contain_text("Chưa nghe thấy tiếng nói")
        assert findings(quiet) == []
        # A reload goes on where it was.
        quiet.reload()
        expect(quiet.get_by_test_id("rehearsal-hear")).to_have_attribute("data-state", "done", timeout=30_000)

        row = desk.locator(f'[data-testid="seat"][data-site="{MUTE}"]')
        expect(row).to_have_attribute("data-cause", "voice_silent", timeout=15_000)
        done = desk.locator(f'[data-testid="seat"][data-site="{GOOD}"]')
        expect(done).to_have_attribute("data-at", "through", timeout=15_000)
        expect(desk.get_by_test_id("tally-speak")).to_have_text("1")
        assert findings(desk) == []
        desk.get_by_test_id("rehearsal-end").click()
        desk.get_by_test_id("rehearsal-end-sure").click()
        expect(desk.get_by_test_id("rehearsal-status")).to_have_text("Đã kết thúc", timeout=15_000)

        expect(loud.get_by_test_id("rehearsal-close")).to_be_visible(timeout=15_000)
        expect(quiet.get_by_test_id("rehearsal")).to_have_attribute("data-said", "over", timeout=15_000)
        path = f"/api/v1/rehearsals/{made['id']}/sites"
        seats = {seat["site"]: seat for seat in client.get(path).raise_for_status().json()["seats"]}
        assert seats[GOOD]["at"] == "through" and seats[GOOD]["figures"]["see"]["width"] >= 320
        assert seats[MUTE]["cause"]["code"] == "voice_silent"
        assert seats[AWAY]["cause"]["code"] == "absent"
        rows = client.get("/api/v1/readiness/sites", params={"unit": "01"}).raise_for_status().json()["rows"]
        assert rows[0]["rehearsed_at"] is not None
