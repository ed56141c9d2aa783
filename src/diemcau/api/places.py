"""Doors of `units` and `sites`: the tree, its search, sites and their pictures."""

from typing import Annotated

from fastapi import APIRouter, Query

from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.services import Services
from diemcau.errors import BadRequest
from diemcau.sites import PersonPresent, SiteChange, SiteKind
from diemcau.units import Level, Unit

router = APIRouter(prefix="/api/v1", tags=["places"])

Text = Annotated[str, Query(max_length=200)]


async def _units(services: Services, units: list[Unit]) -> list[schemas.Unit]:
    sites = await services.sites.ids_at([unit.code for unit in units])
    return [
        schemas.Unit(
            code=unit.code,
            name=unit.name,
            kind=unit.kind,
            level=unit.level.value,
            parent=unit.parent,
            path=services.units.path_text(unit.code),
            children=len(services.units.children(unit.code)),
            sites=list(sites.get(unit.code, ())),
        )
        for unit in units
    ]


@router.get("/units/search")
async def search(
    asker: CurrentAsker,
    services: CurrentServices,
    q: Text = "",
    within: Annotated[str | None, Query(max_length=16)] = None,
    levels: Annotated[str | None, Query(max_length=64)] = None,
    limit: Annotated[int, Query(ge=1, le=50)] = 20,
) -> schemas.UnitMatches:
    """Units by code or by name, with or without diacritics, best first. `levels`: separated by commas."""
    wanted = None
    if levels:
        try:
            wanted = {Level(level) for level in levels.split(",")}
        except ValueError:
            raise BadRequest("levels: nation, province, district, commune", field="levels") from None
    found = services.units.search(q, within=within, levels=wanted, limit=limit)
    units = await _units(services, [match.unit for match in found])
    return schemas.UnitMatches(
        matches=[
            schemas.UnitMatch(unit=unit, path=unit.path, alike=match.alike, sites=unit.sites)
            for match, unit in zip(found, units, strict=True)
        ]
    )


@router.get("/units/{code}")
async def unit(code: str, asker: CurrentAsker, services: CurrentServices) -> schemas.Unit:
    """One unit."""
    return (await _units(services, [services.units.get(code)]))[0]


@router.get("/units/{code}/children")
async def children(code: str, asker: CurrentAsker, services: CurrentServices) -> schemas.UnitList:
    """The units right below."""
    return schemas.UnitList(units=await _units(services, list(services.units.children(code))))


@router.get("/sites")
async def sites(
    asker: CurrentAsker,
    services: CurrentServices,
    unit: Annotated[str | None, Query(max_length=16)] = None,
    q: Text = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: Annotated[str | None, Query(max_length=200)] = None,
) -> schemas.SiteList:
    """Sites within the asker's grants."""
    page = await services.sites.find(asker.actor, unit=unit, text=q, limit=limit, after=after)
    return schemas.SiteList(
        sites=[schemas.Site.model_validate(site.to_json()) for site in page.sites], next=page.next
    )


@router.get("/sites/{site}")
async def one_site(site: str, asker: CurrentAsker, services: CurrentServices) -> schemas.Site:
    """One site, if the asker may see it."""
    return schemas.Site.model_validate((await services.sites.see(asker.actor, site)).to_json())


@router.get("/sites/{site}/details")
async def site_details(site: str, asker: CurrentAsker, services: CurrentServices) -> schemas.SiteDetails:
    """One site with phones and people, for those who may change it."""
    found = await services.sites.see(asker.actor, site)
    services.access.authorise(asker.actor, "site.change", found.unit)
    return schemas.SiteDetails.model_validate(found.details_json())


@router.patch("/sites/{site}")
async def change_site(
    site: str, body: schemas.SiteChange, asker: CurrentAsker, services: CurrentServices
) -> schemas.SiteDetails:
    """Changes what the body names."""
    people = body.people
    change = SiteChange(
        site,
        body.label,
        None if body.kind is None else SiteKind(body.kind),
        body.carrier,
        None if body.phones is None else tuple(body.phones),
        None if people is None else tuple(PersonPresent(one.name, one.title) for one in people),
        None if body.emails is None else tuple(body.emails),
        body.answer,
    )
    (changed,) = await services.sites.change(asker.actor, [change])
    return schemas.SiteDetails.model_validate(changed.details_json())
