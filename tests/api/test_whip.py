"""The doors of encoders (WHIP) and players (WHEP): who gets in, what is answered, and what is refused how."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from diemcau.access import SYSTEM, TokenKind
from diemcau.media import BadOffer, wire
from diemcau.sites import NewSite, SiteKind

from .world import CENTRE, NORTH, OFFER, SOUTH, World, console

FEED = "s_feed"
SDP, FRAGMENT = "application/sdp", "application/trickle-ice-sdpfrag"
OFFERED = OFFER + "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n"
SENT = OFFERED.replace("m=video\r\n", "", 3)
CANDIDATES = (
    "a=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\nm=audio 9 RTP/AVP 0\r\na=mid:0\r\n"
    "a=candidate:1387637174 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag EsAw\r\n"
    "a=candidate:473322822 1 tcp 1518280447 192.0.2.1 9 typ host tcptype active\r\na=end-of-candidates\r\n"
)


async def until(true: Callable[[], Any], what: str) -> None:
    """Gives the server's tasks their turns until it is so."""
    async with asyncio.timeout(10):
        while not true():  # noqa: ASYNC110 - turns of the server's own tasks
            await asyncio.sleep(0)
    assert true(), what


async def token(world: World, kind: TokenKind, target: str, unit: str = "VN") -> tuple[str, str]:
    """Id and secret of a fresh one."""
    made = await world.rooms.access.issue_token(SYSTEM, kind, target, [unit])
    return made.token.id, made.secret


@asynccontextmanager
async def bearer(world: World, secret: str, **headers: str) -> AsyncIterator[httpx2.AsyncClient]:
    said = {"Authorization": f"Bearer {secret}", "Content-Type": SDP, **headers}
    async with world.client(headers=said) as client:
        yield client


async def feed(world: World) -> str:
    """An open meeting in whose scope a feed stands."""
    await world.rooms.sites.create(SYSTEM, [NewSite("02", "Xe truyền hình", SiteKind.FEED, FEED)])
    return await world.meeting()


async def test_an_encoder_is_in_the_meeting_while_it_publishes_and_leaves_with_its_goodbye(
    world: World,
) -> None:
    meeting = await feed(world)
    name, secret = await token(world, TokenKind.WHIP, FEED)
    async with bearer(world, secret) as client:
        answer = await client.post(f"/whip/{FEED}", content=SENT)
        assert (answer.status_code, answer.headers["content-type"]) == (201, SDP), answer.text
        assert answer.text.startswith("v=0") and answer.headers["etag"].startswith('"')
        assert answer.headers["access-control-allow-origin"] == "*" and "link" not in answer.headers
        session = answer.headers["location"]
        assert session.startswith(f"/whip/{FEED}/")
        assert world.rooms.meetings.joined(meeting) == {FEED}
        # It can be given the floor and is cut like anybody, without being asked to send.
        publisher = session.rsplit("/", 1)[1]
        world.node.go_live(f"{publisher}/audio")
        world.node.go_live(f"{publisher}/video")
        await world.command("floor.give", meeting, site=FEED)
        program = f"meeting/{meeting}"
        await until(lambda: world.node.programs[program].slots[0].track == f"{publisher}/video", "on air")
        assert world.node.programs[program].mics == [f"{publisher}/audio"]
        ended = await client.delete(session)
        assert ended.status_code == 200
        assert world.rooms.meetings.joined(meeting) == frozenset() and not world.node.publishers
        assert (await world.rooms.meetings.state(meeting)).speakers == {}
        assert (await client.delete(session)).status_code == 404
    events = [(event.type, event.data["token"]) for event in await world.rooms.store.events("access")]
    assert events[-2:] == [("token_issued", name), ("token_used", name)]


async def test_a_player_gets_the_first_lines_and_is_counted(world: World) -> None:
    meeting = await feed(world)
    name, secret = await token(world, TokenKind.WHEP, meeting)
    async with bearer(world, secret) as client:
        answer = await client.post(f"/whep/{meeting}", content=OFFERED)
        assert answer.status_code == 201, answer.text
        [viewer] = world.node.viewers.values()
        assert (viewer.party, viewer.program) == (name, f"meeting/{meeting}")
        assert "diemcau_whep_viewers 1.0" in (await client.get("/metrics")).text
        assert (await client.delete(answer.headers["location"])).status_code == 200
        assert not world.node.viewers
        assert "diemcau_whep_viewers 0.0" in (await client.get("/metrics")).text
    assert world.rooms.meetings.joined(meeting) == frozenset()


