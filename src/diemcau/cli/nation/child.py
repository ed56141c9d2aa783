"""Child processes of a demo or load run: they end when it does, however it ends."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

STOP_S = 5.0
"""Seconds a child process has after SIGTERM."""

MAX_LINE = 4 << 20
"""Bytes of one line that a child answers: a report."""


@asynccontextmanager
async def child(*arguments: str, answers: bool) -> AsyncIterator[asyncio.subprocess.Process]:
    """A child process that ends with the block. One that `answers` is read by the caller; others print to our
    standard error.

    Its standard input closes when we die, however we do.
    """
    process = await asyncio.create_subprocess_exec(
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE if answers else sys.stderr,
        limit=MAX_LINE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            try:
                await asyncio.wait_for(process.wait(), STOP_S)
            except TimeoutError:
                process.kill()
                await process.wait()


async def run_child(*arguments: str) -> None:
    """Runs a child to its end. Raises OSError when it fails."""
    async with child(*arguments, answers=False) as process:
        if await process.wait() != 0:
            raise OSError(f"{Path(arguments[0]).name} ended with status {process.returncode}")
