"""A wall of the whole nation in a browser: how it scrolls, what it takes of the line and of memory.

    python -m bench.wall --seconds 10 --shots docs/screens

Sites, grants and pictures are real, the server and the media node too; nobody sends, so no tile is live.
The page scrolls itself, which is harder than a hand's scrolling: every step waits for the page's own thread.
"""

import argparse
import asyncio
import io
import json
import random
import statistics
import tempfile
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from playwright.async_api import Page, async_playwright

from bench.desk_shots import shrink
from diemcau.access import SYSTEM, Grant, Role, site_actor
from diemcau.app import Rooms, api_options, make_api, node_options, open_rooms
from diemcau.config import Settings
from diemcau.media.client import NodeClient
from diemcau.media.supervisor import Supervisor
from diemcau.meetings import NewMeeting, parse
from diemcau.sites import NewSite, ScopeEntry
from tests.api.world import PASSWORD, listening
from tests.browser.chromium import FLAGS

LEVELS = ("nation", "province", "district", "commune")

SCROLL = """async ([seconds, speed]) => {
  const grid = document.querySelector('[data-testid=wall-grid]');
  const deltas = [], ages = [];
  let before = performance.now();
  const end = before + seconds * 1000;
  await new Promise((done) => {
    const frame = (now) => {
      const delta = now - before;
      before = now;
      deltas.push(delta);
      grid.scrollTop += speed * Math.min(delta, 100) / 1000;
      if (grid.scrollTop + grid.clientHeight >= grid.scrollHeight - 2) grid.scrollTop = 0;
      if (now < end) requestAnimationFrame(frame); else done();
    };
    requestAnimationFrame(frame);
  });
  const tiles = [...document.querySelectorAll('[data-testid=wall-tile]')];
  const blank = tiles.filter((tile) => !tile.querySelector('img'));
  return {deltas: deltas.slice(1), tiles: tiles.length,
          blank: blank.length, heap: performance.memory?.usedJSHeapSize ?? null};
}"""


DECODED = """async () => {
  const bare = '[data-standing=joined][data-testid=wall-tile]:not(:has(img))';
  const waiting = () => document.querySelectorAll(bare).length;
  for (let i = 0; i < 200 && waiting() > 0; i++) await new Promise((go) => setTimeout(go, 100));
  const images = [...document.querySelectorAll('[data-testid=wall-tile] img')];
  await Promise.all(images.map((image) => image.decode().catch(() => null)));
}"""


def picture(rng: random.Random, width: int, height: int) -> Image.Image:
    """Something like a room before a camera: gradients, a figure, sensor noise (a JPEG's size is in that)."""
    wall = tuple(rng.randint(90, 210) for _ in range(3))
    made = Image.new("RGB", (width, height), wall)
    pen = ImageDraw.Draw(made)
    for _ in range(12):
        x, y = rng.randint(0, width), rng.randint(0, height)
        colour = tuple(rng.randint(20, 235) for _ in range(3))
        pen.rectangle([x, y, x + rng.randint(10, 90), y + rng.randint(8, 60)], fill=colour)
    x = width // 2 + rng.randint(-30, 30)
    pen.ellipse([x - 26, 40, x + 26, 100], fill=(224, 172, 138))
    pen.rectangle([x - 52, 100, x + 52, height], fill=tuple(rng.randint(20, 120) for _ in range(3)))
    noise = Image.effect_noise((width, height), 28).convert("RGB")
    return Image.blend(made, noise, 0.12)


