"""Doors of the director: whom a site's picture may show."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel

from diemcau.api.asker import CurrentAsker, CurrentServices

router = APIRouter(prefix="/api/v1", tags=["direction"])

Name = Annotated[str, Path(min_length=1, max_length=64)]


class CaptionPerson(BaseModel):
    """Somebody at a site, with the title written out as a caption shows it."""

    name: str
    title: str | None


class CaptionPeople(BaseModel):
    """Whom a site's picture may show."""

    people: list[CaptionPerson]


@router.get("/meetings/{meeting}/sites/{site}/people")
async def people(meeting: Name, site: Name, asker: CurrentAsker, services: CurrentServices) -> CaptionPeople:
    """The people at an invited site, for who says whom its caption names."""
    found = await services.meetings.people_at(asker.actor, meeting, site)
    return CaptionPeople(people=[CaptionPerson(name=one.name, title=one.title) for one in found])
