"""The whole path of a rollout for 9,811 sites in one run: time by step.

    .venv/bin/python -m bench.rollout [--sites 9811] [--together 60] [--only sheets|devices] [--plot FILE.svg]

A list as an administration writes it (63 provinces, 705 districts, 9,043 communes, by name) is imported; its
sheets are printed as the server prints them; a device with a real key of P-256 for every site activates
itself by its code, opens a session, a WebSocket with the proof of its key, and tests itself. All over SQLite
and by HTTP on loopback.

Simulated: the devices, in this same process (figures are of both sides), `--together` at once; the loop of a
self-test, which a stand-in for the media node says it saw; the figures that a device reports. A real
self-test takes 10 s of its network: docs/selftest.md says how long a country takes then.
"""

import argparse
import asyncio
import io
import json
import random
import resource
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import httpx2
from openpyxl import Workbook
from websockets.asyncio.client import connect

from bench.machine import machine
from bench.plot import Panel, chart
from diemcau.access import SYSTEM
from diemcau.api import ApiOptions
from diemcau.app import Rooms, make_api, open_rooms
from diemcau.config import Settings
from diemcau.media import wire
from diemcau.media.fake import FakeNode
from diemcau.rollout import Rollout
from diemcau.rollout.sheets.jobs import Wanted
from diemcau.units import Level, Units
from tests.api.world import OFFER, listening
from tests.device import Device
from tests.rollout.figures import changed

SEED: Final = 20210905
SAMPLE_S: Final = 0.5


class Steps:
    """Time by step, on both clocks, and how far everything was all the while."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.reached: Counter[str] = Counter()
        self.samples: list[tuple[float, Counter[str]]] = []
        self._began = time.perf_counter()
        self._start()

    def _start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._children = children.ru_utime + children.ru_stime

    def done(self, name: str, count: int) -> None:
        """A step ends and the next begins."""
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        wall = time.perf_counter() - self._wall
        row = {
            "step": name,
            "count": count,
            "seconds": round(wall, 2),
            "ms_each": round(wall * 1000 / count, 3),
            "cpu_s": round(time.process_time() - self._cpu, 2),
            "workers_cpu_s": round(children.ru_utime + children.ru_stime - self._children, 2),
        }
        self.rows.append(row)
        print(json.dumps(row, ensure_ascii=False), flush=True)
        self._start()

    async def sample(self) -> None:
        """Looks every half second until it is cancelled."""
        while True:
            self.samples.append((time.perf_counter() - self._began, self.reached.copy()))
            await asyncio.sleep(SAMPLE_S)


class SeeingNode(FakeNode):
    """A stand-in for the media node that sees every self-test's loop closed as soon as it is opened."""

    async def call(self, command: wire.Command, *, patience: float = 5.0) -> wire.ReplyData:
        """As a node that nothing keeps from its clients."""
        answer = await super().call(command, patience=patience)
        self.commands.clear()
        if isinstance(command, wire.PublisherOpenCommand):
            self.go_live(f"{command.publisher}/video", "vp8")
        elif isinstance(command, wire.ViewerOpenCommand):
            self.link(command.viewer)
        return answer


def listed(units: Units, sites: int) -> bytes:
    """An .xlsx of so many units by name, provinces first, as in the meeting of 5 September 2021."""
    chance = random.Random(SEED)
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    sheet.append(["DANH SÁCH ĐIỂM CẦU"])
    sheet.append(
        ["STT", "Tỉnh/TP", "Quận/Huyện", "Xã/Phường", "Nhà mạng", "Điện thoại", "Họ và tên", "Chức vụ"]
    )
    levels = (Level.PROVINCE, Level.DISTRICT, Level.COMMUNE)
    wanted = [unit for level in levels for unit in units if unit.level is level][:sites]
    for number, unit in enumerate(wanted, start=1):
        above = reversed(units.ancestors(unit.code)[:-1])
        path = [*(one.title for one in above), unit.title]
        carrier = chance.choice(("VNPT", "Viettel", "MobiFone"))
        phone = f"091{chance.randrange(10**7):07}"
        names = path + [None] * (3 - len(path))
        sheet.append([number, *names, carrier, phone, f"Nguyễn Văn {number}", "Chủ tịch UBND"])
    made = io.BytesIO()
    workbook.save(made)
    return made.getvalue()


