"""The wall and the windows, in real browsers: a tile is live under the pointer, windows follow the desk."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import chromium, new_page, pixels
from tests.browser.nation import Nation
from tests.browser.test_accessibility import findings
from tests.browser.test_meeting import shows_clip, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PATIENCE_MS = 30_000


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright, camera=False) as running:
        yield running


@pytest.fixture(scope="module")
def wall(browser: Browser, nation: Nation) -> Page:
    page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.goto(nation.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(nation.operator["username"])
    page.get_by_test_id("login-password").fill(nation.operator["password"])
    page.get_by_test_id("login-password").press("Enter")
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{nation.url}/trung-tam/man-hinh/tuong?hop={nation.meeting}")
    expect(page.get_by_test_id("wall-tile").first).to_be_visible(timeout=20_000)
    return page


def joined_but(nation: Nation, *but: str) -> list[str]:
    """Sites in the meeting that are not on its stage."""
    with nation.operator_client() as client:
        state = client.get(f"/api/v1/meetings/{nation.meeting}").json()["state"]
        joined = client.get(f"/api/v1/meetings/{nation.meeting}/roster").json()["joined"]
    stage = {*state["stage"]["on_air"], *state["stage"]["preview"], state["chair_site"], *but}
    return [site for site in sorted(joined) if site not in stage]


def tile(page: Page, site: str) -> Any:
    return page.locator(f'[data-testid=wall-tile][data-site="{site}"]')


def test_a_tile_goes_live_under_the_pointer_stays_by_pin_and_never_moves(wall: Page, nation: Nation) -> None:
    site = next(site for site in joined_but(nation) if site.startswith("s_") and len(site) == 4)  # a province
    wall.get_by_test_id("wall-find").fill(site.removeprefix("s_"))
    wall.get_by_test_id("wall-find").press("Enter")
    one = tile(wall, site)
    expect(one).to_be_visible()
    expect(one.locator("img")).to_be_visible(timeout=20_000)
    one.hover()  # it may scroll there
    before = one.bounding_box()
    until(wall, "the tile moves", lambda: shows_clip(wall, "wall-live"))
    expect(one).to_contain_text("TRỰC TIẾP")
    one.click()
    wall.get_by_test_id("wall-grid").press("Enter")
    wall.mouse.move(5, 5)
    expect(one.get_by_role("button", name="Bỏ ghim")).to_be_visible()
    assert one.bounding_box() == before
    assert findings(wall) == []
    wall.get_by_test_id("wall-layouts").click()
    wall.get_by_test_id("wall-save").click()
    wall.get_by_test_id("wall-layout-name").fill("Một tỉnh")
    wall.get_by_test_id("wall-layout-name").press("Enter")
    expect(wall.get_by_test_id("wall-layouts")).to_contain_text("Một tỉnh")
    wall.reload()
    expect(tile(wall, site)).to_contain_text("TRỰC TIẾP", timeout=20_000)


def test_windows_follow_the_meeting_and_the_desk_drives_them(wall: Page, nation: Nation) -> None:
    on_air, lined_up = joined_but(nation)[:2]
    desk = wall.context.new_page()
    desk.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    desk.get_by_test_id("screens").click()
    with desk.expect_popup() as popup:
        desk.get_by_test_id("open-stage").click()
    stage = popup.value
    with desk.expect_popup() as popup:
        desk.get_by_test_id("open-leader").click()
    leader = popup.value
    with nation.operator_client() as client:
        nation.command(client, "stage.cut", slots=[on_air])
        until(stage, "the stage output shows the cut", lambda: shows_clip(stage, "output-video-0"))
        # Nothing but the picture: the output is the window, edge to edge.
        assert stage.locator("button, a, input").count() == 0
        expect(stage.get_by_test_id("output-caption")).to_have_count(0)
        row = desk.locator('[data-testid=screen-row][data-kind="stage"]')
        row.get_by_test_id("screen-captions").click()  # ticked when the server says so
        expect(stage.get_by_test_id("output-caption")).to_be_visible()
        caption = stage.get_by_test_id("output-caption").locator("b").inner_text()
        name = caption.removeprefix("Điểm cầu ")  # the leader's screen names the unit
        expect(leader.get_by_test_id("leader-onair")).to_contain_text(name, timeout=10_000)
        nation.command(client, "stage.preview", slots=[lined_up])
        expect(leader.locator(f'[data-testid=leader-next] [data-site="{lined_up}"]')).to_be_visible()
        listed = client.put(
            f"/api/v1/meetings/{nation.meeting}/shortlist", json={"sites": [on_air, lined_up]}
        )
        assert listed.status_code == 204, listed.text
        expect(leader.get_by_test_id("leader-call")).to_have_count(2)
        assert findings(leader) == []
        nation.command(client, "stage.preview", slots=[None])
        call = leader.locator(f'[data-testid=leader-call][data-site="{lined_up}"]')
        call.click()
        expect(call).to_have_attribute("data-standing", "preview")
        nation.command(client, "stage.cut", slots=[None])
        expect(stage.get_by_test_id("output-holding")).to_be_visible()
        nation.command(client, "stage.cut", slots=[on_air])
    row.get_by_role("button", name="Đóng").click()
    expect(row).to_have_count(0)
    assert pixels(leader, "leader-video-0") is not None
    for page in (leader, desk):
        page.close()
