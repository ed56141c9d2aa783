"""Direction in real browsers: pages of a PDF beside a speaker, as a still on a weak line, a hold, undo."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, Playwright, expect

from diemcau.press.paper import compile_page
from tests.browser.chromium import chromium, new_page, pixels, rgb
from tests.browser.lines import Between
from tests.browser.nation import Nation
from tests.browser.test_accessibility import findings
from tests.browser.test_meeting import shows_clip, until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

COLOURS = ((200, 40, 40), (40, 60, 200))
"""Grounds of the two pages."""

SLIDES = """
#set page(width: 254mm, height: 142.875mm, margin: 12mm)
#for (n, colour) in (("1", rgb(200, 40, 40)), ("2", rgb(40, 60, 200))) {
  page(fill: colour)[#text(size: 30pt, fill: white)[Báo cáo nhanh, trang #n]]
}
"""


def write_slides(folder: Path) -> Path:
    """A PDF of two pages, each of one colour."""
    template, made = folder / "slides.typ", folder / "Báo cáo nhanh.pdf"
    template.write_text(SLIDES, "utf-8")
    made.write_bytes(compile_page(template, "data", {}))
    return made


STILL = """async () => {
  const still = document.querySelector('[data-testid="stage-still"]');
  if (still === null) return null;
  try {
    await still.decode();
  } catch {
    return null;  // the next one has taken its place meanwhile
  }
  const canvas = document.createElement("canvas");
  canvas.width = still.naturalWidth; canvas.height = still.naturalHeight;
  canvas.getContext("2d").drawImage(still, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}"""


def slide_of(page: Page, testid: str) -> int | None:
    """Which page of the slides a video element decodes, by its colour; None: neither."""
    return page_in(pixels(page, testid))


def still_of(page: Page) -> int | None:
    """The same of the still that stands for it."""
    data = page.evaluate(STILL)
    return None if data is None else page_in(rgb(data))


def page_in(picture: NDArray[np.uint8] | None) -> int | None:
    if picture is None:
        return None
    middle = np.median(picture[picture.shape[0] // 2 :, 40:-40].reshape(-1, 3), axis=0)
    near = [n for n, colour in enumerate(COLOURS, start=1) if np.abs(middle - colour).max() <= 40]
    return near[0] if near else None


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright, camera=False) as running:
        yield running


@pytest.fixture
def between() -> Iterator[Between]:
    with ExitStack() as stack:
        yield Between(stack)


def log_in(page: Page, nation: Nation) -> None:
    page.goto(nation.url + "/dang-nhap")
    page.get_by_test_id("login-username").fill(nation.operator["username"])
    page.get_by_test_id("login-password").fill(nation.operator["password"])
    page.get_by_test_id("login-password").press("Enter")
    page.wait_for_url("**/trung-tam*")


def test_slides_beside_a_speaker_the_next_page_its_still_a_hold_and_undo(
    browser: Browser, nation: Nation, tmp_path: Path, between: Between
) -> None:
    with nation.operator_client() as client:
        state = client.get(f"/api/v1/meetings/{nation.meeting}").json()["state"]
        joined = client.get(f"/api/v1/meetings/{nation.meeting}/roster").json()["joined"]
        speaker = next(s for s in sorted(joined) if s not in (nation.site["id"], state["chair_site"]))
        nation.command(client, "stage.cut", slots=[speaker], layout="one")
        nation.command(client, "stage.preview", slots=[speaker], layout="one")
    desk = new_page(browser, viewport={"width": 1366, "height": 768}, reduced_motion="reduce")
    problems: list[str] = []
    desk.on("console", lambda told: problems.append(told.text) if "Content Security" in told.text else None)
    refused: list[str] = []
    desk.on("response", lambda answer: refused.append(answer.url) if answer.status == 403 else None)
    log_in(desk, nation)
    desk.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    post = new_page(browser, viewport={"width": 1366, "height": 768})
    post.route_web_socket("**/api/v1/ws", between.wire)
    post.goto(nation.spare_sites[2]["link"])
    post.get_by_test_id("arm-sound").click()
    until(post, "the post sees the speaker", lambda: shows_clip(post, "stage-video-0"), 40)

    expect(desk.get_by_test_id("toggle-slides")).to_be_enabled(timeout=20_000)
    desk.keyboard.press("s")
    desk.get_by_test_id("slides-file").set_input_files(write_slides(tmp_path))
    expect(desk.get_by_test_id("slide-page")).to_contain_text("1/2", timeout=30_000)
    expect(desk.get_by_test_id("slides-phase")).to_contain_text("sẵn sàng", timeout=20_000)
    desk.keyboard.press("s")
    until(desk, "the preview shows page 1", lambda: slide_of(desk, "desk-preview-video-0") == 1)
    assert findings(desk) == []
    desk.keyboard.press("Enter")
    until(post, "the post decodes page 1", lambda: slide_of(post, "stage-video-0") == 1)
    until(post, "and the speaker beside it", lambda: shows_clip(post, "stage-video-1"))
    expect(post.get_by_test_id("stage-frame")).to_have_attribute("data-layout", "slides_speaker")
    expect(post.get_by_test_id("stage-caption-1")).to_be_visible()
    desk.keyboard.press("PageDown")
    until(post, "the post decodes page 2", lambda: slide_of(post, "stage-video-0") == 2)

    # How fast a line goes down and up is test_lines.py's. Slides that stand still and the speaker's small
    # picture may fit 130 kbit/s, since what is on air makes no keyframes unasked.
    between.set(down={"rate_kbps": 90.0})
    expect(post.get_by_test_id("line-step")).to_have_attribute("data-step", "slides", timeout=60_000)
    until(post, "page 2 as a still", lambda: still_of(post) == 2, 60)
    desk.keyboard.press("PageUp")
    until(post, "page 1 as a still", lambda: still_of(post) == 1, 60)
    desk.keyboard.press("PageDown")
    between.set()
    expect(post.get_by_test_id("line-step")).to_have_attribute("data-step", "high", timeout=60_000)
    expect(post.get_by_test_id("stage-still")).to_have_count(0)

    desk.keyboard.press("b")
    expect(post.get_by_test_id("holding")).to_contain_text("Hội nghị tạm nghỉ")
    assert not post.get_by_test_id("stage-video-0").is_visible()
    desk.keyboard.press("z")  # takes the hold back
    expect(post.get_by_test_id("holding")).to_have_count(0)
    until(post, "page 2 again", lambda: slide_of(post, "stage-video-0") == 2)
    desk.keyboard.press("z")  # takes the cut back
    until(post, "the speaker alone again", lambda: shows_clip(post, "stage-video-0"))
    expect(post.get_by_test_id("stage-frame")).to_have_attribute("data-layout", "one")
    desk.get_by_test_id("slides-close").click()
    expect(desk.get_by_test_id("slides-phase")).to_have_count(0)
    with nation.operator_client() as client:
        stage = client.get(f"/api/v1/meetings/{nation.meeting}").json()["state"]["stage"]
        assert stage["presentation"] is None
        nation.command(client, "stage.preview", slots=[None])
    assert refused == [], "the desk asked for something before it knew who it is, or that it may not"
    assert problems == [], "the page's policy was asked for something it does not allow"
    for page in (post, desk):
        page.close()
