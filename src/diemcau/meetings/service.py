"""`Meetings`: every change of a meeting, and every look at one, goes through here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from diemcau.access import Access, Actor
from diemcau.bus import Bus
from diemcau.clock import Clock
from diemcau.errors import JsonObject, JsonValue
from diemcau.ids import NewId, new_id
from diemcau.meetings.commands import Command
from diemcau.meetings.meeting import Meeting
from diemcau.sites import ScopeEntry, Sites
from diemcau.store import Event, Store
from diemcau.units import Units


@dataclass(frozen=True, slots=True)
class NewMeeting:
    """A meeting to be made. `id`: the client's command id. `scope`: 1 to 64 entries."""

    id: str
    title: str
    scope: tuple[ScopeEntry, ...]
    codec: Literal["h264", "vp8"] = "h264"
    chair_site: str | None = None


@dataclass(frozen=True, slots=True)
class MeetingSummary:
    """`Meeting` of docs/protocol.md. `sites`: how many are invited."""

    id: str
    title: str
    status: Literal["scheduled", "open", "ended"]
    codec: Literal["h264", "vp8"]
    scope: tuple[ScopeEntry, ...]
    chair_site: str | None
    created_at: datetime
    opened_at: datetime | None
    ended_at: datetime | None
    sites: int

    def to_json(self) -> dict[str, JsonValue]:
        """The JSON of the protocol."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Done:
    """A command was done (or done before): the stream and its seq right after."""

    stream: str
    seq: int


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`MeetingState` as the asker may see it, after event `seq`."""

    stream: str
    seq: int
    state: JsonObject


@dataclass(frozen=True, slots=True)
class Roster:
    """Everybody invited, and the units above them. `sites`: (id, unit, label, kind)."""

    sites: Sequence[tuple[str, str, str, str]]
    units: Sequence[tuple[str, str | None, str, str, str]]
    joined: Sequence[str]


class Meetings:
    """Commands, snapshots, events, presence of all meetings."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        clock: Clock,
        *,
        make_id: NewId = new_id,
        grace: timedelta = timedelta(seconds=30),
    ) -> None:
        """`grace`: how long a site that lost its connection keeps hand and floor."""
        raise NotImplementedError

    async def start(self) -> None:
        """Takes up open meetings after a restart and starts the timer of graces; `aclose` ends it."""
        raise NotImplementedError

    async def aclose(self) -> None:
        """Ends the timer."""
        raise NotImplementedError

    async def create(self, actor: Actor, new: NewMeeting) -> MeetingSummary:
        """Makes a meeting and invites every site of its scope; idempotent by (actor, `new.id`).

        Raises Forbidden, BadRequest, UnitNotFound, SiteNotFound.
        """
        raise NotImplementedError

    async def execute(self, actor: Actor, command: Command) -> Done:
        """Does one command (`commands.parse`), idempotent by (actor, command.id). Raises coded errors."""
        raise NotImplementedError

    async def snapshot(self, meeting: str, actor: Actor) -> Snapshot:
        """The meeting as the actor may see it. Raises MeetingNotFound when it does not concern him."""
        raise NotImplementedError

    async def events_since(self, meeting: str, actor: Actor, since: int) -> tuple[Event, ...] | Snapshot:
        """The events after `since` as the actor may see them, or a snapshot when they are more than 1,000."""
        raise NotImplementedError

    async def viewer(self, meeting: str, actor: Actor) -> "Viewer":
        """What the actor may see of the meeting, for filtering live events. Raises MeetingNotFound."""
        raise NotImplementedError

    async def list_for(self, actor: Actor) -> tuple[MeetingSummary, ...]:
        """Meetings that concern the actor: open, scheduled, then ended ones, newest first, at most 200."""
        raise NotImplementedError

    async def get(self, meeting: str) -> MeetingSummary:
        """For the server's own use (no check who asks). Raises MeetingNotFound."""
        raise NotImplementedError

    async def state(self, meeting: str) -> Meeting:
        """The committed state, for rooms above (stage). Read only: it is the live object. Raises MeetingNotFound."""
        raise NotImplementedError

    async def roster(self, meeting: str, actor: Actor) -> Roster:
        """Everybody invited, inside the actor's grants; needs `meeting.roster`."""
        raise NotImplementedError

    # presence: in memory, gone with the process
    def joined(self, meeting: str) -> frozenset[str]:
        """Sites that are in the meeting now (those in their grace included)."""
        raise NotImplementedError

    def meeting_of(self, site: str) -> str | None:
        """The meeting that the site has joined."""
        raise NotImplementedError

    def disconnected(self, site: str) -> None:
        """The site's last connection broke: its grace begins."""
        raise NotImplementedError

    def connected(self, site: str) -> str | None:
        """The site is connected again; answers the meeting that it is still in, if its grace has not run out."""
        raise NotImplementedError

    async def expire(self, now: datetime) -> int:
        """Ends presence, hands and floor of sites whose grace is over; the timer calls it, tests too."""
        raise NotImplementedError


class Viewer:
    """Filters events for one asker, by what `snapshot` shows him."""

    def sees(self, event: Event) -> Event:
        """The event as the asker may see it: the same object, or one public version shared by all askers."""
        raise NotImplementedError
