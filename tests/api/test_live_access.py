"""What is open already when access ends or grants change: the connection, its streams, its media."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import delete

from diemcau.access import SYSTEM, Grant, Role
from diemcau.access.tables import sessions
from diemcau.errors import JsonObject, StorageUnavailable
from diemcau.store import UnitOfWork

from .world import CENTRE, NORTH, SOUTH, World
from .world import world as make_world


async def gone(world: World, viewer: str) -> None:
    """Until the node has let go of a viewer."""
    told = asyncio.Event()
    world.node.listen(lambda _: None if viewer in world.node.viewers else told.set())
    if viewer in world.node.viewers:
        await asyncio.wait_for(told.wait(), 10)


@pytest.mark.parametrize("how", ["log-out", "password", "disabled"])
async def test_a_person_whose_access_ends_hears_nothing_more(world: World, how: str) -> None:
    await world.person()
    [person] = await world.rooms.access.people()
    async with world.log_in() as client:
        cookie = f"dc_session={client.cookies['dc_session']}"
        async with world.socket(page="desk", headers={"Cookie": cookie}) as desk:
            if how == "log-out":
                assert (await client.delete("/api/v1/session")).status_code == 204
            elif how == "password":
                await world.rooms.access.set_password(SYSTEM, person.id, "another long password")
            else:
                await world.rooms.access.disable_person(SYSTEM, person.id)
            assert await desk.closed() == (4001, "not_authenticated")


async def test_a_log_out_ends_that_session_and_no_other(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.desk() as other, world.log_in() as client:
        cookie = f"dc_session={client.cookies['dc_session']}"
        async with world.socket(page="desk", headers={"Cookie": cookie}) as desk:
            await client.delete("/api/v1/session")
            assert (await desk.closed())[0] == 4001
            assert (await other.command("message.post", meeting, text="x", to="all"))["op"] == "ack"


async def test_a_device_that_is_replaced_or_revoked_hears_nothing_more(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as other:
        async with world.socket(await world.device(NORTH)) as site:
            new = await world.device(NORTH)
            assert await site.closed() == (4001, "not_authenticated")
        async with world.socket(new) as site:
            assert await world.rooms.sites.revoke_codes(SYSTEM, [NORTH]) == 0
            assert (await site.command("meeting.join", meeting))["op"] == "ack"
            assert await world.rooms.sites.revoke_codes(SYSTEM, [NORTH], devices=True) == 1
            assert await site.closed() == (4001, "not_authenticated")
        assert (await other.command("meeting.join", meeting))["op"] == "ack"


async def test_media_end_with_access_but_not_while_another_page_of_the_party_may_stay(world: World) -> None:
    await world.person()
    [person] = await world.rooms.access.people()
    meeting = await world.meeting()
    async with world.desk() as other, world.log_in() as client:
        cookie = f"dc_session={client.cookies['dc_session']}"
        async with world.socket(page="desk", headers={"Cookie": cookie}) as desk:
            opened = await client.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": "v=0 H264"})
            viewer = opened.json()["viewer"]
            await client.delete("/api/v1/session")
            assert (await desk.closed())[0] == 4001
            assert (await other.command("message.post", meeting, text="x", to="all"))["op"] == "ack"
            assert viewer in world.node.viewers
            await world.rooms.access.disable_person(SYSTEM, person.id)
            assert (await other.closed())[0] == 4001
            await gone(world, viewer)


async def test_media_of_a_page_that_has_hung_up_end_with_its_access(world: World) -> None:
    credential = await world.device(NORTH)
    meeting = await world.meeting()
    async with world.client(headers={"Authorization": f"Bearer {credential}"}) as http:
        async with world.socket(credential) as site:
            await site.command("meeting.join", meeting)
            opened = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": "v=0 H264"})
        viewer = opened.json()["viewer"]
        assert viewer in world.node.viewers
        await world.rooms.sites.revoke_codes(SYSTEM, [NORTH], devices=True)
        await gone(world, viewer)


async def test_a_session_that_runs_out_ends_the_connection_of_a_silent_client(tmp_path: Path) -> None:
    async with make_world(tmp_path, beat_s=0.05, recheck_s=0.1) as world:
        await world.person()
        async with world.desk() as desk:

            async def run_out(unit: UnitOfWork) -> JsonObject:
                await (await unit.connection()).execute(delete(sessions))
                return {}

            await world.rooms.store.write(run_out)
            assert await desk.closed() == (4001, "not_authenticated")


async def test_a_database_that_does_not_answer_ends_no_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with make_world(tmp_path, beat_s=0.02, recheck_s=0.02) as world:
        meeting = await world.meeting()
        async with world.socket(await world.device(NORTH)) as site:
            asked = asyncio.Event()

            async def fails(credential: str) -> None:
                asked.set()
                raise StorageUnavailable

            with monkeypatch.context() as broken:
                broken.setattr(world.rooms.access, "at_hand", lambda held: None)
                broken.setattr(world.rooms.access, "site_of_device", fails)
                async with asyncio.timeout(10):
                    await asked.wait()
            assert (await site.command("meeting.join", meeting))["op"] == "ack"


async def test_everyone_is_asked_anew_once_in_a_round_and_a_few_at_each_beat(tmp_path: Path) -> None:
    async with (
        make_world(tmp_path, beat_s=20.0, recheck_s=60.0) as world,
        world.socket(await world.device(CENTRE)),
        world.socket(await world.device(NORTH)),
        world.socket(await world.device(SOUTH)),
    ):
        hub = world.app.state.hub
        for _ in range(2):
            asked = []
            for _ in range(3):
                hub._to_check.clear()
                hub._check_slice()
                asked += hub._to_check
            assert len(asked) == 3 and set(asked) == hub.connections


async def test_other_grants_are_seen_by_a_client_that_only_listens(world: World) -> None:
    await world.person()
    [person] = await world.rooms.access.people()
    meeting = await world.meeting()
    north, south = await world.device(NORTH), await world.device(SOUTH)
    async with world.socket(north) as one, world.socket(south) as two, world.desk() as desk:
        for site in (one, two):
            await site.command("meeting.join", meeting)
            await site.command("hand.raise", meeting)
        snap = await desk.subscribe(meeting, **{"with": ["presence"]})
        assert [hand["site"] for hand in snap["state"]["floor"]["hands"]] == [NORTH, SOUTH]
        await desk.next("eph", when=lambda eph: eph["data"].get("joined") == [NORTH, SOUTH])
        await world.rooms.access.set_grants(SYSTEM, person.id, [Grant(Role.DIRECTOR, "92")])
        snap = await desk.next("snap")
        assert [hand["site"] for hand in snap["state"]["floor"]["hands"]] == [SOUTH]
        await desk.next("eph", when=lambda eph: eph["data"].get("joined") == [SOUTH])
        # What happens from here on is cut by the new grants, and none of it is missing.
        await one.command("hand.lower", meeting)
        event = await desk.next("ev")
        assert (event["seq"], event["type"]) == (snap["seq"] + 1, "hand_lowered")
        assert NORTH not in str(event["data"])
        await two.command("hand.lower", meeting)
        assert (await desk.next("ev"))["data"]["site"] == SOUTH


async def test_a_client_whose_grants_are_gone_is_told_and_given_nothing_more(world: World) -> None:
    await world.person()
    [person] = await world.rooms.access.people()
    meeting = await world.meeting()
    async with world.desk() as desk:
        await desk.subscribe(meeting)
        await world.rooms.access.set_grants(SYSTEM, person.id, [])
        refused = await desk.next("nack")
        assert refused["stream"] == f"meeting:{meeting}"
        await world.command("message.post", meeting, text="x", to="all")
        assert (await desk.command("message.post", meeting, text="x", to="all"))["op"] == "nack"
        assert not [frame for frame in desk.passed if frame["op"] == "ev"]


async def test_a_command_that_finds_other_grants_brings_the_streams_up_anew(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    await world.person()
    [person] = await world.rooms.access.people()
    meeting = await world.meeting()
    async with world.desk() as desk:
        await desk.subscribe(meeting)
        # As if the hub had not heard of it yet.
        monkeypatch.setattr(world.app.state.hub, "_check_parties", lambda parties: None)
        await world.rooms.access.set_grants(SYSTEM, person.id, [Grant(Role.CHAIR, "92")])
        assert (await desk.command("stage.cut", meeting, slots=[NORTH]))["op"] == "nack"
        await desk.next("snap")
