"""What ends because nobody asks for it any more, or has not been there for long."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog

from diemcau.errors import DiemCauError
from diemcau.media import MediaNode
from diemcau.meetings import PRESENTATION, Meetings
from diemcau.stage.mirror import Mirror, Publisher
from diemcau.stage.watched import StageCounters, Watched

UNASKED_S = 20.0
"""Seconds after which the publisher of a site that is asked no longer is closed (its page does so at 10)."""

PRESENTER_GRACE_S = 30.0
"""Seconds a presentation waits for the connection of who presents, as a site's floor does for the site."""

log = structlog.get_logger(__name__)


class Tidying:
    """Closes publishers and ends presentations; asked once a second."""

    def __init__(
        self,
        node: MediaNode,
        mirror: Mirror,
        watched: Mapping[str, Watched],
        counters: StageCounters,
        meetings: Meetings,
        close: Callable[[str], Awaitable[None]],
    ) -> None:
        """`mirror`, `watched`: as the keeper holds them. `close`: ends a publisher."""
        self._node, self._mirror, self._watched, self._counters = node, mirror, watched, counters
        self._meetings, self._close = meetings, close
        self._unasked: dict[str, float] = {}
        self._absent: dict[tuple[str, str], float] = {}

    def retire_older(self, track: str) -> None:
        """A page or encoder that came back has a new publisher; the old one goes once the new one sends."""
        newest = self._mirror.track(track)
        if newest is None or not (track.endswith("/video") or f"{newest.name}/video" not in newest.tracks):
            return
        for other in self._mirror.publishers.values():
            of_a_kind = (other.token is None) == (newest.token is None)
            same = other.party == newest.party and other.site == newest.site
            if same and of_a_kind and other.order < newest.order:
                self._unasked[other.name] = float("-inf")  # closed at the next tidying, after the cut

    async def tidy(self) -> None:
        """Closes publishers that nobody asks for any more, should their page not do so itself."""
        now = asyncio.get_running_loop().time()
        for publisher in list(self._mirror.publishers.values()):
            if publisher.token is not None:
                wanted = self._encoder_wanted(publisher)
            elif publisher.site == PRESENTATION:
                watched = self._watched.get(publisher.meeting)
                wanted = watched is not None and watched.scene.presents(publisher.party)
            else:
                wanted = self._is_asked(publisher)
            since = self._unasked.get(publisher.name)
            if since == float("-inf"):
                pass
            elif wanted:
                self._unasked.pop(publisher.name, None)
                continue
            else:
                since = self._unasked.setdefault(publisher.name, now)
            if since is not None and now - since >= UNASKED_S and self._node.connected:
                self._counters.unasked_closed += 1
                await self._close(publisher.name)
        self._unasked = {k: v for k, v in self._unasked.items() if k in self._mirror.publishers}
        if self._node.connected:
            await self._end_lost_presentations(now)

    async def _end_lost_presentations(self, now: float) -> None:
        """Ends what nobody has sent for the grace: its presenter's page has gone. A node that is away is
        nobody's fault."""
        gone: dict[tuple[str, str], float] = {}
        for meeting, watched in self._watched.items():
            shown = watched.scene.presentation
            if shown is not None and not any(one.live for one in self._mirror.presented(meeting)):
                gone[meeting, shown.key] = self._absent.get((meeting, shown.key), now)
        self._absent = gone
        for (meeting, key), since in gone.items():
            if now - since < PRESENTER_GRACE_S:
                continue
            try:
                await self._meetings.lose_presentation(meeting, key)
            except DiemCauError as error:  # looked at again in a second
                log.warning("a presentation was not ended", meeting=meeting, code=error.code)

    def _encoder_wanted(self, publisher: Publisher) -> bool:
        """An encoder sends unasked, as long as its site is in the open meeting."""
        watched = self._watched.get(publisher.meeting)
        inside = self._meetings.meeting_of(publisher.site) == publisher.meeting
        return watched is not None and watched.scene.is_open and inside

    def _is_asked(self, publisher: Publisher) -> bool:
        watched = self._watched.get(publisher.meeting)
        return watched is not None and watched.part(publisher.site).publish is not None
