"""A site's device: activated by its key, proved at every connection, good for nothing as a copy."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.client import connect

from diemcau.access import SYSTEM

from ..device import Device
from .test_doors import JPEG, problem
from .world import NORTH, SOUTH, Socket, World

SITE = {"X-Page": "site"}


async def code(world: World, site: str = NORTH) -> str:
    [issued] = await world.rooms.sites.issue_codes(SYSTEM, [site])
    return issued.code


@asynccontextmanager
async def knock(
    world: World, client: Any, device: Device | None, *, origin: str | None = None, signed: str | None = None
) -> AsyncIterator[Socket]:
    """A page that opens its WebSocket with the client's cookie. `signed`: the origin it signs for."""
    headers = {"Cookie": f"dc_device={client.cookies['dc_device']}"}
    address = world.url.replace("http", "ws", 1) + "/api/v1/ws"
    async with connect(address, additional_headers=headers, origin=origin, compression=None) as raw:
        socket = Socket(raw, world)
        nonce = (await socket.next("challenge"))["nonce"]
        hello = {"op": "hello", "proto": 1, "page": "site", "tab": "tab-1"}
        if device is not None:
            hello["proof"] = device.sign("socket", signed or world.url, nonce, device.name)
        await socket.send(hello)
        yield socket


async def test_a_code_activates_a_device_once(world: World) -> None:
    issued = await code(world)
    device = Device()
    async with world.client() as client:
        answer = await device.activate(client, issued.lower())
        assert answer.status_code == 200 and answer.json()["site"]["id"] == NORTH
        cookie = answer.headers["set-cookie"].lower()
        assert "httponly" in cookie and "samesite=strict" in cookie
        assert (await client.get("/api/v1/me")).json()["site"]["label"] == "Điểm cầu Hà Giang"
        # The answer was lost, the page comes again: it is the same device.
        assert (await device.activate(client, issued)).status_code == 200
        async with knock(world, client, device) as socket:
            assert (await socket.next("welcome"))["who"]["id"] == NORTH
    async with world.client() as other:
        assert problem(await Device().activate(other, issued), 401, "bad_code")["reason"] == "used"


async def test_an_activation_needs_the_proof_of_its_own_key(world: World) -> None:
    issued = await code(world)
    device, thief = Device(), Device()
    async with world.client() as client:
        body = device.activation(issued, world.url, await device.nonce(client, "activate"))
        for wrong in (
            {**body, "key": thief.key},  # a key slipped in on the way
            {**body, "code": await code(world, SOUTH)},
            {**body, "nonce": await device.nonce(client, "session")},
            {**body, "nonce": "AAAA"},
            {**body, "signature": body["signature"][:-2]},
            device.activation(issued, "http://127.0.0.1:1", body["nonce"]),
        ):
            problem(await client.post("/api/v1/activation", json=wrong), 401, "bad_proof")
        for key in ("", "AAAA", "B" * 87, "ế"):
            problem(await client.post("/api/v1/activation", json={**body, "key": key}), 400, "bad_request")
        problem(await client.post("/api/v1/activation", json={"code": issued}), 400, "bad_request")
        assert (await client.post("/api/v1/activation", json=body)).status_code == 200
        client.cookies.clear()
        problem(await client.post("/api/v1/activation", json=body), 401, "bad_proof")  # replayed


async def test_a_session_needs_a_fresh_challenge_and_the_key(world: World) -> None:
    device = Device()
    async with world.client() as client:
        await device.activate(client, await code(world))
        nonce = await device.nonce(client, "session")
        good = device.session(world.url, nonce)
        other_purpose = {**good, "signature": device.sign("socket", world.url, nonce, device.name)}
        other_origin = device.session("http://127.0.0.1:1", nonce)
        other_key = {**good, "signature": Device(name=device.name).session(world.url, nonce)["signature"]}
        activation = device.session(world.url, await device.nonce(client, "activate"))
        for wrong in (other_purpose, other_origin, other_key, activation):
            problem(await client.post("/api/v1/device/session", json=wrong), 401, "bad_proof")
        assert (await client.post("/api/v1/device/session", json=good)).status_code == 200
        problem(await client.post("/api/v1/device/session", json=good), 401, "bad_proof")  # replayed
        answer = await client.post("/api/v1/device/session", json={**good, "device": "A" * 43})
        problem(answer, 401, "device_ended")


