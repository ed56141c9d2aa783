"""`Rollout`: imports of sites and people, and their export. See docs/rollout.md.

Imports live in memory, few and for a while: what matters of them is in the directory of sites, and the same
file again changes nothing.
"""

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from datetime import timedelta
from typing import Any, Final, Protocol

import anyio
import anyio.to_thread
import structlog

from diemcau.access import Access, Actor
from diemcau.clock import Clock
from diemcau.errors import BadRequest, Busy, DiemCauError, Forbidden, WrongState
from diemcau.ids import NewId, new_id
from diemcau.rollout import report
from diemcau.rollout.errors import ImportNotFound
from diemcau.rollout.fields import Field
from diemcau.rollout.heading import chosen, find, guessed
from diemcau.rollout.job import Job, Status
from diemcau.rollout.work import Work
from diemcau.sites import Sites
from diemcau.spreadsheet import Table, read
from diemcau.units import ROOT_CODE, Units

log = structlog.get_logger(__name__)

MAX_JOBS: Final = 8
MAX_OWN: Final = 2
KEPT: Final = timedelta(hours=2)
LEFT: Final = timedelta(minutes=10)
"""How long an import stays that nobody touches, and how long when others want its place."""

MAX_ANSWERS: Final = 20_000
MAX_EXPORT: Final = 50_000
READING: Final = 2
"""Files that are read at once, each in a process of its own."""


class Reader(Protocol):
    """Reads a hostile file; `spreadsheet.read`."""

    async def __call__(self, data: bytes, *, sheet: str | None = None) -> Table:
        """Raises BadSheet."""
        ...


