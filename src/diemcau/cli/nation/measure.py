"""A load run: simulated sites against the server of this process, watched from both sides."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from diemcau.app import Running
from diemcau.cli.nation.child import child
from diemcau.cli.nation.life import command
from diemcau.cli.nation.meter import Meter, Sample, row, spent
from diemcau.cli.nation.seed import Nation
from diemcau.processes import prefer

CLIENTS_NICE = -2
"""Niceness of the simulated sites: before control, behind the node."""


@dataclass(frozen=True)
class Measure:
    """What a load run does beside letting sites join.

    `duration`: seconds after everyone has joined; `rate`: joins a second; `cut_every`: seconds; `broadcast`:
    whether a message to all, which every site acknowledges and answers, is sent in the middle; `clips`:
    further options of `diemcau.clips make`; `options`: of `diemcau-load sites`; `sample_every`: seconds
    between two samples of memory and descriptors after everyone has joined, 0 for none.
    """

    duration: float
    rate: float
    cut_every: float
    broadcast: bool = False
    clips: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    sample_every: float = 0.0


async def measured(
    server: Running, nation: Nation, measure: Measure, arguments: Sequence[str]
) -> dict[str, Any]:
    """Runs the simulated sites to their end; answers their report with `parts`: what each process used while
    they joined and afterwards. Raises OSError when they fail."""
    async with child(*arguments, answers=True) as process:
        # They stand for ten thousand other machines: control must not get its speed by slowing them.
        prefer(process.pid, CLIENTS_NICE)
        meter = Meter({"control": _own, "node": lambda: server.node_pid(), "clients": lambda: process.pid})
        began, joined = meter.sample(), None
        report: dict[str, Any] = {}
        assert process.stdout is not None
        acts: list[asyncio.Task[None]] = []
        samples: list[dict[str, Any]] = []
        last = began
        while line := await process.stdout.readline():
            said = orjson.loads(line)
            if said.get("event") == "joined":
                joined = meter.sample()
                if measure.broadcast:
                    acts.append(asyncio.create_task(_broadcast(server, nation, measure.duration / 3)))
                if measure.sample_every > 0:
                    acts.append(asyncio.create_task(_sample(meter, joined, measure.sample_every, samples)))
            elif said.get("event") == "ending":
                last = meter.sample()
            else:
                report = said
        for act in acts:
            act.cancel()
        await asyncio.gather(*acts, return_exceptions=True)
        if await process.wait() != 0 or not report:
            raise OSError(f"the simulated sites ended with status {process.returncode}")
    sampled = {"samples": samples} if samples else {}
    return report | {"parts": _parts(began, joined, last, report)} | sampled


async def _sample(meter: Meter, began: Sample, every: float, samples: list[dict[str, Any]]) -> None:
    while True:
        samples.append(row(began, meter.sample()))
        await asyncio.sleep(every)


def _parts(began: Sample, joined: Sample | None, last: Sample, report: dict[str, Any]) -> dict[str, Any]:
    if joined is None:
        return {"join": spent(began, last)}
    joining = spent(began, joined)
    sites = max(1, int(report.get("more", {}).get("sites", 1)))
    server = ("control", "node")
    joining["server_cpu_ms_a_join"] = {
        name: round(joining["cpu_s"].get(name, 0.0) * 1000 / sites, 3) for name in server
    }
    memory = {
        name: round((last.rss.get(name, 0) - began.rss.get(name, 0)) / sites / 1e3, 1) for name in server
    }
    return {"join": joining, "run": spent(joined, last), "kb_a_site": memory}


async def _broadcast(server: Running, nation: Nation, after: float) -> None:
    """A message to all that asks for an answer, some way into the run."""
    director = nation.people[0]
    access = server.rooms.access
    session = await access.log_in(director.username, director.password, address="load")
    actor = await access.person_of_session(session.token)
    await asyncio.sleep(after)
    text = "Yêu cầu các điểm cầu xác nhận có mặt."
    await command(server.rooms.meetings, actor, "message.post", nation.meeting, text=text, to="all", ask=True)


def _own() -> int:
    import os

    return os.getpid()
