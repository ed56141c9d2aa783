"""From the sheet to the site: keys that stay in the browser, copies that are nobody, twenty in a row."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect
from pypdf import PdfReader

from tests.browser.chromium import chromium, new_page
from tests.browser.test_accessibility import findings
from tests.faults.house import COMMUNE, PROVINCES, House, make_nation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SITE, OTHER = f"s_{COMMUNE}", f"s_{PROVINCES[0]}"
CROWD = 20

# The key as it lies in the browser: what a script gets when it asks for the private half.
STOLEN = """async () => {
  const database = await new Promise((resolve, reject) => {
    const request = indexedDB.open('diemcau', 1);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const held = await new Promise((resolve) => {
    const request = database.transaction('device').objectStore('device').get('this');
    request.onsuccess = () => resolve(request.result);
  });
  const key = held.bound.pair.privateKey;
  const tried = await Promise.all(['pkcs8', 'jwk', 'raw'].map((format) =>
    crypto.subtle.exportKey(format, key).then(() => 'taken', () => 'refused')));
  return {extractable: key.extractable, usages: key.usages, json: JSON.stringify(key), tried};
}"""

LATE = "{ const now = Date.now; Date.now = () => now() - 3 * 86_400_000; }"


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    data = tmp_path_factory.mktemp("sheets") / "data"
    with ThreadPoolExecutor(1) as elsewhere:  # Playwright's loop runs in this thread
        made = House(data, elsewhere.submit(make_nation, data).result())
    try:
        made.start()
        new = [{"unit": "31", "label": f"Phòng {n}", "id": f"s_room_{n}"} for n in range(CROWD)]
        new += [{"unit": PROVINCES[-1], "label": f"Hội trường {n}"} for n in range(3)]
        made.console().post("/console/v1/sites", json={"sites": new}).raise_for_status()
        yield made
    finally:
        made.close()


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    # By this name it is a server somewhere on the network, without TLS.
    with chromium(playwright, more=["--host-resolver-rules=MAP cau.test 127.0.0.1"]) as running:
        yield running


def activated(browser: Browser, link: str, script: str = "", **options: Any) -> Page:
    """A page that was opened by a sheet's link and has gone on to the site's."""
    page = new_page(browser, permissions=["camera", "microphone"], **options)
    page.add_init_script(script)
    page.goto(link)
    page.get_by_test_id("activated-go").click()
    page.wait_for_url("**/diem-cau")
    return page


def is_site(page: Page, label: str) -> None:
    """The page stands on a WebSocket that the server has welcomed."""
    expect(page.get_by_test_id("arm-sound")).to_be_visible()
    expect(page.get_by_text(label).first).to_be_visible()


def test_two_sheets_make_two_browsers_sites_and_stay_so(browser: Browser, house: House) -> None:
    # One of the two machines believes that it is three days ago.
    desktop = activated(browser, house.link(OTHER), LATE, viewport={"width": 1366, "height": 768})
    phone = activated(browser, house.link(SITE), viewport={"width": 390, "height": 844}, has_touch=True)
    is_site(desktop, "Điểm cầu 01")
    is_site(phone, "Điểm cầu xã")
    for page in (desktop, phone):
        # The code stands in no address that this page or another could go back to.
        assert "code" not in page.evaluate("location.href + document.referrer")
        page.go_back()
        assert "code" not in page.url
        page.goto(f"{house.url}/diem-cau")
        page.reload()
    is_site(desktop, "Điểm cầu 01")
    is_site(phone, "Điểm cầu xã")
    assert "K" and "/vao" not in house.log


def test_the_private_key_never_leaves(browser: Browser, house: House) -> None:
    page = activated(browser, house.link(SITE))
    found = page.evaluate(STOLEN)
    assert found == {
        "extractable": False,
        "usages": ["sign"],
        "json": "{}",
        "tried": ["refused", "refused", "refused"],
    }


def test_copied_cookies_make_nobody_a_site(browser: Browser, house: House) -> None:
    owner = activated(browser, house.link(SITE))
    is_site(owner, "Điểm cầu xã")
    thief = new_page(browser)
    thief.context.add_cookies(owner.context.cookies())  # type: ignore[arg-type]
    assert any(cookie["name"] == "dc_device" for cookie in thief.context.cookies())
    thief.goto(f"{house.url}/diem-cau")
    expect(thief.locator('[data-fault="not_authenticated"]')).to_be_visible()
    assert thief.request.get(f"{house.url}/api/v1/me", headers={"X-Page": "site"}).status == 401
    owner.reload()
    is_site(owner, "Điểm cầu xã")


def test_a_used_sheet_says_what_to_do(browser: Browser, house: House) -> None:
    link = house.link(SITE)
    activated(browser, link)
    page = new_page(browser)
    page.goto(link)
    expect(page.locator('[data-fault="used"]')).to_be_visible()
    expect(page.get_by_test_id("door-fault-action")).to_be_visible()


def test_twenty_posts_are_activated_one_after_another(browser: Browser, house: House) -> None:
    contexts: list[BrowserContext] = []
    sites = [f"s_room_{n}" for n in range(CROWD)]
    codes = (
        house.console().post("/console/v1/codes", json={"sites": sites}).raise_for_status().json()["codes"]
    )
    for code in codes:
        page = new_page(browser)
        contexts.append(page.context)
        page.goto(f"{house.url}/vao#code={code['code']}")
        expect(page.get_by_test_id("activated")).to_be_visible()
    names = [
        next(cookie["value"] for cookie in context.cookies() if cookie["name"] == "dc_device")
        for context in contexts
    ]
    assert len({name[:43] for name in names}) == CROWD  # a key of its own for each
    for context in contexts:
        context.close()


def test_plain_http_says_so_and_spends_no_sheet(browser: Browser, house: House) -> None:
    link = house.link(SITE)
    page = new_page(browser)
    page.goto(link.replace("127.0.0.1", "cau.test"))
    expect(page.locator('[data-fault="insecure"]')).to_be_visible()
    assert page.context.cookies() == []
    is_site(activated(browser, link), "Điểm cầu xã")


def test_a_technician_prints_his_province_and_fetches_it_once(
    browser: Browser, house: House, tmp_path: Path
) -> None:
    person = {
        "username": "kythuat2",
        "password": "mot-mat-khau-dai",
        "name": "Nguyễn Văn Kỹ",
        "grants": [{"role": "technician", "unit": PROVINCES[-1]}],
    }
    house.console().post("/console/v1/people", json=person).raise_for_status()
    page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    page.goto(f"{house.url}/dang-nhap")
    page.get_by_test_id("login-username").fill(person["username"])
    page.get_by_test_id("login-password").fill(person["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{house.url}/trung-tam/trien-khai/phieu")
    issue = page.get_by_test_id("sheets-issue")
    expect(issue).to_be_visible()
    issue.click()
    expect(page.locator('[data-testid="sheets-job"][data-state="ready"]')).to_be_visible(timeout=60_000)
    assert findings(page) == []
    with page.expect_download() as download:
        page.get_by_test_id("sheets-download").click()
    download.value.save_as(tmp_path / "sheets.pdf")
    expect(page.locator('[data-testid="sheets-job"][data-state="fetched"]')).to_be_visible()
    expect(page.get_by_test_id("sheets-waiting")).to_have_text("3")  # one is activated already
    assert len(PdfReader(tmp_path / "sheets.pdf").pages) == 3


def test_what_a_post_is_told_has_no_findings(browser: Browser, house: House) -> None:
    page = new_page(browser, viewport={"width": 390, "height": 844}, reduced_motion="reduce")
    page.goto(f"{house.url}/vao#code=K7QF-9TXM-4RHA")
    expect(page.locator('[data-fault="wrong"]')).to_be_visible()
    assert findings(page) == []
    page.goto(f"{house.url}/chuan-bi")
    expect(page.get_by_test_id("prepare")).to_be_visible()
    assert findings(page) == []
