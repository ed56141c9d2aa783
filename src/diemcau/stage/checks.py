"""What the machine has seen of who comes next: whether the picture arrives, and that a voice was heard."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject
from diemcau.meetings.layouts import sites_in
from diemcau.stage.scene import Scene

VOICE_DBOV: Final = -50
"""A smoothed level above this is somebody who speaks; a quiet room lies some 20 dB lower."""

LOUDER_DB: Final = 3
"""A voice that is so much louder than the loudest so far is told anew."""


@dataclass(slots=True)
class Check:
    """Of one site, `since` it was lined up. `picture`: frames came within the last 2 s (the node's
    `track_live` and `track_lost`). `voice_at`, `loudest` (dBov): when it was last found to be louder."""

    since: datetime
    picture: bool = False
    voice_at: datetime | None = None
    loudest: int | None = None

    def to_json(self) -> JsonObject:
        """`{"since", "picture", "voice": {"at", "dbov"} | null}`."""
        voice = None if self.voice_at is None else {"at": rfc3339(self.voice_at), "dbov": self.loudest}
        return {"since": rfc3339(self.since), "picture": self.picture, "voice": voice}


@dataclass(slots=True)
class Checks:
    """Of one meeting, in memory: a server that starts anew has heard nobody yet, and says so."""

    of: dict[str, Check] = field(default_factory=dict)

    def follow(self, sites: Collection[str], live: Collection[str], now: datetime) -> bool:
        """Who is lined up now, and whose picture is live; whether anything has changed. Who goes from the
        line to the preview is checked on, who comes back begins anew."""
        before = {site: check.picture for site, check in self.of.items()}
        self.of = {site: self.of.get(site) or Check(now) for site in sorted(sites)}
        for site, check in self.of.items():
            check.picture = site in live
        return before != {site: check.picture for site, check in self.of.items()}

    def hear(self, levels: Mapping[str, int], now: datetime) -> bool:
        """Smoothed levels by site, dBov; whether a mark has changed."""
        changed = False
        for site, dbov in levels.items():
            check = self.of.get(site)
            if check is None or dbov <= VOICE_DBOV:
                continue
            if check.loudest is None or dbov >= check.loudest + LOUDER_DB:
                check.voice_at, check.loudest, changed = now, dbov, True
        return changed

    def to_json(self) -> JsonObject:
        """`{"checks": {site: Check}}`."""
        return {"checks": {site: check.to_json() for site, check in self.of.items()}}


def lined_up(scene: Scene) -> tuple[str, ...]:
    """Who is looked at before the cut: the line, and the preview."""
    if not scene.is_open:
        return ()
    return tuple(dict.fromkeys((*scene.line_up, *sites_in(scene.preview))))
