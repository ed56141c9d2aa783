"""Five tasks of a director at the desk, by keyboard and pointer: keys, clicks, seconds of the machine.

    python -m bench.usability [--shots DIR | --states DIR]

A real server, node and Chromium. All communes of the tree have a site; three of one district are real pages
with a camera that shows the time and a microphone that is silent in two of them. Every act goes through
bench/hands.py; what a task waits for is what the director would look for on his desk. A task is bad when it
takes a step more than its ideal: then this fails.

`--shots`: writes the desk with all its panels instead, of a demo nation (bench/desk_shots.py).
`--states`: single states of posts, stage and desks at both sizes (bench/state_shots.py).
"""

import argparse
import asyncio
import json
import sqlite3
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.desk_shots import shots
from bench.hands import Count, Hands
from bench.machine import machine
from bench.state_shots import states
from diemcau.access import SYSTEM
from diemcau.app import open_rooms
from diemcau.config import Settings
from diemcau.sites import NewSite, SiteKind
from diemcau.units import Level
from tests.browser.chromium import chromium, new_page
from tests.browser.clock import WATCH, arrived, awaiting, clock_camera
from tests.faults.house import House, make_nation, until

DISTRICT: Final = "531"
PRESENT: Final = {
    "s_21349": "long son minh long",
    "s_21352": "long mai minh long",
    "s_21355": "thanh an minh long",
}
"""Sites that are real pages, and what is typed to name each: its own name and its district's."""

MISSING: Final = ("s_21358", "s_21361")
NOISY: Final = "s_21352"
FOUND_AT: Final = "s_21355"
FINDING: Final = "Trạm y tế hết bình ô xy từ hôm trước"
WEEK_MS: Final = 7 * 24 * 3600 * 1000
WAIT_MS: Final = 20_000
LOUD: Final = 0.4
"""Gain of the noisy site's tone; the others send silence."""


async def everybody(data: Path) -> None:
    """Further sites: every commune of the nation, all of which answer by themselves."""
    async with open_rooms(Settings(data=data)) as rooms:
        communes = [unit for unit in rooms.units.subtree("VN", {Level.COMMUNE}) if unit.code != "26863"]
        new = [
            NewSite(unit.code, f"Điểm cầu {unit.label}", SiteKind.ROOM, f"s_{unit.code}") for unit in communes
        ]
        for start in range(0, len(new), 1000):
            await rooms.sites.create(SYSTEM, new[start : start + 1000])


def post(browser: Browser, house: House, site: str, number: int) -> Page:
    """A commune's page that stands by, armed; its camera shows the time, its microphone is loud or silent."""
    page = new_page(browser, permissions=["camera", "microphone"], viewport={"width": 1366, "height": 768})
    gain = LOUD if site == NOISY else 0
    page.add_init_script(
        clock_camera(number, 320, 180).replace("gain.gain.value = 0.01", f"gain.gain.value = {gain}")
    )
    page.goto(house.link(site))
    page.get_by_test_id("activated-go").click()
    page.get_by_test_id("self-test-later").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()
    page.wait_for_selector('[data-testid="site-state"][data-state="ready"]')
    return page


def at_desk(browser: Browser, house: House) -> Page:
    """The director has logged in and looks at the command centre."""
    page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(house.nation.operator["username"])
    page.get_by_test_id("login-password").fill(house.nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.get_by_test_id("open-centre").click()
    settled(page)
    return page


def settled(page: Page) -> None:
    """The desk has its tree and its connection."""
    expect(page.locator('[data-region="roster"] [role=tree]')).to_be_visible()
    expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "open")
    page.evaluate(WATCH)


def find(hands: Hands, words: str, act: str) -> None:
    """The find box, a name, and the key that says what with it. A person goes on when he sees his match."""
    hands.press("/")
    hands.type(words)
    expect(hands.page.locator('[data-region="roster"] [role=option][aria-selected="true"]')).to_be_visible()
    hands.press(act)


