"""What the demo meeting does by itself. Hands are the simulated sites', the floor is the operator's."""

import asyncio
import contextlib
import uuid

from diemcau.access import SYSTEM, Actor
from diemcau.bus import EPHEMERAL, Bus
from diemcau.errors import DiemCauError
from diemcau.meetings import Meetings, parse


async def command(meetings: Meetings, actor: Actor, kind: str, meeting: str, **arguments: object) -> None:
    """One command, with an id of its own."""
    message = {"id": uuid.uuid4().hex, "type": kind, "meeting": meeting, **arguments}
    await meetings.execute(actor, parse(message))  # type: ignore[arg-type]  # JSON by construction


async def show_centre(meetings: Meetings, bus: Bus, meeting: str, centre: str) -> None:
    """Puts the centre on the stage and opens its microphone as soon as it is there."""
    with bus.subscribe(f"{EPHEMERAL}meeting:{meeting}", limit=10_000) as presence:
        if centre not in meetings.joined(meeting):
            async for _ in presence:
                if centre in meetings.joined(meeting):
                    break
    with contextlib.suppress(DiemCauError):  # an operator was quicker
        await command(meetings, SYSTEM, "stage.cut", meeting, slots=[centre])
    with contextlib.suppress(DiemCauError):
        await command(meetings, Actor("site", centre), "mic.set", meeting, on=True)


async def cut_about(meetings: Meetings, meeting: str, centre: str, every: float) -> None:
    """Cuts from site to site, every so many seconds, as a director in a hurry would; for load runs."""
    turn = 0
    while True:
        await asyncio.sleep(every)
        here = sorted(meetings.joined(meeting) - {centre})
        if here:
            turn += 1
            with contextlib.suppress(DiemCauError):  # it left between the look and the cut
                await command(meetings, SYSTEM, "stage.cut", meeting, slots=[here[turn % len(here)]])
