"""Lookups that come together share a query."""

import asyncio
from collections.abc import Mapping

import pytest

from diemcau.errors import Busy, NotFound
from diemcau.store import Lookup


class Table:
    """Answers with the number of the query; waits at the gate."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.asked = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()
        self.error: Exception | None = None

    async def load(self, keys: list[str]) -> Mapping[str, int]:
        self.batches.append(keys)
        self.asked.set()
        number = len(self.batches)
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return {key: number for key in keys if key != "none"}


async def test_who_asks_together_shares_a_query() -> None:
    table = Table()
    lookup = Lookup(table.load, most=4)
    answers = await asyncio.gather(*(lookup.get(key) for key in ("a", "b", "none", "a", "c", "d")))
    assert answers == [1, 1, None, 1, 1, 2]
    assert table.batches == [["a", "b", "none", "c"], ["d"]]
    assert await lookup.get("a") == 3


async def test_who_asks_while_a_query_runs_is_answered_by_a_later_one() -> None:
    table = Table()
    lookup = Lookup(table.load)
    table.gate.clear()
    first = asyncio.create_task(lookup.get("a"))
    await table.asked.wait()
    second = asyncio.create_task(lookup.get("a"))
    await asyncio.sleep(0)
    table.gate.set()
    assert (await first, await second) == (1, 2)


async def test_a_crowd_that_trickles_in_shares_a_query() -> None:
    table = Table()
    lookup = Lookup(table.load, apart=0.5)
    assert await lookup.get("a") == 1
    asking = []
    for key in ("a", "b", "c"):
        asking.append(asyncio.create_task(lookup.get(key)))
        await asyncio.sleep(0)
    assert await asyncio.gather(*asking) == [2, 2, 2]


async def test_an_error_goes_to_all_who_asked_and_to_nobody_later() -> None:
    table = Table()
    lookup = Lookup(table.load)
    table.error = NotFound()
    results = await asyncio.gather(lookup.get("a"), lookup.get("b"), return_exceptions=True)
    assert all(isinstance(result, NotFound) for result in results)
    table.error = None
    assert await lookup.get("a") == 2


async def test_who_gives_up_spoils_nothing_for_others() -> None:
    table = Table()
    lookup = Lookup(table.load)
    table.gate.clear()
    gone, stays = (asyncio.create_task(lookup.get("a")) for _ in range(2))
    await table.asked.wait()
    gone.cancel()
    await asyncio.sleep(0)
    table.gate.set()
    assert await stays == 1


async def test_the_waiting_are_bounded() -> None:
    table = Table()
    lookup = Lookup(table.load, waiting=2)
    results = await asyncio.gather(*(lookup.get(key) for key in "abc"), return_exceptions=True)
    assert [isinstance(result, Busy) for result in results] == [False, False, True]
    with pytest.raises(Busy):
        await asyncio.gather(*(lookup.get(key) for key in "defg"))
