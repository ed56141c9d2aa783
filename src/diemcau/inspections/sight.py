"""Which inspections and findings an asker may see and write on: the one gate before every row."""

from typing import Any

from sqlalchemy import ColumnElement, false, or_, select, true

from diemcau.access import Access, Actor, covered
from diemcau.errors import Forbidden
from diemcau.inspections.errors import InspectionNotFound
from diemcau.inspections.tables import findings, inspections
from diemcau.meetings.tables import meetings
from diemcau.store import Store
from diemcau.units import ROOT_CODE, Units


class Sight:
    """By the unit of the site, and by the mark of the meeting that the call was of."""

    def __init__(self, store: Store, units: Units, access: Access) -> None:
        self._store, self._units, self._access = store, units, access

    def granted(self, actor: Actor) -> tuple[str, ...]:
        """The units that he sees, the topmost ones. Raises Forbidden: none."""
        granted = self._access.units_granted(actor, "inspection.see")
        if not granted:
            raise Forbidden(None, command="inspection.see")
        return granted

    def may(self, actor: Actor, command: str, unit: str, hidden: Exception) -> None:
        """Raises `hidden` unless the asker may do this over the unit."""
        if actor.kind == "site" or not self._access.allowed(actor, command, unit):
            raise hidden

    async def seen(self, actor: Actor, inspection: str) -> Any:
        """Its row. Raises InspectionNotFound."""
        hidden = InspectionNotFound(None, inspection=inspection[:64])
        known = await self.known(actor)
        async with self._store.read() as connection:
            query = select(inspections).where(inspections.c.id == inspection, known)
            row = (await connection.execute(query)).one_or_none()
        if row is None:
            raise hidden
        self.may(actor, "inspection.see", row.unit, hidden)
        return row

    async def writable(self, actor: Actor, inspection: str) -> Any:
        """Its row. Raises InspectionNotFound, Forbidden."""
        row = await self.seen(actor, inspection)
        self._access.authorise(actor, "inspection.record", row.unit)
        return row

    async def known(self, actor: Actor) -> ColumnElement[bool]:
        """The inspections out of meetings whose mark the asker is cleared for."""
        marks = covered(await self._access.clearance(actor))
        return inspections.c.meeting.not_in(select(meetings.c.id).where(meetings.c.secrecy.not_in(marks)))

    async def found(self, actor: Actor) -> ColumnElement[bool]:
        """The findings of those."""
        known = await self.known(actor)
        return findings.c.inspection.in_(select(inspections.c.id).where(known))

    def inside(self, actor: Actor, unit: str | None, column: ColumnElement[Any]) -> ColumnElement[bool]:
        """The rows of a subtree, or of everything that the asker may see."""
        if unit is None:
            granted = self.granted(actor)
        else:
            self._units.get(unit)
            self._access.authorise(actor, "inspection.see", unit)
            granted = (unit,)
        if ROOT_CODE in granted:
            return true()
        codes = [one.code for top in granted for one in self._units.subtree(top)]
        return or_(false(), *(column.in_(codes[i : i + 900]) for i in range(0, len(codes), 900)))
