"""`Screens`: the door to windows on other monitors, layouts of walls and the leader's shortlist."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, func, select

from diemcau.access import Access, Actor
from diemcau.bus import EPHEMERAL, Bus
from diemcau.clock import Clock, rfc3339
from diemcau.errors import BadRequest, Conflict, Forbidden, JsonObject
from diemcau.meetings import Meetings
from diemcau.meetings.authority import overlap
from diemcau.screens.documents import Kind, Layout, Order, Show, Status
from diemcau.screens.registry import Registry, Screen
from diemcau.screens.tables import shortlists, wall_layouts
from diemcau.sites import SiteNotFound
from diemcau.store import Store, UnitOfWork
from diemcau.units import Units

MAX_LAYOUTS: Final = 50
"""Layouts that one person may keep."""

MAX_SHORTLIST: Final = 24
"""Sites on a leader's shortlist: more are not found at a glance."""

_OPENS: Final[dict[Kind, str]] = {"wall": "screen.wall", "stage": "meeting.see", "leader": "screen.leader"}


@dataclass(frozen=True, slots=True)
class SavedLayout:
    """A wall's layout as its person keeps it."""

    name: str
    changed_at: str
    layout: Layout


class Screens:
    """Windows are in memory; layouts and shortlists are rows."""

    def __init__(
        self, store: Store, bus: Bus, units: Units, access: Access, meetings: Meetings, clock: Clock
    ) -> None:
        self._store, self._bus, self._units = store, bus, units
        self._access, self._meetings, self._clock = access, meetings, clock
        self.registry = Registry()

    # Windows.

    async def open(
        self,
        actor: Actor,
        name: str,
        meeting: str,
        kind: Kind,
        *,
        title: str,
        label: str,
        status: Status,
        show: Show,
        tell: Callable[[Show, Order | None], None],
    ) -> Screen:
        """A person's window is open. `name`: the window's own; `title`: the person's; `show`: what it shows
        unless it was told otherwise.

        Raises MeetingNotFound, Forbidden, Conflict, Busy.
        """
        if actor.kind != "person":
            raise Forbidden("Only people open windows", command=_OPENS[kind])
        await self._somewhere(actor, _OPENS[kind], meeting)
        screen = Screen(name, meeting, kind, actor.id, title, label, self._clock.now(), tell, show, status)
        self.registry.open(screen)
        self.publish(meeting)
        return screen

    def say(self, screen: Screen, status: Status, label: str) -> None:
        """What the window says of itself has changed."""
        if (screen.status, screen.label) != (status, label):
            screen.status, screen.label = status, label
            self.publish(screen.meeting)

    def close(self, screen: Screen) -> None:
        """The window's connection has ended."""
        if self.registry.close(screen):
            self.publish(screen.meeting)

    async def drive(
        self, actor: Actor, meeting: str, name: str, show: Show | None, order: Order | None
    ) -> Screen:
        """Has a window show or do something: one's own, or with `screen.drive` over the whole scope anyone's.

        Raises MeetingNotFound, ScreenNotFound, Forbidden.
        """
        await self._meetings.viewer(meeting, actor)
        screen = self.registry.get(meeting, name)
        if screen.person != actor.id:
            await self._over(actor, "screen.drive", meeting)
        self.registry.tell(screen, show, order)
        self.publish(meeting)
        return screen

    def publish(self, meeting: str) -> None:
        """Tells the desks which windows there are."""
        body: JsonObject = {"topic": "screens", "data": {"screens": self.registry.listing(meeting)}}
        self._bus.publish(f"{EPHEMERAL}meeting:{meeting}", body)

    # Layouts.

    async def layouts(self, actor: Actor) -> tuple[SavedLayout, ...]:
        """The person's own, by name."""
        person = _person(actor)
        query = select(wall_layouts).where(wall_layouts.c.person == person).order_by(wall_layouts.c.name)
        async with self._store.read() as connection:
            rows = (await connection.execute(query)).all()
        return tuple(
            SavedLayout(row.name, rfc3339(row.changed_at), Layout.model_validate(row.layout)) for row in rows
        )

    async def save_layout(self, actor: Actor, name: str, layout: Layout) -> None:
        """Keeps it in place of what had the name. Raises BadRequest, Conflict (too many)."""
        person, kept = _person(actor), name.strip()
        if not kept or not kept.isprintable():
            raise BadRequest("a layout has a name of printable characters", field="name")
        own = wall_layouts.c.person == person

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(delete(wall_layouts).where(own, wall_layouts.c.name == kept))
            count = await connection.scalar(select(func.count()).select_from(wall_layouts).where(own))
            if (count or 0) >= MAX_LAYOUTS:
                raise Conflict(f"At most {MAX_LAYOUTS} layouts", limit=MAX_LAYOUTS)
            document = layout.model_dump(mode="json")
            row = {"person": person, "name": kept, "layout": document, "changed_at": unit.now}
            await connection.execute(wall_layouts.insert(), row)
            return {}

        await self._store.write(work)

    async def delete_layout(self, actor: Actor, name: str) -> None:
        """One that is not there is forgotten already."""
        mine = (wall_layouts.c.person == _person(actor)) & (wall_layouts.c.name == name)

        async def work(unit: UnitOfWork) -> JsonObject:
            await (await unit.connection()).execute(delete(wall_layouts).where(mine))
            return {}

        await self._store.write(work)

    # The leader's shortlist.

    async def shortlist(self, actor: Actor, meeting: str, person: str | None = None) -> tuple[str, ...]:
        """A person's shortlist of the meeting, the asker's own without one. Raises MeetingNotFound,
        Forbidden."""
        owner = await self._owner(actor, meeting, person)
        query = select(shortlists.c.sites).where(
            shortlists.c.meeting == meeting, shortlists.c.person == owner
        )
        async with self._store.read() as connection:
            return tuple(await connection.scalar(query) or ())

    async def set_shortlist(
        self, actor: Actor, meeting: str, sites: Sequence[str], person: str | None = None
    ) -> None:
        """Sets it, in this order; the leader's windows show it at once.

        Raises MeetingNotFound, Forbidden, BadRequest, SiteNotFound (not invited, or not the asker's to see).
        """
        owner = await self._owner(actor, meeting, person)
        chosen = list(dict.fromkeys(sites))
        if len(chosen) > MAX_SHORTLIST:
            raise BadRequest(f"at most {MAX_SHORTLIST} sites", field="sites")
        seen = {row[0] for row in (await self._meetings.roster(meeting, actor)).sites}
        for site in chosen:
            if site not in seen:
                raise SiteNotFound(None, site=site[:64])

        async def work(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            mine = (shortlists.c.meeting == meeting) & (shortlists.c.person == owner)
            await connection.execute(delete(shortlists).where(mine))
            row = {
                "meeting": meeting,
                "person": owner,
                "sites": chosen,
                "changed_at": unit.now,
                "changed_by": actor.key,
            }
            await connection.execute(shortlists.insert(), row)
            return {}

        await self._store.write(work)
        for screen in self.registry.of(meeting, owner, "leader"):
            self.registry.tell(screen, None, None)

    async def _owner(self, actor: Actor, meeting: str, person: str | None) -> str:
        """Whose shortlist it is. Another's: of who has a leader's screen open, for who drives screens."""
        own = _person(actor)
        if person is None or person == own:
            await self._somewhere(actor, "screen.leader", meeting)
            return own
        await self._over(actor, "screen.drive", meeting)
        if not self.registry.of(meeting, person, "leader"):
            raise Forbidden("This person has no leader's screen open", command="screen.drive")
        return person

    async def _over(self, actor: Actor, command: str, meeting: str) -> None:
        """Whether the asker may do the command over the meeting's whole scope."""
        await self._meetings.viewer(meeting, actor)
        scope = (await self._meetings.get(meeting)).scope
        self._access.authorise(actor, command, *(entry.unit for entry in scope))

    async def _somewhere(self, actor: Actor, command: str, meeting: str) -> None:
        """Whether the asker may do the command somewhere in the meeting's scope."""
        await self._meetings.viewer(meeting, actor)
        scope = tuple(entry.unit for entry in (await self._meetings.get(meeting)).scope)
        if not overlap(self._units, self._access.units_granted(actor, command), scope):
            raise Forbidden(None, command=command)


def _person(actor: Actor) -> str:
    if actor.kind != "person":
        raise Forbidden("Only people keep layouts and shortlists")
    return actor.id
