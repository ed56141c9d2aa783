"""The work on an import: looking through (changes nothing) and running.

Rows are worked on in threads, some hundred at a time, so that the server's loop goes on and the work can be
stopped.
"""

import asyncio
from collections.abc import Sequence
from typing import Final

import anyio
import anyio.to_thread

from diemcau.access import Access, Actor
from diemcau.errors import DiemCauError
from diemcau.rollout.job import Asking, Counts, Job, Status
from diemcau.rollout.matching import Matcher
from diemcau.rollout.reasons import Rejection
from diemcau.rollout.rows import Asked, Row, read_row
from diemcau.rollout.wanted import Known, Wanted, compare, gather
from diemcau.sites import NewSite, Site, SiteChange, Sites
from diemcau.units import Units

BATCH: Final = 1_000
"""Sites of one transaction and one event of a run."""

ROWS_AT_ONCE: Final = 200


class Work:
    """Looks imports through and runs them, one run at a time."""

    def __init__(self, units: Units, access: Access, sites: Sites) -> None:
        self._units = units
        self._access = access
        self._sites = sites
        # Two runs at once could each find that a site is not there yet.
        self._running = asyncio.Lock()

    async def check(self, job: Job) -> None:
        """Reads every row and compares with what is; changes nothing."""
        rows = list(zip(job.table.numbers, job.table.rows, strict=True))[job.heading.end :]
        job.of, job.rows = len(rows), 0
        job.rejections, job.asking, job.wanted, job.counts = {}, {}, [], Counts()
        job.checked = False
        if not job.mapped:
            job.status = Status.READY
            return
        matcher = Matcher(self._units, job.answers, within=job.within)
        taken: list[Row] = []

        def some(start: int) -> None:
            for number, cells in rows[start : start + ROWS_AT_ONCE]:
                found = read_row(number, cells, job.heading, matcher)
                if found is None:
                    continue
                job.rows += 1
                if isinstance(found, Rejection):
                    job.rejections[number] = found
                elif isinstance(found, Asked):
                    key = found.question.key
                    job.asking.setdefault(key, Asking(found.question)).rows.append(number)
                elif found.unit is not None and not self._inside(job.owner, found.unit):
                    job.rejections[number] = Rejection(number, "outside")
                else:
                    taken.append(found)

        for start in range(0, len(rows), ROWS_AT_ONCE):
            if job.stop:
                job.status = Status.STOPPED
                return
            await anyio.to_thread.run_sync(some, start)
            job.done = min(len(rows), start + ROWS_AT_ONCE)
        job.wanted, refused = await anyio.to_thread.run_sync(gather, taken, self._units)
        job.rejections |= {one.row: one for one in refused}
        met: dict[str, int] = {}
        for start in range(0, len(job.wanted), BATCH):
            await self._plan(job, job.wanted[start : start + BATCH], met)
        job.checked, job.status = True, Status.READY

    async def _plan(
        self, job: Job, wanted: Sequence[Wanted], met: dict[str, int]
    ) -> tuple[list[NewSite], list[SiteChange]]:
        """What the batch comes to, counted; what may not be is rejected. `met`: the first row of every site
        that the list has met, by id."""
        known = await self._known(wanted)
        new: list[NewSite] = []
        changes: dict[str, SiteChange] = {}

        def look() -> None:
            for one in wanted:
                found = compare(one, known, self._units)
                if (
                    isinstance(found, (Site, SiteChange))
                    and met.setdefault(found.id, one.rows[0]) != one.rows[0]
                ):
                    found = Rejection(one.rows[0], "disagrees", f"dòng {met[found.id]}")
                if isinstance(found, Rejection):
                    self._reject(job, one, found.code, found.detail)
                elif isinstance(found, NewSite):
                    if self._access.allowed(job.owner, "site.create", found.unit):
                        new.append(found)
                        job.counts.created += 1
                    else:
                        self._reject(job, one, "outside")
                elif not self._access.allowed(job.owner, "site.change", known.by_id[found.id].unit):
                    self._reject(job, one, "outside")
                elif isinstance(found, SiteChange):
                    changes[found.id] = found
                    job.counts.changed += 1
                else:
                    job.counts.same += 1

        await anyio.to_thread.run_sync(look)
        return new, list(changes.values())

    async def _known(self, wanted: Sequence[Wanted]) -> Known:
        by_id = await self._sites.get_many(one.site for one in wanted if one.site is not None)
        at = await self._sites.at_units(one.unit for one in wanted if one.unit is not None)
        return Known.of((*by_id.values(), *at))

    async def run(self, job: Job) -> None:
        """Makes and changes what looking through found, compared anew with what is, batch by batch."""
        job.of, job.counts = len(job.wanted), Counts()
        left = job.wanted
        met: dict[str, int] = {}
        for row in (row for one in left for row in one.rows):
            job.rejections.pop(row, None)  # of the run before
        async with self._running:
            while left and not job.stop:
                batch, left = left[:BATCH], left[BATCH:]
                await self._take(job, batch, met)
                job.done += len(batch)
        for one in left:
            self._reject(job, one, "cancelled")
        job.status = Status.STOPPED if left else Status.DONE

    async def _take(self, job: Job, batch: Sequence[Wanted], met: dict[str, int]) -> None:
        """Makes and changes the batch's sites; where all together are refused, each by itself."""
        before = Counts(job.counts.created, job.counts.changed, job.counts.same)
        new, changes = await self._plan(job, batch, met)
        try:
            await self._sites.create(job.owner, new)
            await self._sites.change(job.owner, changes)
        except DiemCauError as error:
            if error.status >= 500:
                raise
            job.counts = before
            if len(batch) == 1:
                self._reject(job, batch[0], "refused", error.code)
                return
            for one in batch:
                await self._take(job, [one], met)

    def _reject(self, job: Job, wanted: Wanted, code: str, detail: str = "") -> None:
        for row in wanted.rows:
            job.rejections[row] = Rejection(row, code, detail)

    def _inside(self, actor: Actor, unit: str) -> bool:
        return any(self._access.allowed(actor, command, unit) for command in ("site.create", "site.change"))