async def imported(rooms: Rooms, steps: Steps, sites: int) -> list[str]:
    """The list, taken in, looked through and run; answers the sites' ids in the tree's order."""
    rollout = Rollout(rooms.units, rooms.access, rooms.sites, rooms.clock)
    data = listed(rooms.units, sites)
    steps.done("the list is written (simulated)", sites)
    job = await rollout.open(SYSTEM, "list.xlsx", data)
    job = await rollout.settled(SYSTEM, job.id)
    assert not job.asking and not job.rejections, (len(job.asking), len(job.rejections))
    steps.done("list read and looked through", sites)
    rollout.run(SYSTEM, job.id)
    settled = asyncio.ensure_future(rollout.settled(SYSTEM, job.id))
    while not settled.done():
        await asyncio.wait([settled], timeout=SAMPLE_S / 2)
        steps.reached["imported"] = job.done
    job = settled.result()
    assert job.counts.created == sites, job.counts
    await rollout.aclose()
    steps.done("sites made", sites)
    found = await rooms.sites.inside(["VN"], limit=sites)
    return [site.id for site in found]


async def printed(rooms: Rooms, steps: Steps) -> None:
    """Everybody's sheets in one document, their codes good."""
    job = await rooms.sheets.begin(SYSTEM, Wanted("https://cau.example", "VN"))
    assert job.task is not None
    while not job.task.done():
        await asyncio.wait([job.task], timeout=SAMPLE_S / 2)
        steps.reached["sheets printed"] = job.done
    assert job.state == "ready", job
    steps.done("sheets printed, codes issued", job.total)
    steps.rows[-1]["bytes"] = job.size


class Post:
    """A site's device: its key, its code, what it was told."""

    def __init__(self, site: str, code: str) -> None:
        self.site, self.code = site, code
        self.device = Device()
        self.cookie = self.secret = ""


class Crowd:
    """All devices, as many at once as `gate` lets through."""

    def __init__(self, client: httpx2.AsyncClient, url: str, together: int) -> None:
        self._client, self._url = client, url
        self._gate = asyncio.Semaphore(together)

    async def _send(self, path: str, body: Any = None, **headers: str) -> httpx2.Response:
        while True:
            answer = await self._client.post(path, json=body, headers=headers)
            self._client.cookies.clear()
            if answer.status_code != 429:
                answer.raise_for_status()
                return answer
            await asyncio.sleep(float(answer.headers["Retry-After"]))  # as it was told

    async def _nonce(self, purpose: str) -> str:
        return str((await self._send("/api/v1/device/challenge", {"purpose": purpose})).json()["nonce"])

    async def activate(self, post: Post) -> None:
        """By the code of the sheet."""
        async with self._gate:
            body = post.device.activation(post.code, self._url, await self._nonce("activate"))
            answer = await self._send("/api/v1/activation", body)
            post.device.name, post.cookie = answer.json()["device"], answer.cookies["dc_device"]

    async def session(self, post: Post) -> None:
        """As a page that is opened later."""
        async with self._gate:
            body = post.device.session(self._url, await self._nonce("session"))
            answer = await self._send("/api/v1/device/session", body, Cookie=f"dc_device={post.cookie}")
            assert answer.json()["conflict"] is False
            post.cookie, post.secret = answer.cookies["dc_device"], answer.json()["me"]["csrf"]

    async def socket(self, post: Post) -> None:
        """A WebSocket, proved and welcomed."""
        async with self._gate:
            address = self._url.replace("http", "ws", 1) + "/api/v1/ws"
            headers = {"Cookie": f"dc_device={post.cookie}"}
            async with connect(address, additional_headers=headers, compression=None) as raw:
                challenge = json.loads(await raw.recv())["nonce"]
                proof = post.device.sign("socket", self._url, challenge, post.device.name)
                hello = {"op": "hello", "proto": 1, "page": "site", "tab": "t", "proof": proof}
                await raw.send(json.dumps(hello))
                while json.loads(await raw.recv())["op"] != "welcome":
                    pass

    async def test(self, post: Post) -> None:
        """A self-test: a turn, a loop, a result that is stored."""
        said = {"Cookie": f"dc_device={post.cookie}", "X-CSRF-Token": post.secret, "X-Page": "site"}
        async with self._gate:
            turn = (await self._send("/api/v1/self-test", **said)).json()
            assert turn["state"] == "running", "fewer are here at once than may test at once"
            for door in ("publisher", "viewer"):
                await self._send(f"/api/v1/self-test/{door}", {"offer": OFFER}, **said)
            answer = await self._send("/api/v1/self-test/result", changed(), **said)
            assert answer.json()["passed"], answer.text


