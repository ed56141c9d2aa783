"""Everything that the doors translate to, in one value; `app.py` makes it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from diemcau.access import Access, IceServers
from diemcau.api.limits import CommandLimits
from diemcau.api.metrics import Metrics
from diemcau.api.pictures import Pictures
from diemcau.bus import Bus
from diemcau.clock import Clock
from diemcau.inspections import Inspections
from diemcau.media import MediaNode
from diemcau.meetings import Meetings
from diemcau.meetings.rollcall import RollCalls
from diemcau.rollout import Rollout
from diemcau.rollout.readiness import Readiness
from diemcau.rollout.rehearsals import Rehearsals
from diemcau.rollout.selftest import SelfTests
from diemcau.rollout.sheets.jobs import SheetJobs
from diemcau.rollout.waves import WaveRooms
from diemcau.screens import Screens
from diemcau.sites import Sites
from diemcau.stage import Stage
from diemcau.talkback import Talkback
from diemcau.units import Units


@dataclass(frozen=True, slots=True)
class ApiOptions:
    """What an installation may choose about its doors.

    `origins`: further origins than the one asked for by `Host` (a proxy that rewrites it). `secure`: cookies
    only over TLS. `web`: the folder of the built page. `certificate`: the authority's certificate, PEM.
    `ice`: relays for media.
    `public_url`: how people reach this server, for links; None: as they came.
    `wall_kbits`, `walls_kbits`: kbit/s of still pictures that one person's walls, and all walls, may take.
    `recheck_s`: in this time every open WebSocket is asked anew whether it may stay.
    """

    version: str
    origins: frozenset[str] = frozenset()
    secure: bool = False
    web: Path | None = None
    certificate: bytes | None = None
    ice: IceServers = field(default_factory=IceServers)
    public_url: str | None = None
    wall_kbits: int = 20_000
    walls_kbits: int = 100_000
    beat_s: float = 5.0
    silent_s: float = 60.0
    hello_s: float = 10.0
    recheck_s: float = 60.0
    queue_messages: int = 1000
    queue_bytes: int = 4 << 20


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms below. `ready`: raises a coded error when the database cannot be used."""

    units: Units
    bus: Bus
    clock: Clock
    access: Access
    sites: Sites
    meetings: Meetings
    stage: Stage
    rollout: Rollout
    sheets: SheetJobs
    node: MediaNode
    self_tests: SelfTests
    readiness: Readiness
    waves: WaveRooms
    roll_calls: RollCalls
    screens: Screens
    rehearsals: Rehearsals
    inspections: Inspections
    talkback: Talkback
    ready: Callable[[], Awaitable[None]]
    options: ApiOptions
    metrics: Metrics = field(default_factory=Metrics)
    pictures: Pictures = field(default_factory=Pictures)
    slides: Pictures = field(default_factory=lambda: Pictures(16 << 20))  # by meeting
    commands: CommandLimits = field(default_factory=CommandLimits)
