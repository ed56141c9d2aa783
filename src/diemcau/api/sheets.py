"""Doors of the connection sheets: jobs that print them, what is known of devices, revocation."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated, Any, Literal

import anyio
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import StreamingResponse

from diemcau.api.asker import CONSOLE, Asker, CurrentAsker, CurrentServices, origin_of
from diemcau.api.live.hub import Hub
from diemcau.api.schemas import Code, Id, Strict
from diemcau.api.services import Services
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, Forbidden
from diemcau.rollout.sheets.jobs import SheetJob, Wanted
from diemcau.sites import ScopeEntry
from diemcau.units import Level

router = APIRouter(prefix="/api/v1/rollout", tags=["rollout"])

CHUNK = 256 << 10


class SheetsWanted(Strict):
    """`POST /rollout/sheets`: sheets for all sites inside `unit`, or for `sites`.

    `only_new`: not for those that are activated already; `end_devices`: their devices end now, and not when
    the new sheet is used; `base`: the address in the links, for the console alone.
    """

    unit: Code | None = None
    sites: Annotated[list[Id], Field(max_length=1000)] = Field(default_factory=list)
    days: Annotated[int, Field(ge=1, le=90)] = 14
    hotline: Annotated[str, Field(max_length=60)] = ""
    only_new: bool = True
    end_devices: bool = False
    base: Annotated[str, Field(max_length=200)] | None = None


class SheetsJob(BaseModel):
    """A job. `done` of `total` sheets are printed; `error`: a stable code; `bytes`: once it is ready."""

    id: str
    state: Literal["waiting", "running", "ready", "fetched", "failed", "cancelled", "expired"]
    done: int
    total: int
    bytes: int
    error: str | None
    expires_at: str


class DeviceRow(BaseModel):
    """A site and its device. Times are null while there is none; `page_hidden`, `slept_at`: what its page,
    if it is open, has said of itself."""

    site: str
    unit: str
    label: str
    path: str
    activated_at: str | None
    conflict_at: str | None
    code_until: str | None
    page_hidden: bool
    slept_at: str | None


class DeviceList(BaseModel):
    """Sites inside a unit: how many, how many activated, how many others with a good code; a page of them."""

    total: int
    activated: int
    waiting: int
    devices: list[DeviceRow]
    next: str | None


class Revocation(Strict):
    """`POST /rollout/codes/revoke`. `devices`: their devices end as well."""

    sites: Annotated[list[Id], Field(min_length=1, max_length=1000)]
    devices: bool = False


class Revoked(BaseModel):
    """How many codes and devices are good no more."""

    revoked: int


def _person(asker: Asker) -> Asker:
    if asker.actor.kind == "site":
        raise Forbidden(None, command="code.issue")
    return asker


def _job(job: SheetJob) -> SheetsJob:
    return SheetsJob(
        id=job.id,
        state=job.state,
        done=job.done,
        total=job.total,
        bytes=job.size,
        error=job.error,
        expires_at=rfc3339(job.expires),
    )


def _base(body: SheetsWanted, request: Request, services: Services) -> str:
    """The address that posts reach: as the installation says it, else as the asker came."""
    if request.scope.get(CONSOLE):
        base = body.base or services.options.public_url or request.app.state.address
        if base is None:
            raise BadRequest("base: the server is not running: say its address", field="base")
        return str(base)
    if body.base is not None:
        raise BadRequest("base: for the console alone", field="base")
    return services.options.public_url or origin_of(request, services)


@router.post("/sheets", status_code=202)
async def begin(
    body: SheetsWanted, request: Request, asker: CurrentAsker, services: CurrentServices
) -> SheetsJob:
    """Starts to print; the codes are good once the document is whole. Needs `code.issue`."""
    if not body.hotline.isprintable():
        raise BadRequest("hotline: one line", field="hotline")
    wanted = Wanted(
        base=_base(body, request, services),
        unit=body.unit,
        sites=tuple(body.sites),
        ttl=timedelta(days=body.days),
        hotline=" ".join(body.hotline.split()),
        only_new=body.only_new,
        end_devices=body.end_devices,
    )
    return _job(await services.sheets.begin(_person(asker).actor, wanted))


@router.get("/sheets/{job}")
async def progress(job: str, asker: CurrentAsker, services: CurrentServices) -> SheetsJob:
    """How far the asker's job is."""
    return _job(await services.sheets.get(asker.actor, job))


@router.delete("/sheets/{job}")
async def cancel(job: str, asker: CurrentAsker, services: CurrentServices) -> SheetsJob:
    """Ends it: before it is ready nothing was issued."""
    return _job(await services.sheets.cancel(asker.actor, job))


@router.get(
    "/sheets/{job}/file",
    responses={200: {"content": {"application/pdf": {}}}},
    response_class=StreamingResponse,
)
async def document(job: str, asker: CurrentAsker, services: CurrentServices) -> StreamingResponse:
    """The document, once: when its last byte was handed over, it is gone."""
    path = await services.sheets.take(asker.actor, job)
    size = (await anyio.Path(path).stat()).st_size

    async def body() -> AsyncIterator[bytes]:
        async with await anyio.open_file(path, "rb") as file:
            while chunk := await file.read(CHUNK):
                yield chunk
        await services.sheets.fetched(asker.actor, job)

    headers = {
        "Content-Length": str(size),
        "Content-Disposition": 'attachment; filename="phieu-ket-noi.pdf"',
        "Cache-Control": "no-store",
    }
    return StreamingResponse(body(), media_type="application/pdf", headers=headers)


@router.get("/devices")
async def devices(
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
    unit: Annotated[str, Query(max_length=16)],
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> DeviceList:
    """What is known of the devices of the sites inside a unit. Needs `code.issue` over it."""
    services.units.get(unit)
    services.access.authorise(_person(asker).actor, "code.issue", unit)
    total, activated, waiting = await services.sites.count_devices([ScopeEntry(unit, tuple(Level))])
    page = await services.sites.find(asker.actor, unit=unit, text=q, limit=limit, after=after)
    states = await services.access.device_states([site.id for site in page.sites])
    hub: Hub = request.app.state.hub

    def row(site: Any) -> DeviceRow:
        state, shown = states[site.id], hub.page_of(site.id) or {}
        times = (state.activated_at, state.conflict_at, state.code_until)
        activated_at, conflict_at, code_until = (None if at is None else rfc3339(at) for at in times)
        return DeviceRow(
            site=site.id,
            unit=site.unit,
            label=site.label,
            path=site.path,
            activated_at=activated_at,
            conflict_at=conflict_at,
            code_until=code_until,
            page_hidden=bool(shown.get("page_hidden")),
            slept_at=shown.get("slept_at"),
        )

    return DeviceList(
        total=total,
        activated=activated,
        waiting=waiting,
        devices=[row(site) for site in page.sites],
        next=page.next,
    )


@router.post("/codes/revoke")
async def revoke(body: Revocation, asker: CurrentAsker, services: CurrentServices) -> Revoked:
    """The sites' unused codes are good no more. Needs `code.revoke`."""
    count = await services.sites.revoke_codes(_person(asker).actor, body.sites, devices=body.devices)
    return Revoked(revoked=count)
