"""axe finds nothing on any page, in both languages and both themes; the desk's main path works by key."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.nation import Nation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

AXE = Path(__file__).resolve().parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
LOOKS = [(language, theme) for language in ("vi", "en") for theme in ("dark", "light")]


def findings(page: Page) -> list[str]:
    """What axe objects to on the page as it is, one line each."""
    page.evaluate(AXE.read_text())
    report: dict[str, Any] = page.evaluate(
        "(tags) => axe.run(document, {runOnly: tags, resultTypes: ['violations']})", TAGS
    )
    return [
        f"{found['id']}: {node['target']} {node.get('failureSummary', '')}"
        for found in report["violations"]
        for node in found["nodes"]
    ]


def look(page: Page, kind: str, language: str, theme: str) -> None:
    """Choose language and theme as the page remembers them, and load it again."""
    page.evaluate(
        "([kind, language, theme]) => {"
        "localStorage.setItem('dc.lang', language); localStorage.setItem(`dc.theme.${kind}`, theme); }",
        [kind, language, theme],
    )
    page.reload()


def still_page(browser: Browser, *, width: int, height: int) -> Page:
    """A page without motion: half faded in, a dialog has no contrast yet."""
    return new_page(
        browser,
        viewport={"width": width, "height": height},
        permissions=["camera", "microphone"],
        reduced_motion="reduce",
    )


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Any:
    with chromium(playwright) as running:
        yield running


@pytest.fixture(scope="module")
def desk(browser: Browser, nation: Nation) -> Page:
    page = still_page(browser, width=1366, height=768)
    page.goto(nation.url + "/dang-nhap")
    assert findings(page) == []
    page.get_by_test_id("login-username").fill(nation.operator["username"])
    page.get_by_test_id("login-password").fill(nation.operator["password"])
    page.get_by_test_id("login-password").press("Enter")
    page.wait_for_url("**/trung-tam*")
    # For all looks of both pages: the desk shows its figures, the site the button of the answer. To this site
    # alone, for the simulated ones answer, and the list of who has not is to show somebody.
    with nation.operator_client() as client:
        nation.command(client, "message.post", text="Điểm danh", to=nation.spare_sites[0]["id"], ask=True)
    return page


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_the_desk_has_no_findings(desk: Page, nation: Nation, language: str, theme: str) -> None:
    desk.goto(nation.url + "/trung-tam")
    look(desk, "desk", language, theme)
    expect(desk.get_by_test_id("meeting-row").first).to_be_visible()
    assert findings(desk) == []
    desk.get_by_test_id("new-meeting").click()
    desk.get_by_test_id("scope-search").fill("binh phuoc")
    expect(desk.get_by_role("option").first).to_be_visible()
    desk.keyboard.press("ArrowDown")
    desk.keyboard.press("Enter")
    assert findings(desk) == []
    desk.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    expect(desk.get_by_test_id("wall-tile").first).to_be_visible(timeout=15_000)
    desk.get_by_test_id("wall-tile").first.click()
    figure = desk.locator('[data-testid^="receipts-"]').last
    expect(figure).to_be_visible()
    assert findings(desk) == []
    desk.get_by_test_id("roster-row").last.click(button="right")
    expect(desk.get_by_test_id("row-menu").get_by_role("menuitem").first).to_be_focused()
    assert findings(desk) == []
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("tree")).to_be_focused()
    desk.keyboard.press("Shift+F10")
    expect(desk.get_by_test_id("row-menu").get_by_role("menuitem").first).to_be_focused()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("tree")).to_be_focused()
    figure.click()
    expect(desk.get_by_test_id("counted-list").get_by_role("option").first).to_be_visible()
    assert findings(desk) == []
    desk.keyboard.press("Escape")
    desk.get_by_test_id("joined-province").click()
    expect(desk.get_by_test_id("counted-list").get_by_role("option").first).to_be_visible()
    assert findings(desk) == []
    desk.keyboard.press("Escape")
    desk.keyboard.press("?")
    expect(desk.get_by_role("dialog")).to_be_visible()
    assert findings(desk) == []
    desk.keyboard.press("Escape")


@pytest.mark.parametrize(("language", "theme"), LOOKS)
def test_the_door_of_a_site_has_no_findings(
    browser: Browser, nation: Nation, language: str, theme: str
) -> None:
    page = still_page(browser, width=390, height=844)
    page.goto(nation.url + "/vao")
    look(page, "post", language, theme)
    expect(page.get_by_test_id("activation-code")).to_be_visible()
    assert findings(page) == []
    page.context.close()


def test_a_site_has_no_findings(browser: Browser, desk: Page, nation: Nation) -> None:
    page = still_page(browser, width=390, height=844)
    page.goto(nation.spare_sites[0]["link"])
    arm = page.get_by_test_id("arm-sound")
    expect(arm).to_be_visible()
    assert findings(page) == []
    arm.click()
    for language, theme in LOOKS:
        look(page, "post", language, theme)
        expect(page.get_by_test_id("site-state")).to_be_visible()
        page.mouse.click(2, 2)  # where the browser wants a touch after a reload, any touch will do
        expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "in_meeting")
        expect(page.get_by_test_id("answer")).to_be_visible()
        assert findings(page) == []
        page.get_by_test_id("help").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert findings(page) == []
        page.get_by_test_id("device-check").click()
        expect(page.get_by_role("dialog").get_by_role("meter")).to_be_visible()
        assert findings(page) == []
    page.context.close()


def test_a_site_is_found_previewed_and_cut_to_by_keyboard_alone(desk: Page, nation: Nation) -> None:
    desk.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    look(desk, "desk", "vi", "dark")
    present = desk.get_by_test_id("wall-tile")
    expect(present.nth(2)).to_be_visible(timeout=15_000)
    site = present.nth(2).get_attribute("data-site")
    assert site is not None
    desk.keyboard.press("/")
    # Its code is certain; a name that several share would do nothing on Enter.
    desk.keyboard.type(site.removeprefix("s_"))
    expect(desk.locator(f'[role=option][aria-selected=true][data-site="{site}"]')).to_be_visible()
    desk.keyboard.press("Enter")
    preview = desk.locator('[data-testid="desk-preview-video-0"]')
    expect(preview).to_be_visible()
    # A button that was pressed by pointer does not take the key that cuts.
    desk.get_by_test_id("joined-province").click()
    expect(desk.get_by_role("dialog")).to_be_visible()
    desk.keyboard.press("Escape")
    expect(desk.get_by_role("dialog")).not_to_be_visible()
    desk.keyboard.press("Enter")
    expect(desk.locator(f'[data-testid=wall-tile][data-site="{site}"][data-standing=on_air]')).to_be_visible()
    desk.keyboard.press("z")
    expect(
        desk.locator(f'[data-testid=wall-tile][data-site="{site}"][data-standing=on_air]')
    ).not_to_be_visible()
