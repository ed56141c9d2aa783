"""HTTP: who gets in, what is refused and how (docs/protocol.md)."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from diemcau.api.guard import MAX_BODY
from diemcau.api.live import door

from .world import CENTRE, NORTH, OFFER, PASSWORD, SOUTH, World, console
from .world import world as make_world

JPEG = b"\xff\xd8\xff\xe0" + bytes(1000) + b"\xff\xd9"


def problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert (document["status"], document["code"], document["type"]) == (status, code, "about:blank")
    assert document["title"] and document["detail"]
    return document


async def test_a_person_logs_in_by_a_cookie_that_scripts_cannot_read(world: World) -> None:
    await world.person()
    async with world.client() as client:
        problem(await client.get("/api/v1/me"), 401, "not_authenticated")
        wrong = {"username": "daodien", "password": "not this one"}
        problem(await client.post("/api/v1/session", json=wrong), 401, "bad_credentials")
        answer = await client.post("/api/v1/session", json={"username": "daodien", "password": PASSWORD})
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie and "max-age=43200" in cookie
        me = (await client.get("/api/v1/me")).json()
        assert (me["kind"], me["name"]) == ("person", "Trần Thị Bình")
        assert me["grants"] == [{"role": "director", "unit": "VN"}]
        problem(await client.delete("/api/v1/session"), 403, "csrf")
        out = await client.delete("/api/v1/session", headers={"X-CSRF-Token": me["csrf"]})
        assert out.status_code == 204
        problem(await client.get("/api/v1/me"), 401, "not_authenticated")


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
async def test_a_page_of_another_origin_changes_nothing(world: World, origin: str) -> None:
    await world.person()
    async with world.log_in() as client:
        answer = await client.post("/api/v1/meetings", json={}, headers={"Origin": origin})
        problem(answer, 403, "csrf")
        login = {"username": "daodien", "password": PASSWORD}
        problem(await client.post("/api/v1/session", json=login, headers={"Origin": origin}), 403, "csrf")


async def test_wrong_passwords_are_slowed_down(world: World) -> None:
    async with world.client() as client:
        for _ in range(30):
            answer = await client.post("/api/v1/session", json={"username": "x", "password": "wrong"})
            if answer.status_code == 429:
                break
        problem(answer, 429, "too_many_requests")
        assert int(answer.headers["retry-after"]) >= 1


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/api/v1/meetings", {"id": "12345678", "title": "x", "scope": []}),
        (
            "POST",
            "/api/v1/meetings",
            {"id": "12345678", "title": "x", "scope": [{"unit": "VN", "levels": ["city"]}]},
        ),
        (
            "POST",
            "/api/v1/meetings",
            {"id": "short", "title": "x", "scope": [{"unit": "VN", "levels": ["nation"]}]},
        ),
        ("POST", "/api/v1/commands", {"id": "12345678", "type": "no.such", "meeting": "m"}),
        ("POST", "/api/v1/commands", [1, 2]),
        ("GET", "/api/v1/units/search?levels=city", None),
        ("GET", "/api/v1/units/search?limit=0", None),
        ("GET", "/api/v1/sites?limit=9999999", None),
        ("GET", "/api/v1/sites?after=%00", None),
        ("POST", "/api/v1/session", {"username": 5, "password": []}),
        ("POST", "/api/v1/session", {"username": "x", "password": "y", "admin": True}),
    ],
)
async def test_malformed_requests_are_problems(world: World, method: str, path: str, body: Any) -> None:
    await world.person()
    async with world.log_in() as client:
        problem(await client.request(method, path, json=body), 400, "bad_request")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/v1/nothing", 404, "not_found"),
        ("GET", "/console/v1/people", 404, "not_found"),
        ("POST", "/console/v1/people", 404, "not_found"),
        ("GET", "/assets/none.js", 404, "not_found"),
        ("PATCH", "/api/v1/me", 405, "method_not_allowed"),
        ("GET", "/api/v1/units/99999", 404, "unit_not_found"),
        ("GET", "/api/v1/sites/s_none", 404, "site_not_found"),
        ("GET", "/api/v1/meetings/m_none", 404, "meeting_not_found"),
        ("GET", f"/api/v1/sites/{NORTH}/snapshot", 404, "not_found"),
        ("DELETE", "/api/v1/viewers/none", 404, "viewer_not_found"),
        ("DELETE", "/api/v1/publishers/none", 404, "not_found"),
    ],
)
async def test_what_is_not_there_is_a_problem(
    world: World, method: str, path: str, status: int, code: str
) -> None:
    await world.person()
    async with world.log_in() as client:
        problem(await client.request(method, path, json={} if method == "POST" else None), status, code)


async def test_bodies_are_bounded_with_and_without_a_length(world: World) -> None:
    async def endless() -> Any:
        for _ in range(MAX_BODY // 1024 + 10):
            yield b" " * 1024

    async with world.client() as client:
        problem(await client.post("/api/v1/session", content=b" " * (MAX_BODY + 1)), 413, "too_large")
        chunked = await client.post("/api/v1/session", content=endless())
        problem(chunked, 413, "too_large")
        broken = await client.post(
            "/api/v1/session", content=b'{"username":', headers={"Content-Type": "application/json"}
        )
        problem(broken, 400, "bad_request")


async def test_units_are_searched_and_walked(world: World) -> None:
    async with world.client(headers={"Authorization": f"Bearer {await world.device(NORTH)}"}) as client:
        found = (await client.get("/api/v1/units/search", params={"q": "phuoc binh thu duc"})).json()[
            "matches"
        ]
        assert found[0]["unit"]["code"] == "26863" and found[0]["alike"] > 1
        unit = (await client.get("/api/v1/units/02")).json()
        assert (unit["level"], unit["parent"], unit["sites"]) == ("province", "VN", [NORTH])
        below = (await client.get("/api/v1/units/VN/children")).json()["units"]
        assert len(below) == 63


async def test_an_operator_sees_the_sites_of_his_subtree(world: World) -> None:
    await world.person("director", "92")
    async with world.log_in() as client:
        found = (await client.get("/api/v1/sites")).json()
        assert [site["id"] for site in found["sites"]] == [SOUTH]
        problem(await client.get(f"/api/v1/sites/{NORTH}"), 404, "site_not_found")


async def test_a_site_posts_its_picture_and_operators_see_it(world: World) -> None:
    await world.person()
    credential = await world.device(NORTH)
    async with (
        world.client(headers={"Authorization": f"Bearer {credential}"}) as site,
        world.log_in() as desk,
    ):
        assert (await site.put("/api/v1/snapshot", content=JPEG)).status_code == 204
        shown = await desk.get(f"/api/v1/sites/{NORTH}/snapshot")
        assert shown.content == JPEG and shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["last-modified"].endswith("GMT")
        fresh = {"If-None-Match": shown.headers["etag"]}
        assert (await desk.get(f"/api/v1/sites/{NORTH}/snapshot", headers=fresh)).status_code == 304
        problem(await site.put("/api/v1/snapshot", content=b"GIF89a"), 400, "bad_request")
        problem(await site.put("/api/v1/snapshot", content=JPEG + bytes(128 << 10)), 413, "too_large")
        problem(await desk.put("/api/v1/snapshot", content=JPEG), 403, "forbidden")
        statuses = [(await site.put("/api/v1/snapshot", content=JPEG)).status_code for _ in range(8)]
        assert 429 in statuses


async def test_another_site_does_not_see_a_sites_picture(world: World) -> None:
    async with world.client(headers={"Authorization": f"Bearer {await world.device(SOUTH)}"}) as other:
        problem(await other.get(f"/api/v1/sites/{NORTH}/snapshot"), 404, "site_not_found")


async def test_a_meeting_is_created_once_by_its_id(world: World) -> None:
    await world.person()
    body = {
        "id": "my-own-id",
        "title": "Họp",
        "scope": [{"unit": "VN", "levels": ["province"]}],
        "chair_site": CENTRE,
    }
    async with world.log_in() as client:
        first, second = [await client.post("/api/v1/meetings", json=body) for _ in range(2)]
        assert first.status_code == second.status_code == 201 and first.json()["id"] == second.json()["id"]
        assert len((await client.get("/api/v1/meetings")).json()["meetings"]) == 1
        roster = (await client.get(f"/api/v1/meetings/{first.json()['id']}/roster")).json()
        assert {row[0] for row in roster["sites"]} >= {NORTH, SOUTH}
        state = (await client.get(f"/api/v1/meetings/{first.json()['id']}")).json()
        assert state["state"]["title"] == "Họp"


async def test_viewers_are_for_those_whom_the_meeting_concerns(world: World) -> None:
    await world.person()
    await world.person("observer", "01", "nguoila")
    meeting = await world.meeting("vp8")
    credential = await world.device(NORTH)
    path = f"/api/v1/meetings/{meeting}/viewer"
    async with (
        world.client(headers={"Authorization": f"Bearer {credential}"}) as site,
        world.log_in() as desk,
    ):
        problem(await site.post(path, json={"offer": OFFER}), 409, "not_in_meeting")
        async with world.socket(credential) as page:
            await page.command("meeting.join", meeting)
            opened = await site.post(path, json={"offer": OFFER})
        assert opened.status_code == 201, opened.text
        answer = opened.json()
        assert (answer["audio_lines"], answer["video_lines"]) == (4, 4)
        assert answer["codecs"] == ["h264"] and answer["can_show"] is False
        problem(
            await site.put(f"/api/v1/viewers/{answer['viewer']}/pins/0", json={"site": SOUTH}),
            403,
            "forbidden",
        )
        mine = (await desk.post(path, json={"offer": OFFER})).json()["viewer"]
        assert (await desk.put(f"/api/v1/viewers/{mine}/pins/1", json={"site": NORTH})).status_code == 204
        problem(await desk.put(f"/api/v1/viewers/{mine}/pins/9", json={"site": NORTH}), 409, "conflict")
        problem(await site.delete(f"/api/v1/viewers/{mine}"), 404, "viewer_not_found")
        assert (await desk.delete(f"/api/v1/viewers/{mine}")).status_code == 204
        problem(await desk.post(path, json={"offer": "nonsense"}), 422, "bad_offer")
        publisher = f"/api/v1/meetings/{meeting}/publisher"
        problem(await desk.post(publisher, json={"offer": OFFER}), 409, "wrong_state")  # does not present
        async with world.log_in("nguoila") as observer:
            problem(await observer.post(publisher, json={"offer": OFFER}), 403, "forbidden")
        problem(
            await site.post(publisher, json={"offer": OFFER}),
            409,
            "wrong_state",
        )


async def test_without_a_node_pages_are_told_and_readiness_says_so(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.log_in() as client:
        assert (await client.get("/readyz")).status_code == 200
        world.node.disconnect()
        problem(await client.get("/readyz"), 503, "media_unavailable")
        answer = await client.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        problem(answer, 503, "media_unavailable")
        assert (await client.get("/healthz")).status_code == 200
        assert "diemcau_node_up 0.0" in (await client.get("/metrics")).text


async def test_metrics_count_what_happens(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site, world.client() as client:
        await site.command("meeting.join", meeting)
        await site.command("hand.lower", meeting)
        text = (await client.get("/metrics")).text
    assert 'diemcau_ws_connections{page="site"} 1.0' in text
    assert 'diemcau_commands_total{result="ok",type="meeting.join"} 1.0' in text
    assert "diemcau_joins_total 1.0" in text and "diemcau_node_up 1.0" in text


async def test_every_answer_carries_the_security_headers(world: World) -> None:
    async with world.client() as client:
        for path in ("/", "/healthz", "/api/v1/me", "/no/such/page"):
            headers = (await client.get(path)).headers
            assert "frame-ancestors 'none'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"
            assert "camera=(self)" in headers["permissions-policy"]


async def test_the_page_is_served_with_what_browsers_may_keep(tmp_path: Path) -> None:
    web = tmp_path / "web"
    (web / "assets").mkdir(parents=True)
    (web / "index.html").write_text("<!doctype html><title>x</title>" + " " * 2000)
    (web / "assets" / "main-abc123.js").write_text("export default 1;" * 200)
    async with make_world(tmp_path / "data", web=web) as world, world.client() as client:
        for path in ("/", "/vao?code=X", "/dieu-hanh/hop/m_1"):
            page = await client.get(path)
            assert page.text.startswith("<!doctype html>") and page.headers["cache-control"] == "no-cache"
        asset = await client.get("/assets/main-abc123.js")
        assert "immutable" in asset.headers["cache-control"] and asset.headers["content-encoding"] == "gzip"
        assert asset.headers["content-type"].startswith("text/javascript")
        again = await client.get("/", headers={"If-None-Match": page.headers["etag"]})
        assert again.status_code == 304
        for escape in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "/assets/../../data/secret"):
            assert (await client.get(escape)).status_code in (200, 404)
            assert "PRIVATE" not in (await client.get(escape)).text


async def test_the_console_asks_as_the_system(world: World) -> None:
    async with console(world.app) as client:
        made = await client.post(
            "/console/v1/people",
            json={
                "username": "an",
                "password": PASSWORD,
                "name": "An",
                "grants": [{"role": "chair", "unit": "VN"}],
            },
        )
        assert made.status_code == 201, made.text
        problem(
            await client.put(
                "/console/v1/people/an/grants", json={"grants": [{"role": "king", "unit": "VN"}]}
            ),
            400,
            "bad_request",
        )
        sites = await client.post("/console/v1/sites", json={"sites": [{"unit": "01", "label": "Hà Nội"}]})
        [site] = sites.json()["sites"]
        codes = await client.post("/console/v1/codes", json={"sites": [site["id"]]})
        assert len(codes.json()["codes"][0]["code"]) == 14
        assert len((await client.get("/api/v1/sites")).json()["sites"]) == 4


async def test_hundreds_of_askers_at_once_are_all_answered(world: World) -> None:
    async with world.client(headers={"Authorization": f"Bearer {await world.device(NORTH)}"}) as client:
        answers = await asyncio.gather(*(client.get("/api/v1/me") for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}


async def test_websockets_of_one_ipv6_network_are_limited_together(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys: list[str] = []
    monkeypatch.setattr(world.app.state.limits.sockets, "take", keys.append)
    for address in ("2001:db8:0:1::1", "2001:db8:0:1:2:3:4:5", "::ffff:192.0.2.1"):
        monkeypatch.setattr(door, "address_of", lambda _, address=address: address)
        async with world.socket(await world.device(NORTH)):
            pass
    assert keys == ["2001:db8:0:1::/64", "2001:db8:0:1::/64", "192.0.2.1"]
