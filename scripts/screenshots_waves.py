"""Takes the screenshots of waves under docs/screens/.

    .venv/bin/python -m scripts.screenshots_waves

Needs Debian's chromium and the development dependencies. Look at every picture before committing it.
"""

import asyncio
import contextlib
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from playwright.async_api import Page, async_playwright

from diemcau.access import SYSTEM, Grant, Role
from diemcau.app import Rooms, open_rooms, running
from diemcau.config import Settings
from diemcau.rollout.readiness import Readiness
from diemcau.rollout.waves import NOT_CONNECTED, WaveRooms
from diemcau.sites import SiteChange
from scripts.screenshots_rollout import PASSWORD, TO, half_way
from tests.browser.chromium import FLAGS
from tests.rollout.waves import Server, mail_server, until, wish, words

DISTRICTS = ("024", "026", "027")
"""Of Hà Giang."""


def rooms_of(rooms: Rooms) -> WaveRooms:
    """Waves over the rooms."""
    readiness = Readiness(rooms.store, rooms.bus, rooms.units, rooms.access, rooms.sites, rooms.clock)
    return WaveRooms.make(
        rooms.store, rooms.units, rooms.access, rooms.sites, readiness, rooms.mailer, rooms.clock
    )


async def tell(rooms: Rooms, mail: Server) -> str:
    """Waves before, on and after today; one is invited, with letters that did not go."""
    waves = rooms_of(rooms)
    today = rooms.clock.now().astimezone().date()
    before = replace(wish("Đợt phía Nam"), first_day=today - timedelta(days=1), units=("79",), per_day=170)
    await waves.waves.plan(SYSTEM, before)
    after = replace(wish("Đợt Đông Nam Bộ"), first_day=today + timedelta(days=2), units=("70",))
    await waves.waves.plan(SYSTEM, after)
    third = replace(after, name="Đợt Hà Giang", units=DISTRICTS, first_day=today + timedelta(days=1))
    [one] = await waves.waves.plan(SYSTEM, third)
    ids = await waves.waves.sites_of(one.id)
    changes = [SiteChange(site, emails=(f"ubnd.{site[2:]}@hagiang.gov.vn",)) for site in ids[:-4]]
    await rooms.sites.change(SYSTEM, changes)
    waves = rooms_of(rooms)  # nothing here follows events
    gone = ["550 5.1.1 No such user here"]
    mail.rcpt = {f"ubnd.{site[2:]}@hagiang.gov.vn": [*gone] for site in (ids[7], ids[12], ids[20])}
    mail.data = {f"ubnd.{ids[15][2:]}@hagiang.gov.vn": ["552 5.2.2 Mailbox full"]}
    mail.cut = {f"ubnd.{ids[3][2:]}@hagiang.gov.vn"}
    text = replace(words(), base="https://cau.gov.vn")
    await waves.messages.start(SYSTEM, one.id, "invitation", text, per_minute=6000, request="request-1")

    reminder = replace(words("reminder"), base="https://cau.gov.vn")
    await waves.reminders.add(SYSTEM, one.id, 0, "07:00", reminder, NOT_CONNECTED)
    return one.id


async def sent(rooms: Rooms, wave: str) -> None:
    """Until every letter is away or back."""
    waves = rooms_of(rooms)

    async def done() -> bool:
        return (await waves.messages.sendings(SYSTEM, wave))[0].state == "done"

    for _ in range(12):  # ten seconds each
        with contextlib.suppress(TimeoutError):
            await until(done)
            return


async def shoot(page: Page, url: str, wave: str) -> None:
    """The list, the plan, a wave, its messages."""

    async def shot(name: str) -> None:
        await page.wait_for_timeout(900)
        await page.screenshot(path=TO / f"waves-{name}.png")

    await page.goto(f"{url}/trung-tam/trien-khai/dot")
    await page.get_by_test_id("wave-row").first.wait_for(timeout=60_000)
    await shot("list")
    await page.get_by_test_id("waves-plan").click()
    await page.get_by_test_id("plan-preview").wait_for(timeout=60_000)
    await shot("plan")
    await page.goto(f"{url}/trung-tam/trien-khai/dot/{wave}")
    await page.get_by_test_id("sending-show").click(timeout=60_000)
    await page.get_by_test_id("sending-missed").wait_for(timeout=60_000)
    await page.get_by_test_id("site-list").wait_for(timeout=60_000)
    await shot("wave")
    await page.set_viewport_size({"width": 1920, "height": 1080})
    await shot("wave-1920")
    await page.set_viewport_size({"width": 1366, "height": 768})
    await page.get_by_test_id("wave-remind").click()
    await page.get_by_test_id("message-preview").wait_for(timeout=60_000)
    await shot("remind")


async def main() -> None:
    """Takes them all."""
    with tempfile.TemporaryDirectory() as name:
        async with mail_server() as mail:
            settings = Settings(
                data=Path(name) / "data", port=0, smtp_host="127.0.0.1", smtp_port=mail.port,
                smtp_security="none", smtp_from="cau@example.gov.vn", hotline="1900 1234",
            )  # fmt: skip
            async with open_rooms(settings) as rooms:
                await half_way(rooms, ("02", "70", "79"))
                grants = [Grant(Role.TECHNICIAN, "VN")]
                wave = await tell(rooms, mail)
                await rooms.access.add_person(
                    SYSTEM, username="kt", password=PASSWORD, name="Phạm Kỹ", grants=grants
                )
            async with running(settings) as server, async_playwright() as playwright:
                await sent(server.rooms, wave)
                browser = await playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
                context = await browser.new_context(
                    viewport={"width": 1366, "height": 768}, timezone_id="Asia/Ho_Chi_Minh"
                )
                page = await context.new_page()
                page.set_default_timeout(60_000)
                await page.goto(f"{server.local_url}/dang-nhap")
                await page.get_by_test_id("login-username").fill("kt")
                await page.get_by_test_id("login-password").fill(PASSWORD)
                await page.get_by_test_id("login-submit").click()
                await page.wait_for_url("**/trung-tam*")
                await shoot(page, server.local_url, wave)
                await browser.close()


if __name__ == "__main__":
    asyncio.run(main())
