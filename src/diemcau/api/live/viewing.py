"""Opening viewers and publishers: what both their doors do, the WebSocket's frame and the HTTP request."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from diemcau.access import Actor
from diemcau.api.live.hub import Hub
from diemcau.api.services import Services
from diemcau.errors import DiemCauError
from diemcau.meetings import NotInMeeting
from diemcau.stage import PublisherAnswer, ViewerAnswer


@contextmanager
def counted(services: Services, what: str) -> Iterator[None]:
    """Counts what is asked of a media door, by its result."""
    try:
        yield
    except DiemCauError as error:
        services.metrics.media.labels(what, error.code).inc()
        raise
    services.metrics.media.labels(what, "ok").inc()


async def may_watch(services: Services, actor: Actor, meeting: str) -> None:
    """A site that is in the meeting, or a person whom the meeting concerns.

    Raises MeetingNotFound, NotInMeeting.
    """
    await services.meetings.viewer(meeting, actor)
    if actor.site is not None and services.meetings.meeting_of(actor.site) != meeting:
        raise NotInMeeting(None, site=actor.site)


async def open_ear(hub: Hub, actor: Actor, meeting: str, offer: str) -> ViewerAnswer:
    """A viewer of what is said to the asker in private.

    Raises TooManyRequests, MeetingNotFound, NotInMeeting, and what `Talkback.open_viewer` does.
    """
    with counted(hub.services, "talk_viewer"):
        hub.media.take(actor.key)
        await may_watch(hub.services, actor, meeting)
        return await hub.services.talkback.open_viewer(meeting, actor, offer)


async def open_voice(hub: Hub, actor: Actor, meeting: str, offer: str) -> PublisherAnswer:
    """A publisher of an operator who speaks in private. Raises as `open_ear`, and Forbidden."""
    with counted(hub.services, "talk_publisher"):
        hub.media.take(actor.key)
        await may_watch(hub.services, actor, meeting)
        return await hub.services.talkback.open_publisher(meeting, actor, offer)


async def open_viewer(hub: Hub, actor: Actor, meeting: str, offer: str, replaces: str | None) -> ViewerAnswer:
    """A viewer of the meeting's stage for the asker, when it is his turn.

    Raises TooManyRequests, MeetingNotFound, NotInMeeting, Queued, and what `Stage.open_viewer` does.
    """
    services = hub.services
    with counted(services, "viewer"):
        hub.media.take(actor.key)
        await may_watch(services, actor, meeting)
        if actor.site is not None:
            hub.turns.take(actor.id)
        began = time.monotonic()
        try:
            return await services.stage.open_viewer(meeting, actor.id, offer, replaces=replaces)
        finally:
            hub.turns.admission.answered(actor.id, time.monotonic() - began)
            hub.turns.admission.done(actor.id)


async def open_publisher(hub: Hub, actor: Actor, meeting: str, offer: str) -> PublisherAnswer:
    """A publisher of the site that asks, while it is asked to send, or of the person who presents.

    Raises Forbidden, TooManyRequests, MeetingNotFound, NotInMeeting, and what `Stage.open_publisher` does.
    """
    services = hub.services
    with counted(services, "publisher"):
        hub.media.take(actor.key)
        await may_watch(services, actor, meeting)
        if actor.site is None:
            scope = (await services.meetings.state(meeting)).scope
            services.access.authorise(actor, "presentation.start", *(entry.unit for entry in scope))
            return await services.stage.open_presentation(meeting, actor.id, offer)
        return await services.stage.open_publisher(meeting, actor.site, offer)
