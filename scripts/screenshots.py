"""Takes the screenshots under docs/screens/ from a demo nation, in both languages and both themes.

    .venv/bin/python -m scripts.screenshots

Needs Debian's chromium and the development dependencies. Look at every picture before committing it.
"""

import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import chromium, new_page, pixels
from tests.browser.known import write_picture, write_sound
from tests.browser.nation import Nation, demo

TO = Path(__file__).parent.parent / "docs" / "screens"
DESKS = {"desk-1920": (1920, 1080, "vi"), "desk-1366": (1366, 768, "vi"), "desk-1920-en": (1920, 1080, "en")}
LANGUAGE_KEY = "dc.lang"


def choose(page: Page, language: str) -> None:
    """Sets the page's language as its own setting does, before it loads."""
    page.add_init_script(f"localStorage.setItem('{LANGUAGE_KEY}', '{language}')")


def desk(browser: Browser, nation: Nation, width: int, height: int, language: str) -> Page:
    """A command centre, logged in, in the demo's meeting."""
    page = new_page(browser, viewport={"width": width, "height": height})
    choose(page, language)
    page.goto(nation.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(nation.operator["username"])
    page.get_by_test_id("login-password").fill(nation.operator["password"])
    page.get_by_test_id("login-submit").click()
    page.wait_for_url("**/trung-tam*")
    page.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    return page


def wait_for(page: Page, testid: str) -> None:
    """Until a video element shows a picture."""
    while pixels(page, testid) is None:
        page.evaluate("new Promise((go) => setTimeout(go, 100))")


def main() -> None:
    """Takes them all."""
    TO.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        write_picture(folder / "picture.y4m")
        write_sound(folder / "sound.wav")
        files: dict[str, Any] = {"picture": folder / "picture.y4m", "sound": folder / "sound.wav"}
        with (
            demo(folder, sites=60) as nation,
            chromium(playwright) as desks,
            chromium(playwright, **files) as posts,
        ):
            post = new_page(posts, viewport={"width": 1366, "height": 768})
            post.goto(nation.site["link"])
            post.get_by_test_id("arm-sound").wait_for()
            post.screenshot(path=TO / "site-door.png")
            post.get_by_test_id("arm-sound").click()
            wait_for(post, "stage-video-0")
            post.screenshot(path=TO / "site-ready.png")
            post.set_viewport_size({"width": 390, "height": 844})
            post.screenshot(path=TO / "site-phone.png")
            post.emulate_media(color_scheme="dark")
            post.screenshot(path=TO / "site-phone-dark.png")
            post.emulate_media(color_scheme="light")
            post.set_viewport_size({"width": 1366, "height": 768})
            with nation.operator_client() as client:
                joined = client.get(f"/api/v1/meetings/{nation.meeting}/roster").json()["joined"]
                post.evaluate("new Promise((go) => setTimeout(go, 30000))")  # every site sends a snapshot
                nation.command(client, "floor.give", site=joined[3])
                nation.command(client, "stage.preview", slots=[joined[5]])
                for shot, (width, height, language) in DESKS.items():
                    page = desk(desks, nation, width, height, language)
                    wait_for(page, "desk-onair-video-0")
                    wait_for(page, "desk-preview-video-0")
                    page.evaluate("new Promise((go) => setTimeout(go, 3000))")  # the wall's pictures come
                    page.screenshot(path=TO / f"{shot}.png")
                    page.context.close()
                nation.command(client, "floor.give", site=nation.site["id"])
            post.get_by_text("LÊN HÌNH").first.wait_for()
            post.evaluate("new Promise((go) => setTimeout(go, 1500))")
            post.screenshot(path=TO / "site-on-air.png")


if __name__ == "__main__":
    main()
