"""Screenshots of single states at both sizes, of a demo nation: `bench.usability --states DIR`.

A call that rings and one that was answered, a private word at the post, a marked meeting and how it is made,
a province that sends a hand up, slides and the holding picture.
"""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final
from uuid import uuid4

from httpx2 import Client, HTTPTransport
from playwright.sync_api import Browser, Page, expect, sync_playwright

from bench.desk_shots import desk_of, joined, shrink
from diemcau.config import Settings
from diemcau.press.paper import compile_page
from tests.browser.chromium import chromium, new_page
from tests.browser.nation import Nation, demo
from tests.browser.test_talkback import TWICE
from tests.faults.house import NO_TLS, until

SITES: Final = 24
SIZES: Final = ((1366, 768), (1920, 1080))
PASSWORD: Final = "mot-mat-khau-rat-dai"

SLIDES: Final = """
#set page(width: 254mm, height: 142.875mm, margin: 14mm)
#set text(size: 15pt)
#text(size: 22pt, weight: "bold", fill: rgb("#1f4e9c"))[Báo cáo nhanh: phòng, chống dịch tuần 1]
#v(6mm)
#table(columns: (2fr, 1fr, 1fr), inset: 9pt, [Đơn vị], [Ca mới], [Đã tiêm],
  [Huyện Chợ Đồn], [3], [4.210], [Huyện Ba Bể], [5], [3.877], [Thành phố Bắc Kạn], [3], [9.002])
#v(6mm)
- Đề nghị bổ sung 2.000 bộ xét nghiệm nhanh.
- Khó khăn: đường vào 3 xã bị sạt lở.
"""


class Shooter:
    """Takes a page at both sizes into a folder, few colours, so that the files stay small."""

    def __init__(self, where: Path) -> None:
        self.where = where

    def __call__(self, page: Page, name: str) -> None:
        for width, height in SIZES:
            page.set_viewport_size({"width": width, "height": height})
            page.mouse.move(width - 2, height - 2)
            # What follows the size, and the picture after it, are drawn.
            page.evaluate("new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go)))")
            page.evaluate("[...document.images].map((one) => one.decode().catch(() => null))")
            path = self.where / f"{name}-{width}.png"
            page.screenshot(path=path)
            shrink(path)


def playing(page: Page, count: int) -> None:
    """So many pictures move."""
    seen = (
        "[...document.querySelectorAll('video')].filter((v) => v.readyState >= 2 && v.videoWidth > 0).length"
    )
    until(f"{count} pictures", lambda: page.evaluate(seen) >= count, 30)


def post_of(browser: Browser, spare: dict[str, str]) -> Page:
    """A commune's page in the meeting."""
    page = new_page(browser, reduced_motion="reduce", permissions=["camera", "microphone"])
    page.goto(spare["link"])
    page.get_by_test_id("arm-sound").click()
    expect(page.get_by_test_id("site-state")).to_have_attribute("data-state", "in_meeting")
    return page


def province_operator(nation: Nation, client: Client, unit: str) -> dict[str, str]:
    """A secretary of a province, with a password of his own."""
    body = {"username": "tinh", "name": "Nguyễn Văn Tám", "title": "Thư ký tỉnh"}
    grants = {"grants": [{"role": "director", "unit": unit}]}
    made = client.post("/api/v1/people", json={**body, **grants}).raise_for_status().json()
    log_in = {"username": "tinh", "password": made["password"]}
    with Client(base_url=nation.url, timeout=30, verify=NO_TLS) as own:
        own.headers["X-CSRF-Token"] = own.post("/api/v1/session", json=log_in).json()["me"]["csrf"]
        new = {"old": made["password"], "password": PASSWORD}
        own.put("/api/v1/session/password", json=new).raise_for_status()
    return {"username": "tinh", "password": PASSWORD}


def calls(shot: Shooter, nation: Nation, client: Client, desk: Page, post: Page, site: str) -> None:
    nation.command(client, "call.start", site=site)
    expect(post.get_by_test_id("ringing")).to_be_visible()
    shot(post, "call-ringing")
    post.get_by_test_id("answer-call").click()
    expect(post.get_by_test_id("seen")).to_contain_text("Đang được xem bởi")
    playing(post, 2)
    shot(post, "call-seen")
    desk.locator(f'[data-testid="call"][data-site="{site}"]').get_by_test_id("call-end").click()
    expect(post.get_by_test_id("seen")).to_have_count(0)
    nation.command(client, "stage.preview", slots=[None])


def talkback(shot: Shooter, nation: Nation, client: Client, desk: Page, post: Page, site: str) -> None:
    nation.command(client, "stage.line_up", site=site, on=True)
    expect(post.get_by_test_id("lined-up-note")).to_be_visible()
    desk.locator(f'[data-testid="lined-up"][data-site="{site}"] button').first.click()
    desk.evaluate(TWICE)
    banner = post.get_by_test_id("talk-banner")
    expect(banner).to_have_attribute("data-speaks", "true")
    shot(post, "talkback-site")
    desk.keyboard.press("t")
    expect(banner).to_have_attribute("data-speaks", "false")
    desk.keyboard.press("Shift+T")
    expect(banner).to_have_count(0)
    nation.command(client, "stage.line_up", site=site, on=False)


