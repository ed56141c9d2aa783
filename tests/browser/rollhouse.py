"""A server with pages but without pictures, in a thread of this process: for pages that show none."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from diemcau.access import SYSTEM, Grant, Role, site_actor
from diemcau.api import ApiOptions
from diemcau.app import Rooms, make_api, open_rooms, web_folder
from diemcau.config import Settings
from diemcau.media.fake import FakeNode
from diemcau.meetings import NewMeeting, parse
from diemcau.meetings.rollcall import RollCalls
from diemcau.sites import NewSite, ScopeEntry
from diemcau.units import Units
from tests.api.world import PASSWORD, listening

T = TypeVar("T")
LEVELS = ("nation", "province", "district", "commune")


@dataclass
class RollHouse:
    """`url`, an open `meeting` of all sites, and `run` for work in the server's own loop."""

    url: str
    meeting: str
    rooms: Rooms
    roll_calls: RollCalls
    run: Callable[[Coroutine[Any, Any, Any]], Any]

    def join(self, sites: Iterable[str]) -> None:
        """They come into the meeting."""

        async def come() -> None:
            every = list(sites)
            for start in range(0, len(every), 500):
                # Together: one query asks for all of their invitations.
                await asyncio.gather(*(self._join(site) for site in every[start : start + 500]))

        self.run(come())

    async def _join(self, site: str) -> None:
        message = {"id": f"join-{site}", "type": "meeting.join", "meeting": self.meeting}
        await self.rooms.meetings.execute(site_actor(site), parse(message))


async def people(rooms: Rooms, wanted: Sequence[tuple[str, str, str, str]]) -> None:
    """Operators: user name, name, role, unit."""
    for username, name, role, unit in wanted:
        await rooms.access.add_person(
            SYSTEM,
            username=username,
            password=PASSWORD,
            name=name,
            title=None,
            grants=[Grant(Role(role), unit)],
        )


@contextmanager
def roll_house(
    folder: Path,
    sites: Callable[[Units], list[NewSite]],
    operators: Sequence[tuple[str, str, str, str]],
    title: str = "Họp Ban Chỉ đạo quốc gia",
) -> Iterator[RollHouse]:
    """Serves until the block ends."""
    loop = asyncio.new_event_loop()
    ready, stop = threading.Event(), asyncio.Event()
    made: list[RollHouse] = []
    failed: list[BaseException] = []

    def run(work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, loop).result(120)

    async def serve() -> None:
        async with AsyncExitStack() as stack:
            rooms = await stack.enter_async_context(open_rooms(Settings(data=folder)))
            node = FakeNode()
            app = await make_api(rooms, node, ApiOptions("0-test", web=web_folder()), stack)
            node.start()
            await rooms.sites.create(SYSTEM, sites(rooms.units))
            await people(rooms, operators)
            await stack.enter_async_context(app.router.lifespan_context(app))
            new = NewMeeting("roll-house-1", title, (ScopeEntry("VN", LEVELS),), "h264", None)
            meeting = (await rooms.meetings.create(SYSTEM, new)).id
            message = {"id": "roll-house-2", "type": "meeting.open", "meeting": meeting}
            await rooms.meetings.execute(SYSTEM, parse(message))
            url = await stack.enter_async_context(listening(app))
            made.append(RollHouse(url, meeting, rooms, app.state.services.roll_calls, run))
            ready.set()
            await stop.wait()

    def thread() -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(serve())
        except BaseException as error:
            failed.append(error)
        finally:
            ready.set()
            loop.close()

    worker = threading.Thread(target=thread, name="roll-house")
    worker.start()
    try:
        ready.wait(120)
        if failed:
            raise failed[0]
        yield made[0]
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(stop.set)
        worker.join(30)
        if failed and made:
            raise failed[0]
