"""FFmpeg and PyAV publish, a WHEP player of another origin watches: unmodified, over the real server."""

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.chromium import audio, chromium, new_page, pixels
from tests.browser.encoder import ffmpeg, pyav
from tests.browser.player import player_page
from tests.faults.house import House, house, make_nation, until

FEED = "Xe truyền hình"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("whip")
    template = folder / "template"
    with ThreadPoolExecutor(1) as elsewhere:  # this thread has the browser driver's event loop
        nation = elsewhere.submit(make_nation, template).result()
    with house(folder, template, nation) as running:
        yield running


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    with chromium(playwright, camera=False) as running:
        yield running


@pytest.fixture
def player(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    with player_page(tmp_path) as address:
        page = new_page(browser)
        page.goto(address)
        page.wait_for_function("window.ready")
        yield page
        page.context.close()


def cli(served: House, *arguments: str) -> dict[str, Any]:
    """One command over the running server's console."""
    command = [sys.executable, "-m", "diemcau", *arguments, "--data", str(served.data), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def mean(page: Page) -> tuple[float, float, float]:
    """Red, green and blue of the middle of the decoded picture; black before the first."""
    found = pixels(page, "player")
    if found is None:
        return 0, 0, 0
    height, width, _ = found.shape
    red, green, blue = found[height // 4 : -height // 4, width // 4 : -width // 4].mean(axis=(0, 1))
    return float(red), float(green), float(blue)


def is_heard(page: Page) -> bool:
    found = audio(page)
    assert found["packets"] < 3000 or found["energy"] > 0, found
    return found["energy"] > 0.001


def test_encoders_publish_and_a_player_decodes_them(served: House, player: Page, tmp_path: Path) -> None:
    operator, meeting = served.operator(), served.nation.meeting
    made = cli(served, "sites", "add", "--unit", "01", "--label", FEED, "--kind", "feed")["sites"][0]
    served.command(operator, "meeting.invite", sites=[made["id"]])
    feed = made["id"]
    sender = cli(served, "tokens", "create", "--whip", FEED)
    watcher = cli(served, "tokens", "create", "--whep", meeting)
    assert sender["url"] == f"{served.url}/whip/{feed}" and watcher["url"] == f"{served.url}/whep/{meeting}"

    with ffmpeg(sender["url"], sender["token"], "red", tmp_path / "ffmpeg.log") as process:
        until("the feed is in the meeting", lambda: feed in served.joined(operator), 20)
        served.command(operator, "floor.give", site=feed)
        player.evaluate("([url, key]) => window.watch(url, key)", [watcher["url"], watcher["token"]])
        until("FFmpeg is seen", lambda: mean(player)[0] > 180 and max(mean(player)[1:]) < 90, 30)
        until("FFmpeg is heard", lambda: is_heard(player), 20)
        assert served.metric("diemcau_whep_viewers") == 1 and served.metric("diemcau_whip_publishers") == 1
        assert process.poll() is None, (tmp_path / "ffmpeg.log").read_text()[-4000:]
    assert feed not in served.joined(operator), "it said goodbye"

    served.command(operator, "stage.cut", slots=[feed])
    with pyav(sender["url"], sender["token"], (0, 200, 0), tmp_path) as thread:
        until("PyAV is seen", lambda: mean(player)[1] > 130 and mean(player)[0] < 90, 40)
        assert thread.is_alive() and feed in served.joined(operator)
        served.command(operator, "floor.give", site=feed, stage=False)
        before = audio(player)["energy"]
        until("PyAV is heard", lambda: audio(player)["energy"] > before + 0.001, 20)
    assert feed not in served.joined(operator), "it said goodbye"

    player.evaluate("window.player.unload()")
    until("the player has gone", lambda: served.metric("diemcau_whep_viewers") == 0)


def test_a_revoked_token_ends_the_encoder_and_the_player(served: House, player: Page, tmp_path: Path) -> None:
    operator, meeting = served.operator(), served.nation.meeting
    sender = cli(served, "tokens", "create", "--whip", "s_01", "--hours", "1")
    watcher = cli(served, "tokens", "create", "--whep", meeting)
    with ffmpeg(sender["url"], sender["token"], "blue", tmp_path / "ffmpeg.log") as process:
        until("the site is in the meeting", lambda: "s_01" in served.joined(operator), 20)
        player.evaluate("([url, key]) => window.watch(url, key)", [watcher["url"], watcher["token"]])
        until("it watches", lambda: served.metric("diemcau_whep_viewers") == 1, 20)
        listed = {token["id"] for token in cli(served, "tokens", "list")["tokens"]}
        assert {sender["id"], watcher["id"]} <= listed
        cli(served, "tokens", "revoke", sender["id"], watcher["id"])
        until("both have ended", lambda: served.metric("diemcau_whep_viewers") == 0)
        until("both have ended", lambda: served.metric("diemcau_whip_publishers") == 0)
        assert "s_01" not in served.joined(operator)
        process.kill()  # it does not notice, and waits for its peer at the end
