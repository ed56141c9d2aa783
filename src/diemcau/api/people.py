"""Doors of people: log in and out, who am I."""

from fastapi import APIRouter, Request, Response

from diemcau.access import PERMISSIONS, Actor, DeviceLine
from diemcau.api import schemas
from diemcau.api.asker import (
    SESSION_COOKIE,
    SESSION_S,
    Asker,
    CurrentAsker,
    CurrentServices,
    address_of,
    check_origin,
)
from diemcau.api.services import Services
from diemcau.clock import rfc3339
from diemcau.errors import Forbidden

router = APIRouter(prefix="/api/v1", tags=["access"])


async def me_of(services: Services, actor: Actor, credential: str | DeviceLine) -> schemas.Me:
    """`Me` of docs/protocol.md."""
    csrf = services.access.csrf_token(credential)
    if actor.site is not None:
        site = await services.sites.get(actor.site)
        return schemas.Me(
            kind="site",
            id=site.id,
            name=site.label,
            title=None,
            grants=[],
            site=schemas.Site.model_validate(site.to_json()),
            csrf=csrf,
            temporary=False,
            may=[],
        )
    grants = [schemas.Grant(role=grant.role.value, unit=grant.unit) for grant in actor.grants]
    return schemas.Me(
        kind="person",
        id=actor.id,
        name=actor.name,
        title=actor.title,
        grants=grants,
        site=None,
        csrf=csrf,
        temporary=actor.temporary,
        may=[command for command in PERMISSIONS if services.access.units_granted(actor, command)],
        clearance=await services.access.clearance(actor),
    )


def set_cookie(services: Services, response: Response, name: str, value: str, seconds: int) -> None:
    """A cookie that no script reads and no other site's page sends."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        path="/",
        httponly=True,
        samesite="strict",
        secure=services.options.secure,
    )


@router.post("/session")
async def log_in(
    body: schemas.LogIn, request: Request, response: Response, services: CurrentServices
) -> schemas.Session:
    """Logs a person in; sets the session cookie."""
    check_origin(request, services)
    session = await services.access.log_in(body.username, body.password, address=address_of(request))
    set_cookie(services, response, SESSION_COOKIE, session.token, SESSION_S)
    response.headers["Cache-Control"] = "no-store"
    me = await me_of(services, session.actor, session.token)
    return schemas.Session(me=me, expires_at=rfc3339(session.expires_at))


@router.delete("/session", status_code=204)
async def log_out(asker: CurrentAsker, services: CurrentServices, response: Response) -> None:
    """Ends the session; its cookie goes."""
    if isinstance(asker.credential, str):
        await services.access.log_out(asker.credential)
    response.delete_cookie(SESSION_COOKIE, path="/", httponly=True, samesite="strict")


@router.put("/session/password")
async def choose_password(
    body: schemas.OwnPassword,
    asker: CurrentAsker,
    request: Request,
    response: Response,
    services: CurrentServices,
) -> schemas.Session:
    """A person sets a password of his own; his sessions end but for the new one of this answer's cookie."""
    if not isinstance(asker.credential, str):
        raise Forbidden("Only people have passwords", command="password.set")
    session = await services.access.choose_password(
        asker.credential, body.old, body.password, address=address_of(request)
    )
    set_cookie(services, response, SESSION_COOKIE, session.token, SESSION_S)
    response.headers["Cache-Control"] = "no-store"
    me = await me_of(services, session.actor, session.token)
    return schemas.Session(me=me, expires_at=rfc3339(session.expires_at))


@router.get("/me")
async def me(asker: CurrentAsker, services: CurrentServices, response: Response) -> schemas.Me:
    """Who asks, and the token that his changes must carry. Header `X-Page: site|desk` chooses a cookie."""
    response.headers["Cache-Control"] = "no-store"
    return await _me(services, asker)


async def _me(services: Services, asker: Asker) -> schemas.Me:
    return await me_of(services, asker.actor, asker.credential)
