"""Doors of clearances: who may know of what is marked as a state secret."""

from datetime import timedelta

from fastapi import APIRouter

from diemcau.access import Clearance
from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.services import Services

router = APIRouter(prefix="/api/v1", tags=["clearances"])


def _shown(services: Services, found: Clearance) -> schemas.ClearanceSeen:
    return schemas.ClearanceSeen.model_validate(found.to_json(services.clock.now()))


async def _set(
    services: Services, asker: CurrentAsker, key: str, units: list[str], body: schemas.NewClearance
) -> schemas.ClearanceSeen:
    until = None if body.days is None else services.clock.now() + timedelta(days=body.days)
    made = await services.access.set_clearance(asker.actor, key, units, body.level, until)
    return _shown(services, made)


@router.get("/sites/{site}/clearance")
async def of_site(site: str, asker: CurrentAsker, services: CurrentServices) -> schemas.ClearanceSeen:
    """A site's clearance, for who may give one there."""
    found = await services.sites.see(asker.actor, site)
    services.access.authorise(asker.actor, "clearance.set", found.unit)
    return _shown(services, await services.access.clearance_of(f"site:{found.id}"))


@router.put("/sites/{site}/clearance")
async def clear_site(
    site: str, body: schemas.NewClearance, asker: CurrentAsker, services: CurrentServices
) -> schemas.ClearanceSeen:
    """Clears a site for a time; "none" takes it away at once."""
    found = await services.sites.see(asker.actor, site)
    return await _set(services, asker, f"site:{found.id}", [found.unit], body)


@router.get("/people/{person}/clearance")
async def of_person(person: str, asker: CurrentAsker, services: CurrentServices) -> schemas.ClearanceSeen:
    """A person's clearance, for who manages him."""
    seen = await services.access.person_seen(asker.actor, person)
    return _shown(services, await services.access.clearance_of(f"person:{seen.person.id}"))


@router.put("/people/{person}/clearance")
async def clear_person(
    person: str, body: schemas.NewClearance, asker: CurrentAsker, services: CurrentServices
) -> schemas.ClearanceSeen:
    """Clears a person over all of whose grants the asker may."""
    seen = await services.access.person_seen(asker.actor, person)
    units = [grant.unit for grant in await services.access.grants_of(seen.person.id)]
    return await _set(services, asker, f"person:{seen.person.id}", units, body)
