"""The whole way of a rollout, in one go: a technician's list with defects becomes sites, sheets are printed,
two posts come in by the QR codes of the printed file, one of them a phone, test themselves, rehearse, and the
map shows it."""

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.test_selftest import number
from tests.faults.house import House, make_nation
from tests.pdf import qr_codes
from tests.rollout.conftest import book

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]
PATIENCE_MS = 30_000

DESK = {"width": 1366, "height": 768}
PHONE = {"width": 390, "height": 844}
PROVINCE = "70"
SEEN_AND_HEARD_S = 90
TAPS = 4
TECHNICIAN = {"username": "kythuat70", "password": "mot-mat-khau-dai"}
HEAD = ("STT", "Tỉnh", "Huyện", "Xã", "Tên điểm cầu", "Điện thoại")
LIST = book(
    ("DANH SÁCH ĐIỂM CẦU",),
    HEAD,
    (1, "Bình Phước", "Đồng Phú", "Tân Lợi", None, "0912345678"),
    (2, "binh phuoc", "dong phu", "tan hoa", None, "+84 987654321"),
    (3, "Bình Phước", None, "Xã Tân Lợi", "Trạm y tế", "0271 3879123"),  # of two communes: asked
    (4, "Bình Phước", "Đồng Phú", "Tân Lập", None, "chưa có"),
    (5, "Bình Phước", "Đồng Phú", "Qqq", None, None),
    (6, "Hà Nội", "Ba Đình", "Phúc Xá", None, None),
)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("path") / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        made = House(data, elsewhere.submit(make_nation, data).result())
    try:
        made.start()
        person = {**TECHNICIAN, "name": "Kỹ", "grants": [{"role": "technician", "unit": PROVINCE}]}
        made.console().post("/console/v1/people", json=person).raise_for_status()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright, sound: Path) -> Iterator[Browser]:
    with chromium(playwright, sound=sound) as running:
        yield running


