"""Jobs that make connection sheets for a subtree, and issue their codes once the document is whole."""

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Literal
from zoneinfo import ZoneInfo

import structlog

from diemcau.access import Access, Actor, IssuedCode
from diemcau.clock import Clock
from diemcau.errors import BadRequest, Busy, DiemCauError, NotFound, WrongState
from diemcau.ids import NewId, new_id
from diemcau.rollout.sheets.press import print_sheets
from diemcau.rollout.sheets.render import Sheet
from diemcau.sites import ScopeEntry, Site, SiteNotFound, Sites
from diemcau.units import Level, Units

MAX_SHEETS: Final = 20_000
MAX_JOBS: Final = 8
"""Jobs that wait, run or lie ready at once; each some 20 MB of disk for a whole nation."""

KEPT: Final = timedelta(minutes=30)
"""How long a document waits to be fetched."""

ZONE: Final = ZoneInfo("Asia/Ho_Chi_Minh")

State = Literal["waiting", "running", "ready", "fetched", "failed", "cancelled", "expired"]
ENDED: Final = frozenset({"fetched", "failed", "cancelled", "expired"})

log = structlog.get_logger(__name__)


class SheetJobNotFound(NotFound):
    """There is no such job, or it is somebody else's. Details: `job`."""

    code = "sheet_job_not_found"
    default = "There is no such job."


