"""When Python looks for garbage, in a process that holds ten thousand connections and has bursts.

Nearly everything that the server lets go of is freed at once, for nothing in a connection holds itself. What
a look finds besides is little, and it costs a microsecond or more for each object that is alive: while a
crowd comes in, or answers a message, all of them are, and looking was a fifth of the work.
"""

import asyncio
import gc
from typing import Final

YOUNG: Final = 50_000
"""Allocations, less what was freed, between two looks at what was made since the last one."""

NEVER: Final = 1 << 30
"""Older objects are looked at by `keep` only."""

PAUSE_S: Final = 30.0
"""Seconds between two looks at what has outlived one."""

LATE_S: Final = 0.02
"""A loop that comes so late has other things to do."""

FEW: Final = 2
"""Looks at young objects since the last one at older ones, up to which that one is short (0.1 s)."""


def begin() -> None:
    """What is loaded by now stays."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, NEVER, NEVER)


def look() -> None:
    """Frees what is garbage of the objects that have outlived a look. A crowd that has come in is no garbage:
    it is let be, unseen."""
    if gc.get_count()[1] > FEW:
        gc.freeze()
    else:
        gc.collect(1)


async def keep() -> None:
    """Looks now and then, when there is time."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + PAUSE_S
        await asyncio.sleep(PAUSE_S)
        if loop.time() - due < LATE_S:
            look()