def log_in(browser: Browser, house: House, who: dict[str, str]) -> Page:
    page = new_page(browser, viewport=DESK)
    page.goto(f"{house.url}/dang-nhap")
    page.get_by_test_id("login-username").fill(who["username"])
    page.get_by_test_id("login-password").fill(who["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")
    return page


class Clerk:
    """Somebody at a post who only taps, after the phone's camera has opened the sheet's link."""

    def __init__(self, browser: Browser, link: str, size: dict[str, int], *, touch: bool) -> None:
        self.page = new_page(browser, viewport=size, has_touch=touch, permissions=["camera", "microphone"])
        self.touch, self.taps, self.began = touch, 0, time.monotonic()
        self.page.goto(link)

    def tap(self, what: str, seconds: float = 30) -> None:
        wanted = self.page.get_by_test_id(what)
        if self.touch:
            wanted.tap(timeout=seconds * 1000)
        else:
            wanted.click(timeout=seconds * 1000)
        self.taps += 1

    def passed(self) -> float:
        """Seconds from the QR code until the post was seen and heard."""
        result = self.page.get_by_test_id("self-test-result")
        expect(result).to_have_attribute("data-passed", "true", timeout=60_000)
        return time.monotonic() - self.began


def imported(desk: Page, house: House) -> None:
    """The list is taken but for its defects, each of which is said."""
    desk.goto(f"{house.url}/trung-tam/trien-khai/nhap")
    with desk.expect_file_chooser() as choosing:
        desk.get_by_test_id("import-choose").click()
    choosing.value.set_files({"name": "ds.xlsx", "mimeType": "application/octet-stream", "buffer": LIST})
    question = desk.get_by_test_id("import-question").filter(has_text="Xã Tân Lợi")
    question.get_by_role("radio", name="huyện Đồng Phú").check()
    desk.get_by_test_id("import-answer").click()
    expect(question).to_have_count(0)
    desk.get_by_test_id("import-run").click()
    expect(desk.get_by_test_id("import-done")).to_be_visible(timeout=20_000)
    expect(desk.get_by_test_id("count-created")).to_have_text("3")
    refused = desk.get_by_test_id("import-rejection")
    expect(refused).to_have_count(3)
    for row, number_of_row in zip(refused.all(), ("6", "7", "8"), strict=True):
        expect(row).to_contain_text(number_of_row)


def printed(desk: Page, house: House, file: Path) -> list[str]:
    """The links that the QR codes of the printed sheets say, a page each."""
    desk.goto(f"{house.url}/trung-tam/trien-khai/phieu")
    desk.get_by_test_id("sheets-issue").click()
    expect(desk.locator('[data-testid="sheets-job"][data-state="ready"]')).to_be_visible(timeout=60_000)
    with desk.expect_download() as download:
        desk.get_by_test_id("sheets-download").click()
    download.value.save_as(file)
    return [link for [link] in qr_codes(file)]


def rehearsed(desk: Page, house: House, clerks: tuple[Clerk, ...]) -> None:
    """The technician begins it; a machine leads the posts through what only a page that works can answer."""
    desk.goto(f"{house.url}/trung-tam/trien-khai/chay-thu")
    desk.get_by_test_id("rehearsal-unit").fill("binh phuoc")
    desk.get_by_role("option").filter(has_text=re.compile(rf"\b{PROVINCE}$")).click()
    desk.get_by_test_id("rehearsal-start").click()
    expect(desk.get_by_test_id("rehearsal-status")).to_have_text("Đang chạy", timeout=20_000)
    for clerk in clerks:
        clerk.tap("arm-sound")
    for clerk in clerks:
        said = clerk.page.get_by_test_id("rehearsal")
        expect(said).to_have_attribute("data-said", "through", timeout=90_000)
    desk.get_by_test_id("rehearsal-end").click()
    desk.get_by_test_id("rehearsal-end-sure").click()
    expect(desk.get_by_test_id("rehearsal-status")).to_have_text("Đã kết thúc", timeout=15_000)


def test_from_a_list_to_the_map(browser: Browser, house: House, tmp_path: Path) -> None:
    centre = log_in(browser, house, house.nation.operator)
    centre.goto(f"{house.url}/trung-tam/trien-khai")
    province = centre.get_by_test_id("nation-map").locator(f'[data-province="{PROVINCE}"]')
    expect(province).to_be_visible(timeout=20_000)
    empty, ready = province.get_attribute("aria-label"), number(centre, "ready")
    total, paint = number(centre, "total"), province.get_attribute("fill")

    desk = log_in(browser, house, TECHNICIAN)
    imported(desk, house)
    links = printed(desk, house, tmp_path / "sheets.pdf")
    assert len(links) == 3 and all(link.startswith(f"{house.url}/vao#code=") for link in links)
    expect(centre.get_by_test_id("funnel-total").get_by_test_id("funnel-number")).to_have_text(str(total + 3))

    phone = Clerk(browser, links[0], PHONE, touch=True)
    desktop = Clerk(browser, links[-1], DESK, touch=False)
    clerks = (phone, desktop)
    for step in ("activated-go", "self-test-start", "self-test-next", "self-test-heard"):
        for clerk in clerks:
            clerk.tap(step)
    for clerk in clerks:
        assert clerk.passed() < SEEN_AND_HEARD_S
        assert clerk.taps == TAPS
        clerk.tap("self-test-leave")
        clerk.page.wait_for_url("**/diem-cau")
        expect(clerk.page.get_by_test_id("arm-sound")).to_be_visible()
    # Of the two sites of one commune either sheet may be the first.
    at_commune = re.compile("Điểm cầu xã Tân Lợi|Trạm y tế")
    expect(phone.page.get_by_role("heading", level=1)).to_have_text(at_commune)
    expect(desktop.page.get_by_role("heading", level=1)).to_have_text("Điểm cầu xã Tân Hòa")

    # From now on a site is ready that has rehearsed too.
    demand = house.operator().put("/api/v1/readiness/policy", json={"rehearsal": True})
    demand.raise_for_status()
    rehearsed(desk, house, clerks)
    expect(centre.get_by_test_id("funnel-rehearsed").get_by_test_id("funnel-number")).to_have_text("2")
    shown = centre.get_by_test_id("funnel-ready").get_by_test_id("funnel-number")
    expect(shown).to_have_text(str(ready + 2), timeout=15_000)
    said = province.get_attribute("aria-label")
    assert said != empty and said is not None and "2" in said and "3" in said
    assert province.get_attribute("fill") != paint
    codes = [link.partition("#code=")[2] for link in links[:2]]
    assert not any(code in house.log for code in codes)
