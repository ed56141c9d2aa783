"""`Inspections`: the door to calls and to what they found."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from diemcau.access import SYSTEM, Access, Actor
from diemcau.bus import Bus
from diemcau.clock import Clock
from diemcau.errors import DiemCauError, Forbidden
from diemcau.ids import NewId, new_id
from diemcau.inspections.calls import Calls
from diemcau.inspections.draws import Draws
from diemcau.inspections.findings import Findings
from diemcau.inspections.records import Records
from diemcau.inspections.sight import Sight
from diemcau.inspections.sightings import Sightings
from diemcau.meetings import Command, Meetings, MeetingSummary, NewMeeting
from diemcau.meetings.commands import Open
from diemcau.sites import ScopeEntry, Sites
from diemcau.stage import Stage
from diemcau.store import Store
from diemcau.units import ROOT_CODE, Level, Units

TITLE: Final = "Trung tâm chỉ huy"


@dataclass(frozen=True, slots=True)
class InspectionPolicy:
    """`ring_s`: seconds that a site rings. `pictures`: how long the picture of an inspection is kept."""

    ring_s: float = 30.0
    pictures: timedelta = timedelta(days=365)


class Inspections:
    """`start` takes up what ran; `aclose` ends the tasks."""

    def __init__(
        self,
        store: Store,
        bus: Bus,
        units: Units,
        access: Access,
        sites: Sites,
        meetings: Meetings,
        stage: Stage,
        clock: Clock,
        policy: InspectionPolicy | None = None,
        *,
        make_id: NewId = new_id,
    ) -> None:
        self.policy = policy or InspectionPolicy()
        self._units, self._access, self._meetings, self._make_id = units, access, meetings, make_id
        self._making = asyncio.Lock()
        self.calls = Calls(
            store, bus, units, access, sites, meetings, stage, clock, make_id, self.policy.ring_s
        )
        self.sightings = Sightings(store, bus, access, sites, stage, clock, make_id)
        sight = Sight(store, units, access)
        self.records = Records(store, sight, units, sites, self.policy.pictures)
        self.findings = Findings(store, sight, sites, clock, make_id)
        self.draws = Draws(store, access, sites, make_id)

    async def start(self) -> None:
        """Takes up what ran before, and follows what happens."""
        await self.findings.make_searchable()
        await self.sightings.start()
        await self.calls.start()

    async def centre(self, actor: Actor, unit: str | None) -> MeetingSummary:
        """The open command centre over a unit (None: over the asker's topmost one), made if there is none.

        Raises Forbidden, UnitNotFound.
        """
        granted = self._access.units_granted(actor, "call.start")
        code = unit or next(iter(granted), None)
        if code is None:
            raise Forbidden(None, command="call.start")
        over = self._units.get(code)
        self._access.authorise(actor, "call.start", code)
        scope = (ScopeEntry(code, tuple(level.value for level in Level)),)
        async with self._making:  # two who open it at once get the same one
            for found in await self._meetings.list_for(SYSTEM):
                plain = found.secrecy == "none"
                if found.kind == "centre" and found.status == "open" and found.scope == scope and plain:
                    return found
            title = TITLE if code == ROOT_CODE else f"{TITLE} {over.label}"
            made = await self._meetings.create(
                actor, NewMeeting(self._make_id("c"), title[:200], scope, kind="centre")
            )
            opening = Command(self._make_id("c"), "meeting.open", made.id, Open())
            await self._meetings.execute(actor, opening)
            return await self._meetings.get(made.id)

    async def aclose(self) -> None:
        """Ends the tasks."""
        await self.calls.aclose()
        await self.sightings.aclose()

    async def pictured(self, site: str, jpeg: bytes) -> None:
        """A site has posted its picture: of one that is called and seen, the first is kept."""
        call = self.calls.of_site(site)
        if call is None or call.state != "live" or call.pictured:
            return
        call.pictured = True
        try:
            await self.records.keep_picture(call.id, jpeg)
        except DiemCauError:
            call.pictured = False  # the next one is not far
            raise
