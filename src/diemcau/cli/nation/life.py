"""What goes on in the demo meeting by itself: somebody on the stage, a hand now and then."""

import asyncio
import contextlib
import random
import uuid
from collections.abc import Sequence

import structlog

from diemcau.access import SYSTEM, Actor, site_actor
from diemcau.bus import EPHEMERAL, Bus
from diemcau.errors import DiemCauError
from diemcau.meetings import Meetings, parse

log = structlog.get_logger(__name__)


async def command(meetings: Meetings, actor: Actor, kind: str, meeting: str, **arguments: object) -> None:
    """One command, with an id of its own."""
    message = {"id": uuid.uuid4().hex, "type": kind, "meeting": meeting, **arguments}
    await meetings.execute(actor, parse(message))  # type: ignore[arg-type]  # JSON by construction


async def live(
    meetings: Meetings,
    bus: Bus,
    meeting: str,
    centre: str,
    simulated: Sequence[str],
    *,
    seed: int,
    every: float,
) -> None:
    """Puts the centre on the stage as soon as it is there; then a simulated site asks for the floor every
    `every` seconds or so, and takes its hand down when nobody cares. Gives nobody the floor: that is the
    operator's."""
    chance = random.Random(seed)  # noqa: S311 - as the plan
    with bus.subscribe(f"{EPHEMERAL}meeting:{meeting}", limit=10_000) as presence:
        if centre not in meetings.joined(meeting):
            async for _ in presence:
                if centre in meetings.joined(meeting):
                    break
    with contextlib.suppress(DiemCauError):
        await command(meetings, SYSTEM, "stage.cut", meeting, slots=[centre])
    raised: list[str] = []
    while True:
        await asyncio.sleep(every * chance.uniform(0.5, 1.5))
        state = await meetings.state(meeting)
        if state.status != "open":
            return
        here = sorted(site for site in simulated[1:] if site in meetings.joined(meeting))
        asleep = [site for site in here if site not in state.hands and site not in state.speakers]
        raised = [site for site in raised if site in state.hands]
        with contextlib.suppress(DiemCauError):
            if len(raised) >= 5:
                await command(meetings, site_actor(raised.pop(0)), "hand.lower", meeting)
            elif asleep:
                site = chance.choice(asleep)
                await command(meetings, site_actor(site), "hand.raise", meeting)
                raised.append(site)
