"""Doors of sites' devices: challenge, activation by code and key, session by key."""

from fastapi import APIRouter, Request, Response

from diemcau.access import DeviceKey, DeviceSession, Proof, Purpose, network_of, site_actor
from diemcau.access.lines import SESSION_TTL
from diemcau.access.proofs import NONCE_S
from diemcau.api import schemas
from diemcau.api.asker import (
    DEVICE_COOKIE,
    DEVICE_S,
    CurrentServices,
    address_of,
    cookies_of,
    origin_of,
)
from diemcau.api.people import me_of, set_cookie
from diemcau.api.services import Services
from diemcau.errors import Conflict

router = APIRouter(prefix="/api/v1", tags=["access"])


@router.post("/device/challenge")
async def challenge(
    body: schemas.ChallengeRequest, request: Request, response: Response, services: CurrentServices
) -> schemas.Challenge:
    """A nonce for one proof. Costs the server nothing but its making: nothing is remembered of it."""
    origin = origin_of(request, services)
    request.app.state.limits.devices.take(network_of(address_of(request)))
    response.headers["Cache-Control"] = "no-store"
    nonce = services.access.challenge(Purpose(body.purpose), origin)
    return schemas.Challenge(nonce=nonce, life_s=int(NONCE_S))


@router.post("/device/session")
async def open_session(
    body: schemas.SessionRequest, request: Request, response: Response, services: CurrentServices
) -> schemas.DeviceSession:
    """A session for the device that proves its key; sets the cookie, and tells the page what must come
    beside it."""
    proof = Proof(body.nonce, body.signature, origin_of(request, services))
    request.app.state.limits.devices.take(network_of(address_of(request)))
    shown = cookies_of(request).get("site")
    session = await services.access.open_session(body.device, proof, shown, address=address_of(request))
    return await _told(services, response, session)


@router.post("/activation")
async def activate(
    body: schemas.ActivationRequest, request: Request, response: Response, services: CurrentServices
) -> schemas.Activated:
    """Exchanges an activation code for the binding of the device's key, and opens its first session.

    A browser that already is a site has to say `replace`, else 409 `conflict` and the code stays unused.
    """
    proof = Proof(body.nonce, body.signature, origin_of(request, services))
    key = DeviceKey.read(body.key)
    shown = cookies_of(request).get("site")
    if not body.replace and shown is not None and await services.access.is_device(shown, but=key):
        # Whoever opens a link that was sent to him must not find his post turned into another site.
        raise Conflict("This browser already is a site: only with `replace` it becomes another")
    address = address_of(request)
    activation = await services.access.activate(body.code, address=address, key=key, proof=proof)
    session = await services.access.begin_session(key, shown, address=address)
    told = await _told(services, response, session)
    site = schemas.Site.model_validate((await services.sites.get(activation.site)).to_json())
    return schemas.Activated(**told.model_dump(), site=site, device=key.name)


async def _told(services: Services, response: Response, session: DeviceSession) -> schemas.DeviceSession:
    # The cookie outlives the session that it holds: the next one says by it that it follows.
    set_cookie(services, response, DEVICE_COOKIE, session.token, DEVICE_S)
    response.headers["Cache-Control"] = "no-store"
    return schemas.DeviceSession(
        me=await me_of(services, site_actor(session.site), session.line),
        expires_s=int(SESSION_TTL.total_seconds()),
        conflict=session.conflict,
    )
