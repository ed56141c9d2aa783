"""Doors for the commands of this machine: people, sites, codes. Only over the console's own socket."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import Field

from diemcau.access import SYSTEM, Grant, Person, PersonNotFound, Role
from diemcau.api import schemas
from diemcau.api.asker import CONSOLE, CurrentServices
from diemcau.api.schemas import Code, Id, Strict
from diemcau.api.services import Services
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, NotFound
from diemcau.sites import NewSite, SiteKind


def _only_here(request: Request) -> None:
    if not request.scope.get(CONSOLE):
        raise NotFound


router = APIRouter(prefix="/console/v1", dependencies=[Depends(_only_here)], include_in_schema=False)


class GrantGiven(Strict):
    """A role over a unit."""

    role: Annotated[str, Field(max_length=32)]
    unit: Code


class NewPerson(Strict):
    """Somebody who is to log in."""

    username: Annotated[str, Field(min_length=1, max_length=128)]
    password: Annotated[str, Field(min_length=1, max_length=1024)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(max_length=200)] | None = None
    grants: list[GrantGiven] = Field(default_factory=list)


class Grants(Strict):
    """What a person may do from now on."""

    grants: list[GrantGiven]


class Password(Strict):
    """A new password."""

    password: Annotated[str, Field(min_length=1, max_length=1024)]


class SiteGiven(Strict):
    """A site to be made."""

    unit: Code
    label: Annotated[str, Field(min_length=1, max_length=200)]
    kind: str = "post"
    id: Id | None = None
    carrier: Annotated[str, Field(max_length=64)] | None = None
    phones: list[str] = Field(default_factory=list)
    emails: Annotated[list[str], Field(max_length=5)] = Field(default_factory=list)


class NewSites(Strict):
    """Sites to be made, all or none."""

    sites: Annotated[list[SiteGiven], Field(min_length=1, max_length=20_000)]


class CodesRevoked(Strict):
    """Sites whose unused codes are void, and their devices if asked."""

    sites: Annotated[list[Id], Field(min_length=1, max_length=20_000)]
    devices: bool = False


class CodesWanted(Strict):
    """Sites that are to be activated."""

    sites: Annotated[list[Id], Field(min_length=1, max_length=20_000)]
    hours: Annotated[int, Field(ge=1, le=24 * 90)] = 24 * 14


def _grants(given: list[GrantGiven]) -> list[Grant]:
    try:
        return [Grant(Role(grant.role), grant.unit) for grant in given]
    except ValueError:
        known = ", ".join(role.value for role in Role)
        raise BadRequest(f"A role is one of: {known}", field="role") from None


def _person(person: Person) -> dict[str, Any]:
    return {
        "id": person.id,
        "username": person.username,
        "name": person.name,
        "title": person.title,
        "grants": [{"role": grant.role.value, "unit": grant.unit} for grant in person.grants],
        "disabled": person.disabled,
    }


async def _find(services: Services, username: str) -> Person:
    for person in await services.access.people():
        if username in (person.username, person.id):
            return person
    raise PersonNotFound(None, username=username)


@router.get("/units")
async def units(services: CurrentServices) -> dict[str, Any]:
    """The dataset whose units these are."""
    return {"dataset": services.units.dataset}


@router.get("/people")
async def people(services: CurrentServices) -> dict[str, Any]:
    """Everybody."""
    return {"people": [_person(person) for person in await services.access.people()]}


@router.post("/people", status_code=201)
async def add_person(body: NewPerson, services: CurrentServices) -> dict[str, Any]:
    """Somebody more."""
    person = await services.access.add_person(
        SYSTEM,
        username=body.username,
        password=body.password,
        name=body.name,
        title=body.title,
        grants=_grants(body.grants),
    )
    return _person(person)


@router.put("/people/{username}/grants")
async def set_grants(username: str, body: Grants, services: CurrentServices) -> dict[str, Any]:
    """Replaces what a person may do."""
    person = await _find(services, username)
    await services.access.set_grants(SYSTEM, person.id, _grants(body.grants))
    return _person(await _find(services, username))


@router.put("/people/{username}/password", status_code=204)
async def set_password(username: str, body: Password, services: CurrentServices) -> None:
    """A new password; the person's sessions end."""
    person = await _find(services, username)
    await services.access.set_password(SYSTEM, person.id, body.password)


@router.put("/people/{username}/disabled")
async def disable_person(username: str, services: CurrentServices) -> dict[str, Any]:
    """The person cannot log in any more; sessions end."""
    person = await _find(services, username)
    await services.access.disable_person(SYSTEM, person.id)
    return _person(await _find(services, username))


@router.post("/sites", status_code=201)
async def add_sites(body: NewSites, services: CurrentServices) -> dict[str, Any]:
    """Sites, all or none."""
    try:
        new = [
            NewSite(
                site.unit,
                site.label,
                SiteKind(site.kind),
                site.id,
                site.carrier,
                tuple(site.phones),
                emails=tuple(site.emails),
            )
            for site in body.sites
        ]
    except ValueError:
        raise BadRequest("A site's kind is post, room, bridge or feed", field="kind") from None
    made = await services.sites.create(SYSTEM, new)
    return {"sites": [schemas.Site.model_validate(site.to_json()).model_dump() for site in made]}


@router.post("/codes", status_code=201)
async def issue_codes(body: CodesWanted, services: CurrentServices) -> dict[str, Any]:
    """Activation codes, readable only now."""
    issued = await services.sites.issue_codes(SYSTEM, body.sites, ttl=timedelta(hours=body.hours))
    return {
        "codes": [
            {"site": code.site, "code": code.code, "expires_at": rfc3339(code.expires_at)} for code in issued
        ]
    }


@router.post("/sites/{site}/program", status_code=201)
async def bind_program(site: str, services: CurrentServices) -> dict[str, Any]:
    """A bearer for a program that is the site (a room system, a simulated one), readable only now. No door of
    the network makes one: a browser is bound by its key."""
    [issued] = await services.sites.issue_codes(SYSTEM, [site])
    activation = await services.access.activate(issued.code, address="console")
    return {"site": site, "credential": activation.credential, "replaced": activation.replaced}


@router.post("/codes/revoke")
async def revoke_codes(body: CodesRevoked, services: CurrentServices) -> dict[str, Any]:
    """How many codes and devices are out from now on."""
    count = await services.sites.revoke_codes(SYSTEM, body.sites, devices=body.devices)
    return {"sites": body.sites, "devices": body.devices, "revoked": count}
