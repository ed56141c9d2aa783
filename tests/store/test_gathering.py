"""Many who each store a little share a write."""

import asyncio

import pytest

from diemcau.errors import Busy, StorageUnavailable
from diemcau.store import Gathering


class Disk:
    """Keeps what was written; waits at the gate."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def write(self, items: list[int]) -> None:
        self.asked.set()
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        self.batches.append(items)


async def test_who_stores_together_shares_a_write_in_order() -> None:
    disk = Disk()
    gathering = Gathering(disk.write, pause=0)
    await asyncio.gather(*(gathering.put([number, -number]) for number in range(100)))
    assert disk.batches == [[item for number in range(100) for item in (number, -number)]]
    assert gathering.writes == 1


async def test_who_comes_while_a_write_runs_waits_for_the_next() -> None:
    disk = Disk()
    gathering = Gathering(disk.write, pause=0)
    disk.gate.clear()
    first = asyncio.create_task(gathering.put([1]))
    await disk.asked.wait()
    second = asyncio.create_task(gathering.put([2]))
    await asyncio.sleep(0)
    assert not first.done()
    disk.gate.set()
    await asyncio.gather(first, second)
    assert disk.batches == [[1], [2]]


async def test_a_write_has_a_limit_and_the_items_of_one_call_stay_together() -> None:
    disk = Disk()
    gathering = Gathering(disk.write, pause=0, most=4)
    await asyncio.gather(*(gathering.put(items) for items in ([1, 2, 3], [4, 5], [6, 7], [8] * 6)))
    assert disk.batches == [[1, 2, 3], [4, 5, 6, 7], [8] * 6]


async def test_a_full_queue_refuses_and_takes_again_when_it_is_emptied() -> None:
    disk = Disk()
    gathering = Gathering(disk.write, pause=0, waiting=3)
    full = asyncio.create_task(gathering.put([1, 2, 3]))
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await gathering.put([4])
    await full
    await gathering.put([5])
    assert disk.batches == [[1, 2, 3], [5]]


async def test_a_failure_is_told_to_all_of_its_write_and_to_nobody_later() -> None:
    disk = Disk()
    gathering = Gathering(disk.write, pause=0)
    disk.error = StorageUnavailable()
    results = await asyncio.gather(gathering.put([1]), gathering.put([2]), return_exceptions=True)
    assert [type(result) for result in results] == [StorageUnavailable, StorageUnavailable]
    disk.error = None
    await gathering.put([3])
    assert disk.batches == [[3]]


async def test_who_goes_away_does_not_take_back_what_he_brought() -> None:
    disk = Disk()
    gathering = Gathering(disk.write, pause=0)
    gone = asyncio.create_task(gathering.put([1]))
    await asyncio.sleep(0)
    gone.cancel()
    await gathering.put([2])
    assert disk.batches == [[1, 2]]


async def test_at_the_end_nobody_is_left_waiting() -> None:
    disk = Disk()
    disk.gate.clear()
    gathering = Gathering(disk.write, pause=0)
    writing = asyncio.create_task(gathering.put([1]))
    await disk.asked.wait()
    waiting = asyncio.create_task(gathering.put([2]))
    await asyncio.sleep(0)
    await gathering.aclose()
    for task in (writing, waiting):
        with pytest.raises(StorageUnavailable):
            await task
