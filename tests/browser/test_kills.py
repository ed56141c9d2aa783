"""Server and media node are killed under real pages: everyone is back by himself."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from playwright.sync_api import Playwright, expect

from tests.browser.chromium import chromium, new_page, pixels
from tests.browser.known import is_known
from tests.browser.test_meeting import until
from tests.faults.house import COMMUNE, House, house, make_nation

pytestmark = [pytest.mark.browser, pytest.mark.alone, pytest.mark.timeout(240)]
PATIENCE_MS = 20_000
SITE = f"s_{COMMUNE}"
BACK_S = 10

MARK = "window.__mark = window.__connections.length"

# Whether a connection that was opened after the mark has decoded some frames.
FRESH = """async () => {
  for (const connection of window.__connections.slice(window.__mark)) {
    if (connection.connectionState !== "connected") continue;
    for (const report of (await connection.getStats()).values())
      if (report.type === "inbound-rtp" && report.kind === "video" && report.framesDecoded > 5) return true;
  }
  return false;
}"""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server of this module's own, in which only real pages take part."""
    folder = tmp_path_factory.mktemp("killed")
    with ThreadPoolExecutor(1) as aside:  # the browsers' driver runs a loop in this thread
        nation = aside.submit(make_nation, folder / "template").result()
    with house(folder, folder / "template", nation) as running:
        yield running


def test_a_commune_on_air_is_seen_again_after_the_node_and_after_both_were_killed(
    served: House,
    playwright: Playwright,
    picture: Path,
    sound: Path,
    record_property: Callable[[str, object], None],
) -> None:
    operator = served.operator()
    with (
        chromium(playwright, picture=picture, sound=sound) as at_commune,
        chromium(playwright) as at_desk,
    ):
        commune = new_page(at_commune, permissions=["camera", "microphone"])
        commune.goto(served.link(SITE))
        commune.get_by_test_id("arm-sound").click()
        desk = new_page(at_desk, viewport={"width": 1366, "height": 768})
        desk.goto(served.url + "/dang-nhap")
        desk.get_by_test_id("login-username").fill(served.nation.operator["username"])
        desk.get_by_test_id("login-password").fill(served.nation.operator["password"])
        desk.get_by_test_id("login-submit").click()
        desk.wait_for_url("**/trung-tam*")
        desk.goto(f"{served.url}/trung-tam/{served.nation.meeting}")
        desk.get_by_test_id("arm-sound").click()
        until(desk, "the commune has joined", lambda: SITE in served.joined(operator))
        served.command(operator, "floor.give", site=SITE)

        def seen() -> bool:
            shown = pixels(desk, "desk-onair-video-0")
            return shown is not None and is_known(shown)

        def seen_again(name: str) -> None:
            """By a connection that was opened after the kill, and with frames that were decoded after it."""
            began = time.monotonic()
            until(desk, f"a new connection after {name}", lambda: desk.evaluate(FRESH), BACK_S)
            until(desk, f"the commune after {name}", seen, BACK_S - (time.monotonic() - began))
            record_property(name, time.monotonic() - began)

        until(desk, "the commune is seen", seen)
        desk.evaluate(MARK)
        served.kill_node()
        seen_again("node")

        desk.evaluate(MARK)
        served.kill_node()
        served.kill()
        served.start()
        seen_again("both")
        # The page of the commune itself is back too, not only its picture.
        expect(commune.get_by_test_id("site-state")).to_contain_text("LÊN HÌNH", timeout=BACK_S * 1000)
