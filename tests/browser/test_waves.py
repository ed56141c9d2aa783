"""Waves at the page: two are planned, one is invited, and who is missing is seen with a cause and a phone."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Page, Playwright, expect

from tests.browser.chromium import chromium, new_page
from tests.browser.test_accessibility import LOOKS, findings, look
from tests.faults.house import House, make_nation
from tests.rollout.waves import Server, mail_server

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
PATIENCE_MS = 30_000

PASSWORD = "mot-mat-khau-dai"
REFUSED = "ubnd1@example.com"


@pytest.fixture(scope="module")
def mail() -> Iterator[Server]:
    """A mail server in a thread of its own, for another process."""
    ready, end, found = threading.Event(), threading.Event(), []

    async def serve() -> None:
        async with mail_server() as server:
            server.rcpt = {REFUSED: ["550 5.1.1 No such user"]}
            found.append(server)
            ready.set()
            await asyncio.to_thread(end.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    assert ready.wait(20)
    yield found[0]
    end.set()
    thread.join(20)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, mail: Server) -> Iterator[House]:
    data = tmp_path_factory.mktemp("waves") / "data"
    with ThreadPoolExecutor(1) as elsewhere, pytest.MonkeyPatch.context() as patch:
        made = House(data, elsewhere.submit(make_nation, data).result())
        for name, value in (
            ("HOST", "127.0.0.1"),
            ("PORT", str(mail.port)),
            ("SECURITY", "none"),
            ("FROM", "cau@example.gov.vn"),
        ):
            patch.setenv(f"DIEMCAU_SMTP_{name}", value)
        try:
            made.start()
            console = made.console()
            units = [unit["code"] for unit in console.get("/api/v1/units/70/children").json()["units"]][:6]
            new = [
                {
                    "unit": code,
                    "label": f"Điểm cầu huyện {n}",
                    "id": f"s_wave{n}",
                    "phones": [f"0912 345 67{n}"],
                    "emails": [f"ubnd{n}@example.com"],
                }
                for n, code in enumerate(units)
            ]
            console.post("/console/v1/sites", json={"sites": new}).raise_for_status()
            person = {"username": "kt", "password": PASSWORD, "name": "Phạm Kỹ"}
            grants = {"grants": [{"role": "technician", "unit": "70"}]}
            console.post("/console/v1/people", json={**person, **grants}).raise_for_status()
            yield made
        finally:
            made.close()


def log_in(page: Page, house: House) -> None:
    page.goto(house.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill("kt")
    page.get_by_test_id("login-password").fill(PASSWORD)
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")


def test_two_waves_are_planned_one_is_invited_and_who_is_missing_has_a_cause_and_a_phone(
    playwright: Playwright, house: House, mail: Server, tmp_path: Path
) -> None:
    with chromium(playwright) as browser:
        page = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
        page.set_default_timeout(20_000)
        log_in(page, house)
        page.goto(house.url + "/trung-tam/trien-khai/dot")
        expect(page.get_by_test_id("waves-unplanned")).to_contain_text("6")
        page.get_by_test_id("waves-plan").click()
        page.get_by_test_id("plan-per-day").fill("3")
        rows = page.get_by_test_id("plan-preview").locator("tbody tr")
        expect(rows).to_have_count(2)
        expect(rows.first).to_contain_text("3")
        assert findings(page) == []
        page.get_by_test_id("plan-make").click()
        waves = page.get_by_test_id("wave-row")
        expect(waves).to_have_count(2)
        expect(waves.first).to_contain_text("Chưa mời")
        assert findings(page) == []

        waves.first.get_by_role("link").click()
        expect(page.get_by_test_id("funnel-total").get_by_test_id("funnel-number")).to_have_text("3")
        page.get_by_test_id("wave-invite").click()
        shown = page.get_by_test_id("message-preview")
        expect(shown).to_contain_text("Lời mời kết nối: Điểm cầu huyện 0")
        expect(shown).to_contain_text(house.url)
        page.get_by_test_id("message-link").check()
        expect(shown).to_contain_text("/vao#code=XXXX-XXXX-XXXX")
        assert findings(page) == []
        page.get_by_test_id("message-go").click()
        sending = page.get_by_test_id("sending")
        expect(sending).to_have_attribute("data-state", "done")
        assert sorted(mail.to) == ["ubnd0@example.com", "ubnd2@example.com"]
        text = mail.got[0].get_content()
        assert "/vao#code=" in text and "XXXX" not in text
        page.get_by_test_id("sending-show").click()
        expect(page.get_by_test_id("sending-missed")).to_contain_text("No such user")
        expect(page.get_by_test_id("sending-missed").get_by_role("link")).to_have_attribute(
            "href", "tel:0912345671"
        )

        # The address is mended where one sees that it is wrong, and the letter tried again.
        page.locator('[data-site="s_wave1"]').get_by_test_id("edit-contact").click()
        page.get_by_test_id("contact-emails").fill("dung@example.com")
        page.get_by_test_id("contact-save").click()
        expect(page.get_by_role("dialog")).to_have_count(0)
        page.get_by_test_id("sending-retry").click()
        expect(sending).to_contain_text("3 đã gửi")
        assert mail.to[-1] == "dung@example.com"

        page.get_by_test_id("plan-dayBefore").or_(page.get_by_test_id("plan-sameDay")).last.click()
        page.get_by_test_id("message-go").click()
        expect(page.get_by_test_id("reminder")).to_have_attribute("data-state", "planned")
        missing = page.get_by_test_id("site-row")
        expect(missing).to_have_count(3)
        # The letter has brought the code.
        expect(missing.first).to_contain_text("Đã cấp mã, chưa dùng")
        expect(missing.first.get_by_role("link")).to_have_attribute("href", "tel:0912345670")
        for language, theme in LOOKS:
            look(page, "desk", language, theme)
            expect(page.get_by_test_id("sending")).to_be_visible()
            expect(page.get_by_test_id("site-row")).to_have_count(3)
            assert findings(page) == []
        page.context.close()
