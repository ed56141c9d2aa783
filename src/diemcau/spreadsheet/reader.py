"""Reads a hostile file in a process of its own, so that neither a crash nor a bomb is this one's."""

import asyncio
import contextlib
import os
import sys
from typing import Final

import anyio
import anyio.to_thread
import orjson

from diemcau.spreadsheet.bounds import MAX_FILE, BadSheet, Table

PATIENCE_S: Final = 60.0
MAX_ANSWER: Final = 96 << 20


async def read(data: bytes, *, sheet: str | None = None, patience_s: float = PATIENCE_S) -> Table:
    """The file's sheet of this name (None: the first that holds anything).

    The caller bounds how many are read at once.

    Raises BadSheet; also when the reading process needs more memory or time than it is given.
    """
    if len(data) > MAX_FILE:
        raise BadSheet(f"At most {MAX_FILE} bytes", reason="too_large")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-m", "diemcau.spreadsheet",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={"LC_ALL": "C.UTF-8", "PATH": os.environ.get("PATH", "")},
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(patience_s):
            answer, _ = await asyncio.gather(_all(process), _feed(process, data, sheet))
            status = await process.wait()
    except TimeoutError:
        raise BadSheet("Reading it takes too long", reason="too_large") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if status or not answer:
        # Killed by its limits: what it was given is far more than any list of a country needs.
        raise BadSheet("Reading it needs more memory or time than is given", reason="too_large")
    return await anyio.to_thread.run_sync(_table, answer)


def _table(answer: bytes) -> Table:
    document = orjson.loads(answer)
    if "reason" in document:
        raise BadSheet(document["detail"], reason=document["reason"])
    # Thousands of cells hold the same words (provinces, titles): one string for each.
    known: dict[str, str] = {}
    rows = tuple(tuple(known.setdefault(cell, cell) for cell in row) for row in document["rows"])
    width = len(rows[0])
    return Table(tuple(document["sheets"]), document["sheet"], rows, tuple(document["numbers"]), width)


async def _feed(process: asyncio.subprocess.Process, data: bytes, sheet: str | None) -> None:
    assert process.stdin is not None
    # A child that was killed by its limits does not listen any more.
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):
        process.stdin.write(orjson.dumps({"sheet": sheet}) + b"\n" + data)
        await process.stdin.drain()
    process.stdin.close()


async def _all(process: asyncio.subprocess.Process) -> bytes:
    assert process.stdout is not None
    taken = bytearray()
    while chunk := await process.stdout.read(1 << 20):
        taken += chunk
        if len(taken) > MAX_ANSWER:
            process.kill()
            return b""
    return bytes(taken)
