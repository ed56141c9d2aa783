"""The end of the floor: from the press at a desk to the last packet of the speaker's sound at a listener.

    python -m bench.floor --ends 50

A real server and node; the speaker and the listener are real Chromium pages on this machine, whose clocks are
one. The command goes over HTTP as a tool's would; the listener's browser says when its last packet of sound
came (`lastPacketReceivedTimestamp`). The page of the speaker stops sending as well, so this is what people
hear; that the node alone silences who goes on sending is held by tests/browser/test_floor.py.

    python -m bench.floor --hands 9811

Beside it: that many hands raised at once into one state, with what a snapshot then costs each kind of asker.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import orjson
from playwright.sync_api import Page, sync_playwright

from bench.machine import machine
from diemcau.access import Role, site_actor
from diemcau.meetings import SiteName, render
from diemcau.meetings.commands import RaiseHand
from diemcau.meetings.rules import decide
from diemcau.units import Level, Units
from tests.browser.chromium import chromium
from tests.browser.floor import COMMUNE, desk, floor_house, heard, post
from tests.browser.known import write_picture, write_sound
from tests.faults.house import House
from tests.meetings.world import DIRECTOR, World, person

TARGET_MS = 300


def quantile(values: list[float], share: float) -> float:
    """The value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, round(share * len(ordered)) - 1))]


def ask(page: Page, what: str, done: Any, seconds: float = 20) -> None:
    """Asks again at each of the page's ticks until the answer is true."""
    end = time.monotonic() + seconds
    while not done():
        if time.monotonic() > end:
            raise TimeoutError(what)
        page.evaluate("new Promise((go) => requestAnimationFrame(go))")


def one_end(house: House, client: Any, listener: Page) -> float:
    """Gives the floor, waits until it is heard, ends it; milliseconds to the last packet (0: none came)."""
    house.command(client, "floor.give", site=COMMUNE)
    before = heard(listener)[1]
    ask(listener, "the speaker is heard", lambda: heard(listener)[1] > before + 10)
    pressed = time.time() * 1000
    house.command(client, "floor.end", site=COMMUNE)
    count = -1

    def quiet() -> bool:
        nonlocal count
        was, count = count, heard(listener)[1]
        # A moment of the listener's own time without a packet; speech comes every 20 or 60 ms.
        listener.evaluate("new Promise((go) => setTimeout(go, 250))")
        return was == count

    ask(listener, "silence", quiet)
    return max(0.0, heard(listener)[0] - pressed)


def ends(count: int, folder: Path) -> dict[str, Any]:
    """So many ends of the floor."""
    picture, sound = folder / "picture.y4m", folder / "sound.wav"
    write_picture(picture)
    write_sound(sound)
    with (
        floor_house(folder) as house,
        sync_playwright() as driver,
        chromium(driver) as near,
        chromium(driver, picture=picture, sound=sound) as far,
    ):
        listener = desk(near, house, house.nation.operator)
        post(far, house)
        client = house.operator()
        one_end(house, client, listener)  # the first opens connections
        took = [one_end(house, client, listener) for _ in range(count)]
    return {
        "ends": count,
        "p50_ms": statistics.median(took),
        "p95_ms": quantile(took, 0.95),
        "max_ms": max(took),
    }


def hands(count: int) -> dict[str, Any]:
    """So many communes raise their hands; what the rules and the snapshots cost."""
    units = Units.load("2021-09")
    world = World(units).opened()
    codes = [unit.code for unit in units.subtree("VN", {Level.COMMUNE, Level.DISTRICT})][:count]
    world.names |= {
        f"s_{code}": SiteName(f"Điểm cầu {units.get(code).label}", code, units.path_text(code))
        for code in codes
    }
    world.present |= {f"s_{code}" for code in codes}
    began = time.perf_counter()
    for code in codes:
        actor = site_actor(f"s_{code}")
        world.apply(decide(world.state, RaiseHand(), world.context(actor)))
    raised = time.perf_counter() - began
    costs: dict[str, Any] = {"hands": len(codes), "rules_us_each": raised / len(codes) * 1e6}
    province = person(Role.SECRETARY, "70")
    for name, actor in (("centre", DIRECTOR), ("province", province), ("site", site_actor("s_vn"))):
        began = time.perf_counter()
        body = orjson.dumps(render(world.state, world.viewer(actor)))
        costs[f"snapshot_{name}_kb"] = len(body) / 1000
        costs[f"snapshot_{name}_ms"] = (time.perf_counter() - began) * 1000
    return costs


def main() -> int:
    """Prints one table and one line of JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--ends", type=int, default=50)
    parser.add_argument("--hands", type=int, default=9811)
    options = parser.parse_args()
    result: dict[str, Any] = {"bench": "floor", "machine": machine(), **hands(options.hands)}
    if options.ends:
        with tempfile.TemporaryDirectory(prefix="diemcau-floor-") as folder:
            result |= ends(options.ends, Path(folder))
        met = "met" if result["p95_ms"] <= TARGET_MS else "MISSED"
        print(
            f"end of the floor to the last packet, ms: p50 {result['p50_ms']:.0f},"
            f" p95 {result['p95_ms']:.0f}, max {result['max_ms']:.0f} (target {TARGET_MS}: {met})"
        )
    print(f"{result['hands']} hands: {result['rules_us_each']:.0f} us each in the rules")
    for who in ("centre", "province", "site"):
        print(
            f"  snapshot of a {who}: {result[f'snapshot_{who}_kb']:.1f} kB,"
            f" {result[f'snapshot_{who}_ms']:.1f} ms"
        )
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
