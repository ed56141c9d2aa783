from collections.abc import AsyncIterator

import pytest

from diemcau.access import SYSTEM, Access
from diemcau.bus import EVENTS, LocalBus
from diemcau.clock import ManualClock
from diemcau.ids import counted_ids
from diemcau.meetings import Meetings
from diemcau.sites import Sites
from diemcau.store import Event, Store
from diemcau.units import Units
from tests.meetings.world import NEW_SITES


@pytest.fixture
def bus() -> LocalBus:
    return LocalBus()


@pytest.fixture
async def store(database: str, clock: ManualClock, bus: LocalBus):  # type: ignore[no-untyped-def]
    def publish(event: Event) -> None:
        bus.publish(f"{EVENTS}{event.stream}", event.to_json())

    store = await Store.open(database, clock=clock, publish=publish)
    yield store
    await store.aclose()


@pytest.fixture
async def meetings(
    store: Store, bus: LocalBus, units: Units, access: Access, sites: Sites, clock: ManualClock
) -> AsyncIterator[Meetings]:
    """Meetings over the seven sites of `world.py`."""
    await sites.create(SYSTEM, NEW_SITES)
    made = Meetings(store, bus, units, access, sites, clock, make_id=counted_ids())
    yield made
    await made.aclose()
