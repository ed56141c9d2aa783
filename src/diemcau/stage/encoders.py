"""Sites whose encoder sends are in the meeting without a page: this keeps their places.

An encoder's publisher holds its site's place as a page does. When it ends by itself the place is kept for the
grace of `meetings`; when it says goodbye the site leaves, unless its page is still there.
"""

import secrets

import structlog

from diemcau.access import site_actor
from diemcau.errors import DiemCauError
from diemcau.meetings import Command, Meetings
from diemcau.meetings.commands import Join, Leave
from diemcau.stage.mirror import Mirror, Publisher

log = structlog.get_logger(__name__)


class Encoders:
    """The places that encoders hold: name of the publisher -> its site."""

    def __init__(self, mirror: Mirror, meetings: Meetings) -> None:
        self._mirror, self._meetings = mirror, meetings
        self._held: dict[str, str] = {}
        self._refused: set[str] = set()
        self.opening: set[str] = set()
        """Names whose opener puts the site in itself."""

    def follow(self) -> bool:
        """Lets go of places whose publisher has ended; whether there are publishers to be adopted."""
        for name in [name for name in self._held if name not in self._mirror.publishers]:
            self.release(name)
        self._refused &= self._mirror.publishers.keys()
        return any(self._is_new(publisher) for publisher in self._mirror.encoders())

    async def adopt(self) -> list[str]:
        """Puts into their meeting the sites of publishers that are new here: control started anew under them.

        Answers those whose site is not let in (any more): to be closed.
        """
        refused = []
        for publisher in [one for one in self._mirror.encoders() if self._is_new(one)]:
            try:
                await self.enter(publisher.name, publisher.meeting, publisher.site)
            except DiemCauError as error:
                if error.status >= 500:
                    continue  # passes; looked at again with the next signal
                log.info("an encoder's site is not let in", site=publisher.site, code=error.code)
                self._refused.add(publisher.name)
                refused.append(publisher.name)
        return refused

    async def enter(self, name: str, meeting: str, site: str) -> None:
        """The site joins and stays for as long as the publisher is there.

        Raises MeetingNotFound (not invited), MeetingNotOpen (ended).
        """
        await self._meetings.execute(site_actor(site), _command("meeting.join", meeting, Join()))
        if name in self._mirror.publishers:
            self._held[name] = site
            self._meetings.connected(site, by=name)
        else:
            self._meetings.disconnected(site, by=name)

    def release(self, name: str) -> None:
        """The publisher has ended: without another connection of the site its grace begins."""
        site = self._held.pop(name, None)
        if site is not None:
            self._meetings.disconnected(site, by=name)

    async def leave(self, name: str, meeting: str, site: str) -> None:
        """The encoder said goodbye: the site leaves, unless a page or another encoder of it is there."""
        self.release(name)
        if not self._meetings.is_connected(site) and self._meetings.meeting_of(site) == meeting:
            await self._meetings.execute(site_actor(site), _command("meeting.leave", meeting, Leave()))

    def _is_new(self, publisher: Publisher) -> bool:
        known = (self._held, self._refused, self.opening)
        return not any(publisher.name in names for names in known)


def _command(kind: str, meeting: str, what: Join | Leave) -> Command:
    return Command(f"encoder-{secrets.token_hex(8)}", kind, meeting, what)