async def test_revoking_ends_what_the_token_opened_and_nothing_else(world: World) -> None:
    meeting = await feed(world)
    whip, sender = await token(world, TokenKind.WHIP, FEED)
    whep, watcher = await token(world, TokenKind.WHEP, meeting)
    _, other = await token(world, TokenKind.WHEP, meeting)
    for path, secret in (
        (f"/whip/{FEED}", sender),
        (f"/whep/{meeting}", watcher),
        (f"/whep/{meeting}", other),
    ):
        async with bearer(world, secret) as client:
            assert (await client.post(path, content=SENT)).status_code == 201
    async with console(world.app) as client:
        for name in (whip, whep):
            assert (await client.delete(f"/api/v1/tokens/{name}")).status_code == 204
    await until(lambda: len(world.node.viewers) == 1 and not world.node.publishers, "closed")
    await until(lambda: world.rooms.meetings.joined(meeting) == frozenset(), "left")
    for path, secret in ((f"/whip/{FEED}", sender), (f"/whep/{meeting}", watcher)):
        async with bearer(world, secret) as client:
            refused = await client.post(path, content=OFFERED)
            assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
            assert refused.headers["www-authenticate"] == "Bearer"
            assert refused.headers["access-control-allow-origin"] == "*"


async def test_only_a_token_opens_these_doors(world: World) -> None:
    meeting = await feed(world)
    await world.person()
    device = await world.device(NORTH)
    async with world.log_in() as operator:
        refused = await operator.post(f"/whep/{meeting}", content=OFFERED, headers={"Content-Type": SDP})
        assert refused.status_code == 401, "a cookie"
        secrets = (device, operator.cookies["dc_session"], "x" * 43, "x" * 600)
    for secret in secrets:
        async with bearer(world, secret) as client:
            for path in (f"/whep/{meeting}", f"/whip/{FEED}", f"/whip/{NORTH}"):
                assert (await client.post(path, content=OFFERED)).status_code == 401
    # A token opens its own door only, and no other of ours.
    _, whip = await token(world, TokenKind.WHIP, FEED)
    async with bearer(world, whip) as client:
        for path in (f"/whip/{NORTH}", f"/whep/{meeting}", f"/whep/{FEED}", "/whip/s_none"):
            refused = await client.post(path, content=OFFERED)
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden"), path
        assert (await client.get("/api/v1/me")).status_code == 401
    assert not world.node.viewers and not world.node.publishers


async def test_a_session_is_its_tokens_alone(world: World) -> None:
    meeting = await feed(world)
    _, one = await token(world, TokenKind.WHEP, meeting)
    _, two = await token(world, TokenKind.WHEP, meeting)
    async with bearer(world, one) as client:
        session = (await client.post(f"/whep/{meeting}", content=OFFERED)).headers["location"]
    async with bearer(world, two) as client:
        for method in ("DELETE", "PATCH"):
            assert (await client.request(method, session)).status_code == 404
        assert (await client.delete(session.replace(meeting, "m_other", 1))).status_code == 403
    async with world.client() as client:
        assert (await client.delete(session)).status_code == 401
    assert len(world.node.viewers) == 1


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (OFFERED, {"Content-Type": "application/json"}, 415, "unsupported_media_type"),
        (OFFERED, {"Content-Type": ""}, 415, "unsupported_media_type"),
        (OFFERED, {"Accept": "text/html"}, 406, "not_acceptable"),
        (b"\xff\xfe", {}, 400, "bad_request"),
        ("v=0" + " " * 110_000, {}, 413, "too_large"),
        ("v=0" + " " * 300_000, {}, 413, "too_large"),
        ("nonsense", {}, 422, "bad_offer"),
        (OFFERED.replace("H264", "VP8"), {}, 406, "no_common_codec"),
    ],
)
async def test_what_is_no_offer_for_this_door_is_refused_by_its_own_code(
    world: World, content: Any, headers: dict[str, str], status: int, code: str
) -> None:
    meeting = await feed(world)
    _, secret = await token(world, TokenKind.WHEP, meeting)
    async with bearer(world, secret, **headers) as client:
        refused = await client.post(f"/whep/{meeting}", content=content)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["access-control-allow-origin"] == "*"
    assert not world.node.viewers, "what was opened and then refused is closed"


