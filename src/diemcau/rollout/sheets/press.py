"""Prints sheets in batches, side by side, in processes that end when their caller does."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from diemcau.press.workers import press
from diemcau.rollout.sheets.render import Sheet

BATCH: Final = 50
"""Sheets a document part: about a second of work, the step of the progress."""


async def print_sheets(
    sheets: Sequence[Sheet], out: Path, done: Callable[[int], None], *, workers: int | None = None
) -> int:
    """Makes one document of all sheets in their order; answers its bytes. `done` hears how many pages are
    made. Cancelled, it leaves no file.

    Raises PrintFailed: nothing was issued.
    """
    batches = [sheets[start : start + BATCH] for start in range(0, len(sheets), BATCH)]
    parts = [[asdict(sheet) for sheet in batch] for batch in batches]
    return await press(
        "diemcau.rollout.sheets.render",
        parts,
        out,
        lambda made: done(min(made * BATCH, len(sheets))),
        workers=workers,
    )
