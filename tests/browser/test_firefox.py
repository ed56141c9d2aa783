"""Debian's Firefox has no H.264: it watches a VP8 meeting; in an H.264 one its page says why it cannot."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.browser.bidi import Firefox, firefox
from tests.browser.nation import Nation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

FRAMES = """(() => {
  const video = document.querySelector('[data-testid="desk-onair-video-0"]');
  return video && video.videoWidth > 0 ? video.getVideoPlaybackQuality().totalVideoFrames : 0;
})()"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Firefox]:
    with firefox() as running:
        yield running


def log_in(browser: Firefox, nation: Nation) -> None:
    browser.goto(nation.url + "/dang-nhap")
    browser.until("document.querySelector('[data-testid=login-username]')")
    body = json.dumps(json.dumps(nation.operator))
    status = browser.evaluate(
        f"""fetch("/api/v1/session", {{
          method: "POST", headers: {{"content-type": "application/json"}}, body: {body}
        }}).then((answer) => answer.status)"""
    )
    assert status < 300


def test_firefox_watches_a_vp8_meeting(browser: Firefox, nation: Nation) -> None:
    meeting = vp8_meeting(nation)
    log_in(browser, nation)
    browser.goto(f"{nation.url}/trung-tam/{meeting['id']}")
    first = browser.until(FRAMES, 40)
    assert browser.until(f"({FRAMES}) > {first} + 10", 20)


def test_firefox_is_told_why_it_cannot_show_an_h264_meeting(browser: Firefox, nation: Nation) -> None:
    log_in(browser, nation)
    browser.goto(f"{nation.url}/trung-tam/{nation.meeting}")
    said = browser.until("document.querySelector('[data-testid=cannot-show]')?.innerText", 30)
    assert "H.264" in said


def vp8_meeting(nation: Nation) -> dict[str, Any]:
    """A second meeting, in VP8, of one province; one of its sites is put on the stage."""
    with nation.operator_client() as client:
        roster = client.get(f"/api/v1/meetings/{nation.meeting}/roster").json()
        site = roster["joined"][0]
        unit = next(row[1] for row in roster["sites"] if row[0] == site)
        answer = client.post(
            "/api/v1/meetings",
            json={
                "id": "test-vp8-meeting-1",
                "title": "Họp bằng VP8",
                "scope": [{"unit": unit, "levels": ["nation", "province", "district", "commune"]}],
                "codec": "vp8",
                "chair_site": None,
            },
        )
        meeting: dict[str, Any] = answer.raise_for_status().json()
        nation.command(client, "meeting.open", meeting=meeting["id"])
        nation.command(client, "stage.cut", meeting=meeting["id"], slots=[site])
    return meeting