async def test_candidates_are_checked_and_restarts_refused(world: World) -> None:
    meeting = await feed(world)
    _, secret = await token(world, TokenKind.WHEP, meeting)
    async with bearer(world, secret) as client:
        opened = await client.post(f"/whep/{meeting}", content=OFFERED)
        session, tag = opened.headers["location"], opened.headers["etag"]

        async def patch(content: Any, match: str | None = tag, kind: str = FRAGMENT) -> tuple[int, str]:
            headers = {"Content-Type": kind} | ({} if match is None else {"If-Match": match})
            answer = await client.patch(session, content=content, headers=headers)
            return answer.status_code, answer.json()["code"] if answer.content else ""

        assert await patch(CANDIDATES) == (204, "")
        assert await patch(CANDIDATES.replace("\r\n", "\n"), f'"other", {tag}') == (204, "")
        assert await patch(CANDIDATES, None) == (428, "precondition_required")
        assert await patch(CANDIDATES, '"other"') == (412, "precondition_failed")
        assert await patch(CANDIDATES.replace("EsAw", "ysXw")) == (412, "precondition_failed")
        assert await patch(CANDIDATES, "*") == (422, "ice_restart_unsupported")
        assert await patch(CANDIDATES, kind=SDP) == (415, "unsupported_media_type")
        assert await patch("a=mid:0\r\n" * 2000) == (413, "too_large")
        for nonsense in (
            "",
            "nonsense",
            "\x00" * 100,
            b"\xff",
            "a=mid:0\r\n" * 400,
            "a=ice-ufrag:EsAw\r\n",
            CANDIDATES + "a=ice-ufrag:ysXw\r\n",
            CANDIDATES + "a=candidate:1 1 udp\r\n",
            CANDIDATES + "b=AS:1\r\n",
            CANDIDATES.replace("m=audio 9 RTP/AVP 0", "m=audio"),
        ):
            assert await patch(nonsense) == (400, "bad_request"), nonsense
        assert len(world.node.viewers) == 1, "the session goes on"
        assert (await client.delete(session)).status_code == 200
        assert await patch(CANDIDATES) == (404, "not_found")


async def test_other_origins_pages_may_ask_without_a_cookie(world: World) -> None:
    async with world.client(headers={"Origin": "https://player.example"}) as client:
        for path in ("/whip/s_1", "/whep/m_1", "/whep/m_1/session"):
            answer = await client.options(path, headers={"Access-Control-Request-Method": "POST"})
            assert answer.status_code == 200
            assert (
                answer.headers["accept-post"] == SDP and answer.headers["access-control-allow-origin"] == "*"
            )
            assert "authorization" in answer.headers["access-control-allow-headers"].lower()
            assert "location" in answer.headers["access-control-expose-headers"].lower()
            assert "access-control-allow-credentials" not in answer.headers
            for method in ("GET", "PUT"):
                assert (await client.request(method, path)).status_code == 405
        assert (await client.post("/whep/m_1/session")).status_code == 405
        assert "access-control-allow-origin" not in (await client.get("/api/v1/me")).headers


async def test_without_an_open_meeting_there_is_nothing_to_publish_to_or_watch(world: World) -> None:
    meeting = await world.meeting(opened=False)
    for kind, target in ((TokenKind.WHIP, SOUTH), (TokenKind.WHEP, meeting), (TokenKind.WHEP, "m_none")):
        _, secret = await token(world, kind, target)
        async with bearer(world, secret) as client:
            refused = await client.post(f"/{kind}/{target}", content=SENT)
            assert (refused.status_code, refused.json()["code"]) == (409, "meeting_not_open")


async def test_the_page_of_a_site_stays_when_its_encoder_ends_and_is_not_asked_beside_it(
    world: World,
) -> None:
    meeting = await world.meeting()
    _, secret = await token(world, TokenKind.WHIP, SOUTH)
    async with world.socket(await world.device(SOUTH)) as page, bearer(world, secret) as client:
        assert (await page.command("meeting.join", meeting))["op"] == "ack"
        await world.command("stage.preview", meeting, slots=[SOUTH])
        await page.you(lambda you: you["publish"] is not None)
        session = (await client.post(f"/whip/{SOUTH}", content=SENT)).headers["location"]
        world.node.go_live(f"{session.rsplit('/', 1)[1]}/video")
        await page.you(lambda you: you["publish"] is None)
        assert (await client.delete(session)).status_code == 200
        await page.you(lambda you: you["publish"] is not None and you["in"] == meeting)
        assert world.rooms.meetings.joined(meeting) == {SOUTH}
        # And the other way round: the encoder keeps the place of a page that has gone.
        await client.post(f"/whip/{SOUTH}", content=SENT)
    await until(lambda: not world.app.state.hub.connections, "the page has gone")
    assert world.rooms.meetings.joined(meeting) == {SOUTH}
    assert world.rooms.meetings.is_connected(SOUTH)


async def test_an_encoder_whose_connection_breaks_keeps_its_place_for_the_grace(world: World) -> None:
    meeting = await feed(world)
    _, secret = await token(world, TokenKind.WHIP, FEED)
    async with bearer(world, secret) as client:
        first = (await client.post(f"/whip/{FEED}", content=SENT)).headers["location"]
        world.node.gone(first.rsplit("/", 1)[1])
        assert world.rooms.meetings.joined(meeting) == {FEED} and not world.rooms.meetings.is_connected(FEED)
        await client.post(f"/whip/{FEED}", content=SENT)
        assert world.rooms.meetings.is_connected(FEED)


