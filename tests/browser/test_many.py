"""Two meetings at once in real browsers: the board, a site called out and back, a marked meeting."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Client
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.test_accessibility import findings
from tests.faults.house import NO_TLS, House, make_nation, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]
PATIENCE_MS = 20_000

CAN_THO, HA_NOI = "s_92", "s_01"
LEVELS = ["province", "district", "commune"]
WIDE = {"width": 1366, "height": 768}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("many") / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        made = House(data, elsewhere.submit(make_nation, data).result())
    try:
        made.start()
        made.command(made.operator(), "meeting.end")
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright) as running:
        yield running


def director(house: House, unit: str, username: str) -> Client:
    """A province's director, logged in."""
    body = {"username": username, "name": "Lê Văn Nam", "title": "Đạo diễn tỉnh"}
    grants = {"grants": [{"role": "director", "unit": unit}]}
    made = house.console().post("/api/v1/people", json={**body, **grants}).raise_for_status().json()
    client = house.clients.enter_context(Client(base_url=house.url, timeout=30, verify=NO_TLS))
    log_in = {"username": username, "password": made["password"]}
    client.headers["X-CSRF-Token"] = client.post("/api/v1/session", json=log_in).json()["me"]["csrf"]
    own = {"old": made["password"], "password": "mot-mat-khau-rat-dai"}
    answer = client.put("/api/v1/session/password", json=own).raise_for_status()
    client.headers["X-CSRF-Token"] = answer.json()["me"]["csrf"]
    return client


def do(client: Client, kind: str, meeting: str, **arguments: Any) -> None:
    body = {"id": os.urandom(8).hex(), "type": kind, "meeting": meeting, **arguments}
    client.post("/api/v1/commands", json=body).raise_for_status()


def open_meeting(client: Client, unit: str, title: str, secrecy: str = "none") -> str:
    scope = [{"unit": unit, "levels": LEVELS}]
    body = {"id": os.urandom(8).hex(), "title": title, "scope": scope, "secrecy": secrecy}
    made = client.post("/api/v1/meetings", json=body).raise_for_status().json()
    do(client, "meeting.open", made["id"])
    return str(made["id"])


def post(browser: Browser, house: House, site: str) -> Page:
    page = new_page(browser, permissions=["camera", "microphone"], viewport=WIDE)
    page.goto(house.link(site))
    page.get_by_test_id("activated-go").click()
    page.get_by_test_id("self-test-later").click()
    page.wait_for_url("**/diem-cau")
    page.get_by_test_id("arm-sound").click()
    expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "ready", timeout=20_000)
    return page


def in_meeting(page: Page) -> None:
    """It has come in by itself; where this browser wants one more touch for the sound, it gets it."""
    inside = page.locator('[data-testid="site-state"][data-state="in_meeting"]')
    expect(inside.or_(page.get_by_test_id("arm-sound")).first).to_be_visible()
    if (sound := page.get_by_test_id("arm-sound")).is_visible():
        sound.click()
    expect(inside).to_be_visible()


def log_in(browser: Browser, house: House, username: str, password: str, **options: Any) -> Page:
    page = new_page(browser, **options)
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(username)
    page.get_by_test_id("login-password").fill(password)
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam")
    return page


def shot(page: Page, name: str, width: int, height: int) -> None:
    """A screenshot for docs/screens, where a folder is asked for."""
    if folder := os.environ.get("DIEMCAU_SHOTS"):
        page.set_viewport_size({"width": width, "height": height})
        page.screenshot(path=Path(folder) / f"{name}.png")