def province(shot: Shooter, browser: Browser, nation: Nation, client: Client, post: Page, site: str) -> None:
    unit = client.get(f"/api/v1/sites/{site}").raise_for_status().json()["unit"]
    while (known := client.get(f"/api/v1/units/{unit}").raise_for_status().json())["level"] != "province":
        unit = known["parent"]
    desk = desk_of(browser, nation, province_operator(nation, client, unit), nation.meeting)
    post.get_by_test_id("raise-hand").click()
    expect(desk.get_by_test_id("hand-item").first).to_be_visible()
    playing(desk, 1)
    desk.keyboard.press("f")
    desk.get_by_test_id("hand-note-text").fill("xin phát biểu về nước sinh hoạt")
    shot(desk, "floor-province")
    desk.context.close()


def slides(shot: Shooter, nation: Nation, client: Client, desk: Page, speaker: str, folder: Path) -> None:
    template, made = folder / "slides.typ", folder / "Báo cáo nhanh.pdf"
    template.write_text(SLIDES, "utf-8")
    made.write_bytes(compile_page(template, "data", {}))
    nation.command(client, "stage.preview", slots=[speaker], layout="one")
    output = desk.context.new_page()
    output.goto(f"{nation.url}/trung-tam/man-hinh/hinh-chinh?hop={nation.meeting}")
    desk.bring_to_front()
    desk.keyboard.press("s")
    desk.get_by_test_id("slides-file").set_input_files(made)
    expect(desk.get_by_test_id("slides-phase")).to_contain_text("sẵn sàng")
    desk.get_by_test_id("slides-to-preview").click()
    playing(desk, 3)
    desk.keyboard.press("Enter")
    output.bring_to_front()
    playing(output, 2)
    shot(output, "stage-slides")
    goes_on = (datetime.now(UTC) + timedelta(minutes=15)).isoformat()
    nation.command(client, "stage.hold", on=True, text="Hội nghị tạm nghỉ", until=goes_on)
    expect(output.get_by_test_id("output-hold")).to_be_visible()
    shot(output, "stage-hold")
    desk.bring_to_front()
    nation.command(client, "stage.hold", on=False)
    output.close()
    desk.get_by_test_id("slides-close").click()
    expect(desk.get_by_test_id("slides-phase")).to_have_count(0)


def marked(shot: Shooter, nation: Nation, client: Client, desk: Page, site: str) -> None:
    """How a marked meeting is made, and its desk with the one post that is cleared for it."""
    transport = HTTPTransport(uds=str(Settings(data=nation.data).console_socket), verify=NO_TLS)
    level = {"level": "secret", "days": 30}
    with Client(transport=transport, base_url="http://console", timeout=60) as console:
        me = client.get("/api/v1/me").raise_for_status().json()["id"]
        for who in (f"people/{me}", f"sites/{site}"):
            console.put(f"/api/v1/{who}/clearance", json=level).raise_for_status()
    desk.goto(nation.url + "/trung-tam")
    desk.get_by_test_id("new-meeting").click()
    desk.get_by_test_id("meeting-title").fill("Kế hoạch phòng thủ")
    desk.get_by_test_id("secrecy-choice").get_by_text("Tối mật").click()
    shot(desk, "secrecy-choice")
    scope = [{"unit": "VN", "levels": ["province", "commune"]}]
    body = {"id": uuid4().hex, "title": "Kế hoạch phòng thủ", "scope": scope, "secrecy": "secret"}
    meeting = client.post("/api/v1/meetings", json=body).raise_for_status().json()["id"]
    nation.command(client, "meeting.end")
    nation.command(client, "meeting.open", meeting=meeting)
    desk.goto(f"{nation.url}/trung-tam/{meeting}")
    expect(desk.get_by_test_id("secrecy-mark").first).to_have_text("Tối mật")
    expect(desk.get_by_test_id("joined-count")).to_contain_text("1/")
    desk.get_by_test_id("arm-sound").click()
    shot(desk, "secrecy-desk")


def states(folder: Path, where: Path) -> None:
    """All of them, one after another; what a state needs it sets, and leaves as it was."""
    where.mkdir(parents=True, exist_ok=True)
    shot = Shooter(where)
    with (
        demo(folder, sites=SITES) as nation,
        nation.operator_client() as client,
        sync_playwright() as driver,
        chromium(driver) as browser,
    ):
        nation.until_joined(SITES, seconds=240)
        speaker = joined(nation, client)[0]
        nation.command(client, "stage.cut", slots=[speaker], layout="one")
        spare = nation.spare_sites[0]
        post = post_of(browser, spare)
        desk = desk_of(browser, nation, nation.operator, nation.meeting)
        calls(shot, nation, client, desk, post, spare["id"])
        talkback(shot, nation, client, desk, post, spare["id"])
        province(shot, browser, nation, client, post, spare["id"])
        slides(shot, nation, client, desk, speaker, folder)
        marked(shot, nation, client, desk, spare["id"])