async def used(rooms: Rooms, steps: Steps, ids: list[str], together: int, stack: AsyncExitStack) -> None:
    """Every device comes, from its code to its self-test."""
    issued = await rooms.sites.issue_codes(SYSTEM, ids)
    steps.done("codes issued again (what is printed is not kept)", len(ids))
    node = SeeingNode()
    app = await make_api(rooms, node, ApiOptions("0-bench"), stack)
    node.start()
    await stack.enter_async_context(app.router.lifespan_context(app))
    url = await stack.enter_async_context(listening(app))
    rooms.access._attempts._rate = 1e6  # type: ignore[attr-defined]  # all come from one address here
    limits = httpx2.Limits(max_connections=together, max_keepalive_connections=together)
    client = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=120, limits=limits))
    posts = [Post(code.site, code.code) for code in issued]
    steps.done("keys made (simulated devices)", len(posts))
    crowd = Crowd(client, url, together)

    async def one(work: Any, post: Post, step: str) -> None:
        await work(post)
        steps.reached[step] += 1

    for step, name, work in (
        ("activated", "activated (challenge, code, key, proof)", crowd.activate),
        ("session", "sessions (challenge, proof)", crowd.session),
        ("WebSocket", "WebSockets welcomed (proof in hello)", crowd.socket),
        ("self-test", "self-tests (turn, loop, result; simulated figures)", crowd.test),
    ):
        await asyncio.gather(*(one(work, post, step) for post in posts))
        steps.done(name, len(posts))
    board = app.state.services.readiness
    counts = await board.counts(SYSTEM, "VN")
    steps.done("readiness of everybody", len(posts))
    ready = counts.to_json()["states"]["ready"]  # type: ignore[index]
    assert ready == len(posts), counts
    print(f"ready: {ready} of {counts.total} (simulated)")


async def measure(sites: int, together: int, folder: Path, only: str | None) -> Steps:
    """All steps."""
    async with AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(open_rooms(Settings(data=folder)))
        await asyncio.to_thread(rooms.units.warm)
        steps = Steps()
        looking = asyncio.create_task(steps.sample())
        try:
            ids = await imported(rooms, steps, sites)
            if only != "devices":
                await printed(rooms, steps)
            if only != "sheets":
                await used(rooms, steps, ids, together, stack)
        finally:
            looking.cancel()
        steps.samples.append((steps.samples[-1][0] + SAMPLE_S, steps.reached.copy()))
    return steps


def drawn(steps: Steps, sites: int) -> str:
    """How many sites were how far, over time."""
    times = [at for at, _ in steps.samples]
    groups = (
        ("From the list to the sheet", ("imported", "sheets printed")),
        (
            "From the sheet to a tested post (simulated devices)",
            ("activated", "session", "WebSocket", "self-test"),
        ),
    )
    panels = [
        Panel(title, {name: [float(seen[name]) for _, seen in steps.samples] for name in names})
        for title, names in groups
    ]
    return chart(f"{sites} sites, from a spreadsheet to ready (simulated)", "s", times, panels)


def main() -> None:
    """Measures, prints, draws."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sites", type=int, default=9811)
    parser.add_argument("--together", type=int, default=60)
    parser.add_argument("--only", choices=("sheets", "devices"), help="one half alone")
    parser.add_argument("--plot", type=Path, help="write an SVG here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        steps = asyncio.run(measure(options.sites, options.together, Path(folder), options.only))
    if options.plot is not None:
        options.plot.write_text(drawn(steps, options.sites))
    seconds = round(sum(row["seconds"] for row in steps.rows), 1)
    print(f"{options.sites} sites in {seconds} s (simulated devices and figures)")
    print(json.dumps({"bench": "rollout", "seconds": seconds, "rows": steps.rows, "machine": machine()}))


if __name__ == "__main__":
    main()
