"""The WebSocket, over real sockets (docs/protocol.md)."""

import asyncio
import json
import socket
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from diemcau.access import Actor
from diemcau.api.live.socket import encode
from diemcau.media import wire
from diemcau.meetings import MeetingSummary

from .world import CENTRE, NORTH, SOUTH, World, small_socket
from .world import world as make_world


async def test_a_site_is_welcomed_and_told_what_concerns_it(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        assert site.welcome["who"]["site"]["path"] == "tỉnh Hà Giang"
        you = site.welcome["you"]
        assert [m["id"] for m in you["meetings"]] == [meeting]
        assert (you["in"], you["publish"], you["state"], you["mic"]) == (None, None, "standby", "off")
        assert (await site.command("meeting.join", meeting))["op"] == "ack"
        assert (await site.you(lambda you: you["in"] == meeting))["state"] == "in_meeting"


async def test_a_meeting_that_is_made_and_opened_later_is_told_to_its_sites(world: World) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        meeting = await world.meeting(opened=False)
        you = await site.you(lambda you: len(you["meetings"]) == 1)
        assert you["meetings"][0]["status"] == "scheduled"
        await world.command("meeting.open", meeting)
        await site.you(lambda you: you["meetings"][0]["status"] == "open")


async def test_being_given_the_floor_goes_from_hand_to_on_air(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.socket(await world.device(SOUTH)) as site, world.desk() as desk:
        await site.command("meeting.join", meeting)
        snap = await desk.subscribe(meeting)
        ack = await site.command("hand.raise", meeting)
        raised = await desk.next("ev", when=lambda ev: ev["type"] == "hand_raised")
        assert raised["seq"] == ack["seq"] == snap["seq"] + 1
        assert raised["data"]["site"] == SOUTH
        assert (await desk.command("floor.give", meeting, site=SOUTH))["op"] == "ack"
        you = await site.you(lambda you: you["publish"] is not None)
        assert you["publish"] == {"audio": True, "video": True}
        assert (you["state"], you["mic"]) == ("invited_to_speak", "open")
        async with world.client(headers={"Authorization": site.raw.request.headers["Authorization"]}) as http:
            answer = await http.post(f"/api/v1/meetings/{meeting}/publisher", json={"offer": "v=0\r\nH264"})
        publisher = answer.json()["publisher"]
        world.node.go_live(f"{publisher}/video")
        assert (await site.you(lambda you: you["state"] == "on_air"))["mic"] == "open"
        program = world.node.programs[f"meeting/{meeting}"]
        assert program.slots[0].track == f"{publisher}/video"
        assert program.mics == [f"{publisher}/audio"]
        await desk.command("mute", meeting, site=SOUTH)
        await site.you(lambda you: you["mic"] == "muted")
        assert world.node.programs[f"meeting/{meeting}"].mics == []  # before the site was told
        unmute = await site.command("mic.set", meeting, on=True)
        assert unmute["problem"]["code"] == "forbidden"


async def test_two_operators_at_once_get_a_defined_result(world: World) -> None:
    await world.person(username="mot")
    await world.person(username="hai")
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.command("meeting.join", meeting)
        await site.command("hand.raise", meeting)
        async with world.desk("mot") as one, world.desk("hai") as two:
            answers = await asyncio.gather(
                one.command("floor.give", meeting, site=NORTH), two.command("floor.give", meeting, site=NORTH)
            )
    assert sorted(answer["op"] for answer in answers) == ["ack", "nack"]
    [refused] = [answer for answer in answers if answer["op"] == "nack"]
    assert refused["problem"]["code"] == "conflict"


async def test_the_same_command_id_is_answered_the_same_and_done_once(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.command("meeting.join", meeting)
        frame = {"op": "cmd", "id": "once-and-only", "type": "hand.raise", "meeting": meeting}
        await site.send(frame)
        first = await site.next("ack")
        await site.send(frame)
        assert await site.next("ack") == first


async def test_coming_back_by_seq_gets_the_difference_and_a_first_visit_a_snapshot(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.desk() as desk:
        seq = (await desk.subscribe(meeting))["seq"]
    for text in ("một", "hai", "ba"):
        await world.command("message.post", meeting, text=text, to="all")
    async with world.desk() as desk:
        await desk.send({"op": "sub", "stream": f"meeting:{meeting}", "since": seq})
        events = [await desk.next("ev") for _ in range(3)]
        assert [event["seq"] for event in events] == [seq + 1, seq + 2, seq + 3]
        assert events[2]["data"]["text"] == "ba"
        assert not [frame for frame in desk.passed if frame["op"] == "snap"]


async def test_events_that_come_while_a_client_subscribes_are_neither_lost_nor_doubled(world: World) -> None:
    await world.person()
    meeting = await world.meeting()

    async def chatter() -> None:
        for number in range(60):
            await world.command("message.post", meeting, text=str(number), to="all")

    async with world.desk() as desk:
        talking = asyncio.create_task(chatter())
        await asyncio.sleep(0)
        seqs = []
        for _ in range(5):
            head = (await desk.subscribe(meeting))["seq"]
            await desk.send({"op": "unsub", "stream": f"meeting:{meeting}"})
            seqs.append(head)
        head = (await desk.subscribe(meeting))["seq"]
        await talking
        last = (await world.rooms.store.head(f"meeting:{meeting}")).seq
        desk.passed = [frame for frame in desk.passed if frame.get("seq", 0) > head]
        while head < last:
            event = await desk.next("ev", when=lambda ev, head=head: ev["seq"] > head)
            assert event["seq"] == head + 1
            head += 1
        assert seqs == sorted(seqs)


async def test_a_newer_page_of_a_site_replaces_the_older(world: World) -> None:
    credential = await world.device(NORTH)
    async with world.socket(credential, tab="one") as older, world.socket(credential, tab="two") as newer:
        assert await older.closed() == (4003, "replaced")
        assert newer.raw.close_code is None


async def test_the_same_tab_coming_back_is_no_replacement(world: World) -> None:
    credential = await world.device(NORTH)
    async with world.socket(credential, tab="one") as older, world.socket(credential, tab="one"):
        assert (await older.closed())[0] == 1000


async def test_a_site_that_loses_its_connection_keeps_its_place(world: World) -> None:
    credential = await world.device(NORTH)
    meeting = await world.meeting()
    async with world.socket(credential) as site:
        await site.command("meeting.join", meeting)
        await world.command("floor.give", meeting, site=NORTH)
    async with world.socket(credential) as site:
        assert site.welcome["you"]["in"] == meeting
        assert site.welcome["you"]["publish"] is not None


async def test_presence_is_whole_first_and_then_differences(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    north, south = await world.device(NORTH), await world.device(SOUTH)
    async with world.socket(north) as one, world.socket(south) as two, world.desk() as desk:
        await one.command("meeting.join", meeting)
        await desk.subscribe(meeting, **{"with": ["presence"]})
        first = await desk.next("eph", when=lambda eph: eph["topic"] == "presence")
        assert first["data"] == {"joined": [NORTH], "left": [], "full": True}
        await two.command("meeting.join", meeting)
        more = await desk.next("eph", when=lambda eph: SOUTH in eph["data"].get("joined", ()))
        assert more["data"]["left"] == []


async def test_presence_is_for_operators(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.send({"op": "sub", "stream": f"meeting:{meeting}", "with": ["presence"]})
        refused = await site.next("nack")
        assert (refused["stream"], refused["problem"]["code"]) == (f"meeting:{meeting}", "forbidden")


async def test_a_province_operator_sees_presence_of_his_subtree_only(world: World) -> None:
    await world.person("director", "92")
    meeting = await world.meeting()
    north, south = await world.device(NORTH), await world.device(SOUTH)
    async with world.desk() as desk, world.socket(north) as one, world.socket(south) as two:
        await desk.subscribe(meeting, **{"with": ["presence"]})
        await one.command("meeting.join", meeting)
        await two.command("meeting.join", meeting)
        seen = await desk.next("eph", when=lambda eph: bool(eph["data"].get("joined")))
        assert seen["data"]["joined"] == [SOUTH]


async def test_a_site_sees_no_meeting_that_does_not_concern_it(world: World) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        await site.send({"op": "sub", "stream": "meeting:m_nowhere"})
        assert (await site.next("nack"))["problem"]["code"] == "meeting_not_found"
        await site.send({"op": "sub", "stream": "unit:VN"})
        assert (await site.next("nack"))["problem"]["code"] == "not_found"


@pytest.mark.parametrize(
    "frame",
    [
        "not json",
        "[]",
        "{}",
        '{"op":"nothing"}',
        '{"op":"hello","proto":1,"page":"site","tab":"x"}',
        '{"op":"sub","stream":5}',
        '{"op":"sub","stream":"meeting:m_1","since":-1}',
        '{"op":"sub","stream":"meeting:m_1","more":1}',
        '{"op":' * 5000,
        b"binary",
    ],
)
async def test_a_frame_that_is_no_frame_closes_with_4000(world: World, frame: str | bytes) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        await site.raw.send(frame)
        assert (await site.closed())[0] == 4000


async def test_a_message_in_pieces_is_one_and_keeps_its_place(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        names = [world.command_id() for _ in range(3)]
        for name in names:
            text = json.dumps({"op": "cmd", "id": name, "meeting": meeting, "type": "no.such"})
            await site.raw.send([text[:7], text[7:20], text[20:]])
            await site.send({"op": "pong"})
        assert [(await site.next("nack"))["id"] for _ in names] == names


async def test_text_that_is_no_text_ends_the_connection(world: World) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        await site.raw.send(b"\xff\xfe", text=True)
        assert (await site.closed())[0] == 1007


async def test_who_talks_faster_than_it_is_read_loses_nothing(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        (connection,) = world.app.state.hub.connections
        names = [world.command_id() for _ in range(130)]
        for name in names:
            await site.send({"op": "cmd", "id": name, "meeting": meeting, "type": "no.such"})
        assert [(await site.next("nack"))["id"] for _ in names] == names
        assert connection.inbox.idle
        await site.send({"op": "sub", "stream": f"meeting:{meeting}"})
        assert (await site.next("snap"))["stream"] == f"meeting:{meeting}"  # it is read again


async def test_a_command_that_is_no_command_is_refused_by_a_code(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        for bad in ({"type": "no.such"}, {"type": 5}, {"type": "hand.raise", "more": 1}, {"type": "mute"}):
            name = world.command_id()
            await site.send({"op": "cmd", "id": name, "meeting": meeting, **bad})
            nack = await site.next("nack")
            assert (nack["id"], nack["problem"]["code"]) == (name, "bad_request")


@pytest.mark.parametrize(
    ("hello", "code"),
    [
        ('{"op":"hello","proto":1,"page":"site","tab":"x"}', 4001),
        ('{"op":"hello","proto":2,"page":"site","tab":"x"}', 4000),
        ('{"op":"sub","stream":"meeting:m_1"}', 4000),
        ("x", 4000),
        (b"x", 4000),
    ],
)
async def test_who_does_not_say_hello_properly_is_not_let_in(
    world: World, hello: str | bytes, code: int
) -> None:
    async with connect(world.url.replace("http", "ws") + "/api/v1/ws") as raw:
        await raw.send(hello)
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(raw.recv(), 5)
        assert raw.close_code == code


async def test_a_page_of_another_origin_is_not_let_in(world: World) -> None:
    async with connect(world.url.replace("http", "ws") + "/api/v1/ws", origin="https://evil.example") as raw:
        with pytest.raises(ConnectionClosed):
            await asyncio.wait_for(raw.recv(), 5)
        assert (raw.close_code, raw.close_reason) == (4001, "csrf")


async def test_a_session_that_ends_closes_the_connection_at_the_next_command(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.log_in() as client:
        cookie = f"dc_session={client.cookies['dc_session']}"
        async with world.socket(page="desk", headers={"Cookie": cookie}) as desk:
            assert (await client.delete("/api/v1/session")).status_code == 204
            await desk.send({"op": "cmd", "id": "12345678", "type": "meeting.end", "meeting": meeting})
            assert (await desk.closed())[0] == 4001


async def test_a_slow_reader_is_closed_with_4008_and_others_are_not_held_up(tmp_path: Path) -> None:
    async with make_world(tmp_path, queue_messages=20) as world:
        await world.person()
        meeting = await world.meeting()
        async with world.desk(sock=small_socket(world.url), max_queue=1) as slow, world.desk() as brisk:
            await slow.subscribe(meeting)
            await brisk.subscribe(meeting)
            slow.raw.transport.pause_reading()
            before = set(world.app.state.hub.connections)
            text = "x" * 2000
            sent = 0
            while len(world.app.state.hub.connections) == len(before):
                await world.command("message.post", meeting, text=text, to="all")
                sent += 1
                assert sent < 3000, "the slow reader was never closed"
                await brisk.next("ev")
            assert brisk.raw.close_code is None
            closes = world.app.state.services.metrics.closes.labels(4008)._value.get()
            assert closes == 1
            slow.raw.transport.abort()


async def test_what_had_to_wait_for_a_full_line_is_not_overtaken(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    line = small_socket(world.url)
    async with world.desk(sock=line, max_queue=1) as slow:
        first = (await slow.subscribe(meeting))["seq"]
        slow.raw.transport.pause_reading()
        posted = 0
        while not any(len(one.outbox) for one in world.app.state.hub.connections):
            await world.command("message.post", meeting, text="ệ" * 2000, to="all")
            posted += 1
            assert posted < 500, "the line was never full"
        line.setsockopt(
            socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20
        )  # through a small window it would take long
        slow.raw.transport.resume_reading()
        for number in range(posted + 5):  # the later ones find the outbox empty again and leave at once
            if number >= posted:
                await world.command("message.post", meeting, text="y", to="all")
            event = await slow.next("ev")
            assert event["seq"] == first + 1 + number
        slow.raw.transport.abort()  # what it did not read would hold up the close


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536])
def test_a_frame_is_what_the_library_would_write(length: int) -> None:
    text = "é" * (length // 2) + "x" * (length % 2)
    assert encode(text) == Frame(Opcode.TEXT, text.encode()).serialize(mask=False)


async def test_the_silent_are_closed_and_beats_carry_the_heads(tmp_path: Path) -> None:
    async with make_world(tmp_path, beat_s=0.05, silent_s=0.3) as world:
        await world.person()
        meeting = await world.meeting()
        async with world.desk() as desk:
            seq = (await desk.subscribe(meeting))["seq"]
            beat = await desk.next("beat", when=lambda beat: bool(beat["heads"]))
            assert beat["heads"] == {f"meeting:{meeting}": seq}
            assert await desk.closed() == (4010, "silent")


async def test_a_pong_is_a_sign_of_life(tmp_path: Path) -> None:
    async with (
        make_world(tmp_path, beat_s=0.1, silent_s=1.0) as world,
        world.socket(await world.device(NORTH)) as site,
    ):
        for _ in range(16):
            await site.next("beat")
            await site.send({"op": "pong"})
        assert site.raw.close_code is None


async def test_a_stopping_server_says_that_it_will_be_back(tmp_path: Path) -> None:
    async with make_world(tmp_path) as world, world.socket(await world.device(NORTH)) as site:
        await asyncio.gather(world.app.state.hub.aclose(), asyncio.sleep(0))
        assert (await site.closed())[0] == 4009


async def test_pages_are_told_when_the_node_restarts_and_rejoin(world: World) -> None:
    credential = await world.device(CENTRE)
    meeting = await world.meeting()
    async with (
        world.socket(credential) as site,
        world.client(headers={"Authorization": f"Bearer {credential}"}) as http,
    ):
        await site.command("meeting.join", meeting)
        await site.you(lambda you: you["publish"] is not None)
        viewer = (await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": "v=0 H264"})).json()
        publisher = (await http.post(f"/api/v1/meetings/{meeting}/publisher", json={"offer": "v=0"})).json()
        world.node.disconnect()
        world.node.start()
        gone = await site.next("gone")
        assert gone["viewers"] == [viewer["viewer"]] and gone["publishers"] == [publisher["publisher"]]
        assert gone["reason"] == "restarted"
        again = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": "v=0 H264"})
        assert again.status_code == 201
        assert f"meeting/{meeting}" in world.node.programs


async def test_a_page_and_the_desk_are_told_what_a_sites_line_carries(world: World) -> None:
    await world.person()
    credential = await world.device(NORTH)
    meeting = await world.meeting()
    async with (
        world.client(headers={"Authorization": f"Bearer {credential}"}) as http,
        world.socket(credential) as site,
        world.desk() as desk,
    ):
        await site.command("meeting.join", meeting)
        await site.subscribe(meeting)
        await desk.subscribe(meeting, **{"with": ["presence"]})
        answer = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": "v=0 H264"})
        viewer = answer.json()["viewer"]

        def carries(step: wire.Step, why: wire.Why | None) -> None:
            quality = wire.ViewerQuality(viewer=viewer, loss=0.0, nacks=0, plis=0, step=step, why=why)
            world.node.emit(wire.QualityEvent(seq=900, at=1, viewers=[quality]))

        carries("slides", "loss")
        told = await site.next("quality")
        assert told == {"op": "quality", "viewer": viewer, "step": "slides", "why": "loss"}
        seen = await desk.next(
            "eph", when=lambda eph: bool(eph["topic"] == "quality" and eph["data"]["steps"])
        )
        assert seen["data"] == {"steps": {NORTH: "slides"}}
        async with world.desk() as other:
            await other.subscribe(meeting, **{"with": ["presence"]})
            whole = await other.next("eph", when=lambda eph: bool(eph["topic"] == "quality"))
            assert whole["data"] == {"steps": {NORTH: "slides"}, "full": True}
        carries("high", None)
        assert (await site.next("quality"))["step"] == "high"
        assert not [frame for frame in site.passed if frame.get("topic") == "quality"], "operators only"


async def test_a_site_sees_stills_of_who_is_on_its_stage_and_of_nobody_else(world: World) -> None:
    north, south = await world.device(NORTH), await world.device(SOUTH)
    await world.person()
    meeting = await world.meeting()
    jpeg = bytes.fromhex("ffd8ff")
    async with (
        world.client(headers={"Authorization": f"Bearer {north}"}) as one,
        world.client(headers={"Authorization": f"Bearer {south}"}) as two,
        world.socket(south) as site,
    ):
        assert (await one.put("/api/v1/snapshot", content=jpeg)).status_code == 204
        await site.command("meeting.join", meeting)
        path = f"/api/v1/sites/{NORTH}/snapshot"
        assert (await two.get(path)).status_code in (403, 404)
        await world.command("stage.preview", meeting, slots=[NORTH])
        await world.command("stage.cut", meeting)
        async with asyncio.timeout(5):
            while (answer := await two.get(path)).status_code != 200:
                pass
        assert answer.content == jpeg


async def test_pages_are_told_which_connections_stand_after_both_server_and_node_were_away(
    world: World,
) -> None:
    credential = await world.device(NORTH)
    meeting = await world.meeting()
    async with world.client(headers={"Authorization": f"Bearer {credential}"}) as http:
        async with world.socket(credential) as site:
            assert (await site.next("standing"))["viewers"] == []
            await site.command("meeting.join", meeting)
            answer = await http.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": "v=0 H264"})
            viewer = answer.json()["viewer"]
        async with world.socket(credential, tab="tab-1") as site:
            # A page that was away is told what there is, and again whenever the node has been heard.
            standing = await site.next("standing")
            assert standing["viewers"] == [viewer] and standing["publishers"] == []
            world.node.disconnect()
            world.node.viewers.clear()
            world.node.start()
            assert (await site.next("standing"))["viewers"] == []


async def test_the_welcome_comes_before_anything_else(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    meetings, hub = world.rooms.meetings, world.app.state.hub
    listed = meetings.list_for

    async def meanwhile(actor: Actor) -> tuple[MeetingSummary, ...]:
        for connection in hub.connections:
            connection.tell_you()
            connection.tell_standing()
        hub.beat(hub.connections)
        return await listed(actor)

    credential = await world.device(NORTH)
    monkeypatch.setattr(meetings, "list_for", meanwhile)
    async with world.knock(credential) as site:
        assert json.loads(await site.raw.recv())["op"] == "welcome"


async def test_who_subscribes_again_without_topics_hears_of_them_no_more(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    stream = f"eph:meeting:{meeting}"
    async with world.desk() as desk:
        await desk.subscribe(meeting, **{"with": ["levels"]})
        world.rooms.bus.publish(stream, {"topic": "levels", "data": {"sites": {"first": 1}}})
        await desk.next("eph", when=lambda frame: frame["topic"] == "levels")
        await desk.subscribe(meeting)
        world.rooms.bus.publish(stream, {"topic": "levels", "data": {"sites": {"second": 1}}})
        world.rooms.bus.publish(stream, {"topic": "speaking", "data": {"sites": ["end"]}})
        await desk.next("eph", when=lambda frame: frame["data"] == {"sites": ["end"]})
        assert not [one for one in desk.passed if one.get("data") == {"sites": {"second": 1}}]