async def test_a_page_of_another_origin_gets_no_challenge(world: World) -> None:
    evil = {"Origin": "https://evil.example"}
    async with world.client() as client:
        answer = await client.post("/api/v1/device/challenge", json={"purpose": "session"}, headers=evil)
        problem(answer, 403, "csrf")


async def test_a_copied_cookie_opens_nothing(world: World) -> None:
    device = Device()
    async with world.client() as owner:
        await device.activate(owner, await code(world))
        async with world.client(cookies={"dc_device": owner.cookies["dc_device"]}) as thief:
            problem(await thief.get("/api/v1/me"), 401, "not_authenticated")
            problem(await thief.get("/api/v1/me", headers=SITE), 401, "not_authenticated")
            picture = {"Content-Type": "image/jpeg", "X-CSRF-Token": "0" * 64}
            answer = await thief.put("/api/v1/snapshot", content=JPEG, headers=picture)
            problem(answer, 401, "not_authenticated")
            bearer = {"Authorization": f"Bearer {owner.cookies['dc_device']}"}
            problem(await thief.get("/api/v1/me", headers=bearer), 401, "not_authenticated")
            for key in (None, Device(name=device.name)):
                async with knock(world, thief, key) as socket:
                    assert await socket.closed() == (4001, "bad_proof")
        assert (await owner.get("/api/v1/me")).json()["id"] == NORTH


async def test_a_hello_signed_for_elsewhere_is_refused(world: World) -> None:
    device = Device()
    async with world.client() as client:
        await device.activate(client, await code(world))
        async with knock(world, client, device, signed="https://evil.example") as socket:
            assert await socket.closed() == (4001, "bad_proof")
        async with knock(world, client, device, origin=world.url) as socket:
            await socket.next("welcome")


async def test_a_bearer_of_a_program_is_no_cookie_of_a_page(world: World) -> None:
    bearer = await world.device(NORTH)
    async with world.client(cookies={"dc_device": bearer}) as client:
        problem(await client.get("/api/v1/me", headers=SITE), 401, "not_authenticated")
        async with knock(world, client, None) as socket:
            assert await socket.closed() == (4001, "not_authenticated")


async def test_of_two_machines_with_one_key_the_later_takes_over_and_both_are_told(world: World) -> None:
    device = Device()
    events = []
    async with world.client() as first, world.client() as second:
        await device.activate(first, await code(world))
        copied = first.cookies["dc_device"]
        second.cookies.set("dc_device", copied, domain="127.0.0.1")  # the whole profile was copied
        assert (await device.open(first)).json()["conflict"] is False
        async with knock(world, first, device) as socket:
            await socket.next("welcome")
            taken = await device.open(second)
            assert taken.json()["conflict"] is True
            assert await socket.closed() == (4003, "device_conflict")
        problem(await first.get("/api/v1/me"), 401, "device_conflict")
        async with knock(world, second, device) as socket:
            await socket.next("welcome")
        events = [event.type for event in await world.rooms.store.events(f"site:{NORTH}")]
    assert events == ["site_activated", "device_conflict"]


async def test_a_new_device_puts_the_old_one_out_at_once(world: World) -> None:
    old, new = Device(), Device()
    async with world.client() as first, world.client() as second:
        await old.activate(first, await code(world))
        async with knock(world, first, old) as socket:
            await socket.next("welcome")
            await new.activate(second, await code(world))
            assert await socket.closed() == (4001, "device_ended")
        problem(await first.get("/api/v1/me"), 401, "device_ended")
        problem(await old.open(first), 401, "device_ended")
        assert (await second.get("/api/v1/me")).status_code == 200


