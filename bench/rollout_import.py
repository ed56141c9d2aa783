"""An import of 10,000 rows, step by step: a list as an administration writes it, of names and of codes.

`names`: province, district and commune by name, two people a site in every tenth, phones in several forms.
`codes`: codes that a program took for numbers. Target: 20 s from the file to the last site.
"""

import asyncio
import io
import json
import random
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from openpyxl import Workbook

from bench.machine import machine
from diemcau.access import SYSTEM, Access
from diemcau.clock import SystemClock
from diemcau.rollout import Job, Rollout
from diemcau.sites import Sites
from diemcau.spreadsheet import read
from diemcau.store import Store
from diemcau.units import SEPTEMBER_2021, Level, Units

TARGET_S: Final = 20.0
ROWS: Final = 10_000
SEED: Final = 20210905


def listed(units: Units, kind: str, *, phones: int = 0) -> bytes:
    """An .xlsx with title rows and `ROWS` rows of communes. `phones`: another number gives other phones."""
    chance = random.Random(SEED)
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    sheet.append(["DANH SÁCH ĐIỂM CẦU"])
    sheet.append([])
    names = ("STT", "Tỉnh/TP", "Quận/Huyện", "Xã/Phường", "Số điện thoại", "Họ và tên", "Chức vụ")
    sheet.append(names if kind == "names" else ("STT", "Mã xã", "Số điện thoại", "Họ và tên", "Chức vụ"))
    communes = [unit for unit in units if unit.level is Level.COMMUNE]
    rows = [*communes[: ROWS - ROWS // 10], *communes[: ROWS // 10]]
    for number, unit in enumerate(sorted(rows, key=lambda one: one.code), start=1):
        # One phone a site, written otherwise in its second row.
        tail = (int(unit.code) * 7919 + phones) % 10_000_000
        phone: Any = f"091{tail:07}" if chance.random() < 0.5 else f"+84 91{tail:07}"
        person = (phone, f"Nguyễn Văn {number}", "Chủ tịch UBND")
        above = units.ancestors(unit.code)
        place = (above[1].title, above[0].title, unit.title) if kind == "names" else (int(unit.code),)
        sheet.append([number, *place, *person])
    made = io.BytesIO()
    workbook.save(made)
    return made.getvalue()


async def steps(folder: Path, units: Units, kind: str) -> dict[str, float]:
    """Seconds of every step."""
    clock = SystemClock()
    seconds: dict[str, float] = {}
    started = time.perf_counter()

    def took(step: str) -> None:
        nonlocal started
        now = time.perf_counter()
        seconds[step] = round(now - started, 2)
        started = now

    data, other = listed(units, kind), listed(units, kind, phones=1)
    async with Store.opened(f"sqlite:///{folder}/{kind}.db", clock=clock) as store:
        access = Access(store, units, clock, bytes(32))
        sites = Sites(store, units, access, clock)
        rollout = Rollout(units, access, sites, clock)
        slowest = await _beating(_imported(rollout, data, took), took)
        seconds["loop stood still, at most"] = round(slowest, 3)
        assert await sites.count() == ROWS - ROWS // 10
        for again, step in ((data, "the same list again"), (other, "all phones changed")):
            started = time.perf_counter()
            job = await _whole(rollout, again)
            took(step)
            assert job.counts.created == 0
            assert job.counts.changed == (0 if again is data else ROWS - ROWS // 10)
        await rollout.export(SYSTEM, "xlsx")
        took("export .xlsx")
        await rollout.aclose()
    return seconds


async def _imported(rollout: Rollout, data: bytes, took: Any) -> None:
    took("making the list")
    await read(data)
    took("read in a process of its own")
    job = await rollout.open(SYSTEM, "list.xlsx", data)
    took("taken in (read once more)")
    await rollout.settled(SYSTEM, job.id)
    took("looked through")
    assert not job.asking and not job.rejections, (len(job.asking), len(job.rejections))
    rollout.run(SYSTEM, job.id)
    await rollout.settled(SYSTEM, job.id)
    took("run")
    assert job.counts.created == ROWS - ROWS // 10


async def _whole(rollout: Rollout, data: bytes) -> Job:
    job = await rollout.open(SYSTEM, "list.xlsx", data)
    await rollout.settled(SYSTEM, job.id)
    rollout.run(SYSTEM, job.id)
    return await rollout.settled(SYSTEM, job.id)


async def _beating(work: Any, took: Any) -> float:
    """Does the work; answers how long at most nothing else could be done meanwhile."""
    task = asyncio.ensure_future(work)
    slowest, last = 0.0, time.perf_counter()
    while not task.done():
        await asyncio.sleep(0.005)
        now = time.perf_counter()
        slowest, last = max(slowest, now - last - 0.005), now
    await task
    return slowest


def main() -> None:
    """Prints a table and one JSON line."""
    units = Units.load(SEPTEMBER_2021)
    units.warm()
    measured = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("names", "codes"):
            measured[kind] = asyncio.run(steps(Path(folder), units, kind))
    for kind, seconds in measured.items():
        total = sum(seconds[step] for step in ("taken in (read once more)", "looked through", "run"))
        print(f"\n{kind}: {total:.1f} s from the file to the last site (target {TARGET_S:.0f} s)")
        for step, value in seconds.items():
            print(f"  {step:32} {value:8.2f} s")
    print(json.dumps({"bench": "rollout_import", "rows": ROWS, **measured, "machine": machine()}))


if __name__ == "__main__":
    main()
