"""Takes the screenshots of the self-test and of readiness under docs/screens/.

    .venv/bin/python -m scripts.screenshots_rollout

Needs Debian's chromium and the development dependencies. Look at every picture before committing it.
"""

import asyncio
import random
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.async_api import async_playwright
from playwright.sync_api import Page, sync_playwright

from diemcau.access import SYSTEM, Grant, Role
from diemcau.access.tables import codes, devices
from diemcau.app import Rooms, open_rooms, running
from diemcau.config import Settings
from diemcau.rollout.selftest.tables import self_tests
from diemcau.sites import NewSite, PersonPresent, SiteKind
from diemcau.store import UnitOfWork
from diemcau.units import Level
from tests.browser.chromium import FLAGS, chromium, new_page
from tests.browser.known import write_picture, write_sound
from tests.browser.nation import demo

TO = Path(__file__).parent.parent / "docs" / "screens"
SIZES: dict[str, Any] = {"desktop": {"width": 1366, "height": 768}, "phone": {"width": 390, "height": 844}}
PASSWORD = "mot-mat-khau-dai"
SHARES = (0, 0.15, 0.4, 0.62, 0.8, 0.93, 0.97, 1, 1)
BLOCKED = {"udp": "UDP 41800-41803 → 203.0.113.7", "tcp": "TCP 41800 → 203.0.113.7"}
FAULTS = (
    ["camera_busy", "camera", True, {}],
    ["microphone_silent", "microphone", True, {}],
    ["network_blocked", "network", True, BLOCKED],
)


def self_test(page: Page, name: str, url: str) -> None:
    """A self-test from its door to its end."""

    def shot(what: str, **options: Any) -> None:
        page.screenshot(path=TO / f"selftest-{what}-{name}.png", **options)

    page.goto(f"{url}/kiem-tra")
    page.get_by_test_id("self-test-start").wait_for()
    shot("door")
    page.get_by_test_id("self-test-start").click()
    page.get_by_test_id("self-test-next").wait_for()
    shot("camera")
    page.get_by_test_id("self-test-next").click()
    page.get_by_role("meter").wait_for()
    page.wait_for_timeout(1500)
    shot("sound")
    page.get_by_test_id("self-test-heard").click(timeout=30_000)
    page.wait_for_timeout(6000)
    shot("network")
    page.get_by_test_id("self-test-result").wait_for(timeout=60_000)
    shot("passed", full_page=True)


def self_tests_of_posts(folder: Path) -> None:
    """Two that pass, on both sizes, and one whose camera shows a still picture."""
    write_picture(folder / "still.y4m")
    write_sound(folder / "sound.wav")
    with sync_playwright() as playwright, demo(folder, sites=3) as nation:
        links = [nation.site["link"], nation.spare_sites[0]["link"]]
        for (name, size), link in zip(SIZES.items(), links, strict=True):
            with chromium(playwright, sound=folder / "sound.wav") as browser:
                page = new_page(browser, viewport=size, permissions=["camera", "microphone"])
                page.goto(link)
                page.wait_for_url("**/diem-cau")
                self_test(page, name, nation.url)
        with chromium(playwright, picture=folder / "still.y4m", sound=folder / "sound.wav") as browser:
            page = new_page(browser, viewport=SIZES["phone"], permissions=["camera", "microphone"])
            page.goto(nation.spare_sites[1]["link"])
            page.wait_for_url("**/diem-cau")
            page.goto(f"{nation.url}/kiem-tra")
            page.get_by_test_id("self-test-start").click()
            page.get_by_test_id("self-test-fault").wait_for(timeout=20_000)
            page.screenshot(path=TO / "selftest-fault-phone.png")
            page.get_by_test_id("self-test-skip").click()
            page.get_by_test_id("self-test-heard").click(timeout=30_000)
            page.get_by_test_id("self-test-result").wait_for(timeout=60_000)
            page.screenshot(path=TO / "selftest-failed-phone.png", full_page=True)


def progress(chance: random.Random, site: str, share: float, now: datetime) -> dict[str, dict[str, Any]]:
    """How far a site of a province is: rows by table."""
    at = now - timedelta(minutes=chance.uniform(5, 260))
    luck = chance.random()
    if share == 0:
        return {}
    if luck >= share + (1 - share) / 2:
        until = now + timedelta(days=chance.choice([3, -1]))
        code = {"code": chance.randbytes(32), "site": site, "issued_at": at, "expires_at": until}
        return {"codes": {**code, "used_at": None, "revoked_at": None}}
    device = {"credential": chance.randbytes(32), "site": site, "bound_at": at, "ended_at": None}
    test = {"id": f"t_{site}", "site": site, "at": at, "advice": [], "figures": {}}
    if luck < share:
        return {"devices": device, "tests": {**test, "passed": True, "first_passed_at": at}}
    if chance.random() < 0.5:
        return {"devices": device}
    fault = {"passed": False, "first_passed_at": None, "advice": [chance.choice(FAULTS)]}
    return {"devices": device, "tests": {**test, **fault}}