class NothingToPrint(BadRequest):
    """Every site that was asked for is activated already, or there is none."""

    code = "nothing_to_print"
    default = "There is no site here that needs a sheet."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sites get a sheet: all inside `unit`, or those named. `only_new`: not those that a device stands
    for already. `end_devices`: these end now, and not when the new sheet is used."""

    base: str
    unit: str | None = None
    sites: tuple[str, ...] = ()
    ttl: timedelta = timedelta(days=14)
    hotline: str = ""
    only_new: bool = True
    end_devices: bool = False


@dataclass(slots=True, eq=False)
class SheetJob:
    """A job as its owner sees it. `size`: bytes of the document once it is ready."""

    id: str
    owner: str
    total: int
    path: Path
    begun: datetime
    expires: datetime
    done: int = 0
    state: State = "waiting"
    size: int = 0
    error: str | None = None
    issuing: bool = False
    task: "asyncio.Task[None] | None" = field(default=None, repr=False)


class SheetJobs:
    """All jobs of this server; their documents lie in a folder of mode 0700 and outlive no restart."""

    def __init__(
        self,
        sites: Sites,
        access: Access,
        units: Units,
        clock: Clock,
        folder: Path,
        *,
        hotline: str = "",
        make_id: NewId = new_id,
    ) -> None:
        self._sites, self._access, self._units, self._clock = sites, access, units, clock
        self._folder, self.hotline, self._make_id = folder, hotline, make_id
        self._jobs: dict[str, SheetJob] = {}
        self._turn = asyncio.Lock()  # one is printed at a time: it takes every core it may have
        if folder.is_dir():
            for left in folder.iterdir():
                left.unlink()

    async def aclose(self) -> None:
        """Ends what runs; documents that nobody fetched are gone."""
        for job in self._jobs.values():
            await self._end(job, "cancelled")
            job.path.unlink(missing_ok=True)
        self._jobs.clear()

    async def begin(self, actor: Actor, wanted: Wanted) -> SheetJob:
        """Starts a job; needs `code.issue` over every site.

        Raises Forbidden, UnitNotFound, SiteNotFound, BadRequest, NothingToPrint, Busy (too many jobs).
        """
        await self._sweep()
        if sum(job.state not in ENDED for job in self._jobs.values()) >= MAX_JOBS:
            raise Busy("Too many sheets are being made or wait to be fetched", retry_after=60)
        chosen = await self._choose(actor, wanted)
        drawn = self._access.draw_codes([site.id for site in chosen], ttl=wanted.ttl)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        name = self._make_id("sheets")
        now = self._clock.now()
        job = SheetJob(name, actor.key, len(chosen), self._folder / f"{name}.pdf", now, now + KEPT)
        self._jobs[name] = job
        job.task = asyncio.create_task(self._run(job, actor, wanted, chosen, drawn), name=f"sheets-{name}")
        return job

    async def get(self, actor: Actor, job: str) -> SheetJob:
        """The actor's job. Raises SheetJobNotFound."""
        await self._sweep()
        found = self._jobs.get(job)
        if found is None or found.owner != actor.key:
            raise SheetJobNotFound(None, job=job[:64])
        return found

    async def cancel(self, actor: Actor, job: str) -> SheetJob:
        """Ends a job. Before it is ready no code of it was issued, and earlier sheets stay good; a document
        that lies ready is thrown away, its codes stay until they are revoked. Raises SheetJobNotFound."""
        found = await self.get(actor, job)
        await self._end(found, "cancelled")
        return found

    async def take(self, actor: Actor, job: str) -> Path:
        """The document, for its owner. Raises SheetJobNotFound, WrongState."""
        found = await self.get(actor, job)
        if found.state != "ready":
            raise WrongState("The document is not there to be fetched", state=found.state)
        return found.path

    async def fetched(self, actor: Actor, job: str) -> None:
        """The document was handed over whole: it is there once."""
        await self._end(await self.get(actor, job), "fetched")

    async def _choose(self, actor: Actor, wanted: Wanted) -> list[Site]:
        if (wanted.unit is None) == (not wanted.sites):
            raise BadRequest("either a unit or sites", field="unit")
        if wanted.unit is not None:
            self._units.get(wanted.unit)
            self._access.authorise(actor, "code.issue", wanted.unit)
            found = list(await self._sites.by_units([ScopeEntry(wanted.unit, tuple(Level))]))
        else:
            known = await self._sites.get_many(wanted.sites)
            for site in wanted.sites:
                if site not in known:
                    raise SiteNotFound(None, site=site[:64])
            found = [known[site] for site in dict.fromkeys(wanted.sites)]
            self._access.authorise(actor, "code.issue", *{site.unit for site in found})
        if wanted.only_new:
            states = await self._access.device_states([site.id for site in found])
            found = [site for site in found if states[site.id].activated_at is None]
        if not found:
            raise NothingToPrint
        if len(found) > MAX_SHEETS:
            raise BadRequest(f"at most {MAX_SHEETS} sheets at once", field="sites")
        return found

    async def _run(
        self, job: SheetJob, actor: Actor, wanted: Wanted, chosen: list[Site], drawn: Sequence[IssuedCode]
    ) -> None:
        def printed(done: int) -> None:
            job.done = done

        try:
            async with self._turn:
                job.state = "running"
                sheets = [self._sheet(s, c, wanted, job.begun) for s, c in zip(chosen, drawn, strict=True)]
                job.size = await print_sheets(sheets, job.path, printed)
                job.issuing = True  # from here on it is not stopped: paper and codes belong together
                if wanted.end_devices:
                    await self._sites.revoke_codes(actor, [site.id for site in chosen], devices=True)
                await self._sites.store_codes(actor, drawn)
            job.state, job.expires = "ready", self._clock.now() + KEPT
        except DiemCauError as error:
            log.warning("sheets not made", job=job.id, code=error.code, error=error.message)
            job.state, job.error = "failed", error.code
        except OSError as error:
            log.warning("sheets not made", job=job.id, error=str(error))
            job.state, job.error = "failed", "storage_unavailable"
        finally:
            job.issuing = False
            if job.state != "ready":
                job.path.unlink(missing_ok=True)

    def _sheet(self, site: Site, code: IssuedCode, wanted: Wanted, now: datetime) -> Sheet:
        base = wanted.base.rstrip("/")
        return Sheet(
            site=site.id,
            place=self._province(site.unit),
            path=site.path,
            label=site.label,
            code=code.code,
            link=f"{base}/vao#code={code.code}",
            address=f"{base.removeprefix('https://')}/vao",
            until=f"{code.expires_at.astimezone(ZONE):%H:%M %d/%m/%Y}",
            hotline=wanted.hotline or self.hotline,
            printed=f"{now.astimezone(ZONE):%d/%m/%Y %H:%M}",
        )

    def _province(self, unit: str) -> str:
        """ "Tỉnh Bình Phước"; the nation's and unknown units are the country's."""
        code: str | None = unit if unit in self._units else None
        while code is not None:
            found = self._units.get(code)
            if found.level is Level.PROVINCE:
                return found.title
            code = found.parent
        return "Việt Nam"

    async def _end(self, job: SheetJob, state: State) -> None:
        if job.state in ENDED:
            return
        if job.issuing and job.task is not None:
            await asyncio.wait([job.task])
            return  # too late to be stopped: it is ready, or has failed
        job.state = state
        if job.task is not None and not job.task.done():
            job.task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await job.task
            job.state = state
        job.path.unlink(missing_ok=True)

    async def _sweep(self) -> None:
        now = self._clock.now()
        for job in list(self._jobs.values()):
            if job.state == "ready" and job.expires <= now:
                await self._end(job, "expired")
            elif job.state in ENDED and job.begun + 4 * KEPT <= now:
                del self._jobs[job.id]
        ended = [job for job in self._jobs.values() if job.state in ENDED]
        for job in ended[: max(0, len(ended) - 100)]:
            del self._jobs[job.id]
