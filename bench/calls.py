"""The surprise call: from the key press at a desk to a frame of the called site that is younger than it.

    python -m bench.calls --calls 200 --standing-by 1000 --pages 5
    python -m bench.calls --closed                        # cameras stay closed until they are called
    python -m bench.calls --round-trip 50 --loss 0.05     # posts at the end of a bad line

Real Chromium pages stand by, armed by one tap, with a camera that shows the time
(tests/browser/clock.py); the others stand by with what that costs, one WebSocket. Before each call the
page has closed its last connection. A real desk types the unit's code and presses Enter, and its own page
reads the time off the decoded preview; the next twenty frames tell how old pictures are when they are
shown. All of it runs on this machine: the work of the clients is in the figures.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright
from websockets.asyncio.client import connect

from bench.farline import FarLine, far_line
from bench.machine import machine
from diemcau.access import SYSTEM
from diemcau.app import open_rooms
from diemcau.config import Settings
from diemcau.sites import NewSite, SiteChange, SiteKind
from diemcau.units import Level
from tests.browser.chromium import chromium, new_page
from tests.browser.clock import WATCH, ages, arrived, awaiting, clock_camera, marks
from tests.faults.house import House, free_port, make_nation, until

PARTS = (
    ("pressed", "asked", "desk, control, WebSocket of the page"),
    ("asked", "offered", "page begins"),
    ("offered", "answered", "offer and answer"),
    ("answered", "connected", "ICE and DTLS"),
    ("connected", "shown", "first frame: encode, node, decode, show"),
)

TARGET_MS = {False: 1000, True: 2000}
"""Of p95, by whether the camera is closed until it is called."""


async def fill(data: Path, count: int) -> list[tuple[str, str]]:
    """Further communes' sites that answer by themselves: (unit, credential); all stand by."""
    async with open_rooms(Settings(data=data)) as rooms:
        units = [unit for unit in rooms.units.subtree("VN", {Level.COMMUNE}) if unit.code != "26863"][:count]
        new = [
            NewSite(unit.code, f"Điểm cầu {unit.label}", SiteKind.ROOM, f"s_{unit.code}") for unit in units
        ]
        await rooms.sites.create(SYSTEM, new)
        await rooms.sites.change(SYSTEM, [SiteChange("s_26863", answer="auto")])
        found = []
        for issued in await rooms.sites.issue_codes(SYSTEM, [str(site.id) for site in new]):
            activation = await rooms.access.activate(issued.code, address=issued.site)
            found.append((issued.site, activation.credential))
        return found


async def stand_by(url: str, credentials: list[str], ready: threading.Event, stop: threading.Event) -> None:
    """One WebSocket each, until `stop`."""
    address = url.replace("http", "ws", 1) + "/api/v1/ws"

    welcomed = 0

    async def one(credential: str) -> None:
        nonlocal welcomed
        headers = {"Authorization": f"Bearer {credential}"}
        async with connect(address, additional_headers=headers, compression=None) as socket:
            await socket.send(json.dumps({"op": "hello", "proto": 1, "page": "site", "tab": credential[:16]}))
            async for frame in socket:
                if '"op":"welcome"' in str(frame):
                    welcomed += 1
                    if welcomed == len(credentials):
                        ready.set()
                await socket.send('{"op":"pong"}')

    tasks = [asyncio.create_task(one(credential)) for credential in credentials]
    await asyncio.to_thread(stop.wait)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def post(browser: Browser, house: House, site: str, number: int, closed: bool, far: FarLine | None) -> Page:
    """A page that stands by, armed, its camera open or `closed` until it is called."""
    page = new_page(browser, permissions=["camera", "microphone"], viewport={"width": 1366, "height": 768})
    page.add_init_script(clock_camera(number))
    if far is not None:
        page.add_init_script(f"window.__detours = {json.dumps(far.detours)};")
    if closed:
        page.add_init_script("localStorage.setItem('dc.camera.waits', 'yes')")
    page.goto(house.link(site, None if far is None else f"http://127.0.0.1:{far.port}"))
    page.get_by_test_id("activated-go").click()
    page.get_by_test_id("self-test-later").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()
    page.wait_for_selector('[data-testid="site-state"][data-state="ready"]')
    if closed:
        page.wait_for_selector('[data-testid="camera-indicator"][data-on="false"]')
    return page


