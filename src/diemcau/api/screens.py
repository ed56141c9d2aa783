"""Doors of windows on other monitors, and of the leader's shortlist."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, Field

from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.schemas import Id, Strict
from diemcau.screens import Order, Show
from diemcau.screens.service import MAX_SHORTLIST

router = APIRouter(prefix="/api/v1", tags=["screens"])

Name = Annotated[str, Path(min_length=1, max_length=64)]
Person = Annotated[str | None, Query(max_length=64)]


class ScreenOrder(Strict):
    """`PUT /meetings/{m}/screens/{s}`. `show`: what it shows from now on; `do`: what it does once."""

    show: Show | None = None
    do: Order | None = None


class Shortlist(BaseModel):
    """Sites in the order in which the leader sees them."""

    sites: list[str]


class NewShortlist(Strict):
    """The same, to be kept."""

    sites: Annotated[list[Id], Field(max_length=MAX_SHORTLIST)]


@router.put("/meetings/{meeting}/screens/{screen}", status_code=204)
async def drive(
    meeting: Name, screen: Name, body: ScreenOrder, asker: CurrentAsker, services: CurrentServices
) -> None:
    """Has a window show or do something."""
    await services.screens.drive(asker.actor, meeting, screen, body.show, body.do)


@router.get("/meetings/{meeting}/shortlist")
async def shortlist(
    meeting: Name, asker: CurrentAsker, services: CurrentServices, person: Person = None
) -> Shortlist:
    """The asker's own, or that of a person whose leader's screen is open."""
    return Shortlist(sites=list(await services.screens.shortlist(asker.actor, meeting, person)))


@router.put("/meetings/{meeting}/shortlist", status_code=204)
async def set_shortlist(
    meeting: Name, body: NewShortlist, asker: CurrentAsker, services: CurrentServices, person: Person = None
) -> None:
    """Keeps it; leader's screens show it at once."""
    await services.screens.set_shortlist(asker.actor, meeting, body.sites, person)
