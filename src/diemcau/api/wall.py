"""The door of the wall: new pictures of many sites in one answer, within a budget; layouts of a person."""

import struct
from typing import Annotated, Literal

import orjson
from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field

from diemcau.access import Actor
from diemcau.api.asker import CurrentAsker, CurrentServices
from diemcau.api.pictures import MAX_PICTURE, Picture, choose
from diemcau.api.schemas import Id, Strict
from diemcau.api.services import Services
from diemcau.clock import to_millis
from diemcau.errors import Forbidden
from diemcau.screens import Layout

router = APIRouter(prefix="/api/v1", tags=["wall"])

MAX_WANTED = 500
"""Sites that one question may name."""

MAX_NEWS = 2000
"""Sites that one answer tells to have a newer picture."""

MAX_ANSWER = 1 << 20
"""Bytes of pictures in one answer."""

PICTURES = "application/vnd.diemcau.pictures"

Number = Annotated[int, Field(ge=0, le=1 << 53)]
Wanted = Annotated[tuple[Id, Number], Field(strict=False)]
Name = Annotated[str, Path(min_length=1, max_length=60)]


class PicturesWanted(Strict):
    """`POST /pictures`. `run`, `since`: where the last answer left off; `wanted`: sites in the order in which
    they are wanted, with the number of the picture that the asker has (0: none); `most`: bytes of
    pictures."""

    run: Annotated[str, Field(max_length=32)] = ""
    since: Number = 0
    wanted: Annotated[list[Wanted], Field(max_length=MAX_WANTED, default_factory=list)]
    most: Annotated[int, Field(ge=0, le=MAX_ANSWER)] = MAX_PICTURE
    size: Literal["small", "full"] = "small"


class SavedLayout(BaseModel):
    """A wall's layout under the name its person gave it."""

    name: str
    changed_at: str
    layout: Layout


class LayoutList(BaseModel):
    """A person's layouts, by name."""

    layouts: list[SavedLayout]


@router.post("/pictures", responses={200: {"content": {PICTURES: {}}}}, response_class=Response)
async def pictures(
    body: PicturesWanted, request: Request, asker: CurrentAsker, services: CurrentServices
) -> Response:
    """Which sites have a newer picture, and the wanted ones within a budget (docs/protocol.md, Pictures)."""
    actor = asker.actor
    if actor.site is not None:
        raise Forbidden("Only operators see a wall", command="site.snapshot")
    request.app.state.limits.walls.take(actor.key)
    memory, allowance = services.pictures, request.app.state.allowance
    since = body.since if body.run == memory.run else 0
    fresh = memory.since(since)[:MAX_NEWS]
    seen = await _granted(services, actor, [*(site for site, _ in fresh), *(site for site, _ in body.wanted)])

    def granted(site: str) -> Picture | None:
        return memory.get(site) if site in seen else None

    # Numbers of an earlier memory are no numbers of this one.
    wanted = body.wanted if body.run == memory.run else [(site, 0) for site, _ in body.wanted]
    chosen = choose(wanted, granted, min(body.most, allowance.left(actor.key)), small=body.size == "small")
    allowance.spend(actor.key, chosen.size)
    head = {
        "run": memory.run,
        "next": fresh[-1][1].number if fresh else since,
        "more": len(fresh) == MAX_NEWS,
        "news": [[site, one.number, to_millis(one.at)] for site, one in fresh if site in seen],
        "pictures": [[site, one.number, to_millis(one.at), len(sent)] for site, one, sent in chosen.pictures],
        "full": chosen.full,
        "rate": int(allowance.rate),
        "now": to_millis(services.clock.now()),
    }
    told = orjson.dumps(head)
    parts = [struct.pack(">I", len(told)), told, *(sent for _, _, sent in chosen.pictures)]
    return Response(b"".join(parts), media_type=PICTURES, headers={"Cache-Control": "no-store"})


async def _granted(services: Services, actor: Actor, sites: list[str]) -> frozenset[str]:
    """Those of the sites whose pictures the asker may see."""
    units = services.access.units_granted(actor, "site.snapshot")
    tree = services.units
    known = await services.sites.get_many(list(dict.fromkeys(sites))) if units else {}
    return frozenset(
        site.id
        for site in known.values()
        if site.unit in tree
        and not services.meetings.keeps_no_picture(site.id)
        and any(tree.contains(unit, site.unit) for unit in units)
    )


@router.get("/wall/layouts")
async def layouts(asker: CurrentAsker, services: CurrentServices) -> LayoutList:
    """The asker's own."""
    found = await services.screens.layouts(asker.actor)
    return LayoutList(layouts=[SavedLayout.model_validate(one, from_attributes=True) for one in found])


@router.put("/wall/layouts/{name}", status_code=204)
async def save_layout(name: Name, body: Layout, asker: CurrentAsker, services: CurrentServices) -> None:
    """Keeps a layout under a name, in place of one that had it."""
    await services.screens.save_layout(asker.actor, name, body)


@router.delete("/wall/layouts/{name}", status_code=204)
async def delete_layout(name: Name, asker: CurrentAsker, services: CurrentServices) -> None:
    """Forgets a layout; one that is not there is forgotten already."""
    await services.screens.delete_layout(asker.actor, name)
