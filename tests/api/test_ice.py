"""`GET /ice`: relays for those who proved who they are, for as long as said."""

from datetime import timedelta
from pathlib import Path

from diemcau.access import IceServers

from .test_doors import problem
from .world import NORTH, World
from .world import world as make_world


async def test_relays_are_given_to_a_site_and_to_a_person_each_in_its_own_name(tmp_path: Path) -> None:
    ice = IceServers(("turns:relay.test:443?transport=tcp",), b"north", timedelta(minutes=30))
    async with make_world(tmp_path, ice=ice) as world:
        async with world.client() as client:
            problem(await client.get("/api/v1/ice"), 401, "not_authenticated")
        bearer = {"Authorization": f"Bearer {await world.device(NORTH)}"}
        async with world.client(headers=bearer) as client:
            answer = await client.get("/api/v1/ice")
            assert answer.headers["cache-control"] == "no-store"
            document = answer.json()
            assert document["lifetime_s"] == 1800
            [server] = document["servers"]
            assert server["urls"] == ["turns:relay.test:443?transport=tcp"]
            assert server["username"].endswith(f":{NORTH}") and server["credential"]
            for _ in range(30):
                answer = await client.get("/api/v1/ice")
            problem(answer, 429, "too_many_requests")
        await world.person()
        async with world.log_in() as client:
            [server] = (await client.get("/api/v1/ice")).json()["servers"]
            assert server["username"].split(":")[1].startswith("p_")


async def test_without_relays_the_list_is_empty(world: World) -> None:
    bearer = {"Authorization": f"Bearer {await world.device(NORTH)}"}
    async with world.client(headers=bearer) as client:
        assert (await client.get("/api/v1/ice")).json()["servers"] == []
