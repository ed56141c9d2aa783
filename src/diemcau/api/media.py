"""Doors of `stage`: viewers, their pins, publishers."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from diemcau.access import Actor
from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.services import Services
from diemcau.errors import DiemCauError, Forbidden
from diemcau.meetings import NotInMeeting

router = APIRouter(prefix="/api/v1", tags=["media"])

Name = Annotated[str, Path(min_length=1, max_length=64)]


@contextmanager
def counted(services: Services, what: str) -> Iterator[None]:
    """Counts what is asked of a media door, by its result."""
    try:
        yield
    except DiemCauError as error:
        services.metrics.media.labels(what, error.code).inc()
        raise
    services.metrics.media.labels(what, "ok").inc()


async def _may_watch(services: Services, actor: Actor, meeting: str) -> None:
    """A site that is in the meeting, or a person whom the meeting concerns."""
    await services.meetings.viewer(meeting, actor)
    if actor.site is not None and services.meetings.meeting_of(actor.site) != meeting:
        raise NotInMeeting(None, site=actor.site)


@router.get("/ice")
async def ice(
    request: Request, response: Response, asker: CurrentAsker, services: CurrentServices
) -> schemas.IceServers:
    """Relays that the asker may use, with credentials that expire; none where the installation has none."""
    request.app.state.limits.ice.take(asker.actor.key)
    response.headers["Cache-Control"] = "no-store"
    ice = services.options.ice
    servers = [
        schemas.IceServer(urls=list(server.urls), username=server.username, credential=server.credential)
        for server in ice.for_party(asker.actor.id, services.clock.now())
    ]
    return schemas.IceServers(servers=servers, lifetime_s=int(ice.lifetime.total_seconds()))


@router.post("/meetings/{meeting}/viewer", status_code=201)
async def open_viewer(
    meeting: Name,
    body: schemas.ViewerOffer,
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
) -> schemas.ViewerAnswer:
    """A receive-only connection to the meeting's stage (WHEP-shaped: an offer in, an answer out)."""
    with counted(services, "viewer"):
        request.app.state.limits.media.take(asker.actor.key)
        await _may_watch(services, asker.actor, meeting)
        party, hub = asker.actor.id, request.app.state.hub
        if asker.actor.site is not None:
            hub.take_turn(party)
        began = time.monotonic()
        try:
            opened = await services.stage.open_viewer(meeting, party, body.offer, replaces=body.replaces)
        finally:
            hub.admission.answered(time.monotonic() - began)
            hub.admission.done(party)
    return schemas.ViewerAnswer.model_validate(opened, from_attributes=True)


@router.put("/viewers/{viewer}/pins/{line}", status_code=204)
async def pin(
    viewer: Name,
    line: Annotated[int, Path(ge=0, le=63)],
    body: schemas.PinRequest,
    asker: CurrentAsker,
    services: CurrentServices,
) -> None:
    """Points one video line of the asker's own viewer at a site; operators only."""
    actor = asker.actor
    if actor.site is not None:
        raise Forbidden("Only operators pin pictures", command="pin.set")
    services.stage.meeting_of_viewer(viewer, actor.id)
    if body.site is not None:
        site = await services.sites.see(actor, body.site)
        services.access.authorise(actor, "pin.set", site.unit)
    await services.stage.pin(viewer, actor.id, line, body.site, body.ceiling)


@router.delete("/viewers/{viewer}", status_code=204)
async def close_viewer(viewer: Name, asker: CurrentAsker, services: CurrentServices) -> None:
    """Ends the asker's own viewer."""
    await services.stage.close_viewer(viewer, asker.actor.id)


@router.post("/meetings/{meeting}/publisher", status_code=201)
async def open_publisher(
    meeting: Name,
    body: schemas.PublisherOffer,
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
) -> schemas.PublisherAnswer:
    """A send-only connection of a site, while it is asked to publish (WHIP-shaped)."""
    with counted(services, "publisher"):
        site = asker.actor.site
        if site is None:
            raise Forbidden("Only sites publish", command="publisher.open")
        request.app.state.limits.media.take(asker.actor.key)
        await _may_watch(services, asker.actor, meeting)
        opened = await services.stage.open_publisher(meeting, site, body.offer)
    return schemas.PublisherAnswer.model_validate(opened, from_attributes=True)


@router.delete("/publishers/{publisher}", status_code=204)
async def close_publisher(publisher: Name, asker: CurrentAsker, services: CurrentServices) -> None:
    """Ends the site's own publisher."""
    await services.stage.close_publisher(publisher, asker.actor.id)
