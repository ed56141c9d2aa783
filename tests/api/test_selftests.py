"""The doors of self-tests: a turn, a loop that no meeting sees, a result that is kept and told."""

import asyncio
from typing import Any

import httpx2
import pytest

from diemcau.access import site_actor
from diemcau.media import wire
from diemcau.rollout.selftest.loop import MOST_OPENED
from diemcau.rollout.selftest.results import KEPT
from tests.rollout.figures import changed, figures

from .test_doors import problem
from .world import CENTRE, NORTH, OFFER, SOUTH, World


async def post(world: World, site: str = NORTH) -> httpx2.AsyncClient:
    """A client of a freshly activated device of the site."""
    return world.client(headers={"Authorization": f"Bearer {await world.device(site)}"})


async def looped(world: World, client: httpx2.AsyncClient) -> None:
    """The site's loop, as the node sees it close."""
    assert (await client.post("/api/v1/self-test")).json()["state"] == "running"
    sent = await client.post("/api/v1/self-test/publisher", json={"offer": OFFER})
    got = await client.post("/api/v1/self-test/viewer", json={"offer": OFFER})
    assert (sent.status_code, got.status_code) == (201, 201), (sent.text, got.text)
    [publisher] = [name for name in world.node.publishers if name.startswith("test/")]
    [viewer] = [name for name in world.node.viewers if name.startswith("test/")]
    world.node.go_live(f"{publisher}/video", "vp8")
    world.node.link(viewer)


async def test_a_site_tests_itself_and_its_result_is_kept_told_and_shown(world: World) -> None:
    events: list[Any] = []
    subscription = world.rooms.bus.subscribe(f"events:site:{NORTH}")
    async with await post(world) as client:
        await looped(world, client)
        [program] = [one for name, one in world.node.programs.items() if name.startswith("test/")]
        assert len(program.slots) == 2 and len(program.mics) == 1
        answer = await client.post("/api/v1/self-test/result", json=changed())
        assert answer.status_code == 201, answer.text
        result = answer.json()
        assert result["passed"] and result["advice"] == [] and result["figures"] == changed()
        kept = await client.get(f"/api/v1/sites/{NORTH}/tests")
        assert kept.json()["tests"] == [result]
    names = {*world.node.publishers, *world.node.viewers, *world.node.programs}
    assert not [name for name in names if name.startswith("test/")], "the result ends the test"
    async with asyncio.timeout(5):
        async for message in subscription:
            events.append(message.body)
            if message.body["type"] == "site_tested":
                break
    assert events[-1]["data"] == {"site": NORTH, "test": result["id"], "passed": True, "findings": []}


async def test_a_network_that_the_node_did_not_see_is_not_passed(world: World) -> None:
    async with await post(world) as client:
        await client.post("/api/v1/self-test")
        await client.post("/api/v1/self-test/publisher", json={"offer": OFFER})
        result = (await client.post("/api/v1/self-test/result", json=changed())).json()
        assert not result["passed"] and [one["code"] for one in result["advice"]] == ["network_unseen"]
        assert result["advice"][0]["vi"] and result["advice"][0]["en"]
        # What an earlier test saw does not count for the next.
        await looped(world, client)
        await client.delete("/api/v1/self-test")
        await client.post("/api/v1/self-test")
        result = (await client.post("/api/v1/self-test/result", json=changed())).json()
        assert not result["passed"]


async def test_the_loop_that_was_seen_counts_after_the_turn_was_given_back(world: World) -> None:
    async with await post(world) as client:
        await looped(world, client)
        assert (await client.delete("/api/v1/self-test")).status_code == 204
        assert (await client.post("/api/v1/self-test/result", json=changed())).json()["passed"]


async def test_a_self_test_is_on_no_stage_and_no_meeting_sees_it(world: World) -> None:
    meeting = await world.meeting()
    async with await post(world) as client, await post(world, SOUTH) as other:
        before = {name: one for name, one in world.node.programs.items() if name.startswith("meeting/")}
        await looped(world, client)
        world.node.reconnect()  # the stage reads the node's snapshot, which holds the test
        answer = await other.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        assert answer.status_code in (201, 409)
        after = {name: one for name, one in world.node.programs.items() if name.startswith("meeting/")}
        assert after == before and before
        assert len([name for name in world.node.publishers if name.startswith("test/")]) == 1