async def test_a_feed_is_invited_and_not_counted(world: World) -> None:
    meeting = await feed(world)
    assert (await world.rooms.meetings.get(meeting)).sites == 3
    roster = await world.rooms.meetings.roster(meeting, SYSTEM)
    assert {row[0]: row[3] for row in roster.sites} == {
        CENTRE: "post", NORTH: "post", SOUTH: "post", FEED: "feed",
    }  # fmt: skip
    await world.rooms.sites.create(SYSTEM, [NewSite("92", "Máy mã hóa", SiteKind.FEED, "s_late")])
    await world.command("meeting.invite", meeting, sites=["s_late"])
    state = await world.rooms.meetings.state(meeting)
    assert state.invited == 3 and len((await world.rooms.meetings.roster(meeting, SYSTEM)).sites) == 5


async def test_operators_issue_list_and_revoke_what_they_may(world: World) -> None:
    meeting = await feed(world)
    await world.person("technician", "02", "kythuat")
    await world.person("director", "VN", "daodien")
    async with world.log_in("kythuat") as technician, world.log_in("daodien") as director:
        made = (await technician.post("/api/v1/tokens", json={"whip": FEED, "hours": 2})).json()
        assert made["url"] == f"{world.url}/whip/{FEED}" and made["expires_at"] is not None
        for client, body, status in (
            (technician, {"whip": SOUTH}, 404),  # outside his subtree: he does not know of it
            (technician, {"whep": meeting}, 403),
            (director, {"whip": FEED}, 403),
            (director, {"whep": "m_none"}, 404),
            (director, {"whip": FEED, "whep": meeting}, 400),
            (director, {}, 400),
        ):
            assert (await client.post("/api/v1/tokens", json=body)).status_code == status, body
        watch = (await director.post("/api/v1/tokens", json={"whep": meeting})).json()
        assert watch["url"] == f"{world.url}/whep/{meeting}" and watch["expires_at"] is None

        async def listed(client: httpx2.AsyncClient) -> list[str]:
            found = (await client.get("/api/v1/tokens")).json()["tokens"]
            assert all("token" not in one for one in found)
            return [one["id"] for one in found]

        assert await listed(technician) == [made["id"]] and await listed(director) == [watch["id"]]
        assert (await director.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404
        assert (await technician.delete(f"/api/v1/tokens/{made['id']}")).status_code == 204
        assert (await technician.delete(f"/api/v1/tokens/{made['id']}")).status_code == 404
        assert await listed(technician) == []
    text = json.dumps([dict(event.data) for event in await world.rooms.store.events("access")])
    assert made["token"] not in text and watch["token"] not in text


async def test_an_encoder_has_one_microphone_and_one_camera(world: World) -> None:
    await feed(world)
    _, secret = await token(world, TokenKind.WHIP, FEED)
    async with bearer(world, secret) as client:
        for more in ("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n", "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"):
            refused = await client.post(f"/whip/{FEED}", content=SENT + more)
            assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
        assert not world.node.publishers
        closed = "m=video 0 UDP/TLS/RTP/SAVPF 96\r\n"
        assert (await client.post(f"/whip/{FEED}", content=SENT + closed)).status_code == 201


async def test_an_answer_that_leaves_a_section_out_is_not_given(world: World) -> None:
    meeting = await feed(world)
    _, secret = await token(world, TokenKind.WHIP, FEED)

    async def partly(command: wire.Command, **options: Any) -> wire.ReplyData:
        reply = await call(command, **options)
        if isinstance(reply, wire.PublisherReply):
            reply = reply.model_copy(update={"answer": "v=0\r\nm=audio 9 X 111\r\nm=video 0 X 96\r\n"})
        return reply

    call, world.node.call = world.node.call, partly  # type: ignore[method-assign]
    async with bearer(world, secret) as client:
        refused = await client.post(f"/whip/{FEED}", content=SENT)
    assert (refused.status_code, refused.json()["code"]) == (406, "not_acceptable")
    assert not world.node.publishers and world.rooms.meetings.joined(meeting) == frozenset()


async def test_an_offer_that_the_node_cannot_read_is_malformed(world: World) -> None:
    meeting = await feed(world)
    _, secret = await token(world, TokenKind.WHEP, meeting)

    async def unread(command: wire.Command, **options: Any) -> wire.ReplyData:
        if isinstance(command, wire.ViewerOpenCommand):
            raise BadOffer("sdp_malformed: SDP line 3 is malformed")
        return await call(command, **options)

    call, world.node.call = world.node.call, unread  # type: ignore[method-assign]
    async with bearer(world, secret) as client:
        refused = await client.post(f"/whep/{meeting}", content=OFFERED)
    assert (refused.status_code, refused.json()["code"]) == (400, "bad_offer")
