"""63 operators say of a nation's sites who is there, all at once: time for all, and what each waits.

    python -m bench.rollcall [--sites 9812] [--each 1]

The server runs over SQLite in a temporary folder without pictures; every operator has a WebSocket, follows
the roll call, and sends his sites' entries one behind the other, `--each` a command. Clients and server share
this process and machine: the figures are of both.
"""

import argparse
import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2

from bench.machine import machine
from diemcau.access import SYSTEM, Grant, Role
from diemcau.sites import NewSite
from tests.api.world import PASSWORD, Socket, World, world


@asynccontextmanager
async def at_his_desk(at: World, username: str, number: int) -> AsyncIterator[Socket]:
    """An operator's WebSocket. Each logs in from an address of his own, as provinces do: from one, the server
    would have them take turns for minutes."""
    own = httpx2.AsyncHTTPTransport(local_address=f"127.64.1.{number}")
    async with at.client(transport=own) as client:
        answer = await client.post("/api/v1/session", json={"username": username, "password": PASSWORD})
        answer.raise_for_status()
        cookie = f"dc_session={client.cookies['dc_session']}"
        async with at.socket(page="desk", headers={"Cookie": cookie}) as opened:
            yield opened


async def measure(sites: int, each: int, folder: Path) -> dict[str, Any]:
    """One roll call."""
    async with world(folder) as at, AsyncExitStack() as stack:
        provinces = list(at.rooms.units.children("VN"))
        chosen: dict[str, list[str]] = {unit.code: [] for unit in provinces}
        new: list[NewSite] = []
        for unit in at.rooms.units:
            line = (unit.code, *(one.code for one in at.rooms.units.ancestors(unit.code)))
            if len(new) < sites and len(line) > 1:
                new.append(NewSite(unit.code, f"Điểm cầu {unit.label}", id=f"s_{unit.code}"))
                chosen[line[-2]].append(f"s_{unit.code}")
        await at.rooms.sites.create(SYSTEM, new)
        await at.person("secretary", "VN")
        for unit in provinces:
            await at.rooms.access.add_person(
                SYSTEM, username=f"tinh{unit.code}", password=PASSWORD, name=unit.label, title=None,
                grants=[Grant(Role.DUTY_OFFICER, unit.code)],
            )  # fmt: skip
        print(f"{len(new)} sites, {len(provinces)} operators", file=sys.stderr, flush=True)
        meeting = await at.meeting()
        centre = await stack.enter_async_context(at.desk())
        desks = {
            unit.code: await stack.enter_async_context(at_his_desk(at, f"tinh{unit.code}", number))
            for number, unit in enumerate(provinces, start=1)
        }
        for one in (centre, *desks.values()):
            await one.subscribe(meeting, **{"with": ["rollcall"]})
        opened = await centre.command("rollcall.open", meeting)
        call = opened["stream"].removeprefix("rollcall:")
        of = len(new) + 3
        acks: list[float] = []

        async def work(desk: Socket, own: list[str]) -> None:
            for start in range(0, len(own), each):
                entries = [
                    {"site": site, "version": 0, "says": "present"} for site in own[start : start + each]
                ]
                while True:
                    begun = time.perf_counter()
                    answer = await desk.command("rollcall.edit", meeting, call=call, entries=entries)
                    if answer["op"] == "ack":
                        break
                    assert answer["problem"]["code"] == "too_many_requests", answer
                    await asyncio.sleep(0.1)  # an operator may send ten commands a second
                acks.append(time.perf_counter() - begun)
                desk.passed.clear()

        shown: list[float] = []
        last = 0.0

        async def watch() -> None:
            while True:
                frame = await centre.next("eph", "beat", when=lambda f: f.get("topic") in (None, "rollcall"))
                centre.passed.clear()
                if frame["op"] == "beat":
                    await centre.send({"op": "pong"})
                    continue
                shown.append(time.perf_counter())
                # Before the roll call is open there is one frame without totals.
                done = sum(total["present"] for total in frame["data"].get("totals", ()))
                print(f"\r{done}/{len(new)} entries at the centre", end="", file=sys.stderr, flush=True)
                if done >= len({site.unit for site in new}):
                    return

        watching = asyncio.create_task(watch())
        begun = time.perf_counter()
        await asyncio.gather(*(work(desks[code], own) for code, own in chosen.items()))
        last = time.perf_counter()
        async with asyncio.timeout(60):
            await watching
        pauses = sorted(b - a for a, b in itertools.pairwise(shown))
        acks.sort()
        return {
            "sites": of - 3,
            "operators": len(provinces),
            "entries_a_command": each,
            "commands": len(acks),
            "seconds": round(last - begun, 2),
            "ack_p50_ms": round(acks[len(acks) // 2] * 1000, 1),
            "ack_p99_ms": round(acks[len(acks) * 99 // 100] * 1000, 1),
            "frames_at_the_centre": len(shown),
            "pause_of_frames_p99_ms": round(pauses[len(pauses) * 99 // 100] * 1000, 1) if pauses else None,
            "last_edit_shown_after_ms": round((shown[-1] - last) * 1000, 1),
        }


def main() -> None:
    """Prints a table and one JSON line."""
    options = argparse.ArgumentParser()
    options.add_argument("--sites", type=int, default=9812)
    options.add_argument("--each", type=int, default=1)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(given.sites, given.each, Path(folder)))
    for name, value in figures.items():
        print(f"{name:28} {value}")
    print(json.dumps({"bench": "rollcall", **figures, "machine": machine()}))


if __name__ == "__main__":
    main()
