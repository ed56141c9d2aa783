"""What the demo meeting does by itself. Hands are the simulated sites', the floor is the operator's."""

import asyncio
import contextlib
import uuid
from collections.abc import Mapping

from diemcau.access import SYSTEM, Actor
from diemcau.bus import EPHEMERAL, Bus, Message
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


async def cut_about(meetings: Meetings, bus: Bus, meeting: str, centre: str, every: float) -> None:
    """Cuts from site to site, every so many seconds, as a director does: the next one is put into the
    preview, and when its picture is there it goes on air; for load runs."""
    loop, turn = asyncio.get_running_loop(), 0
    while True:
        due = loop.time() + every
        here = sorted(meetings.joined(meeting) - {centre})
        if here:
            turn += 1
            chosen = here[turn % len(here)]
            # It left between the look and the command, or its picture did not come: the next one's turn.
            with contextlib.suppress(DiemCauError, TimeoutError):
                async with asyncio.timeout_at(due + every):
                    with bus.subscribe(f"{EPHEMERAL}meeting:{meeting}", limit=10_000) as told:
                        await command(meetings, SYSTEM, "stage.preview", meeting, slots=[chosen])
                        async for message in told:
                            if _live(message, chosen):
                                break
                    await asyncio.sleep(due - loop.time())
                    await command(meetings, SYSTEM, "stage.cut", meeting)
        await asyncio.sleep(due - loop.time())


def _live(message: Message, site: str) -> bool:
    data = message.body.get("data")
    live = data.get("live") if message.body.get("topic") == "stage" and isinstance(data, Mapping) else None
    return isinstance(live, list | tuple) and site in live
