"""Takes the screenshots of activation and of the connection sheets under docs/screens/.

    .venv/bin/python -m scripts.screenshots_activation

Needs Debian's chromium and the development dependencies. Look at every picture before committing it.
"""

import tempfile
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright

from diemcau.rollout.sheets.render import Sheet, render
from diemcau.units import Units
from tests.browser.chromium import chromium, new_page
from tests.faults.house import COMMUNE, PROVINCES, House, make_nation

TO = Path(__file__).parent.parent / "docs" / "screens"
PROVINCE = "70"
TECHNICIAN = {
    "username": "kythuat",
    "password": "mot-mat-khau-dai",
    "name": "Nguyễn Văn Kỹ",
    "title": "Kỹ thuật viên tỉnh",
    "grants": [{"role": "technician", "unit": PROVINCE}],
}
SLEEP = "() => { const now = Date.now; Date.now = () => now() + 600_000; }"


def paper() -> None:
    """A sheet as it is printed."""
    code = "K7QF-9TXM-4RHA"
    sheet = Sheet(
        "s_25378", "Tỉnh Bình Phước", "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước", "Điểm cầu xã Tân Lợi",
        code, f"https://cau.example.vn/vao#code={code}", "cau.example.vn/vao", "17:00 09/12/2026",
        "0271 3879 000", "25/11/2026 17:00",
    )  # fmt: skip
    (TO / "sheet.png").write_bytes(render([sheet], kind="png"))


def posts(browser: Browser, house: House) -> None:
    """A phone and a desktop from the link to the site's page, and the same sheet a second time."""
    for name, width, height, site in (
        ("phone", 390, 844, f"s_{COMMUNE}"),
        ("desktop", 1366, 768, f"s_{PROVINCES[0]}"),
    ):
        look = {"viewport": {"width": width, "height": height}, "reduced_motion": "reduce"}
        page = new_page(browser, permissions=["camera", "microphone"], **look)
        link = house.link(site)
        page.goto(link)
        expect(page.get_by_test_id("activated")).to_be_visible()
        page.screenshot(path=TO / f"activation-{name}.png")
        again = new_page(browser, **look)
        again.goto(link)
        expect(again.get_by_test_id("door-fault")).to_be_visible()
        again.screenshot(path=TO / f"activation-used-{name}.png")
        page.wait_for_url("**/diem-cau")
        expect(page.get_by_test_id("arm-sound")).to_be_visible()
        page.evaluate(SLEEP)
        expect(page.get_by_test_id("awake-card")).to_be_visible(timeout=20_000)
        page.screenshot(path=TO / f"site-slept-{name}.png")


def sheets(browser: Browser, house: House) -> None:
    """The technician's page, with a province printed."""
    console = house.console()
    console.post("/console/v1/people", json=TECHNICIAN).raise_for_status()
    units = Units.load("2021-09").select([PROVINCE], ["district", "commune"])
    new = [{"unit": unit.code, "label": f"Điểm cầu {unit.label}"} for unit in units]
    console.post("/console/v1/sites", json={"sites": new}).raise_for_status()
    page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(str(TECHNICIAN["username"]))
    page.get_by_test_id("login-password").fill(str(TECHNICIAN["password"]))
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{house.url}/trung-tam/trien-khai/phieu")
    page.get_by_test_id("sheets-hotline").fill("0271 3879 000")
    page.get_by_test_id("sheets-issue").click()
    expect(page.locator('[data-testid="sheets-job"][data-state="ready"]')).to_be_visible(timeout=120_000)
    expect(page.get_by_test_id("sheets-waiting")).to_have_text(str(len(new)))
    page.screenshot(path=TO / "sheets.png")


def main() -> None:
    """All of them."""
    paper()
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        house = House(data, make_nation(data))
        house.start()
        try:
            with sync_playwright() as playwright, chromium(playwright) as browser:
                posts(browser, house)
                sheets(browser, house)
        finally:
            house.close()


if __name__ == "__main__":
    main()