def desk_of(browser: Browser, house: House) -> Page:
    """The centre's desk."""
    page = new_page(browser, viewport={"width": 1920, "height": 1080})
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(house.nation.operator["username"])
    page.get_by_test_id("login-password").fill(house.nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("open-centre").click()
    page.wait_for_selector('[data-region="roster"] [role=tree]')
    page.evaluate(WATCH)
    return page


def call(
    desk: Page, page: Page, code: str, number: int, seconds: float, glass: list[float]
) -> dict[str, float] | None:
    """One call by code; its moments in epoch milliseconds, None when no picture came in time. Adds to `glass`
    how old the pictures were when they were shown, ms."""
    until("its last connection is closed", lambda: page.evaluate("!window.__connected()"), 30)
    marks(page)
    awaiting(desk, number)
    desk.get_by_test_id("roster-search").fill(code)
    desk.wait_for_selector('[role=option][aria-selected="true"]')
    desk.get_by_test_id("roster-search").press("Enter")
    row = f'[data-testid="call"][data-site="s_{code}"]'
    try:
        seen = until("a frame", lambda: arrived(desk), seconds)
    except AssertionError:
        seen = None
    with suppress(AssertionError):
        glass += until("twenty frames", lambda: ages(desk), 5)
    moments = None if seen is None else {"pressed": seen["pressed"], "shown": seen["shown"], **marks(page)}
    desk.locator(row).first.get_by_test_id("call-end").click()
    desk.wait_for_selector(f'{row}[data-state="ended"]')
    desk.locator(row).first.get_by_test_id("call-end").click()
    page.wait_for_selector('[data-testid="site-state"][data-state="ready"]')
    # Its encoder works on this machine: the next call must not pay for it.
    until("it sends no picture", lambda: page.evaluate("!window.__sends()"), 30)
    return moments


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def measure(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Runs it; answers the result."""
    data = folder / "data"
    with ThreadPoolExecutor(2) as elsewhere:  # Playwright's loop runs in this thread
        house = House(data, elsewhere.submit(make_nation, data).result())
        others = elsewhere.submit(asyncio.run, fill(data, options.standing_by)).result()
        ready, stop = threading.Event(), threading.Event()
        media = free_port()
        os.environ["DIEMCAU_MEDIA_BIND"] = f"127.0.0.1:{media}"
        os.environ["DIEMCAU_MEDIA_WORKERS"] = "1"
        stack = ExitStack()
        try:
            house.start()
            house.command(house.operator(), "meeting.end")
            own = [site for site, _ in others[: options.pages - 1]]
            waiting = [credential for site, credential in others if site not in own]
            standing = elsewhere.submit(asyncio.run, stand_by(house.url, waiting, ready, stop))
            assert ready.wait(120), "not all could stand by"
            line = None
            if options.round_trip or options.loss:
                line = stack.enter_context(
                    far_line(house.port, [media], round_trip_ms=options.round_trip, loss=options.loss)
                )
            with sync_playwright() as driver, chromium(driver) as browser, chromium(driver) as far:
                desk = desk_of(browser, house)
                sites = ["s_26863", *own]
                posts = [
                    post(far, house, site, number + 1, options.closed, line)
                    for number, site in enumerate(sites)
                ]
                moved = time.monotonic()
                found: list[dict[str, float] | None] = []
                glass: list[float] = []
                for turn in range(options.calls):
                    place = turn % len(posts)
                    code = sites[place].removeprefix("s_")
                    found.append(call(desk, posts[place], code, place + 1, options.patience, glass))
                    if time.monotonic() - moved > 15:
                        moved = time.monotonic()
                        print(f"{turn + 1} of {options.calls} calls", file=sys.stderr)
            stop.set()
            with suppress(Exception):
                standing.result(20)
        finally:
            stop.set()
            stack.close()
            house.close()
    came = [one for one in found if one is not None]
    took = [one["shown"] - one["pressed"] for one in came]
    parts = {}
    for begin, end, name in PARTS:
        spans = [one[end] - one[begin] for one in came if begin in one and end in one]
        if spans:
            parts[name] = {"p50": statistics.median(spans), "p95": quantile(spans, 0.95)}
    return {
        "bench": "calls",
        "machine": machine(),
        "calls": len(found),
        "lost": len(found) - len(came),
        "standing_by": len(others) + 1,
        "pages": options.pages,
        "camera": "closed" if options.closed else "armed",
        "round_trip_ms": options.round_trip,
        "loss": options.loss,
        "p50_ms": statistics.median(took) if took else None,
        "p95_ms": quantile(took, 0.95) if took else None,
        "max_ms": max(took, default=None),
        "parts": parts,
        "glass_to_glass_ms": {
            "frames": len(glass),
            "p50": statistics.median(glass),
            "p95": quantile(glass, 0.95),
            "p99": quantile(glass, 0.99),
        }
        if glass
        else None,
    }


def main() -> int:
    """Prints one table and one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--calls", type=int, default=200)
    parser.add_argument("--standing-by", type=int, default=1000)
    parser.add_argument("--pages", type=int, default=5, help="posts that are real Chromium pages")
    parser.add_argument("--patience", type=float, default=15.0, help="seconds until a call counts as lost")
    parser.add_argument("--closed", action="store_true", help="cameras are closed until they are called")
    parser.add_argument("--round-trip", type=float, default=0.0, help="ms, of the posts' lines")
    parser.add_argument("--loss", type=float, default=0.0, help="of the posts' lines, each way, 0 to 1")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="diemcau-calls-") as folder:
        result = measure(options, Path(folder))
    if result["p95_ms"] is not None:
        target = TARGET_MS[options.closed]
        met = "no target"
        if not (options.round_trip or options.loss):
            met = f"target {target}: " + ("met" if result["p95_ms"] <= target else "MISSED")
        print(f"{result['calls']} calls among {result['standing_by']}, {result['lost']} without a picture")
        print(
            f"press to frame, ms: p50 {result['p50_ms']:.0f}, p95 {result['p95_ms']:.0f} ({met}), "
            f"max {result['max_ms']:.0f}"
        )
        for name, span in result["parts"].items():
            print(f"  {name:<44} p50 {span['p50']:>5.0f} ms  p95 {span['p95']:>5.0f} ms")
        if glass := result["glass_to_glass_ms"]:
            print(
                f"glass to glass, {glass['frames']} frames, ms: p50 {glass['p50']:.0f}, "
                f"p95 {glass['p95']:.0f}, p99 {glass['p99']:.0f} (target 200)"
            )
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
