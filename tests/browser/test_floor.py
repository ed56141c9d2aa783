"""The floor through the provinces, in real browsers: sent up by one, timed by another, silent at the end."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from tests.browser.chromium import chromium
from tests.browser.floor import COMMUNE, OPERATOR, SENT, desk, floor_house, heard, post
from tests.browser.test_accessibility import findings
from tests.faults.house import House
from tests.faults.node import node_at

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

PATIENCE_MS = 20_000
NOTE = "xin phát biểu về nước sinh hoạt"


def until(page: Page, what: str, ask: Callable[[], bool], seconds: float = 20) -> None:
    """Asks again at each of the page's ticks until the answer is true."""
    end = time.monotonic() + seconds
    while not ask():
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        page.evaluate("new Promise((go) => requestAnimationFrame(go))")


def hand(page: Page) -> Locator:
    return page.locator(f'[data-testid="hand-item"][data-site="{COMMUNE}"]')


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with floor_house(tmp_path_factory.mktemp("floor")) as running:
        yield running


def test_a_hand_climbs_speaks_for_its_time_and_is_silent_at_the_end(
    playwright: Playwright, house: House, picture: Path, sound: Path
) -> None:
    with (
        chromium(playwright) as desks,
        chromium(playwright, picture=picture, sound=sound) as far,
    ):
        centre = desk(desks, house, house.nation.operator)
        province = desk(desks, house, OPERATOR)
        commune = post(far, house)

        # Up: the commune's hand is its province's to send; the centre sees a number.
        commune.get_by_test_id("raise-hand").click()
        expect(hand(province)).to_be_visible()
        expect(hand(centre)).to_have_count(0)
        centre.get_by_test_id("floor-tab-branches").click()
        expect(centre.locator('[data-testid="branch"][data-unit="79"]')).to_contain_text("1")
        centre.get_by_test_id("floor-tab-waiting").click()
        province.keyboard.press("f")
        province.get_by_test_id("hand-note-text").fill(NOTE)
        province.get_by_test_id("hand-note-text").press("Enter")
        expect(hand(centre)).to_contain_text(NOTE)
        expect(commune.get_by_test_id("raise-hand")).to_contain_text("Trung ương")
        assert findings(province) == []

        # The province's line is lost with everything it has done; back, it finds it as it was.
        province.context.close()
        expect(hand(centre)).to_contain_text(NOTE)
        province = desk(desks, house, OPERATOR)
        expect(hand(province)).to_have_attribute("data-forwarded", "true")

        # Two minutes, on the speaker's own page; one more by key.
        centre.get_by_test_id("floor-minutes").select_option("2")
        quiet = heard(centre)[1]
        hand(centre).get_by_test_id("give-floor").click()
        clock = commune.get_by_test_id("speaker-clock")
        expect(clock).to_have_attribute("data-tone", "running")
        expect(clock).to_contain_text("1:5")
        until(centre, "the desk hears the commune", lambda: heard(centre)[1] > quiet + 20)
        centre.keyboard.press("+")
        expect(clock).to_contain_text("2:5")
        assert findings(centre) == []

        # Its microphone off: it is asked, across the page, and says yes.
        commune.get_by_test_id("mic").click()
        centre.get_by_test_id("ask-unmute").click()
        expect(commune.get_by_test_id("unmute-asked")).to_be_visible()
        assert findings(commune) == []
        commune.get_by_test_id("unmute-yes").click()
        expect(commune.get_by_test_id("unmute-asked")).to_have_count(0)
        before = heard(centre)[1]
        until(centre, "the commune is heard again", lambda: heard(centre)[1] > before + 10)

        # All of the city shut in one act, and opened again.
        centre.get_by_test_id("floor-tab-branches").click()
        client = house.operator()
        house.command(client, "mute", unit="79")
        expect(centre.get_by_test_id("mute-said")).to_contain_text("Đã tắt 1 mic trong thành phố Hồ Chí Minh")
        centre.get_by_test_id("mute-undo").click()
        before = heard(centre)[1]
        until(centre, "the commune is heard after the undo", lambda: heard(centre)[1] > before + 10)

        # The end. How long it takes is measured by bench/floor.py; here it is only said.
        ended = time.time() * 1000
        house.command(client, "floor.end", site=COMMUNE)
        silent_while(centre, commune, sends=False)
        print(f"\nfloor.end to the last packet heard: {heard(centre)[0] - ended:.0f} ms")
        expect(clock).to_have_count(0)

        # And the node alone does it: a page that goes on sending is not heard once its microphone is out.
        house.command(client, "floor.give", site=COMMUNE)
        before = heard(centre)[1]
        until(centre, "the commune is heard for the last time", lambda: heard(centre)[1] > before + 10)
        house.kill()
        with node_at(house.data) as node:
            [program] = [one for one in node.snapshot["programs"] if one["mics"]]
            node.call("mics_set", program=program["program"], mics=[])
            acknowledged = time.time() * 1000
        silent_while(centre, commune, sends=True)
        print(f"the node's word to the last packet heard: {heard(centre)[0] - acknowledged:.0f} ms")


def silent_while(listener: Page, speaker: Page, *, sends: bool) -> None:
    """No packet of sound comes any more, while (`sends`) the speaker's page sends thirty."""
    last = -1

    def quiet() -> bool:
        nonlocal last
        before, last = last, heard(listener)[1]
        return before == last

    # What was on its way still arrives, and Chromium keeps its figures for a while: a moment of the page's
    # own time without a packet. A page that was told may have stopped by itself then, so the other goes on.
    moment = "new Promise((go) => setTimeout(() => go(true), 300))"
    until(listener, "silence", lambda: quiet() and listener.evaluate(moment) and quiet())
    if not sends:
        return
    count, sent = heard(listener)[1], speaker.evaluate(SENT)
    until(speaker, "the speaker's page goes on sending", lambda: speaker.evaluate(SENT) > sent + 30)
    assert heard(listener)[1] == count
