"""`POST /whip/{site}`, `POST /whep/{program}`, and the sessions that they open."""

import asyncio
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from diemcau.access import Token, TokenKind, link_headers, network_of, site_actor
from diemcau.api.asker import CurrentServices, address_of, bearer_of, services_of
from diemcau.api.live.viewing import counted
from diemcau.api.services import Services
from diemcau.api.whip.errors import (
    IceRestartUnsupported,
    NotAcceptable,
    PreconditionFailed,
    PreconditionRequired,
    UnsupportedMediaType,
)
from diemcau.api.whip.fragment import MAX_FRAGMENT, entity_tag, ufrag_of, ufrag_of_offer
from diemcau.errors import BadRequest, Forbidden, NotAuthenticated, NotFound, TooLarge
from diemcau.media import BadOffer, NoCommonCodec
from diemcau.meetings import MeetingNotFound, MeetingNotOpen

router = APIRouter(tags=["whip"])

SDP: Final = "application/sdp"
FRAGMENT: Final = "application/trickle-ice-sdpfrag"
MAX_OFFER: Final = 100_000
PLAYERS: Final = 100
"""Viewers that one token may have at once."""

_MALFORMED: Final = ("sdp_malformed", "sdp_missing", "sdp_too_long")

Name = Annotated[str, Path(min_length=1, max_length=64)]
Session = Annotated[str, Path(min_length=1, max_length=96)]


async def _token(request: Request) -> Token:
    """The token of the Authorization header, and nothing else: never a cookie, no log-in, no device.

    Raises NotAuthenticated, TooManyRequests.
    """
    limits = request.app.state.limits
    limits.strangers.take(network_of(address_of(request)))
    secret = bearer_of(request)
    if secret is None:
        raise NotAuthenticated("A bearer token is needed")
    token = await services_of(request).access.token_of(secret)
    limits.tokens.take(token.id)
    return token


CurrentToken = Annotated[Token, Depends(_token)]


def _kind(request: Request) -> TokenKind:
    """Which of the two doors the path belongs to."""
    return TokenKind(request.url.path.split("/", 2)[1])


Kind = Annotated[TokenKind, Depends(_kind)]


def _check(token: Token, kind: TokenKind, target: str) -> None:
    if token.kind != kind or token.target != target:
        raise Forbidden("The token is for something else", command=f"{kind}.open")


async def _body(request: Request, media_type: str, limit: int) -> str:
    """The body as text. Raises UnsupportedMediaType, TooLarge, BadRequest."""
    said = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if said != media_type:
        raise UnsupportedMediaType(f"The body must be {media_type}")
    body = await request.body()
    if len(body) > limit:
        raise TooLarge(None, limit=limit)
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise BadRequest("The body is not UTF-8") from None


async def _offer(request: Request) -> str:
    accepted = request.headers.get("accept", "*/*").lower()
    if not any(media_type in accepted for media_type in ("*/*", "application/*", SDP)):
        raise NotAcceptable(f"The answer is {SDP}")
    return await _body(request, SDP, MAX_OFFER)


class _MalformedOffer(BadOffer):
    """Not SDP, where `bad_offer` else is SDP that asks for what is not done here."""

    status = 400


class _NoCodec(NoCommonCodec):
    """RFC 9725 §4.4.3: no answer that leaves sections out."""

    status = 406


def _as_these_doors_say(error: BadOffer | NoCommonCodec) -> BadOffer | NoCommonCodec:
    """The refusal with the status that RFC 9725 gives it."""
    if isinstance(error, NoCommonCodec):
        return _NoCodec(error.message)
    kind = _MalformedOffer if error.message.startswith(_MALFORMED) else BadOffer
    return kind(error.message)


def _check_one_stream(offer: str) -> None:
    """RFC 9725 §4.4.2: one microphone and one camera at most. Raises NotAcceptable."""
    words = [line.split(" ") for line in offer.splitlines() if line.startswith("m=")]
    kinds = [word[0] for word in words if word[1:2] != ["0"]]
    if kinds.count("m=audio") > 1 or kinds.count("m=video") > 1:
        raise NotAcceptable("At most one audio and one video section")


def _has_refused_section(answer: str) -> bool:
    """Whether a section of the answer has port 0 (RFC 8829 §5.3.1)."""
    return any(line.startswith("m=") and line.split(" ")[1:2] == ["0"] for line in answer.splitlines())


def _created(
    services: Services, token: Token, location: str, session: str, offer: str, answer: str
) -> Response:
    response = Response(answer, 201, media_type=SDP)
    response.headers["Location"] = f"{location}/{session}"
    response.headers["ETag"] = entity_tag(session, ufrag_of_offer(offer))
    response.headers["Accept-Patch"] = FRAGMENT
    response.headers["Cache-Control"] = "no-store"
    servers = services.options.ice.for_party(token.id, services.clock.now())
    for link in link_headers(servers):
        response.headers.append("Link", link)
    return response


