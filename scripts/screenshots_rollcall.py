"""Takes the screenshots of the roll call under docs/screens/: a nation of 9,812 sites, without pictures.

    .venv/bin/python -m scripts.screenshots_rollcall

Needs Debian's chromium and the development dependencies. Look at every picture before committing it.
"""

import random
import secrets
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect, sync_playwright

from diemcau.access import SYSTEM
from diemcau.meetings import Done, rollcall
from diemcau.sites import NewSite, PersonPresent, ScopeEntry, SiteKind
from diemcau.units import Level, Units
from tests.api.world import PASSWORD
from tests.browser.chromium import chromium, new_page
from tests.browser.rollhouse import RollHouse, roll_house

TO = Path(__file__).parent.parent / "docs" / "screens"
OPERATORS = (
    ("thuky", "Trần Thị Bình", "secretary", "VN"),
    ("binhphuoc", "Nguyễn Văn Tám", "duty_officer", "70"),
)
SIZES = ((1366, 768), (1920, 1080))


def nation(units: Units) -> list[NewSite]:
    """The centre, every province and district, and communes up to 9,812 sites."""
    chosen = [unit for unit in units if unit.level is not Level.COMMUNE]
    communes = [unit for unit in units if unit.level is Level.COMMUNE]
    chosen += communes[:: len(communes) // (9812 - len(chosen)) or 1][: 9812 - len(chosen)]
    return [
        NewSite(
            unit.code,
            "Điểm cầu Trung ương" if unit.code == "VN" else f"Điểm cầu {unit.label}",
            SiteKind.POST,
            f"s_{unit.code}",
            phones=(f"0{random.randint(200, 999)} {random.randint(100, 999)} {random.randint(100, 999)}",),
            people=(PersonPresent("Lê Văn An", "Chủ tịch UBND"),),
        )
        for unit in chosen
    ]


def fill(house: RollHouse) -> None:
    """A roll call of which most is said: some are absent, some contradict what the machine sees."""
    seeded = random.Random(70)
    every = ScopeEntry("VN", tuple(level.value for level in Level))
    sites = house.run(house.rooms.sites.by_units([every]))
    house.join([site.id for site in sites if seeded.random() > 0.01])
    done = house.run(do(house, "rollcall.open"))
    call = done.stream.removeprefix("rollcall:")
    entries = []
    for site in sites:
        luck = seeded.random()
        if luck < 0.975:
            entries.append({"site": site.id, "version": 0, "says": "present"})
        elif luck < 0.985:
            reason = seeded.choice(["power", "network", "disaster", "duty"])
            entries.append({"site": site.id, "version": 0, "says": "absent", "reason": reason})
    for start in range(0, len(entries), 300):
        house.run(do(house, "rollcall.edit", call=call, entries=entries[start : start + 300]))
    for unit in list(house.rooms.units.children("VN"))[::2]:
        house.run(do(house, "rollcall.confirm", call=call, unit=unit.code))


async def do(house: RollHouse, kind: str, **arguments: Any) -> Done:
    """A command of the system's."""
    message = {"id": f"shot-{secrets.token_hex(8)}", "type": kind, "meeting": house.meeting, **arguments}
    return await house.roll_calls.execute(SYSTEM, rollcall.parse(message))


def log_in(page: Page, url: str, username: str) -> None:
    """As an operator does."""
    page.goto(url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(username)
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-password").press("Enter")
    page.wait_for_url("**/trung-tam*")


def main() -> None:
    """All of them."""
    with (
        tempfile.TemporaryDirectory() as folder,
        roll_house(Path(folder), nation, OPERATORS) as house,
        sync_playwright() as playwright,
        chromium(playwright) as browser,
    ):
        fill(house)
        for width, height in SIZES:
            page = new_page(browser, viewport={"width": width, "height": height}, reduced_motion="reduce")
            log_in(page, house.url, "thuky")
            page.goto(f"{house.url}/trung-tam/{house.meeting}/diem-danh")
            expect(page.get_by_test_id("roll-site").first).to_be_visible(timeout=60_000)
            page.screenshot(path=TO / f"rollcall-{width}.png")
            page.locator('[data-testid=roll-province][data-unit="70"]').click()
            page.get_by_test_id("roll-sites").focus()
            for key in ("ArrowDown", "ArrowDown", "Shift+ArrowDown", "Shift+ArrowDown"):
                page.keyboard.press(key)
            page.screenshot(path=TO / f"rollcall-province-{width}.png")
            page.keyboard.press("a")
            expect(page.get_by_test_id("roll-entry")).to_be_visible()
            if width == SIZES[0][0]:
                page.screenshot(path=TO / f"rollcall-absent-{width}.png")
            page.context.close()
        page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        log_in(page, house.url, "thuky")
        page.evaluate("localStorage.setItem('dc.lang', 'en'); localStorage.setItem('dc.theme.desk', 'light')")
        page.goto(f"{house.url}/trung-tam/{house.meeting}/diem-danh")
        expect(page.get_by_test_id("roll-site").first).to_be_visible(timeout=60_000)
        page.get_by_text("Missing", exact=True).click()
        page.screenshot(path=TO / "rollcall-en-light.png")
        page.goto(f"{house.url}/trung-tam/{house.meeting}")
        expect(page.get_by_test_id("roll-summary")).to_be_visible(timeout=60_000)
        page.screenshot(path=TO / "rollcall-desk.png")
        page.context.close()


if __name__ == "__main__":
    main()
