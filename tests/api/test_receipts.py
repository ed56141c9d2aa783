"""Who has got a message: told to operators as figures, opened as a list (docs/protocol.md, Receipts)."""

from typing import Any

from .world import CENTRE, NORTH, SOUTH, Socket, World


async def figures(desk: Socket, message: str, **wanted: int) -> dict[str, Any]:
    """The first figures of a message that are so."""
    frame = await desk.next(
        "eph",
        when=lambda frame: (
            frame["topic"] == "receipts"
            and message in frame["data"]["messages"]
            and wanted.items() <= frame["data"]["messages"][message].items()
        ),
    )
    return dict(frame["data"]["messages"][message])


async def posted(desk: Socket, meeting: str, **changes: Any) -> str:
    arguments = {"text": "Điểm danh", "to": "all", "ask": True} | changes
    assert (await desk.command("message.post", meeting, **arguments))["op"] == "ack"
    event = await desk.next("ev", when=lambda ev: ev["type"] == "message_posted")
    return str(event["data"]["id"])


async def test_the_desk_sees_who_got_and_who_answered(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site, world.desk() as desk:
        await site.command("meeting.join", meeting)
        await site.subscribe(meeting)
        await desk.subscribe(meeting, **{"with": ["receipts"]})
        message = await posted(desk, meeting)
        seen = await site.next("ev", when=lambda ev: ev["type"] == "message_posted")
        assert (seen["data"]["id"], seen["data"]["ask"]) == (message, True)
        assert await figures(desk, message) == {"got": 0, "answered": 0, "of": 1}
        assert (await site.command("message.got", meeting, messages=[message]))["seq"] == seen["seq"]
        assert await figures(desk, message, got=1) == {"got": 1, "answered": 0, "of": 1}
        answered = await site.command("message.answer", meeting, message=message)
        assert (answered["op"], answered["seq"]) == ("ack", seen["seq"])
        assert await figures(desk, message, answered=1) == {"got": 1, "answered": 1, "of": 1}
        # They are nobody's event, and no figure goes to a site.
        assert not [frame for frame in site.passed if frame["op"] == "ev" or frame.get("topic") == "receipts"]
    async with world.desk() as desk:
        await desk.subscribe(meeting, **{"with": ["receipts"]})
        assert await figures(desk, message) == {"got": 1, "answered": 1, "of": 1}


async def test_a_province_counts_its_own_sites(world: World) -> None:
    await world.person()
    await world.person(unit="92", username="cantho")
    meeting = await world.meeting()
    async with (
        world.socket(await world.device(NORTH)) as north,
        world.socket(await world.device(SOUTH)) as south,
        world.desk() as desk,
        world.desk("cantho") as province,
    ):
        for site in (north, south):
            await site.command("meeting.join", meeting)
        for one in (desk, province):
            await one.subscribe(meeting, **{"with": ["receipts"]})
        hidden = await posted(desk, meeting, to=NORTH)
        message = await posted(desk, meeting)
        await north.command("message.got", meeting, messages=[hidden, message])
        assert await figures(desk, message, got=1) == {"got": 1, "answered": 0, "of": 2}
        await south.command("message.answer", meeting, message=message)
        assert await figures(province, message, got=1) == {"got": 1, "answered": 1, "of": 1}
        told = [frame for frame in province.passed if frame.get("topic") == "receipts"]
        assert hidden not in {key for frame in told for key in frame["data"]["messages"]}
    path = f"/api/v1/meetings/{meeting}/messages/{message}/receipts"
    async with world.log_in() as client:
        listing = (await client.get(path)).json()
        assert listing == {"of": 2, "got": 2, "answered": 1, "missing": [], "unanswered": [NORTH]}
    async with world.log_in("cantho") as client:
        listing = (await client.get(path)).json()
        assert listing == {"of": 1, "got": 1, "answered": 1, "missing": [], "unanswered": []}
        refused = await client.get(path.replace(message, hidden))
        assert (refused.status_code, refused.json()["code"]) == (404, "message_not_found")


async def test_sites_are_told_no_figures(world: World) -> None:
    meeting = await world.meeting()
    credential = await world.device(CENTRE)
    async with world.socket(credential) as site:
        await site.send({"op": "sub", "stream": f"meeting:{meeting}", "with": ["receipts"]})
        assert (await site.next("nack"))["problem"]["code"] == "forbidden"
    await world.command("message.post", meeting, text="x", to="all")
    async with world.client(headers={"Authorization": f"Bearer {credential}"}) as client:
        refused = await client.get(f"/api/v1/meetings/{meeting}/messages/t_1/receipts")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


async def test_a_site_may_acknowledge_over_http_too(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    credential = await world.device(SOUTH)
    async with (
        world.client(headers={"Authorization": f"Bearer {credential}"}) as client,
        world.desk() as desk,
    ):
        await desk.subscribe(meeting, **{"with": ["receipts"]})
        message = await posted(desk, meeting)
        body = {"id": "over-http", "type": "message.got", "meeting": meeting, "messages": [message]}
        refused = await client.post("/api/v1/commands", json=body)
        assert refused.json()["code"] == "not_in_meeting"
        join = {"id": "joined-over-http", "type": "meeting.join", "meeting": meeting}
        assert (await client.post("/api/v1/commands", json=join)).status_code == 200
        # The refusal before is not remembered: it is no command that is done once.
        assert (await client.post("/api/v1/commands", json=body)).status_code == 200
        assert await figures(desk, message, got=1) == {"got": 1, "answered": 0, "of": 1}