async def _meeting_for(services: Services, site: str, wanted: str | None) -> str:
    """The open meeting that the site's encoder goes to: the one named, else where its page is, else the
    newest that invites it. Raises MeetingNotOpen."""
    found = [one.id for one in await services.meetings.list_for(site_actor(site)) if one.status == "open"]
    where = wanted or services.meetings.meeting_of(site)
    if where in found:
        return where
    if wanted is not None or not found:
        raise MeetingNotOpen("No open meeting invites this site", site=site)
    return found[0]


_ANSWERS: Final[dict[int | str, dict[str, Any]]] = {
    201: {"content": {SDP: {}}, "description": "An SDP answer"}
}


@router.post("/whip/{site}", status_code=201, responses=_ANSWERS, response_class=Response)
async def publish(
    site: Name,
    request: Request,
    token: CurrentToken,
    services: CurrentServices,
    meeting: Annotated[str | None, Query(max_length=64)] = None,
) -> Response:
    """An encoder begins to publish as a site or feed (RFC 9725); `Location` is its session."""
    with counted(services, "whip"):
        _check(token, TokenKind.WHIP, site)
        offer = await _offer(request)
        _check_one_stream(offer)
        where = await _meeting_for(services, site, meeting)
        try:
            opened = await services.stage.open_encoder(where, site, token.id, offer)
        except (BadOffer, NoCommonCodec) as error:
            raise _as_these_doors_say(error) from error
        try:
            if _has_refused_section(opened.answer):
                raise NotAcceptable("Not every section has a codec that is spoken here")
            await services.access.note_token_used(token, opened.publisher)
        except BaseException:
            await asyncio.shield(services.stage.close_encoder(opened.publisher, token.id))
            raise
    return _created(services, token, f"/whip/{site}", opened.publisher, offer, opened.answer)


@router.post("/whep/{program}", status_code=201, responses=_ANSWERS, response_class=Response)
async def watch(program: Name, request: Request, token: CurrentToken, services: CurrentServices) -> Response:
    """A player begins to watch a meeting's stage (draft-ietf-wish-whep): the first audio line of its offer is
    what is heard there, the first video line what slot 0 shows."""
    with counted(services, "whep"):
        _check(token, TokenKind.WHEP, program)
        offer = await _offer(request)
        if services.meetings.marks.of(program) != "none":
            raise MeetingNotFound
        try:
            opened = await services.stage.open_viewer(program, token.id, offer, most=PLAYERS)
        except (BadOffer, NoCommonCodec) as error:
            raise _as_these_doors_say(error) from error
        try:
            if opened.video_lines and not opened.can_show:
                raise _NoCodec("The player does not take the codec of this meeting")  # it would stay black
            await services.access.note_token_used(token, opened.viewer)
        except BaseException:
            await asyncio.shield(services.stage.close_viewer(opened.viewer, token.id))
            raise
    return _created(services, token, f"/whep/{program}", opened.viewer, offer, opened.answer)


def _own(services: Services, token: Token, kind: TokenKind, target: str, session: str) -> None:
    """Raises Forbidden, NotFound: also for another token's session, which is nobody else's to know of."""
    _check(token, kind, target)
    if not services.stage.holds(session, token.id):
        raise NotFound("There is no such session", session=session)


@router.patch("/whip/{target}/{session}", status_code=204)
@router.patch("/whep/{target}/{session}", status_code=204)
async def trickle(
    target: Name,
    session: Session,
    request: Request,
    kind: Kind,
    token: CurrentToken,
    services: CurrentServices,
) -> None:
    """Further candidates of the client (trickle ICE): checked, not needed. ICE restarts are refused."""
    _own(services, token, kind, target, session)
    fragment = await _body(request, FRAGMENT, MAX_FRAGMENT)
    wanted = request.headers.get("if-match")
    if wanted is None:
        raise PreconditionRequired
    ufrag = ufrag_of(fragment)
    if wanted.strip() in ("*", '"*"'):
        raise IceRestartUnsupported
    if entity_tag(session, ufrag) not in (tag.strip() for tag in wanted.split(",")):
        raise PreconditionFailed


@router.delete("/whip/{target}/{session}", response_class=Response)
@router.delete("/whep/{target}/{session}", response_class=Response)
async def end(
    target: Name, session: Session, kind: Kind, token: CurrentToken, services: CurrentServices
) -> Response:
    """Ends the session; a WHIP site leaves its meeting unless its page is there."""
    _own(services, token, kind, target, session)
    if kind is TokenKind.WHIP:
        await services.stage.close_encoder(session, token.id)
    else:
        await services.stage.close_viewer(session, token.id)
    # A body, for FFmpeg takes an answer without one for a failure and says so.
    return Response("ended\n", 200, media_type="text/plain")


@router.api_route("/whip/{rest:path}", methods=["GET", "HEAD", "PUT"], include_in_schema=False)
@router.api_route("/whep/{rest:path}", methods=["GET", "HEAD", "PUT"], include_in_schema=False)
async def nothing_else(rest: str) -> None:
    """RFC 9725 §4.2 keeps other methods for later."""
    raise HTTPException(405, headers={"Allow": "POST, PATCH, DELETE, OPTIONS"})
