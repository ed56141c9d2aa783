"""Worker processes that print sheets in batches, side by side, and end when their caller does."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import orjson

from diemcau.errors import DiemCauError
from diemcau.rollout.sheets.render import Sheet

BATCH: Final = 50
"""Sheets a document part: about a second of work, the step of the progress."""

LINE: Final = 1 << 20
"""Bytes of a worker's answer, at most."""


class PrintFailed(DiemCauError):
    """The sheets could not be made. Nothing was issued."""

    code = "print_failed"
    status = 500
    default = "The sheets could not be made; no code was issued."


async def print_sheets(
    sheets: Sequence[Sheet], out: Path, done: Callable[[int], None], *, workers: int | None = None
) -> int:
    """Makes one document of all sheets in their order; answers its bytes. `done` hears how many pages are
    made. Cancelled, it kills its workers and leaves no file.

    Raises PrintFailed.
    """
    batches = [sheets[start : start + BATCH] for start in range(0, len(sheets), BATCH)]
    parts = [out.with_name(f"{out.stem}.{n}.part") for n in range(len(batches))]
    count = min(workers or max(1, min(4, os.cpu_count() or 1)), len(batches))
    todo = iter(list(zip(batches, parts, strict=True)))
    made = 0

    async def work(worker: asyncio.subprocess.Process) -> None:
        nonlocal made
        for batch, part in todo:
            await _ask(worker, {"out": str(part), "sheets": [asdict(sheet) for sheet in batch]})
            made += len(batch)
            done(made)

    running: list[asyncio.subprocess.Process] = []
    finished = False
    try:
        for _ in range(count):
            running.append(await _start())  # noqa: PERF401 - each is to be ended, the next may fail
        async with asyncio.TaskGroup() as group:
            for worker in running:
                group.create_task(work(worker))
        size = await _ask(running[0], {"out": str(out), "merge": [str(part) for part in parts]})
        finished = True
        return size
    except* PrintFailed as failures:
        raise PrintFailed(str(failures.exceptions[0])) from None
    finally:
        for worker in running:
            if worker.returncode is None:
                worker.kill()
        await asyncio.gather(*(worker.wait() for worker in running))
        for path in parts if finished else [*parts, out]:
            path.unlink(missing_ok=True)


async def _start() -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "diemcau.rollout.sheets.worker",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=LINE,
        start_new_session=True,  # Ctrl-C is the command's own to answer
    )


async def _ask(worker: asyncio.subprocess.Process, order: dict[str, Any]) -> int:
    if worker.stdin is None or worker.stdout is None:
        raise PrintFailed
    try:
        worker.stdin.write(orjson.dumps(order) + b"\n")
        await worker.stdin.drain()
        line = await worker.stdout.readline()
        answer = orjson.loads(line) if line else {"error": "the worker has ended"}
    except (OSError, ValueError) as error:
        answer = {"error": str(error)}
    if "error" in answer:
        raise PrintFailed(f"The sheets could not be made: {answer['error']}")
    return int(answer["bytes"])
