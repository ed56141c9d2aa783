"""A roll call by two operators at once: one conflict, nothing lost, sealed, exported."""

from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.sync_api import Browser, Page, Playwright, expect

from diemcau.sites import NewSite
from diemcau.units import Units
from tests.api.world import PASSWORD
from tests.browser.chromium import chromium, new_page
from tests.browser.rollhouse import RollHouse, roll_house
from tests.browser.test_accessibility import findings

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

OPERATORS = (
    ("thuky", "Trần Thị Bình", "secretary", "VN"),
    ("binhphuoc", "Nguyễn Văn Tám", "duty_officer", "70"),
)
PATIENCE_MS = 30_000


def sites(units: Units) -> list[NewSite]:
    """The centre, two provinces, and the districts of one."""
    codes = ["VN", "70", "75", *(unit.code for unit in units.children("70"))]
    return [
        NewSite(code, f"Điểm cầu {units.get(code).label}", id=f"s_{code}", phones=("0271 388 8888",))
        for code in codes
    ]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with roll_house(tmp_path_factory.mktemp("roll"), sites, OPERATORS) as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Any:
    with chromium(playwright) as running:
        yield running


def opened(browser: Browser, house: RollHouse, username: str) -> Page:
    """The roll call's page of an operator."""
    page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.set_default_timeout(PATIENCE_MS)
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(username)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-password").press("Enter")
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{house.url}/trung-tam/{house.meeting}/diem-danh")
    return page


def row(page: Page, site: str) -> Any:
    return page.locator(f'[data-testid=roll-site][data-site="{site}"]')


def test_two_operators_call_the_roll_at_once(browser: Browser, house: RollHouse, tmp_path: Path) -> None:
    centre = opened(browser, house, "thuky")
    centre.get_by_test_id("roll-open").click()
    centre.locator('[data-testid=roll-province][data-unit="70"]').click()
    province = opened(browser, house, "binhphuoc")
    expect(row(province, "s_70")).to_be_visible()
    expect(row(centre, "s_70")).to_be_visible()

    # By keyboard: the province's own site is there, and the centre sees it without asking.
    province.get_by_test_id("roll-sites").focus()
    province.keyboard.press("p")
    expect(row(centre, "s_70")).to_have_attribute("data-says", "present")
    expect(centre.get_by_test_id("roll-totals")).to_have_attribute("data-summary", "1/2 · 0/11")
    expect(row(centre, "s_70")).to_contain_text("báo có mặt, không kết nối")

    # Both begin with the same district; the later, different one is shown both and loses nothing.
    row(centre, "s_688").dblclick()
    expect(centre.get_by_test_id("roll-entry")).to_be_visible()
    province.keyboard.press("ArrowDown")
    province.keyboard.press("a")
    province.get_by_test_id("roll-reason").fill("mất đ")
    province.keyboard.press("ArrowDown")
    province.keyboard.press("Enter")
    province.get_by_test_id("roll-save").click()
    expect(row(centre, "s_688")).to_have_attribute("data-says", "absent")
    centre.get_by_test_id("roll-entry").get_by_text("Có mặt").click()
    centre.get_by_test_id("roll-save").click()
    conflict = centre.get_by_test_id("roll-conflicts")
    expect(conflict).to_contain_text("Nguyễn Văn Tám")
    expect(conflict).to_contain_text("Mất điện")
    assert findings(centre) == []
    centre.get_by_test_id("roll-settle").click()
    expect(conflict).to_be_hidden()
    expect(row(centre, "s_688")).to_have_attribute("data-says", "absent")

    # The rest at once, then confirmed: what is said and not seen stands out.
    province.get_by_test_id("roll-sites").focus()
    province.keyboard.press("Control+a")
    for site in ("s_70", "s_688"):
        row(province, site).click(modifiers=["Control"])
    province.get_by_test_id("roll-bulk-present").click()
    expect(centre.get_by_test_id("roll-totals")).to_have_attribute("data-summary", "1/2 · 10/11")
    province.get_by_test_id("roll-confirm").click()
    expect(centre.locator('[data-testid=roll-province][data-unit="70"]')).to_contain_text(":")
    assert findings(province) == []

    centre.get_by_test_id("roll-seal").click()
    centre.get_by_test_id("roll-seal-sure").click()
    expect(centre.get_by_test_id("roll-status")).to_have_attribute("data-status", "sealed")
    digest = centre.get_by_test_id("roll-digest").text_content() or ""
    expect(province.get_by_test_id("roll-status")).to_have_attribute("data-status", "sealed")
    centre.get_by_test_id("roll-xlsx").click()
    with centre.expect_download() as got:
        centre.get_by_test_id("roll-xlsx-all").click()
    got.value.save_as(tmp_path / "roll.xlsx")
    book = load_workbook(tmp_path / "roll.xlsx")
    summary = {line[0]: line[1] for line in book["Tổng hợp"].iter_rows(values_only=True) if line[0]}
    assert summary["Có mặt"] == "0/1 · 1/2 · 10/11"
    assert summary["Mã kiểm (SHA-256)"] in digest
    missing = {line[2]: line for line in book["Vắng và chưa báo"].iter_rows(min_row=2, values_only=True)}
    assert missing["Điểm cầu thị xã Phước Long"][5:7] == ("Mất điện", "0271 388 8888")
    for page in (centre, province):
        page.context.close()
