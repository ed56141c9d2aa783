"""Who is asking: a bearer credential, or a cookie with its guards against forged requests."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from starlette.requests import HTTPConnection

from diemcau.access import SYSTEM, Actor, DeviceConflict, DeviceLine
from diemcau.api.services import Services
from diemcau.errors import Csrf, NotAuthenticated

SESSION_COOKIE = "dc_session"
DEVICE_COOKIE = "dc_device"
SESSION_S = 12 * 3600
DEVICE_S = 400 * 86400
CONSOLE = "diemcau.console"
"""Key of the ASGI scope that the console's own socket sets: whoever reaches it stands at the machine."""

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
MAX_CREDENTIAL = 512


@dataclass(frozen=True, slots=True)
class Asker:
    """An authenticated asker. `credential`: what he showed (of a device its line); `cookie`: whether it came
    in one."""

    actor: Actor
    credential: str | DeviceLine
    cookie: bool


def services_of(connection: HTTPConnection) -> Services:
    """The services of the application that got this request."""
    services: Services = connection.app.state.services
    return services


def address_of(connection: HTTPConnection) -> str:
    """Where the request comes from (behind a proxy: what uvicorn's proxy headers say)."""
    return connection.client.host if connection.client is not None else "?"


def check_origin(connection: HTTPConnection, services: Services) -> None:
    """Raises Csrf when a browser says that another site's page sends this."""
    origin = connection.headers.get("origin")
    if origin is None or origin in services.options.origins:
        return
    if urlsplit(origin).netloc.lower() != connection.headers.get("host", "").lower():
        raise Csrf("The request comes from a page of another origin")


def origin_of(connection: HTTPConnection, services: Services) -> str:
    """The origin of the page that asks, as its browser says it; without that word the one asked for.

    Raises Csrf for another site's page.
    """
    check_origin(connection, services)
    said = connection.headers.get("origin")
    if said is not None:
        return said.lower()
    scheme = "https" if connection.url.scheme in ("https", "wss") else "http"
    return f"{scheme}://{connection.headers.get('host', '').lower()}"


def bearer_of(connection: HTTPConnection) -> str | None:
    """The credential of the Authorization header."""
    scheme, _, value = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not value or len(value) > MAX_CREDENTIAL:
        return None
    return value.strip()


def cookies_of(connection: HTTPConnection) -> dict[str, str]:
    """Page -> credential, of the cookies that came; a browser may hold both kinds."""
    found = {}
    for page, name in (("desk", SESSION_COOKIE), ("site", DEVICE_COOKIE)):
        value = connection.cookies.get(name)
        if value and len(value) <= MAX_CREDENTIAL:
            found[page] = value
    return found


async def authenticate(services: Services, page: str, credential: str | DeviceLine) -> Actor:
    """The actor behind a credential of a page's kind: a device's line, a bearer, a person's session.

    Raises NotAuthenticated.
    """
    known = at_hand(services, page, credential)
    if known is not None:
        return known
    if isinstance(credential, DeviceLine):
        return await services.access.site_of_line(credential)
    if page == "site":
        return await services.access.site_of_device(credential)
    return await services.access.person_of_session(credential)


def at_hand(services: Services, page: str, credential: str | DeviceLine) -> Actor | None:
    """The same of a site, where it is known without asking anybody: what thousands do at once does not wait
    for each. None: `authenticate`. Raises NotAuthenticated."""
    if page == "site" or isinstance(credential, DeviceLine):
        return services.access.at_hand(credential)
    return None


async def _asker(request: Request) -> Asker:
    services = services_of(request)
    if request.scope.get(CONSOLE):
        return Asker(SYSTEM, "", False)
    if (bearer := bearer_of(request)) is not None:
        try:
            return Asker(await services.access.site_of_device(bearer), bearer, False)
        except NotAuthenticated:
            return Asker(await services.access.person_of_session(bearer), bearer, False)
    cookies = cookies_of(request)
    token = request.headers.get("x-csrf-token")
    changes = request.method not in SAFE
    if changes and cookies:
        check_origin(request, services)
    wanted = request.headers.get("x-page")
    order = [wanted] if wanted in cookies else list(cookies)
    failure: Exception = NotAuthenticated()
    for page in order:
        credential = cookies[page]
        try:
            if page == "site":
                # A copied cookie is not enough for anything: what its page was told must come along.
                actor, line = await services.access.site_of_session(credential, token)
                return Asker(actor, line, True)
            if changes:
                # A browser that holds both cookies means the one whose token it sends.
                services.access.check_csrf(credential, token)
            return Asker(await authenticate(services, page, credential), credential, True)
        except (NotAuthenticated, Csrf) as error:
            if not isinstance(failure, Csrf | DeviceConflict):
                failure = error
    raise failure


CurrentAsker = Annotated[Asker, Depends(_asker)]


async def _services(request: Request) -> Services:
    # Not `services_of` itself: FastAPI calls what is not a coroutine in another thread.
    return services_of(request)


CurrentServices = Annotated[Services, Depends(_services)]
