"""Worker processes that print the parts of a document side by side, and end when their caller does."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from diemcau.errors import DiemCauError

LINE: Final = 1 << 20
"""Bytes of a worker's answer, at most."""


class PrintFailed(DiemCauError):
    """The document could not be made."""

    code = "print_failed"
    status = 500
    default = "The document could not be made."


async def press(
    module: str,
    parts: Sequence[Any],
    out: Path,
    done: Callable[[int], None] = lambda _: None,
    *,
    workers: int | None = None,
) -> int:
    """Makes one document of all parts in their order; answers its bytes.

    `module`: its `pdf` makes a part's pages of its data, in the workers. `done` hears how many are made.
    Cancelled, it kills its workers and leaves no file. Raises PrintFailed.
    """
    files = [out.with_name(f"{out.stem}.{n}.part") for n in range(len(parts))]
    count = min(workers or max(1, min(4, os.cpu_count() or 1)), len(parts))
    todo = iter(list(zip(parts, files, strict=True)))
    made = 0

    async def work(worker: asyncio.subprocess.Process) -> None:
        nonlocal made
        for part, file in todo:
            await _ask(worker, {"out": str(file), "data": part})
            made += 1
            done(made)

    running: list[asyncio.subprocess.Process] = []
    finished = False
    try:
        for _ in range(count):
            running.append(await _start(module))  # noqa: PERF401 - each is to be ended, the next may fail
        async with asyncio.TaskGroup() as group:
            for worker in running:
                group.create_task(work(worker))
        size = await _ask(running[0], {"out": str(out), "merge": [str(file) for file in files]})
        finished = True
        return size
    except* PrintFailed as failures:
        raise PrintFailed(str(failures.exceptions[0])) from None
    finally:
        for worker in running:
            if worker.returncode is None:
                worker.kill()
        await asyncio.gather(*(worker.wait() for worker in running))
        for path in files if finished else [*files, out]:
            path.unlink(missing_ok=True)


async def _start(module: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "diemcau.press.worker",
        module,
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
        raise PrintFailed(f"The document could not be made: {answer['error']}")
    return int(answer["bytes"])