def test_the_centre_sees_both_calls_a_site_out_and_the_site_returns(browser: Browser, house: House) -> None:
    site, hanoi = post(browser, house, CAN_THO), post(browser, house, HA_NOI)
    south = director(house, "92", "cantho")
    theirs = open_meeting(south, "92", "Họp phòng chống dịch thành phố Cần Thơ")
    north = director(house, "01", "hanoi")
    other = open_meeting(north, "01", "Giao ban Hà Nội")
    for page in (site, hanoi):
        in_meeting(page)
    do(south, "floor.give", theirs, site=CAN_THO)
    do(north, "floor.give", other, site=HA_NOI)
    for page in (site, hanoi):
        expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "on_air")
    province = log_in(browser, house, "cantho", "mot-mat-khau-rat-dai", viewport=WIDE)
    province.goto(f"{house.url}/trung-tam/{theirs}")
    nation = log_in(browser, house, **house.nation.operator, viewport=WIDE)
    nation.get_by_test_id("to-board").click()
    rows = nation.get_by_test_id("board-row")
    expect(rows).to_have_count(2)
    row = nation.locator(f'[data-meeting="{theirs}"]')
    expect(row).to_contain_text("Điểm cầu 92")
    expect(row).to_contain_text("Lê Văn Nam")
    expect(nation.locator(f'[data-meeting="{other}"]')).to_contain_text("Điểm cầu 01")
    expect(row.locator("img")).to_be_visible(timeout=30_000)
    assert findings(nation) == []
    shot(nation, "meetings-board-1920", 1920, 1080)
    shot(nation, "meetings-board-1366", 1366, 768)

    row.get_by_test_id("board-watch").click()
    expect(nation.get_by_test_id("you-watch")).to_be_visible()
    expect(province.get_by_test_id("observed")).to_contain_text("Trung ương đang xem")
    nation.get_by_test_id("take-over").click()
    expect(province.get_by_test_id("taken-over")).to_be_visible()
    expect(province.locator("fieldset[disabled]")).not_to_have_count(0)
    expect(site.get_by_test_id("directed-from-above")).to_contain_text("Trần Thị Bình")
    nation.get_by_test_id("give-back").click()
    expect(province.get_by_test_id("taken-over")).to_have_count(0)

    nation.goto(house.url + "/trung-tam")
    nation.get_by_test_id("open-centre").click()
    nation.get_by_test_id("roster-search").fill("can tho")
    expect(nation.get_by_role("listbox", name="Kết quả tìm")).to_be_visible()
    nation.get_by_test_id("roster-search").press("Enter")
    expect(site.get_by_test_id("called-out")).to_contain_text("Trung tâm chỉ huy")
    expect(province.get_by_test_id("away")).to_contain_text("đã được Trung ương gọi đi")
    call = nation.locator(f'[data-testid="call"][data-site="{CAN_THO}"]')
    expect(call).to_have_attribute("data-state", "live", timeout=20_000)
    shot(site, "site-called-out", 1366, 768)
    expect(hanoi.get_by_test_id("site-state")).to_have_attribute("data-state", "on_air")
    call.get_by_test_id("call-end").click()
    expect(site.get_by_test_id("called-out")).to_have_count(0)
    expect(province.get_by_test_id("away")).to_have_count(0)
    roster = f"/api/v1/meetings/{theirs}/roster"
    until("it is back", lambda: CAN_THO in south.get(roster).json()["joined"])
    for tab in ("coverage", "history"):
        nation.goto(f"{house.url}/trung-tam/kiem-tra?xem={tab}")
        expect(nation.locator("table").first).to_be_visible()
        assert findings(nation) == [], tab
    nation.locator("tbody button").first.click()
    expect(nation.get_by_role("dialog")).to_be_visible()
    assert findings(nation) == [], "the record"
    nation.goto(f"{house.url}/trung-tam/kiem-tra")
    expect(nation.get_by_test_id("inspections")).to_be_visible()
    assert findings(nation) == [], "findings"
    nation.goto(f"{house.url}/trung-tam/kiem-tra?xem=history&ky=hom-nay&don-vi=92")
    expect(nation.get_by_test_id("found-total")).to_have_text("1 lần kết nối")
    nation.keyboard.press("/")
    nation.keyboard.type("o xy")
    nation.keyboard.press("Enter")
    expect(nation.get_by_test_id("found-total")).to_contain_text("khớp với bộ lọc")
    nation.wait_for_url("**/kiem-tra?xem=history&ky=hom-nay&don-vi=92&tim=o+xy")
    assert findings(nation) == [], "nothing fits"
    nation.get_by_test_id("asked-clear").click()
    nation.wait_for_url("**/kiem-tra?xem=history")
    expect(nation.get_by_test_id("inspection")).to_have_count(1)
    # From the map of what was inspected: Enter on a commune calls it.
    nation.goto(f"{house.url}/trung-tam/kiem-tra?xem=coverage")
    for unit in ("79", "769"):
        nation.locator(f'[data-testid="coverage"] tr[data-unit="{unit}"] button').click()
    nation.locator('[data-testid="commune-tiles"] [data-unit="26863"]').press("Enter")
    expect(nation.locator('[data-testid="call"][data-site="s_26863"]')).to_be_visible()
    site.context.close()
    hanoi.context.close()
    nation.context.close()
    province.context.close()


def test_a_marked_meeting_is_not_there_for_an_uncleared_site_and_is_banded_for_others(
    browser: Browser, house: House
) -> None:
    console = house.console()
    [person] = [
        one
        for one in console.get("/api/v1/people").json()["people"]
        if one["username"] == house.nation.operator["username"]
    ]
    level = {"level": "secret", "days": 30}
    console.put(f"/api/v1/people/{person['id']}/clearance", json=level).raise_for_status()
    console.put("/api/v1/sites/s_31/clearance", json=level).raise_for_status()
    page, cleared = post(browser, house, "s_48"), post(browser, house, "s_31")
    desk = log_in(browser, house, **house.nation.operator, viewport=WIDE)
    meeting = open_meeting(house.operator(), "VN", "Kế hoạch phòng thủ", "secret")
    expect(cleared.get_by_test_id("secrecy-band")).to_contain_text("Tối mật")
    expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "ready")
    assert page.get_by_text("Kế hoạch phòng thủ").count() == 0
    desk.goto(f"{house.url}/trung-tam/{meeting}")
    expect(desk.get_by_test_id("secrecy-mark").first).to_have_text("Tối mật")
    expect(desk.get_by_text("1/6")).not_to_have_count(0)
    assert findings(desk) == []
    shot(desk, "secrecy-desk", 1366, 768)
    shot(cleared, "secrecy-site", 1366, 768)
    page.context.close()
    cleared.context.close()
    desk.context.close()