async def half_way(rooms: Rooms, within: tuple[str, ...] = ("VN",)) -> None:
    """A nation whose provinces are as far as chance has it; of these subtrees alone."""
    chance, now, units = random.Random(3), rooms.clock.now(), rooms.units
    communes = [unit.code for unit in units.subtree("VN", {Level.COMMUNE})]
    kept = set(chance.sample(communes, min(9043, len(communes))))
    share = {"VN": 1.0}
    for province in units.children("VN"):
        drawn = chance.choice(SHARES)
        share |= {unit.code: drawn for unit in units.subtree(province.code)}
    new = [
        NewSite(
            unit.code,
            f"Điểm cầu {unit.label}",
            SiteKind.POST,
            f"s_{unit.code}",
            chance.choice(("VNPT", "Viettel", "MobiFone")),
            (f"09{chance.randint(10**7, 10**8 - 1)}",),
            (PersonPresent(chance.choice(("Nguyễn Văn An", "Trần Thị Bình", "Lê Văn Cường")), "Văn phòng"),),
        )
        for unit in units
        if (unit.level is not Level.COMMUNE or unit.code in kept)
        and any(units.contains(one, unit.code) for one in within)
    ]
    for start in range(0, len(new), 1000):
        await rooms.sites.create(SYSTEM, new[start : start + 1000])
    found = [progress(chance, str(site.id), share[site.unit], now) for site in new]

    async def work(unit: UnitOfWork) -> dict[str, Any]:
        connection = await unit.connection()
        for name, table in (("devices", devices), ("tests", self_tests), ("codes", codes)):
            rows = [one[name] for one in found if name in one]
            for start in range(0, len(rows), 1000):
                await connection.execute(table.insert(), rows[start : start + 1000])
        return {}

    await rooms.store.write(work)
    grants = [Grant(Role.SECRETARY, "VN")]
    await rooms.access.add_person(SYSTEM, username="thuky", password=PASSWORD, name="Lê Cúc", grants=grants)


async def readiness(folder: Path, dataset: str, shots: list[tuple[str, tuple[int, int], str, str]]) -> None:
    """Pictures of the readiness page: (name, size, query, what is focused)."""
    settings = Settings(data=folder, port=0, units=dataset)
    async with open_rooms(settings) as rooms:
        await half_way(rooms)
    async with running(settings) as server, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for name, (width, height), query, focus in shots:
            context = await browser.new_context(
                viewport={"width": width, "height": height}, timezone_id="Asia/Ho_Chi_Minh"
            )
            page = await context.new_page()
            await page.goto(f"{server.local_url}/dang-nhap")
            await page.get_by_test_id("login-username").fill("thuky")
            await page.get_by_test_id("login-password").fill(PASSWORD)
            await page.get_by_test_id("login-submit").click()
            await page.wait_for_url("**/trung-tam*")
            await page.goto(f"{server.local_url}/trung-tam/trien-khai{query}")
            await page.get_by_test_id("funnel-total").wait_for(timeout=60_000)
            if focus:
                await page.locator(focus).focus()
            await page.wait_for_timeout(1200)
            await page.screenshot(path=TO / f"{name}.png")
            await context.close()
        await browser.close()


def main() -> None:
    """Takes them all."""
    TO.mkdir(parents=True, exist_ok=True)
    wide, desk = (1920, 1080), (1366, 768)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "posts").mkdir()
        before = [
            ("readiness-map", desk, "", '[data-province="48"]'),
            ("readiness-map-1920", wide, "", '[data-inset="truongSa"]'),
            ("readiness-list", desk, "?don-vi=70&xem=list&cause=test_failed", ""),
        ]
        since = [("readiness-map-2025", desk, "", ""), ("readiness-points", desk, "?don-vi=48", "")]
        asyncio.run(readiness(folder / "2021", "2021-09", before))
        asyncio.run(readiness(folder / "2025", "2025-07", since))
        self_tests_of_posts(folder / "posts")


if __name__ == "__main__":
    main()
