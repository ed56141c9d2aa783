"""Whom a meeting concerns, and how far an asker sees: the one gate before every look and every command."""

from collections.abc import Collection
from functools import partial

from diemcau.access import Access, Actor
from diemcau.meetings.authority import overlap
from diemcau.meetings.context import inside
from diemcau.meetings.errors import MeetingNotFound
from diemcau.meetings.invited import Invited
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.states import States
from diemcau.meetings.summary import MeetingSummary
from diemcau.meetings.views import PublicForms, Viewer
from diemcau.units import Eras


class Sight:
    """For whom it does not concern, a meeting does not exist."""

    def __init__(self, states: States, access: Access, eras: Eras, invited: Invited) -> None:
        self._states, self._access, self._eras, self._invited = states, access, eras, invited
        self._forms = PublicForms()

    async def meeting(self, meeting: str, actor: Actor) -> Meeting:
        """Its committed state. Raises MeetingNotFound when it does not concern him."""
        state = await self._states.get(meeting)
        if actor.kind == "system" or await self._concerns(state, actor):
            return state
        raise MeetingNotFound

    async def _concerns(self, state: Meeting, actor: Actor) -> bool:
        if not await self._access.cleared(actor, state.secrecy):
            return False
        if actor.site is not None:
            return bool(await self._invited.among(state.id, (actor.site,)))
        return self.touches(self._access.units_granted(actor, "meeting.see"), state)

    def touches(self, granted: tuple[str, ...], meeting: Meeting | MeetingSummary) -> bool:
        """Whether the scope and what is granted have something in common, in the tree of the meeting's time:
        who has a merged province sees the past meetings of both, who has a part of it those of his part."""
        tree, held = self._eras.as_of(meeting.created_at, granted)
        return overlap(tree, held, tuple(entry.unit for entry in meeting.scope))

    def viewer(self, actor: Actor, state: Meeting) -> Viewer:
        """What the actor, whom the meeting concerns, sees of it."""
        desk = self._access.units_granted(actor, "meeting.desk")
        tree, held = self._eras.as_of(state.created_at, desk)
        within = partial(inside, tree)
        centre = bool(held) and all(any(within(unit, entry.unit) for unit in held) for entry in state.scope)
        return Viewer(actor.key, actor.site, held, within, self._forms, centre)


def seen(state: Meeting, viewer: Viewer, messages: Collection[str]) -> list[str]:
    """Those of the messages that the viewer sees."""
    return [
        one.id
        for one in state.messages
        if one.id in messages and viewer.sees_message(one.sender.kind, one.sender.id, one.to, state.names)
    ]
