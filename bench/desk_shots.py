"""Screenshots of the desk with its panels in use, of a demo nation: `bench.usability --shots DIR`."""

from pathlib import Path
from typing import Final

from httpx2 import Client
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.browser.chromium import chromium, new_page
from tests.browser.nation import Nation, demo
from tests.faults.house import until

SITES: Final = 60
COLOURS: Final = 176
COMMON: Final = 32
RARE: Final = 48
MOST_BYTES: Final = 300_000
SIZES: Final = {"desk-1366": (1366, 768), "desk-1920": (1920, 1080)}
SELECTED: Final = "75"
"""Đồng Nai, by its code."""

TITLE: Final = "Báo cáo tình hình phòng chống dịch 24 giờ qua"


def joined(nation: Nation, client: Client) -> list[str]:
    """Sites that are in, provinces before communes, without the chair's and the newcomer's."""
    roster = client.get(f"/api/v1/meetings/{nation.meeting}/roster").raise_for_status().json()
    state = client.get(f"/api/v1/meetings/{nation.meeting}").raise_for_status().json()["state"]
    skip = {state["chair_site"], nation.site["id"], *(one["id"] for one in nation.spare_sites)}
    units = {site[0]: site[1] for site in roster["sites"]}
    return sorted((site for site in roster["joined"] if site not in skip), key=lambda s: (len(units[s]), s))


def in_use(nation: Nation, client: Client) -> None:
    """Two have the floor, two are lined up, one is on preview, a roll call runs, a message was sent."""
    sites = joined(nation, client)
    nation.command(client, "floor.give", site=sites[0])
    nation.command(client, "floor.give", site=sites[1], replace=False, stage=False, minutes=3)
    nation.command(client, "stage.preview", slots=[sites[2]], layout="one")
    for site in sites[3:5]:
        nation.command(client, "stage.line_up", site=site, on=True)
    nation.command(client, "call.start", site=sites[-1])
    nation.command(client, "rollcall.open")
    nation.command(client, "message.post", to="all", text=TITLE, ask=True)


def desk_of(browser: Browser, nation: Nation, who: dict[str, str], meeting: str) -> Page:
    """Somebody's desk of a meeting, its sound on."""
    page = new_page(browser, reduced_motion="reduce", permissions=["microphone"])
    page.goto(nation.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(who["username"])
    page.get_by_test_id("login-password").fill(who["password"])
    page.get_by_test_id("login-password").press("Enter")
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{nation.url}/trung-tam/{meeting}")
    page.get_by_test_id("arm-sound").click()
    expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "open")
    return page


def complete(page: Page) -> None:
    """Pictures on both monitors and in the tiles that are in sight."""
    playing = "[...document.querySelectorAll('video')].filter((v) => v.readyState >= 2).length >= 2"
    # Asked again from here: the page's policy forbids a string that it would evaluate itself.
    until("both monitors have pictures", lambda: page.evaluate(playing), 30)
    still = "document.querySelectorAll('[data-testid=wall-tile] img').length"
    tiles = "document.querySelectorAll('[data-testid=wall-tile]').length"
    until("the tiles have pictures", lambda: page.evaluate(f"{still} >= {tiles}"), 90)
    page.evaluate("[...document.images].map((one) => one.decode().catch(() => null))")


def shrink(path: Path) -> None:
    """The picture in few colours: those of most points, and those that no others come near, as a red mark."""
    with Image.open(path) as opened:
        image = opened.convert("RGB")
    common = sorted(image.getcolors(image.width * image.height) or [], reverse=True)[:COMMON]
    rare = image.quantize(RARE, Image.Quantize.MAXCOVERAGE).getpalette() or []
    rest = image.quantize(COLOURS).getpalette() or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for _, one in common for part in one] + rare[: 3 * RARE] + rest[: 3 * COLOURS])
    image.quantize(palette=palette, dither=Image.Dither.NONE).save(path, optimize=True)
    assert path.stat().st_size < MOST_BYTES, path


def shot(page: Page, path: Path, size: tuple[int, int]) -> None:
    """As a page looks at this size; few colours, so that the file stays small."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.mouse.move(size[0] - 2, size[1] - 2)
    complete(page)
    page.screenshot(path=path)
    shrink(path)


def speaking(page: Page, language: str, theme: str) -> None:
    """What the page remembers of its user, and the same desk again."""
    page.evaluate(
        "([language, theme]) => { localStorage.setItem('dc.lang', language);"
        " localStorage.setItem('dc.theme.desk', theme); }",
        [language, theme],
    )
    page.reload()
    page.get_by_test_id("arm-sound").click()
    expect(page.get_by_test_id("connection-state")).to_have_attribute("data-state", "open")


def select(page: Page, words: str) -> None:
    """The site that is meant, chosen and nothing else."""
    page.keyboard.press("/")
    page.keyboard.type(words)
    expect(page.locator('[data-region="roster"] [role=option][aria-selected="true"]')).to_be_visible()
    page.keyboard.press("Shift+Enter")


def shots(folder: Path, where: Path) -> None:
    """Vietnamese dark at both sizes, English dark and light at the large one."""
    where.mkdir(parents=True, exist_ok=True)
    with demo(folder, sites=SITES) as nation, nation.operator_client() as client:
        nation.until_joined(SITES, seconds=240)
        in_use(nation, client)
        with sync_playwright() as driver, chromium(driver) as browser:
            page = desk_of(browser, nation, nation.operator, nation.meeting)
            page.set_viewport_size({"width": 1920, "height": 1080})
            select(page, SELECTED)
            page.keyboard.press("t")
            page.keyboard.press("t")
            expect(page.locator('[data-region="talkback"]')).to_be_visible()
            for name, size in SIZES.items():
                shot(page, where / f"{name}.png", size)
            for name, theme in (("desk-1920-en", "dark"), ("desk-en-light", "light")):
                speaking(page, "en", theme)
                select(page, SELECTED)
                shot(page, where / f"{name}.png", (1920, 1080))
