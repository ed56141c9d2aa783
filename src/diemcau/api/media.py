"""Doors of `stage`: viewers, their pins, publishers."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.live.viewing import open_publisher as publish
from diemcau.api.live.viewing import open_viewer
from diemcau.errors import Forbidden
from diemcau.meetings import PRESENTATION

router = APIRouter(prefix="/api/v1", tags=["media"])

Name = Annotated[str, Path(min_length=1, max_length=64)]


@router.get("/ice")
async def ice(
    request: Request, response: Response, asker: CurrentAsker, services: CurrentServices
) -> schemas.IceServers:
    """Relays that the asker may use, with credentials that expire; none where the installation has none."""
    request.app.state.limits.ice.take(asker.actor.key)
    response.headers["Cache-Control"] = "no-store"
    return schemas.ice_servers(services.options.ice, asker.actor.id, services.clock.now())


@router.post("/meetings/{meeting}/viewer", status_code=201)
async def viewer(
    meeting: Name, body: schemas.ViewerOffer, request: Request, asker: CurrentAsker
) -> schemas.ViewerAnswer:
    """A receive-only connection to the meeting's stage (WHEP-shaped: an offer in, an answer out)."""
    opened = await open_viewer(request.app.state.hub, asker.actor, meeting, body.offer, body.replaces)
    return schemas.ViewerAnswer.model_validate(opened, from_attributes=True)


@router.put("/viewers/{viewer}/pins/{line}", status_code=204)
async def pin(
    viewer: Name,
    line: Annotated[int, Path(ge=0, le=63)],
    body: schemas.PinRequest,
    asker: CurrentAsker,
    services: CurrentServices,
) -> None:
    """Points one video line of the asker's own viewer at a site, or at what is presented; operators only."""
    actor = asker.actor
    if actor.site is not None:
        raise Forbidden("Only operators pin pictures", command="pin.set")
    meeting = services.stage.meeting_of_viewer(viewer, actor.id)
    if body.site == PRESENTATION:
        scope = (await services.meetings.state(meeting)).scope
        services.access.authorise(actor, "pin.set", *(entry.unit for entry in scope))
    elif body.site is not None:
        site = await services.sites.see(actor, body.site)
        services.access.authorise(actor, "pin.set", site.unit)
    await services.stage.pin(viewer, actor.id, line, body.site, body.ceiling)


@router.delete("/viewers/{viewer}", status_code=204)
async def close_viewer(viewer: Name, asker: CurrentAsker, services: CurrentServices) -> None:
    """Ends the asker's own viewer."""
    await services.stage.close_viewer(viewer, asker.actor.id)


@router.post("/meetings/{meeting}/publisher", status_code=201)
async def open_publisher(
    meeting: Name, body: schemas.PublisherOffer, request: Request, asker: CurrentAsker
) -> schemas.PublisherAnswer:
    """A send-only connection of a site, while it is asked to publish, or of who presents (WHIP-shaped)."""
    opened = await publish(request.app.state.hub, asker.actor, meeting, body.offer)
    return schemas.PublisherAnswer.model_validate(opened, from_attributes=True)


@router.delete("/publishers/{publisher}", status_code=204)
async def close_publisher(publisher: Name, asker: CurrentAsker, services: CurrentServices) -> None:
    """Ends the asker's own publisher."""
    await services.stage.close_publisher(publisher, asker.actor.id)
