"""A real server and node with a centre, a province's operator and a commune, and what is heard at a desk."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from diemcau.access import SYSTEM, Grant, Role
from diemcau.app import open_rooms
from diemcau.config import Settings
from tests.browser.chromium import new_page
from tests.faults.house import House, make_nation
from tests.passwords import cheap_passwords

COMMUNE, PROVINCE = "s_26863", "79"
OPERATOR = {"username": "tphcm", "password": "mot-mat-khau-dai"}

# The page's own clock is that of the machine: when the last packet of sound came, in epoch milliseconds.
HEARD = """async () => {
  let last = 0, packets = 0;
  for (const connection of window.__connections) {
    if (connection.connectionState === "closed") continue;
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== "inbound-rtp" || report.kind !== "audio") continue;
      packets += report.packetsReceived ?? 0;
      last = Math.max(last, report.lastPacketReceivedTimestamp ?? 0);
    }
  }
  return {last, packets};
}"""

SENT = """async () => {
  let packets = 0;
  for (const connection of window.__connections) {
    if (connection.connectionState === "closed") continue;
    for (const report of (await connection.getStats()).values())
      if (report.type === "outbound-rtp" && report.kind === "audio") packets += report.packetsSent ?? 0;
  }
  return packets;
}"""


async def _operator(data: Path) -> None:
    async with open_rooms(Settings(data=data), passwords=cheap_passwords()) as rooms:
        await rooms.access.add_person(
            SYSTEM,
            username=OPERATOR["username"],
            password=OPERATOR["password"],
            name="Nguyễn Văn Tám",
            title="Thư ký Thành phố Hồ Chí Minh",
            grants=[Grant(Role.SECRETARY, PROVINCE)],
        )


@contextmanager
def floor_house(folder: Path) -> Iterator[House]:
    """Serves until the block ends."""
    data = folder / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        house = House(data, elsewhere.submit(make_nation, data).result())
        elsewhere.submit(asyncio.run, _operator(data)).result()
    try:
        house.start()
        yield house
    finally:
        house.close()


def desk(browser: Browser, house: House, who: dict[str, str], **options: Any) -> Page:
    """The desk of somebody in the house's meeting, with its sound on."""
    page = new_page(browser, **{"viewport": {"width": 1366, "height": 768}, **options})
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(who["username"])
    page.get_by_test_id("login-password").fill(who["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{house.url}/trung-tam/{house.nation.meeting}")
    page.get_by_test_id("arm-sound").click()
    return page


def post(browser: Browser, house: House, site: str = COMMUNE, **options: Any) -> Page:
    """The page of a site, armed and in the meeting."""
    viewport = {"width": 1366, "height": 768}
    page = new_page(browser, **{"viewport": viewport, "permissions": ["camera", "microphone"], **options})
    page.goto(house.link(site))
    page.get_by_test_id("activated-go").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()
    page.wait_for_selector('[data-testid="site-state"][data-state="in_meeting"]')
    return page


def heard(page: Page) -> tuple[float, int]:
    """When the page's last packet of sound came, epoch milliseconds, and how many came so far."""
    found = page.evaluate(HEARD)
    return float(found["last"]), int(found["packets"])
