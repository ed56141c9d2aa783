"""Doors of delegated people: each manager sees and changes people of his own subtree (docs/access.md)."""

import secrets
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from diemcau.access import Grant, Person, PersonSeen, Role
from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.schemas import Code, Strict
from diemcau.api.services import Services

router = APIRouter(prefix="/api/v1", tags=["people"])

RoleName = Literal[
    "chair",
    "director",
    "secretary",
    "duty_officer",
    "technician",
    "lead",
    "delegate",
    "observer",
    "auditor",
]


class GrantGiven(Strict):
    """A role over a unit and what is under it."""

    role: RoleName
    unit: Code


class NewPerson(Strict):
    """`POST /people`: somebody who is to log in; the server makes the first password."""

    username: Annotated[str, Field(min_length=1, max_length=64)]
    name: Annotated[str, Field(min_length=1, max_length=200)]
    title: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    grants: Annotated[list[GrantGiven], Field(max_length=100)]


class Grants(Strict):
    """`PUT /people/{id}/grants`: all of them from now on."""

    grants: Annotated[list[GrantGiven], Field(max_length=100)]


class GrantSeen(schemas.Grant):
    """With the unit in words."""

    path: str


class PersonShown(BaseModel):
    """A person as this manager sees him. `elsewhere`: he holds grants outside, which are not shown.
    `changeable`: this manager may change him. `temporary`: he has not chosen his own password yet."""

    id: str
    username: str
    name: str
    title: str | None
    grants: list[GrantSeen]
    elsewhere: bool
    changeable: bool
    disabled: bool
    temporary: bool


class PersonList(BaseModel):
    """People by user name. `next`: for the following page."""

    people: list[PersonShown]
    next: str | None


class PersonMade(BaseModel):
    """`password`: readable only now; good for nothing but choosing another."""

    person: PersonShown
    password: str


class RolesGiven(BaseModel):
    """The roles that the asker may give over a unit."""

    roles: list[RoleName]


def one_time_password() -> str:
    """80 random bits in groups that can be read out."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _grants(given: list[GrantGiven]) -> list[Grant]:
    return [Grant(Role(grant.role), grant.unit) for grant in given]


def _shown(services: Services, seen: PersonSeen) -> PersonShown:
    units, person = services.units, seen.person
    return PersonShown(
        id=person.id,
        username=person.username,
        name=person.name,
        title=person.title,
        grants=[
            GrantSeen(
                role=grant.role.value,
                unit=grant.unit,
                path=units.path_text(grant.unit) if grant.unit in units else grant.unit,
            )
            for grant in person.grants
        ],
        elsewhere=seen.elsewhere,
        changeable=seen.changeable,
        disabled=person.disabled,
        temporary=person.temporary,
    )


async def _now(services: Services, asker: CurrentAsker, person: str) -> PersonShown:
    return _shown(services, await services.access.person_seen(asker.actor, person))


@router.get("/people")
async def people(
    asker: CurrentAsker,
    services: CurrentServices,
    q: Annotated[str, Query(max_length=200)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=64)] = None,
) -> PersonList:
    """People who hold a role inside the subtrees whose people the asker manages."""
    page = await services.access.people_seen(asker.actor, text=q, limit=limit, after=after)
    return PersonList(people=[_shown(services, seen) for seen in page.people], next=page.next)


@router.get("/people/roles")
async def roles(
    asker: CurrentAsker, services: CurrentServices, unit: Annotated[str, Query(max_length=16)]
) -> RolesGiven:
    """Which roles the asker may give over this unit."""
    services.units.get(unit)
    given = services.access.roles_given(asker.actor, unit)
    return RolesGiven(roles=[role.value for role in given])


@router.post("/people", status_code=201)
async def add_person(
    body: NewPerson, asker: CurrentAsker, services: CurrentServices, response: Response
) -> PersonMade:
    """Somebody more, with a password to be handed over."""
    password = one_time_password()
    made: Person = await services.access.add_person(
        asker.actor,
        username=body.username,
        password=password,
        name=body.name,
        title=body.title,
        grants=_grants(body.grants),
        temporary=True,
    )
    response.headers["Cache-Control"] = "no-store"
    return PersonMade(person=await _now(services, asker, made.id), password=password)


@router.put("/people/{person}/grants")
async def set_grants(
    person: str, body: Grants, asker: CurrentAsker, services: CurrentServices
) -> PersonShown:
    """Replaces what the person may do."""
    await services.access.set_grants(asker.actor, person, _grants(body.grants))
    return await _now(services, asker, person)


@router.put("/people/{person}/password")
async def new_password(
    person: str, asker: CurrentAsker, services: CurrentServices, response: Response
) -> PersonMade:
    """A new password to be handed over; the person's sessions end."""
    password = one_time_password()
    # Everybody but himself: his own he chooses by `PUT /session/password`.
    await services.access.set_password(asker.actor, person, password, temporary=True)
    response.headers["Cache-Control"] = "no-store"
    return PersonMade(person=await _now(services, asker, person), password=password)


@router.put("/people/{person}/disabled")
async def disable(person: str, asker: CurrentAsker, services: CurrentServices) -> PersonShown:
    """The person cannot log in any more; sessions end."""
    await services.access.disable_person(asker.actor, person)
    return await _now(services, asker, person)


@router.delete("/people/{person}/disabled")
async def enable(person: str, asker: CurrentAsker, services: CurrentServices) -> PersonShown:
    """The person can log in again."""
    await services.access.enable_person(asker.actor, person)
    return await _now(services, asker, person)
