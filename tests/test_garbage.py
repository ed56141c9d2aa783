"""When Python looks for garbage."""

import asyncio
import gc
import weakref
from collections.abc import Iterator

import pytest

from diemcau import garbage


class Knot:
    """Holds itself."""

    def __init__(self) -> None:
        self.me = self


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    gc.collect()
    gc.set_threshold(garbage.YOUNG, garbage.NEVER, garbage.NEVER)
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    gc.collect()


def outlived(looks: int) -> "weakref.ref[Knot]":
    """Garbage that was none at so many looks."""
    knot = Knot()
    for _ in range(looks):
        gc.collect(0)
    return weakref.ref(knot)


def test_what_has_outlived_a_look_is_freed_by_the_next() -> None:
    gone = outlived(1)
    gc.collect(0)
    assert gone() is not None
    garbage.look()
    assert gone() is None


def test_a_crowd_is_not_looked_at() -> None:
    before = gc.get_freeze_count()
    crowd = outlived(garbage.FEW + 1)
    garbage.look()
    assert crowd() is not None
    assert gc.get_freeze_count() > before
    # And what comes after it is.
    gone = outlived(1)
    garbage.look()
    assert gone() is None


async def test_a_loop_that_has_time_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    looked = asyncio.Event()
    monkeypatch.setattr(garbage, "PAUSE_S", 0.001)
    monkeypatch.setattr(garbage, "look", looked.set)
    async with asyncio.timeout(10):
        task = asyncio.create_task(garbage.keep())
        await looked.wait()
        task.cancel()
