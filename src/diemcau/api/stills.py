"""Doors of still pictures: a site's own, and that of a presentation, for lines too narrow for video."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response

from diemcau.access import SecrecyRefused
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.pictures import MAX_AGE_S, MAX_PICTURE, MAX_SMALL, Picture
from diemcau.api.services import Services
from diemcau.errors import BadRequest, Forbidden, NotFound, TooLarge
from diemcau.meetings import PRESENTATION, MeetingNotFound
from diemcau.stage import NotAskedToPublish

router = APIRouter(prefix="/api/v1", tags=["stills"])

Name = Annotated[str, Path(min_length=1, max_length=64)]
Age = Annotated[int, Header(alias="X-Picture-Age", ge=0, le=int(MAX_AGE_S * 1000))]
_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}


@router.put("/snapshot", status_code=204)
async def put_picture(
    request: Request,
    asker: CurrentAsker,
    services: CurrentServices,
    small_bytes: Annotated[int, Header(alias="X-Small-Bytes", ge=0, le=MAX_SMALL)] = 0,
    age_ms: Age = 0,
) -> None:
    """A site's picture, JPEG of at most 128 kB; at most one a second in the long run.

    `X-Small-Bytes`: so many bytes at the end are a smaller copy, for walls. `X-Picture-Age`: it was taken so
    long before this request, by the page's own watch.
    """
    site = asker.actor.site
    if site is None:
        raise Forbidden("Only a site has a picture", command="snapshot.post")
    request.app.state.limits.pictures.take(site)
    if services.meetings.keeps_no_picture(site):
        raise SecrecyRefused("No picture of a marked meeting is kept.", site=site)
    taken_at = _taken_at(services, age_ms)
    taken = await _body(request, MAX_PICTURE + small_bytes)
    body, small = taken, None
    if small_bytes:
        if small_bytes >= len(body):
            raise BadRequest("The smaller copy is not the whole", field="X-Small-Bytes")
        body, small = body[:-small_bytes], body[-small_bytes:]
    services.pictures.put(site, body, taken_at, small)
    services.roll_calls.saw(site)
    services.metrics.pictures.set(services.pictures.bytes)
    await services.inspections.pictured(site, taken)


@router.get("/sites/{site}/snapshot", responses=_JPEG, response_class=Response)
async def picture(site: str, request: Request, asker: CurrentAsker, services: CurrentServices) -> Response:
    """The last picture of a site; 304 while it is still the one whose ETag the asker has."""
    if not _shown_to(asker, services, site):
        known = await services.sites.see(asker.actor, site)
        if asker.actor.site != site:
            services.access.authorise(asker.actor, "site.snapshot", known.unit)
    found = None if services.meetings.keeps_no_picture(site) else services.pictures.get(site)
    if found is None:
        raise NotFound("The site has no picture", site=site)
    return _answer(request, found)


@router.put("/meetings/{meeting}/slides", status_code=204)
async def put_slides(
    meeting: Name, request: Request, asker: CurrentAsker, services: CurrentServices, age_ms: Age = 0
) -> None:
    """What is presented now, by who presents: JPEG of at most 128 kB, as often as a site posts its own."""
    actor = asker.actor
    await services.meetings.viewer(meeting, actor)
    state = await services.meetings.state(meeting)
    shown = state.staging.presentation
    if actor.kind != "person" or shown is None or shown.by != actor.id:
        raise NotAskedToPublish("You do not present in this meeting.", meeting=meeting)
    if state.secrecy != "none":
        raise SecrecyRefused("No picture of a marked meeting is kept.", meeting=meeting)
    request.app.state.limits.pictures.take(actor.key)
    taken_at = _taken_at(services, age_ms)
    body = await _body(request, MAX_PICTURE)
    if services.meetings.marks.of(meeting) != "none":  # raised while the body came
        raise SecrecyRefused("No picture of a marked meeting is kept.", meeting=meeting)
    services.slides.put(meeting, body, taken_at)


@router.get("/meetings/{meeting}/slides", responses=_JPEG, response_class=Response)
async def slides(meeting: Name, request: Request, asker: CurrentAsker, services: CurrentServices) -> Response:
    """The last picture of what is presented, while it is on the meeting's stage."""
    own = asker.actor.site
    if own is not None and services.meetings.meeting_of(own) != meeting:
        raise MeetingNotFound
    await services.meetings.viewer(meeting, asker.actor)
    state = await services.meetings.state(meeting)
    shown, found = state.staging.presentation, services.slides.get(meeting)
    if shown is None or PRESENTATION not in state.on_air or state.secrecy != "none":
        raise NotFound("No presentation is shown by stills.", meeting=meeting)
    if found is None or found.at < shown.since:
        raise NotFound("No picture of this presentation has come yet.", meeting=meeting)
    return _answer(request, found)


def _taken_at(services: Services, age_ms: int) -> datetime:
    """Before the body is read: that may take long to come."""
    return services.clock.now() - timedelta(milliseconds=age_ms)


async def _body(request: Request, most: int) -> bytes:
    taken = bytearray()
    async for chunk in request.stream():
        taken += chunk
        if len(taken) > most:
            raise TooLarge(None, limit=MAX_PICTURE)
    return bytes(taken)


def _answer(request: Request, picture: Picture) -> Response:
    """304 while it is still the one whose ETag the asker has."""
    headers = {
        "ETag": picture.etag,
        "Last-Modified": format_datetime(picture.at.astimezone(UTC), usegmt=True),
        "Cache-Control": "private, no-cache",
    }
    if picture.etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture.jpeg, media_type="image/jpeg", headers=headers)


def _shown_to(asker: CurrentAsker, services: CurrentServices, site: str) -> bool:
    """Whether a site asks for one that is on the stage of its meeting: what its line cannot carry moving."""
    own = asker.actor.site
    meeting = None if own is None else services.meetings.meeting_of(own)
    return meeting is not None and services.stage.shows(meeting, site)
