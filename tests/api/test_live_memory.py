"""What a client leaves behind."""

import asyncio
import gc
import weakref

from .world import NORTH, World


async def test_a_client_that_has_gone_leaves_nothing_for_the_collector(world: World) -> None:
    """Thousands come and go, and whole collections are rare by intention: what ends must go by itself."""
    await world.person()
    meeting = await world.meeting()
    credential = await world.device(NORTH)
    hub = world.app.state.hub
    gc.collect()
    gc.disable()
    try:
        async with world.socket(credential) as site:
            await site.command("meeting.join", meeting)
            await site.subscribe(meeting)
            [connection] = hub.connections
            gone, ended = weakref.ref(connection), connection.ended
            del connection
        await asyncio.wait_for(ended.wait(), 10)
        for _ in range(100):
            if gone() is None:
                break
            await asyncio.sleep(0)
        assert gone() is None, [(type(held), str(held)[:300]) for held in gc.get_referrers(gone())]
    finally:
        gc.enable()
