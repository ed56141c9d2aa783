"""A viewer over the WebSocket: the same door as the HTTP request's, without a connection of its own."""

import time

from diemcau.api.limits import RateLimit

from .world import NORTH, OFFER, World


async def test_a_site_in_the_meeting_is_answered_its_viewer_over_the_socket(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.command("meeting.join", meeting)
        await site.send({"op": "viewer", "id": "v1", "meeting": meeting, "offer": OFFER})
        opened = await site.next("opened")
        assert opened["id"] == "v1"
        assert opened["viewer"] in world.node.viewers
        assert (opened["can_show"], opened["codecs"]) == (True, ["h264"])
        ask = {"op": "viewer", "id": "v2", "meeting": meeting, "offer": OFFER, "replaces": opened["viewer"]}
        await site.send(ask)
        again = await site.next("opened")
        assert set(world.node.viewers) == {again["viewer"]}


async def test_who_is_not_in_the_meeting_is_refused_by_its_id(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.send({"op": "viewer", "id": "v1", "meeting": meeting, "offer": OFFER})
        refused = await site.next("nack")
        assert (refused["id"], refused["problem"]["code"]) == ("v1", "not_in_meeting")
        assert not world.node.viewers


async def test_a_fourth_connection_at_once_waits_for_the_others(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.command("meeting.join", meeting)
        world.node.answering.clear()
        for number in range(4):
            name = f"v{number}"
            await site.send({"op": "viewer", "id": name, "meeting": meeting, "offer": OFFER})
        refused = await site.next("nack")
        assert (refused["id"], refused["problem"]["code"]) == ("v3", "busy")
        # What waits for the node holds up nothing else.
        await site.command("hand.raise", meeting)
        world.node.answering.set()
        assert {(await site.next("opened"))["id"] for _ in range(3)} == {"v0", "v1", "v2"}


async def test_offers_are_counted_together_by_whichever_door_they_come(world: World) -> None:
    meeting = await world.meeting()
    credential = await world.device(NORTH)
    world.app.state.hub.media = RateLimit(0.001, 1, time.monotonic)
    async with world.socket(credential) as site:
        await site.command("meeting.join", meeting)
        ask = {"op": "viewer", "meeting": meeting, "offer": OFFER}
        await site.send(ask | {"id": "v1"})
        await site.next("opened")
        await site.send(ask | {"id": "v2"})
        refused = await site.next("nack")
        assert (refused["id"], refused["problem"]["code"]) == ("v2", "too_many_requests")
        async with world.client(headers={"Authorization": f"Bearer {credential}"}) as http:
            answer = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        assert answer.status_code == 429


async def test_a_malformed_request_ends_the_connection(world: World) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        await site.send({"op": "viewer", "id": "v1", "meeting": "m_1", "offer": 7})
        assert (await site.closed())[0] == 4000


async def test_relays_come_with_the_welcome(world: World) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        assert site.welcome["ice"] == {"servers": [], "lifetime_s": 3600}