class Rollout:
    """Imports and exports. `aclose` ends what runs."""

    def __init__(
        self,
        units: Units,
        access: Access,
        sites: Sites,
        clock: Clock,
        *,
        make_id: NewId = new_id,
        reader: Reader = read,
    ) -> None:
        self._units = units
        self._access = access
        self._sites = sites
        self._clock = clock
        self._make_id = make_id
        self._read = reader
        self._jobs: dict[str, Job] = {}
        self._reading = asyncio.Semaphore(READING)
        self._work = Work(units, access, sites)

    async def aclose(self) -> None:
        """Stops every import; what was taken stays."""
        tasks = [job.task for job in self._jobs.values() if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._jobs.clear()

    def may(self, actor: Actor) -> None:
        """Raises Forbidden unless the actor may import somewhere. Asked before a file is taken in."""
        if not any(self._access.units_granted(actor, c) for c in ("site.create", "site.change")):
            raise Forbidden(None, command="site.create")

    async def open(self, actor: Actor, name: str, data: bytes, *, sheet: str | None = None) -> Job:
        """Takes a file in and begins to look it through. Raises Forbidden, BadSheet, Busy (too many imports
        are open)."""
        self.may(actor)
        self._forget_old(actor)
        if len(self._jobs) >= MAX_JOBS or self._reading.locked():
            raise Busy("Other lists are being imported: try again in a minute")
        async with self._reading:
            table = await self._read(data, sheet=sheet)
        heading = await anyio.to_thread.run_sync(find, table)
        name = "".join(c for c in name[:120] if c.isprintable())
        job = Job(self._make_id("i"), actor, name, data, table, heading, self._clock.now())
        # Whoever may import in one subtree only has a list of it.
        granted = {u for c in ("site.create", "site.change") for u in self._access.units_granted(actor, c)}
        if len(granted) == 1 and granted != {ROOT_CODE}:
            job.within = granted.pop()
        self._jobs[job.id] = job
        self._begin(job)
        return job

    def get(self, actor: Actor, job: str) -> Job:
        """The asker's import. Raises ImportNotFound."""
        found = self._jobs.get(job)
        if found is None or found.owner.key != actor.key:
            raise ImportNotFound(None, **{"import": job[:64]})
        found.touched = self._clock.now()
        return found

    async def map(
        self,
        actor: Actor,
        job: str,
        *,
        sheet: str | None = None,
        heading: tuple[int, int] | None = None,
        columns: Mapping[int, Field | None] | None = None,
        within: str | None = None,
    ) -> Job:
        """Another sheet, other rows for the heading (its first row's number in the file, how many), or other
        columns, another unit in which the whole list lies (the nation: none); what is None stays (columns:
        guessed anew for another sheet or heading). Raises BadRequest, BadSheet, UnitNotFound."""
        found = self._idle(actor, job)
        if within is not None:
            found.within = within if self._units.get(within).code != ROOT_CODE else None
        if sheet is not None and sheet != found.table.sheet:
            async with self._reading:
                found.table = await self._read(found.data, sheet=sheet)
            found.heading = await anyio.to_thread.run_sync(find, found.table)
        first, end = found.heading.first, found.heading.end
        if heading is not None:
            numbers = found.table.numbers
            first = next((i for i, number in enumerate(numbers) if number >= heading[0]), len(numbers))
            end = first + heading[1]
        if columns is not None or heading is not None:
            first = min(first, len(found.table.rows))
            meant = columns if columns is not None else guessed(found.table, first, end)
            found.heading = chosen(found.table, first, end, meant)
        self._begin(found)
        return found

    async def answer(self, actor: Actor, job: str, answers: Mapping[str, str | None]) -> Job:
        """Answers to questions by key: a unit's code, or None: no unit, the rows are not taken. They hold for
        all rows with the same words. Raises BadRequest, UnitNotFound."""
        found = self._idle(actor, job)
        for unit in answers.values():
            if unit is not None:
                self._units.get(unit)
        if len(found.answers.keys() | answers.keys()) > MAX_ANSWERS:
            raise BadRequest(f"at most {MAX_ANSWERS} answers", field="answers")
        found.answers.update(answers)
        self._begin(found)
        return found

    def run(self, actor: Actor, job: str) -> Job:
        """Begins to make and change sites as the list says. Raises WrongState."""
        found = self._idle(actor, job)
        if not found.checked or not found.mapped:
            raise WrongState("The list has not been looked through")
        found.owner = actor  # with the grants of now
        self._start(found, self._work.run(found), Status.RUNNING)
        return found

    def stop(self, actor: Actor, job: str) -> Job:
        """Ends looking through or running after the present batch; what was taken stays."""
        found = self.get(actor, job)
        found.stop = True
        return found

    async def settled(self, actor: Actor, job: str, wait_s: float | None = None) -> Job:
        """The import when nothing is being done with it any more, or after so many seconds."""
        found = self.get(actor, job)
        if found.task is not None and wait_s != 0:
            await asyncio.wait([found.task], timeout=wait_s)
        return found

    async def forget(self, actor: Actor, job: str) -> None:
        """Ends the import and forgets it."""
        found = self.get(actor, job)
        found.stop = True
        if found.task is not None:
            await asyncio.wait([found.task])
        self._jobs.pop(job, None)

    async def rejected_file(self, actor: Actor, job: str, form: report.Format) -> bytes:
        """The rows that were not taken, to be mended and imported alone."""
        found = self._idle(actor, job)
        rejections = found.all_rejections()
        return await anyio.to_thread.run_sync(
            report.rejected_file, found.table, found.heading, rejections, form
        )

    async def export(self, actor: Actor, form: report.Format, *, unit: str | None = None) -> bytes:
        """The sites that the actor may change, with phones and people, inside `unit` if given.

        Raises Forbidden, UnitNotFound.
        """
        granted = self._access.units_granted(actor, "site.change")
        if not granted:
            raise Forbidden(None, command="site.change")
        if unit is not None:
            granted = tuple(
                unit if self._units.contains(own, unit) else own
                for own in granted
                if self._units.contains(own, unit) or self._units.contains(unit, own)
            )
        found = await self._sites.inside(granted, limit=MAX_EXPORT)
        return await anyio.to_thread.run_sync(report.sites_file, found, self._units, form)

    # the work
    def _begin(self, job: Job) -> None:
        self._start(job, self._work.check(job), Status.CHECKING)

    def _start(self, job: Job, work: Coroutine[Any, Any, None], status: Status) -> None:
        job.status, job.stop, job.error, job.done, job.of = status, False, None, 0, 0
        job.task = asyncio.create_task(self._guard(job, work), name=f"import {job.id}")

    async def _guard(self, job: Job, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except DiemCauError as error:
            job.status, job.error = Status.FAILED, error.code
        except Exception:
            log.exception("import failed", job=job.id)
            job.status, job.error = Status.FAILED, "internal"

    def _idle(self, actor: Actor, job: str) -> Job:
        found = self.get(actor, job)
        if found.task is not None and not found.task.done():
            raise WrongState("It is being worked on")
        return found

    def _forget_old(self, actor: Actor) -> None:
        """The asker's third import takes the place of his oldest; what nobody has touched for long goes."""
        idle = [job for job in self._jobs.values() if job.task is None or job.task.done()]
        idle.sort(key=lambda job: job.touched)
        own = [job for job in idle if job.owner.key == actor.key]
        full = len(self._jobs) >= MAX_JOBS
        gone = [job for job in idle if job.touched + (LEFT if full else KEPT) < self._clock.now()]
        gone += own[: max(0, sum(j.owner.key == actor.key for j in self._jobs.values()) - MAX_OWN + 1)]
        for job in gone:
            with contextlib.suppress(KeyError):
                del self._jobs[job.id]
