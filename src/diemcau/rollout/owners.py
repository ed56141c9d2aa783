"""Who is to be asked about a site: one answer for every list."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from diemcau.access.standing import technicians
from diemcau.clock import Clock
from diemcau.sites import Site
from diemcau.store import Store
from diemcau.units import Units

FRESH: Final = timedelta(seconds=10)
"""How old the list of technicians may be."""


class Owners:
    """The first person of the site, else the technician nearest above it."""

    def __init__(self, store: Store, units: Units, clock: Clock) -> None:
        self._store, self._units, self._clock = store, units, clock
        self._technicians: Mapping[str, str] = {}
        self._at: datetime | None = None

    async def read(self) -> None:
        """Brings up to date who is whose technician; before `of`."""
        now = self._clock.now()
        if self._at is None or abs(now - self._at) > FRESH:
            self._technicians, self._at = await technicians(self._store), now

    def of(self, site: Site) -> str:
        """Name and title; empty when nobody is known."""
        if site.people:
            first = site.people[0]
            return first.name if first.title is None else f"{first.name} ({first.title})"
        if site.unit not in self._units:
            return ""
        line = (site.unit, *(above.code for above in self._units.ancestors(site.unit)))
        return next((self._technicians[code] for code in line if code in self._technicians), "")