def call_three(hands: Hands, house: House) -> None:
    """Three communes one after another: named, seen, hung up."""
    desk = hands.page
    with hands.task("call three communes, one after another", 9):
        for number, (site, name) in enumerate(PRESENT.items(), start=1):
            awaiting(desk, number)
            find(hands, name, "Enter")
            until(f"{name} is seen", lambda: arrived(desk), 20)
            hands.press("h")
            row = desk.locator(f'[data-testid="call"][data-site="{site}"]').first
            expect(row).to_have_attribute("data-state", "ended")


def line_up_and_cut(hands: Hands, house: House) -> None:
    """A site lined up, looked at by the machine, then on the preview, then on air."""
    desk = hands.page
    site, name = next(iter(PRESENT.items()))
    with hands.task("line up a site and cut to it", 4):
        find(hands, name, "Control+Enter")
        marks = desk.locator(f'[data-testid="check-marks"][data-site="{site}"]').first
        expect(marks).to_have_attribute("data-picture", "true")
        hands.press("n")
        expect(desk.get_by_test_id("line-up")).to_have_count(0)
        hands.press("Enter")
        expect(desk.locator(f'[data-testid="wall-tile"][data-site="{site}"]')).to_have_attribute(
            "data-standing", "on_air"
        )


def silence(hands: Hands, house: House) -> None:
    """Three have the floor, one makes noise: the desk says which, one act silences it."""
    desk = hands.page
    client = house.operator()
    for site in PRESENT:
        house.command(client, "floor.give", site=site, replace=False, stage=False)
    speakers = desk.locator('[data-testid="hand-item"][data-role="speaker"]')
    expect(speakers).to_have_count(len(PRESENT))
    with hands.task("find the noisy site and silence it", 1):
        loud = desk.locator('[data-testid="hand-item"][data-loud="true"]')
        expect(loud).to_have_count(1)
        assert loud.get_attribute("data-site") == NOISY, "the desk points at the wrong site"
        hands.click(loud.get_by_test_id("mute-site"), "Tắt tiếng")
        expect(loud).to_have_count(0)
        expect(speakers.locator('[data-mic="muted"]').first).to_be_visible()
    for site in PRESENT:
        house.command(client, "floor.end", site=site)


def close_roll_call(hands: Hands, house: House) -> None:
    """Opened, who is connected is there, the two that are missing are absent for a reason, sealed."""
    desk = hands.page
    with hands.task("close a roll call with two sites missing", 8):
        hands.click(desk.get_by_test_id("roll-line"), "Mở điểm danh")
        hands.click(desk.get_by_test_id("roll-fill"), "Ghi có mặt nơi đang kết nối")
        expect(desk.get_by_test_id("roll-site")).to_have_count(len(MISSING))
        hands.press("Control+a")
        hands.press("a")
        expect(desk.get_by_test_id("roll-entry")).to_be_visible()
        hands.type("mất điện")
        hands.press("Enter")
        hands.press("Enter")
        for site in MISSING:
            row = desk.locator(f'[data-testid="roll-site"][data-site="{site}"]')
            expect(row).to_have_attribute("data-says", "absent")
        hands.click(desk.get_by_test_id("roll-seal"), "Chốt")
        hands.click(desk.get_by_test_id("roll-seal-sure"), "Chốt điểm danh")
        expect(desk.get_by_test_id("roll-status")).to_have_attribute("data-status", "sealed")


def recorded_last_week(house: House) -> None:
    """A finding at the last commune that was called, both a week old."""
    client = house.operator()
    [row] = client.get("/api/v1/inspections", params={"site": FOUND_AT, "limit": 1}).json()["inspections"]
    given = {"text": FINDING, "severity": "high", "owner": "Chủ tịch UBND xã", "due": None}
    client.post(f"/api/v1/inspections/{row['id']}/findings", json=given).raise_for_status()
    with sqlite3.connect(house.data / "diemcau.db", timeout=10) as rows:
        for column in ("at", "answered_at", "live_at", "ended_at"):
            rows.execute(
                f"UPDATE inspections SET {column} = {column} - ? WHERE site = ?", (WEEK_MS, FOUND_AT)
            )
        rows.execute("UPDATE findings SET at = at - ? WHERE site = ?", (WEEK_MS, FOUND_AT))


