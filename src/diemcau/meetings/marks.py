"""The secrecy marks of meetings, and who is cleared for them: for everybody else they do not exist."""

from collections.abc import Awaitable, Callable, Iterable

from sqlalchemy.ext.asyncio import AsyncConnection

from diemcau.access import Access, Actor, Secrecy, SecrecyRefused, site_actor
from diemcau.meetings import summary
from diemcau.meetings.errors import MeetingNotFound
from diemcau.meetings.meeting import Meeting


class Marks:
    """Of the marked meetings that have not ended, in memory: asked for every picture that is shown."""

    def __init__(self, access: Access, state: Callable[[str], Awaitable[Meeting]]) -> None:
        """`state`: a meeting as it is now."""
        self._access, self._state = access, state
        self._marks: dict[str, Secrecy] = {}

    async def load(self, connection: AsyncConnection) -> None:
        """Reads them after a restart."""
        self._marks = await summary.marks(connection)

    def of(self, meeting: str) -> Secrecy:
        """The mark of a meeting that has not ended."""
        return self._marks.get(meeting, "none")

    def marked(self) -> tuple[str, ...]:
        """The marked meetings that have not ended."""
        return tuple(self._marks)

    def give(self, meeting: str, mark: Secrecy) -> None:
        """It bears this mark from now on; one that was given is not taken away."""
        if mark != "none":
            self._marks[meeting] = mark

    def forget(self, meeting: str) -> None:
        """It has ended."""
        self._marks.pop(meeting, None)

    async def must_see(self, meeting: str, actor: Actor) -> None:
        """Raises MeetingNotFound for who is not cleared for it: to him it does not exist."""
        if not await self._access.cleared(actor, (await self._state(meeting)).secrecy):
            raise MeetingNotFound

    async def must_clear(self, meeting: str, site: str) -> None:
        """Raises SecrecyRefused unless the site is cleared for the meeting."""
        if not await self.welcomes(await self._state(meeting), site):
            raise SecrecyRefused("The site is not cleared for this meeting.", site=site)

    async def must_cover(self, actor: Actor, mark: Secrecy, chair: str | None) -> None:
        """Raises SecrecyRefused unless who gives a mark is cleared for it, and so is the chair's site."""
        if not await self._access.cleared(actor, mark):
            raise SecrecyRefused("Nobody marks above his own clearance.")
        if chair is not None and not await self._access.cleared(site_actor(chair), mark):
            raise SecrecyRefused("The chair's site is not cleared for this mark.", site=chair)

    async def welcomes(self, meeting: Meeting, site: str) -> bool:
        """Whether the site is cleared for the meeting."""
        return await self._access.cleared(site_actor(site), meeting.secrecy)

    async def unwelcome(self, meeting: str, sites: Iterable[str]) -> list[str]:
        """Those of the sites that are not cleared for the meeting (any more)."""
        state = await self._state(meeting)
        return [site for site in list(sites) if not await self.welcomes(state, site)]