async def test_a_key_is_bound_once_for_good(world: World) -> None:
    device = Device()
    async with world.client() as client:
        await device.activate(client, await code(world))
        await world.rooms.sites.revoke_codes(SYSTEM, [NORTH], devices=True)
        problem(await client.get("/api/v1/me"), 401, "device_ended")
        client.cookies.clear()
        problem(await device.activate(client, await code(world)), 400, "bad_request")


async def test_a_browser_that_is_a_site_becomes_another_only_when_it_says_so(world: World) -> None:
    device, next_one = Device(), Device()
    async with world.client() as client:
        await device.activate(client, await code(world))
        south = await code(world, SOUTH)
        for typed, more in ((south, {}), (south, {"replace": False}), ("WRONG", {})):
            answer = await next_one.activate(client, typed, **more)
            problem(answer, 409, "conflict")
            assert "set-cookie" not in answer.headers
        assert (await client.get("/api/v1/me", headers=SITE)).json()["site"]["id"] == NORTH
        # The code was not spent by being refused.
        answer = await next_one.activate(client, south, replace=True)
        assert answer.json()["site"]["id"] == SOUTH
        assert (await client.get("/api/v1/me", headers=SITE)).json()["site"]["id"] == SOUTH


async def test_a_cookie_that_is_no_longer_good_stands_in_nobodys_way(world: World) -> None:
    async with world.client() as client:
        await Device().activate(client, await code(world))
        await world.device(NORTH)  # another device of the site: this one is out
        assert (await Device().activate(client, await code(world))).status_code == 200
    async with world.client(cookies={"dc_device": "nothing of ours"}) as client:
        assert (await Device().activate(client, await code(world, SOUTH))).status_code == 200


async def test_a_browser_with_both_cookies_is_who_its_page_is(world: World) -> None:
    await world.person()
    async with world.log_in() as client:
        desk = client.headers["X-CSRF-Token"]
        await Device().activate(client, await code(world))
        site = client.headers["X-CSRF-Token"]
        kinds = [
            (await client.get("/api/v1/me", headers={"X-Page": page, "X-CSRF-Token": secret})).json()["kind"]
            for page, secret in (("site", site), ("desk", desk))
        ]
        assert kinds == ["site", "person"]
        picture = {"Content-Type": "image/jpeg"}
        assert (await client.put("/api/v1/snapshot", content=JPEG, headers=picture)).status_code == 204


async def test_a_sheet_used_by_two_at_once_binds_one(world: World) -> None:
    issued = await code(world)

    async def one() -> int:
        async with world.client() as client:
            return int((await Device().activate(client, issued)).status_code)

    answers = await asyncio.gather(*(one() for _ in range(6)))
    assert sorted(answers) == [200, *[401] * 5]


async def test_a_desk_sees_that_a_sites_page_is_hidden_or_its_machine_slept(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    credential = await world.device(NORTH)
    async with world.socket(credential) as site, world.desk() as desk:
        await site.command("meeting.join", meeting)
        await desk.subscribe(meeting, **{"with": ["presence"]})
        await site.send({"op": "page", "hidden": True})
        told = await desk.next("eph", when=lambda frame: frame["topic"] == "pages")
        assert told["data"]["pages"][NORTH]["page_hidden"] is True
        await site.send({"op": "page", "hidden": False, "slept_s": 95})
        told = await desk.next("eph", when=lambda frame: frame["topic"] == "pages")
        page = told["data"]["pages"][NORTH]
        assert (page["page_hidden"], page["slept_s"]) == (False, 95) and page["slept_at"]
        await site.raw.close()
        told = await desk.next("eph", when=lambda frame: frame["topic"] == "pages")
        assert told["data"]["pages"][NORTH]["slept_at"] is None
    async with world.socket(credential, tab="t2") as site:
        await site.send({"op": "page", "hidden": True, "slept_s": -1})
        assert (await site.closed())[0] == 4000


@pytest.mark.parametrize("body", [{}, {"purpose": "socket"}, {"purpose": 1}, {"purpose": "session", "x": 1}])
async def test_a_challenge_is_asked_for_as_documented(world: World, body: dict[str, Any]) -> None:
    async with world.client() as client:
        problem(await client.post("/api/v1/device/challenge", json=body), 400, "bad_request")