def look_up(hands: Hands, house: House) -> None:
    """What was found at a commune last week, read at the desk."""
    desk = hands.page
    with hands.task("find what was found at a commune last week", 2):
        find(hands, PRESENT[FOUND_AT], "Shift+Enter")
        expect(desk.get_by_test_id("found-before")).to_contain_text(FINDING)


def a_meeting(house: House, desk: Page, posts: list[Page]) -> None:
    """A district meets: all of its communes are invited, those that are there come in by themselves."""
    client = house.operator()
    scope = [{"unit": DISTRICT, "levels": ["commune"]}]
    body = {"id": "usability-1", "title": "Giao ban huyện Minh Long", "scope": scope}
    made = client.post("/api/v1/meetings", json=body).raise_for_status().json()["id"]
    opened = {"id": "usability-2", "type": "meeting.open", "meeting": made}
    client.post("/api/v1/commands", json=opened).raise_for_status()
    house.nation = replace(house.nation, meeting=made)
    for page in posts:
        inside = page.locator('[data-testid="site-state"][data-state="in_meeting"]')
        sound = page.get_by_test_id("arm-sound")
        expect(inside.or_(sound).first).to_be_visible()
        if sound.is_visible():  # this browser wants one more touch before it plays
            sound.click()
        expect(inside).to_be_visible()
    desk.goto(f"{house.url}/trung-tam/{made}")
    settled(desk)
    expect(desk.get_by_test_id("joined-count")).to_have_text(f"{len(PRESENT)}/{len(PRESENT) + len(MISSING)}")
    # A browser plays nothing before the first touch, and a person has touched his desk before.
    desk.get_by_test_id("arm-sound").click()
    desk.evaluate("document.activeElement.blur()")


def measure(folder: Path) -> list[Count]:
    """All five, in the order of a day: calls, what they found, then a meeting."""
    data = folder / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        house = House(data, elsewhere.submit(make_nation, data).result())
        elsewhere.submit(asyncio.run, everybody(data)).result()
    try:
        house.start()
        house.command(house.operator(), "meeting.end")
        with sync_playwright() as driver, chromium(driver) as near, chromium(driver) as far:
            posts = [post(far, house, site, number + 1) for number, site in enumerate(PRESENT)]
            desk = at_desk(near, house)
            hands = Hands(desk)
            call_three(hands, house)
            recorded_last_week(house)
            desk.reload()  # another day
            settled(desk)
            look_up(hands, house)
            a_meeting(house, desk, posts)
            line_up_and_cut(hands, house)
            silence(hands, house)
            close_roll_call(hands, house)
    finally:
        house.close()
    return hands.tasks


def table(tasks: list[Count]) -> str:
    """Markdown, as docs/usability.md has it."""
    rows = [
        "| task | letters | keys | clicks | steps | ideal | seconds | acts |",
        "|---|--:|--:|--:|--:|--:|--:|---|",
    ]
    rows += [
        f"| {one.task} | {one.letters} | {one.keys} | {one.clicks} | {one.steps} | {one.ideal} "
        f"| {one.seconds:.1f} | {' '.join(one.acts)} |"
        for one in tasks
    ]
    return "\n".join(rows)


def main() -> int:
    """Prints the table and one line of JSON; fails where a task has a step to spare."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--shots", type=Path, help="write screenshots of the desk into this folder instead")
    parser.add_argument("--states", type=Path, help="write screenshots of single states into this folder")
    options = parser.parse_args()
    expect.set_options(timeout=WAIT_MS)
    with tempfile.TemporaryDirectory(prefix="diemcau-usability-") as folder:
        if options.shots is not None:
            shots(Path(folder), options.shots)
            return 0
        if options.states is not None:
            states(Path(folder), options.states)
            return 0
        tasks = measure(Path(folder))
    print(table(tasks))
    spare = [one.task for one in tasks if one.steps > one.ideal]
    print(json.dumps({"bench": "usability", "machine": machine(), "tasks": [asdict(one) for one in tasks]}))
    for task in spare:
        print(f"a step to spare: {task}", file=sys.stderr)
    return 1 if spare else 0


if __name__ == "__main__":
    sys.exit(main())