def jpeg(image: Image.Image) -> bytes:
    """As a page makes it."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=60)
    return out.getvalue()


async def join(rooms: Rooms, meeting: str, sites: list[str]) -> None:
    """They come in, many at once: their invitations are one query."""
    for start in range(0, len(sites), 500):
        some = sites[start : start + 500]
        commands = [
            parse({"id": f"bench-join-{one}", "type": "meeting.join", "meeting": meeting}) for one in some
        ]
        await asyncio.gather(
            *(rooms.meetings.execute(site_actor(one), each) for one, each in zip(some, commands, strict=True))
        )


async def fill(app: Any, sites: list[str], rng: random.Random) -> dict[str, float]:
    """A picture of every site, of various ages; answers mean sizes."""
    faces = []
    for _ in range(80):
        large = picture(rng, 320, 180)
        faces.append((jpeg(large), jpeg(large.resize((160, 90), Image.Resampling.BILINEAR))))
    services = app.state.services
    for site in sites:
        large, small = rng.choice(faces)
        age = rng.choice([3, 8, 15, 40, 90, 200]) if rng.random() < 0.93 else rng.randint(900, 4000)
        services.pictures.put(site, large, services.clock.now() - timedelta(seconds=age), small)
    means = [statistics.fmean(len(one[i]) for one in faces) for i in (0, 1)]
    return {"full_bytes": means[0], "small_bytes": means[1], "held_bytes": services.pictures.bytes}


def centiles(deltas: list[float]) -> dict[str, float]:
    """Frames of a run."""
    found = statistics.quantiles(deltas, n=100)
    return {
        "fps_mean": round(1000 / statistics.fmean(deltas), 1),
        "frame_ms_p50": round(found[49], 1),
        "frame_ms_p95": round(found[94], 1),
        "frame_ms_p99": round(found[98], 1),
    }


def own_bytes(process: int) -> int:
    """Memory of a process that it does not share."""
    pages = Path(f"/proc/{process}/statm").read_text().split()
    return (int(pages[1]) - int(pages[2])) * 4096


async def resident(page: Page) -> float:
    """MB of the process that draws the page, without what it shares."""
    session = await page.context.browser.new_browser_cdp_session()  # type: ignore[union-attr]
    found = (await session.send("SystemInfo.getProcessInfo"))["processInfo"]
    return round(max(own_bytes(one["id"]) for one in found if one["type"] == "renderer") / 1e6)


async def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """The whole run."""
    async with AsyncExitStack() as stack:
        settings = Settings(data=folder)
        rooms = await stack.enter_async_context(open_rooms(settings))
        node = NodeClient(settings.control_socket)
        app = await make_api(rooms, node, api_options(settings), stack)
        supervisor = Supervisor(node_options(settings), node)
        stack.push_async_callback(supervisor.stop)
        supervising = asyncio.create_task(supervisor.run())
        stack.callback(supervising.cancel)
        tree = rooms.units
        new = [NewSite(unit.code, f"Điểm cầu {unit.name}", id=f"s_{unit.code}") for unit in tree]
        for start in range(0, len(new), 1000):
            await rooms.sites.create(SYSTEM, new[start : start + 1000])
        await rooms.access.add_person(
            SYSTEM, username="daodien", password=PASSWORD, name="Trần Thị Bình",
            grants=[Grant(Role("director"), "VN")],
        )  # fmt: skip
        scope = (ScopeEntry("VN", LEVELS),)
        made = await rooms.meetings.create(
            SYSTEM, NewMeeting("bench-wall-1", "Họp toàn quốc", scope, "h264", "s_VN")
        )
        command = {"id": "bench-open-1", "type": "meeting.open", "meeting": made.id}
        await rooms.meetings.execute(SYSTEM, parse(command))
        rng = random.Random(2021)
        sites = [site.id or "" for site in new]
        present = [site for site in sites if rng.random() < 0.96]
        await join(rooms, made.id, rng.sample(present, min(options.present, len(present))))
        sizes = await fill(app, present, rng)
        await stack.enter_async_context(app.router.lifespan_context(app))
        url = await stack.enter_async_context(listening(app))
        playwright = await stack.enter_async_context(async_playwright())
        browser = await playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=[*FLAGS, "--enable-precise-memory-info"]
        )
        stack.push_async_callback(browser.close)
        width, height = (int(part) for part in options.size.split("x"))
        context = await browser.new_context(
            locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", viewport={"width": width, "height": height}
        )
        page = await context.new_page()
        await page.goto(url + "/dang-nhap")
        await page.get_by_test_id("login-username").fill("daodien")
        await page.get_by_test_id("login-password").fill(PASSWORD)
        await page.get_by_test_id("login-submit").click()
        await page.wait_for_url("**/trung-tam*")
        began = asyncio.get_running_loop().time()
        await page.goto(f"{url}/trung-tam/man-hinh/tuong?hop={made.id}")
        await page.get_by_test_id("wall-tile").first.wait_for(timeout=60_000)
        await page.locator("[data-testid=wall-tile] img").nth(20).wait_for(timeout=120_000)
        shown = asyncio.get_running_loop().time() - began
        answer: dict[str, Any] = {"sites": len(sites), "first_pictures_s": round(shown, 1), **sizes}
        for speed in (1500, 4000):
            found = await page.evaluate(SCROLL, [options.seconds, speed])
            deltas = found.pop("deltas")
            answer[f"scroll_{speed}_px_s"] = {**centiles(deltas), **found}
        answer["held"] = await page.get_by_test_id("wall-held").inner_text()
        answer["rate"] = await page.get_by_test_id("wall-rate").inner_text()
        answer["renderer_mb"] = await resident(page)
        if options.shots:
            for view in ((1920, 1080), (1366, 768)):
                await page.set_viewport_size({"width": view[0], "height": view[1]})
                await page.evaluate("document.querySelector('[data-testid=wall-grid]').scrollTop = 9000")
                await page.locator("[data-testid=wall-tile] img").nth(30).wait_for(timeout=60_000)
                await page.evaluate(DECODED)
                shot = Path(options.shots) / f"wall-{view[0]}.png"
                await page.screenshot(path=shot)
                shrink(shot)
        return answer


def main() -> None:
    """Reads the command line and prints what was measured, as JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--present", type=int, default=20_000, help="sites in the meeting, at most")
    options.add_argument("--size", default="1920x1080")
    options.add_argument("--shots", default="")
    with tempfile.TemporaryDirectory() as folder:
        print(
            json.dumps(asyncio.run(measure(Path(folder), options.parse_args())), indent=1, ensure_ascii=False)
        )


if __name__ == "__main__":
    main()
