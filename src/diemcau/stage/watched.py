"""One open meeting as the stage follows it, and the counters of the stage."""

import asyncio
from dataclasses import dataclass, field

from diemcau.media import wire
from diemcau.stage.checks import Checks
from diemcau.stage.scene import Part, Scene


@dataclass(slots=True)
class StageCounters:
    """Since start."""

    viewers_opened: int = 0
    publishers_opened: int = 0
    cuts: int = 0
    commands_failed: int = 0
    mends: int = 0
    unasked_closed: int = 0


@dataclass(slots=True)
class Watched:
    """One open meeting as the stage follows it."""

    scene: Scene
    parts: dict[str, Part] = field(default_factory=dict)
    live: list[str] = field(default_factory=list)
    speaking: list[str] = field(default_factory=list)
    checks: Checks = field(default_factory=Checks)
    talked: set[str] = field(default_factory=set)
    """Sites that somebody speaks with in private: their sound is asked for."""
    warm: set[str] = field(default_factory=set)
    """Sites that are to send before they are shown to anybody."""
    steps: dict[str, wire.Step] = field(default_factory=dict)
    """What operators were last told of sites that get less than everything."""
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def part(self, site: str) -> Part:
        """The site's part in the meeting now."""
        return self.parts.get(site, Part())
