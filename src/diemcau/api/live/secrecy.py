"""Holds running meetings to their mark: who is not cleared (any more) is out, with all that he sees of it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog

from diemcau.access import site_actor
from diemcau.api.services import Services
from diemcau.api.watch import Watch
from diemcau.bus import EPHEMERAL, EVENTS

if TYPE_CHECKING:
    from diemcau.api.live.hub import Hub

log = structlog.get_logger(__name__)


class SecrecyWatch(Watch):
    """Looks at every marked meeting."""

    def __init__(self, services: Services, hub: "Hub") -> None:
        super().__init__(services, "secrecy", f"{EVENTS}*", f"{EPHEMERAL}meeting:*")
        self._hub = hub

    async def check(self) -> None:
        """Puts out who is not cleared, ends what such parties watch, forgets pictures that were taken."""
        meetings, stage = self._services.meetings, self._services.stage
        for meeting in meetings.marks.marked():
            mark = meetings.marks.of(meeting)
            if gone := await meetings.expel(meeting):
                log.info("sites that are not cleared were put out", meeting=meeting, count=len(gone))
            self._services.slides.forget(meeting)
            for site in meetings.joined(meeting):
                self._services.pictures.forget(site)
            for party in stage.parties(meeting):
                actor = self._hub.actor_of(party) or site_actor(party)
                if not await self._services.access.cleared(actor, mark):
                    await stage.close_party_in(meeting, party)

    def wakes(self, topic: str, body: Mapping[str, Any]) -> bool:
        """A mark, a clearance, and who comes into a marked meeting."""
        if topic.startswith(EVENTS):
            return body.get("type") in ("secrecy_raised", "clearance_set")
        return body.get("topic") == "presence" and self._marked(topic)

    def _marked(self, topic: str) -> bool:
        return self._services.meetings.marks.of(topic.rpartition(":")[2]) != "none"