async def test_what_an_earlier_control_left_at_the_node_is_ended(world: World) -> None:
    await world.node.call(
        wire.PublisherOpenCommand(publisher="test/old/1", party="test/old", offer=OFFER, codec="vp8")
    )
    await world.node.call(wire.ViewerOpenCommand(viewer="test/old/2", offer=OFFER))
    await world.node.call(wire.ProgramSetCommand(program="test/old", codec="vp8", slots=[], mics=[]))
    world.node.reconnect()
    await asyncio.gather(*world.app.state.services.self_tests._loops._tasks)
    names = {*world.node.publishers, *world.node.viewers, *world.node.programs}
    assert not [name for name in names if name.startswith("test/")]


async def test_who_is_on_the_stage_of_a_meeting_does_not_test(world: World) -> None:
    await world.meeting()
    async with await post(world, CENTRE) as client:
        problem(await client.post("/api/v1/self-test"), 409, "on_stage")
    async with await post(world) as client:
        assert (await client.post("/api/v1/self-test")).status_code == 200


async def test_the_next_one_is_told_its_place_and_runs_when_the_first_has_ended(world: World) -> None:
    await world.meeting()  # beside a meeting fewer run at once
    turns = world.app.state.services.self_tests.turns
    for n in range(8):
        turns.ask(f"s_{n}", asyncio.get_running_loop().time())
    async with await post(world) as client:
        told = (await client.post("/api/v1/self-test")).json()
        assert told["state"] == "waiting" and told["place"] == 1 and told["again"] >= 1
        problem(await client.post("/api/v1/self-test/publisher", json={"offer": OFFER}), 409, "no_turn")
        turns.end("s_3", 0)
        assert (await client.post("/api/v1/self-test")).json()["state"] == "running"


async def test_one_test_opens_a_bounded_number_of_connections(world: World) -> None:
    async with await post(world) as client:
        await client.post("/api/v1/self-test")
        for _ in range(MOST_OPENED):
            answer = await client.post("/api/v1/self-test/viewer", json={"offer": OFFER, "what": "way"})
            assert answer.status_code == 201
        problem(
            await client.post("/api/v1/self-test/viewer", json={"offer": OFFER}), 429, "too_many_requests"
        )
        problem(
            await client.post("/api/v1/self-test/publisher", json={"offer": "no"}), 429, "too_many_requests"
        )


async def test_strangers_people_and_other_sites_get_nowhere(world: World) -> None:
    await world.person("technician", "92", "kythuat")
    async with world.client() as nobody:
        problem(await nobody.post("/api/v1/self-test"), 401, "not_authenticated")
    async with await post(world) as client:
        problem(await client.get(f"/api/v1/sites/{SOUTH}/tests"), 404, "site_not_found")
        problem(await client.post("/api/v1/self-test/viewer", json={"offer": OFFER}), 409, "no_turn")
        await client.post("/api/v1/self-test")
        problem(
            await client.post("/api/v1/self-test/publisher", json={"offer": "nonsense"}), 422, "bad_offer"
        )
    async with world.log_in("kythuat") as person:
        problem(await person.post("/api/v1/self-test"), 403, "forbidden")
        problem(await person.post("/api/v1/self-test/result", json=changed()), 403, "forbidden")
        problem(await person.get(f"/api/v1/sites/{NORTH}/tests"), 404, "site_not_found")
        assert (await person.get(f"/api/v1/sites/{SOUTH}/tests")).json() == {"tests": []}


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        {**changed(), "site": SOUTH},
        changed(camera={"state": "x" * 1000}),
        changed(network={"down_kbps": -5}),
        changed(codecs=["vp8"] * 1000),
        changed(browser="\x00"),
    ],
)
async def test_hostile_results_are_refused_and_nothing_is_kept(world: World, body: Any) -> None:
    async with await post(world) as client:
        problem(await client.post("/api/v1/self-test/result", json=body), 400, "bad_request")
        assert (await client.get(f"/api/v1/sites/{NORTH}/tests")).json() == {"tests": []}


async def test_the_last_results_are_kept_and_no_more(world: World) -> None:
    tests = world.app.state.services.self_tests
    async with await post(world) as client:
        for seconds in range(KEPT + 5):
            await tests.report(site_actor(NORTH), figures(seconds=seconds))
        kept = (await client.get(f"/api/v1/sites/{NORTH}/tests")).json()["tests"]
    assert [one["figures"]["seconds"] for one in kept] == list(range(KEPT + 4, 4, -1))


async def test_results_can_be_posted_only_so_often(world: World) -> None:
    async with await post(world) as client:
        posts = [client.post("/api/v1/self-test/result", json=changed()) for _ in range(40)]
        answers = await asyncio.gather(*posts)  # at once: on a slow machine the others would wait long enough
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) >= 10
    problem(refused[0], 429, "too_many_requests")
