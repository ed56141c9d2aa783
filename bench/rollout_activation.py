"""A nation is issued its sheets and activates: time by step.

    .venv/bin/python bench/rollout_activation.py [--sites 9811] [--together 100] [--only sheets|devices]

Sites are made over SQLite in a temporary folder; sheets are printed as the server prints them; devices have
real keys of P-256, come by HTTP on loopback (challenge, activation, then challenge and session again, as a
page that is opened later), and open a WebSocket with the proof of their key. The devices run in this same
process: the figures are of both sides.
"""

import argparse
import asyncio
import json
import resource
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
from websockets.asyncio.client import connect

from diemcau.access import SYSTEM
from diemcau.api import ApiOptions
from diemcau.app import make_api, open_rooms
from diemcau.config import Settings
from diemcau.media.fake import FakeNode
from diemcau.rollout.sheets.jobs import Wanted
from diemcau.sites import NewSite
from tests.api.world import listening
from tests.device import Device


class Steps:
    """Time by step, on both clocks."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self._start()

    def _start(self) -> None:
        self._wall, self._cpu = time.perf_counter(), time.process_time()
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        self._children = children.ru_utime + children.ru_stime

    def done(self, name: str, count: int) -> None:
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
        self._start()


async def measure(sites: int, together: int, folder: Path, only: str | None) -> list[dict[str, Any]]:
    """All steps."""
    steps = Steps()
    async with AsyncExitStack() as stack:
        rooms = await stack.enter_async_context(open_rooms(Settings(data=folder)))
        units = list(rooms.units)
        new = [NewSite(units[n % len(units)].code, f"Điểm cầu {n}", id=f"s_{n}") for n in range(sites)]
        await rooms.sites.create(SYSTEM, new)
        steps.done("sites made", sites)

        if only != "devices":
            job = await rooms.sheets.begin(SYSTEM, Wanted("https://cau.example", "VN"))
            assert job.task is not None
            await job.task
            assert job.state == "ready", job
            steps.done("sheets printed, codes issued", job.total)
            steps.rows[-1]["bytes"] = job.size
        if only == "sheets":
            return steps.rows
        issued = await rooms.sites.issue_codes(SYSTEM, [site.id or "" for site in new])
        steps.done("codes issued again", sites)

        node = FakeNode()
        app = await make_api(rooms, node, ApiOptions("0-bench"), stack)
        node.start()
        await stack.enter_async_context(app.router.lifespan_context(app))
        url = await stack.enter_async_context(listening(app))
        devices = [Device() for _ in issued]
        steps.done("keys made (devices)", sites)
        limits = httpx2.Limits(max_connections=together, max_keepalive_connections=together)
        client = await stack.enter_async_context(httpx2.AsyncClient(base_url=url, timeout=60, limits=limits))
        gate = asyncio.Semaphore(together)
        cookies: list[str] = [""] * sites

        async def post(path: str, body: dict[str, Any], **headers: str) -> httpx2.Response:
            while True:
                answer = await client.post(path, json=body, headers=headers)
                client.cookies.clear()
                if answer.status_code != 429:
                    answer.raise_for_status()
                    return answer
                await asyncio.sleep(float(answer.headers["Retry-After"]))

        async def nonce(purpose: str) -> str:
            answer = await post("/api/v1/device/challenge", {"purpose": purpose})
            return str(answer.json()["nonce"])

        async def activate(n: int) -> None:
            async with gate:
                body = devices[n].activation(issued[n].code, url, await nonce("activate"))
                answer = await post("/api/v1/activation", body)
                devices[n].name, cookies[n] = answer.json()["device"], answer.cookies["dc_device"]

        async def session(n: int) -> None:
            async with gate:
                body = devices[n].session(url, await nonce("session"))
                answer = await post("/api/v1/device/session", body, Cookie=f"dc_device={cookies[n]}")
                assert answer.json()["conflict"] is False
                cookies[n] = answer.cookies["dc_device"]

        async def socket(n: int) -> None:
            async with gate:
                address = url.replace("http", "ws", 1) + "/api/v1/ws"
                headers = {"Cookie": f"dc_device={cookies[n]}"}
                async with connect(address, additional_headers=headers, compression=None) as raw:
                    challenge = json.loads(await raw.recv())["nonce"]
                    proof = devices[n].sign("socket", url, challenge, devices[n].name)
                    hello = {"op": "hello", "proto": 1, "page": "site", "tab": "t", "proof": proof}
                    await raw.send(json.dumps(hello))
                    while json.loads(await raw.recv())["op"] != "welcome":
                        pass

        rooms.access._attempts._rate = 1e6  # type: ignore[attr-defined]  # all come from one address here
        for name, work in (
            ("activated (challenge, activation)", activate),
            ("sessions (challenge, session)", session),
            ("WebSockets welcomed (proof in hello)", socket),
        ):
            await asyncio.gather(*(work(n) for n in range(sites)))
            steps.done(name, sites)
    return steps.rows


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sites", type=int, default=9811)
    parser.add_argument("--together", type=int, default=100)
    parser.add_argument("--only", choices=("sheets", "devices"), help="one half alone")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        rows = asyncio.run(measure(options.sites, options.together, Path(folder), options.only))
    for row in rows:
        print(json.dumps(row, ensure_ascii=False))


if __name__ == "__main__":
    main()
