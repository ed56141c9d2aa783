"""Doors of tokens: operators issue, list and revoke what encoders and players come with."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response

from diemcau import access
from diemcau.access import SecrecyRefused, TokenKind
from diemcau.api import schemas
from diemcau.api.asker import CONSOLE, CurrentAsker, CurrentServices
from diemcau.clock import rfc3339
from diemcau.errors import BadRequest

router = APIRouter(prefix="/api/v1", tags=["tokens"])


def _shown(token: access.Token) -> dict[str, Any]:
    return {
        "id": token.id,
        "kind": token.kind.value,
        "target": token.target,
        "issued_by": token.issued_by,
        "issued_at": rfc3339(token.issued_at),
        "expires_at": None if token.expires_at is None else rfc3339(token.expires_at),
    }


def _address(request: Request) -> str:
    """Where clients reach this server; "" when a command works without one."""
    known: str | None = request.app.state.address
    if known is not None:
        return known.rstrip("/")
    return "" if request.scope.get(CONSOLE) else str(request.base_url).rstrip("/")


@router.post("/tokens", status_code=201)
async def issue(
    body: schemas.NewToken,
    request: Request,
    response: Response,
    asker: CurrentAsker,
    services: CurrentServices,
) -> schemas.IssuedToken:
    """A bearer token for one site's encoder (`token.whip`) or for watching one meeting (`token.whep`)."""
    actor = asker.actor
    response.headers["Cache-Control"] = "no-store"
    if (body.whip is None) == (body.whep is None):
        raise BadRequest("a token is for exactly one of whip and whep", field="whip")
    if body.whip is not None:
        site = await services.sites.see(actor, body.whip)
        kind, target, units = TokenKind.WHIP, site.id, [site.unit]
    else:
        assert body.whep is not None
        await services.meetings.viewer(body.whep, actor)
        meeting = await services.meetings.get(body.whep)
        if meeting.secrecy != "none":
            raise SecrecyRefused("No program watches a marked meeting.", meeting=meeting.id)
        kind, target, units = TokenKind.WHEP, meeting.id, [entry.unit for entry in meeting.scope]
    ttl = None if body.hours is None else timedelta(hours=body.hours)
    made = await services.access.issue_token(actor, kind, target, units, ttl=ttl)
    url = f"{_address(request)}/{kind}/{target}"
    return schemas.IssuedToken(**_shown(made.token), token=made.secret, url=url)


@router.get("/tokens")
async def tokens(
    asker: CurrentAsker,
    services: CurrentServices,
    target: Annotated[str | None, Query(max_length=64)] = None,
) -> schemas.TokenList:
    """The good tokens that the asker may revoke."""
    found = await services.access.tokens(asker.actor, target=target)
    return schemas.TokenList(tokens=[schemas.Token(**_shown(token)) for token in found])


@router.delete("/tokens/{token}", status_code=204)
async def revoke(
    token: Annotated[str, Path(max_length=64)], asker: CurrentAsker, services: CurrentServices
) -> None:
    """The token is void, and what was opened by it ends, at once."""
    await services.access.revoke_token(asker.actor, token)
