"""Debian's Firefox has no H.264: it watches a VP8 meeting; in an H.264 one its page says why it cannot."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from diemcau.clips.timecode import read_timecode
from tests.browser.bidi import Firefox, firefox
from tests.browser.chromium import PIXELS, rgb
from tests.browser.nation import Nation, demo

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PICTURE = f"({PIXELS})('desk-onair-video-0')"


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    with firefox() as running:
        yield running


def log_in(browser: Firefox, nation: Nation) -> None:
    browser.goto(nation.url + "/dang-nhap")
    browser.until("!!document.querySelector('[data-testid=login-username]')")
    body = json.dumps(json.dumps(nation.operator))
    status = browser.evaluate(
        f"""fetch("/api/v1/session", {{
          method: "POST", headers: {{"content-type": "application/json"}}, body: {body}
        }}).then((answer) => answer.status)"""
    )
    assert status < 300


def test_firefox_watches_a_vp8_meeting(browser: Firefox, tmp_path: Path) -> None:
    # Firefox pairs no loopback addresses: the node must be announced by one of the machine's own.
    with demo(tmp_path, sites=3, codec="vp8", host="0.0.0.0") as nation:
        log_in(browser, nation)
        browser.goto(f"{nation.url}/trung-tam/{nation.meeting}")
        first = timecode(browser.until(PICTURE, 50))
        assert first is not None, "what Firefox decodes is no clip"
        seen = {first[0]}
        while len(seen) < 4:  # the picture moves: bounded by the test's own time limit
            now = timecode(browser.until(PICTURE, 20))
            assert now is not None and now[1] == first[1], "another site's picture"
            seen.add(now[0])


def test_firefox_is_told_why_it_cannot_show_an_h264_meeting(browser: Firefox, nation: Nation) -> None:
    log_in(browser, nation)
    browser.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    said = browser.until("document.querySelector('[data-testid=cannot-show]')?.innerText", 30)
    assert "H.264" in said


def timecode(png: str) -> tuple[int, int] | None:
    """The time code (ms, site number) in a picture that came as base64 PNG."""
    return read_timecode(rgb(png))
