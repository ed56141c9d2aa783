"""Doors of calls and inspections."""

from typing import Annotated

from fastapi import APIRouter
from pydantic import Field

from diemcau.api import schemas
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.schemas import Strict

router = APIRouter(prefix="/api/v1", tags=["inspections"])

UnitCode = Annotated[str, Field(min_length=1, max_length=16)]


class CentreWanted(Strict):
    """`POST /centres`. `unit`: None for the topmost that the asker may call in."""

    unit: UnitCode | None = None


@router.post("/centres")
async def centre(body: CentreWanted, asker: CurrentAsker, services: CurrentServices) -> schemas.Meeting:
    """The open command centre over the unit: the same one for everybody, made when there is none."""
    found = await services.inspections.centre(asker.actor, body.unit)
    return schemas.Meeting.model_validate(found.to_json())
