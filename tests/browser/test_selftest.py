"""A post tests itself against the real media node; the readiness page sees it move, without a reload.
axe finds nothing on the way."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.chromium import chromium, new_page, pixels
from tests.browser.nation import Nation
from tests.browser.test_accessibility import findings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(150)]
PATIENCE_MS = 30_000

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}


def number(page: Page, step: str) -> int:
    """What the funnel shows of a step."""
    text = page.get_by_test_id(f"funnel-{step}").get_by_test_id("funnel-number").inner_text()
    return int(text.replace(".", ""))


def log_in(page: Page, nation: Nation) -> None:
    page.goto(nation.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(nation.operator["username"])
    page.get_by_test_id("login-password").fill(nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")


def test_a_post_tests_itself_in_three_taps_and_is_seen_to_become_ready(
    playwright: Playwright, nation: Nation, sound: Path
) -> None:
    site = nation.spare_sites[1]
    with chromium(playwright, sound=sound) as browser:
        desk = new_page(browser, viewport=DESK)
        log_in(desk, nation)
        desk.goto(f"{nation.url}/trung-tam/trien-khai")
        expect(desk.get_by_test_id("nation-map")).to_be_visible(timeout=20_000)
        assert desk.locator("[data-province]").count() == 63
        assert desk.locator("[data-inset]").count() == 2
        assert findings(desk) == []
        before = {step: number(desk, step) for step in ("total", "activated", "ready")}

        # Keys: from one province to another, and in.
        first = desk.locator('[data-province="01"]')
        first.focus()
        first.press("ArrowDown")
        reached = desk.evaluate("document.activeElement.dataset.province")
        assert reached not in (None, "01")
        desk.keyboard.press("Enter")
        expect(desk.get_by_test_id("unit-grid")).to_be_visible()
        assert f"don-vi={reached}" in desk.url
        desk.goto(f"{nation.url}/trung-tam/trien-khai?xem=list&q={site['id'].removeprefix('s_')}")
        row = desk.locator(f'[data-testid="site-row"][data-site="{site["id"]}"]')
        expect(row).to_have_attribute("data-state", "never", timeout=10_000)
        assert findings(desk) == []

        post = new_page(browser, viewport=PHONE, permissions=["camera", "microphone"])
        post.goto(site["link"])
        post.wait_for_url("**/diem-cau")
        post.goto(nation.url + "/kiem-tra")
        expect(post.get_by_test_id("self-test-start")).to_be_enabled()
        assert findings(post) == []
        post.get_by_test_id("self-test-start").click()
        post.get_by_test_id("self-test-next").click(timeout=20_000)
        post.get_by_test_id("self-test-heard").click(timeout=30_000)
        back = post.get_by_test_id("self-test-back")
        expect(back).to_be_visible(timeout=20_000)
        expect(post.get_by_test_id("self-test-phase")).to_contain_text("Đang đo", timeout=30_000)
        shown = None
        while shown is None:
            shown = pixels(post, "self-test-back")
            post.evaluate("new Promise((go) => requestAnimationFrame(go))")
        height = shown.shape[0]
        strip = shown[int(height * 0.8) :].astype(float)
        assert strip.std() > 25, "the noise that was sent came back from the node"

        result = post.get_by_test_id("self-test-result")
        expect(result).to_have_attribute("data-passed", "true", timeout=40_000)
        assert findings(post) == []
        expect(post.get_by_test_id("self-test-figures")).to_contain_text(re.compile("UDP"))
        expect(row).to_have_attribute("data-state", "ready", timeout=20_000)
        # The funnel and the list are asked for each by itself.
        ready = desk.get_by_test_id("funnel-ready").get_by_test_id("funnel-number")
        expect(ready).to_have_text(str(before["ready"] + 1), timeout=15_000)
        assert number(desk, "activated") == before["activated"] + 1
        assert number(desk, "total") == before["total"]

        with nation.operator_client() as client:
            [test] = client.get(f"/api/v1/sites/{site['id']}/tests").raise_for_status().json()["tests"]
        network = test["figures"]["network"]
        assert test["passed"] and network["udp"] is True and network["tcp"] is True
        assert network["path"] == "udp" and network["up_kbps"] > 60 and network["down_kbps"] > 100
        assert test["figures"]["camera"]["width"] >= 320 and test["figures"]["microphone"]["state"] == "ok"

        post.get_by_test_id("self-test-leave").click()
        post.wait_for_url("**/diem-cau")
