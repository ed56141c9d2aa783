"""The director's doors: what he presents, whom a caption names, who is told of what."""

import asyncio
from datetime import timedelta

import httpx2
import pytest

from diemcau.access import SYSTEM
from diemcau.meetings import PRESENTATION
from diemcau.sites import PersonPresent, SiteChange

from .world import CENTRE, NORTH, OFFER, World


async def test_what_an_operator_presents_is_a_source_of_the_meeting(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.desk() as desk:
        await desk.subscribe(meeting)
        # Nobody presents yet: an operator publishes nothing.
        await desk.send({"op": "publisher", "id": "p0", "meeting": meeting, "offer": OFFER})
        refused = await desk.next("nack")
        assert refused["problem"]["code"] == "wrong_state"
        started = await desk.command("presentation.start", meeting, key="tab-0001", title="Báo cáo.pdf")
        assert started["op"] == "ack"
        event = await desk.next("ev", when=lambda frame: frame["type"] == "presentation_started")
        assert (event["data"]["key"], event["data"]["name"]) == ("tab-0001", "Trần Thị Bình")
        await desk.send({"op": "publisher", "id": "p1", "meeting": meeting, "offer": OFFER})
        publisher = (await desk.next("opened"))["publisher"]
        cut = await desk.command("stage.cut", meeting, slots=[PRESENTATION, CENTRE], layout="slides_speaker")
        assert cut["op"] == "ack"
        world.node.go_live(f"{publisher}/video")
        told = await desk.next(
            "eph", when=lambda frame: frame["topic"] == "stage" and PRESENTATION in frame["data"]["live"]
        )
        assert told["data"]["live"] == [PRESENTATION]
        assert world.node.programs[f"meeting/{meeting}"].slots[0].track == f"{publisher}/video"


async def test_an_operator_pins_what_is_presented_to_his_preview(world: World) -> None:
    await world.person()
    await world.person("duty_officer", "92", "trucban")
    meeting = await world.meeting()
    async with world.log_in() as client:
        opened = await client.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        viewer = opened.json()["viewer"]
        pinned = await client.put(f"/api/v1/viewers/{viewer}/pins/0", json={"site": PRESENTATION})
        assert pinned.status_code == 204, pinned.text
    async with world.log_in("trucban") as client:
        opened = await client.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER})
        viewer = opened.json()["viewer"]
        pinned = await client.put(f"/api/v1/viewers/{viewer}/pins/0", json={"site": PRESENTATION})
        assert pinned.status_code == 403, "what only the stage shows is not his to look at before"


async def test_weak_lines_get_stills_of_what_is_presented_while_it_is_on_the_stage(world: World) -> None:
    await world.person()
    await world.person("director", "VN", "khac")
    meeting, device = await world.meeting(), await world.device(NORTH)
    path, page = f"/api/v1/meetings/{meeting}/slides", b"\xff\xd8\xff page "
    async with (
        world.desk() as desk,
        world.socket(device) as post,
        world.log_in() as mine,
        world.log_in("khac") as other,
        world.client(headers={"Authorization": f"Bearer {device}"}) as site,
    ):

        async def put(client: httpx2.AsyncClient, body: bytes = page + b"1") -> str:
            answer = await client.put(path, content=body)
            return "kept" if answer.status_code == 204 else str(answer.json()["code"])

        async def seen(of: httpx2.AsyncClient = site) -> bytes | str:
            answer = await of.get(path)
            return answer.content if answer.status_code == 200 else str(answer.json()["code"])

        assert await put(mine) == "wrong_state", "nobody presents"
        await desk.command("presentation.start", meeting, key="tab-0001", title="Báo cáo.pdf")
        assert (await put(mine), await put(other), await put(site)) == ("kept", "wrong_state", "wrong_state")
        assert await put(mine, b"GIF89a") == "bad_request"
        assert await put(mine, page + bytes(128 << 10)) == "too_large"
        await desk.command("stage.preview", meeting, slots=[PRESENTATION])
        await post.command("meeting.join", meeting)
        assert await seen() == "not_found", "what is only prepared is nobody's to see"
        await desk.command("stage.cut", meeting)
        assert await seen() == page + b"1"
        fresh = {"If-None-Match": (await site.get(path)).headers["etag"]}
        assert (await site.get(path, headers=fresh)).status_code == 304
        await post.command("meeting.leave", meeting)
        assert await seen() == "meeting_not_found", "a site that is not in the meeting sees nothing of it"
        await desk.command("presentation.end", meeting, key="tab-0001")
        await desk.command("presentation.start", meeting, key="tab-0002", title="Khác")
        assert await seen(other) == "not_found", "no page of the presentation before"


async def test_no_picture_of_what_a_marked_meeting_presents_is_kept(world: World) -> None:
    await world.person()
    meeting = await world.meeting()
    me = next(one.id for one in await world.rooms.access.people() if one.username == "daodien")
    until = world.rooms.clock.now() + timedelta(days=3)
    for key in (f"person:{me}", f"site:{CENTRE}"):
        await world.rooms.access.set_clearance(SYSTEM, key, ["VN"], "secret", until)
    path = f"/api/v1/meetings/{meeting}/slides"
    async with world.desk() as desk, world.log_in() as mine:
        await desk.command("presentation.start", meeting, key="tab-0001", title="Kế hoạch")
        await desk.command("stage.cut", meeting, slots=[PRESENTATION])
        assert (await mine.put(path, content=b"\xff\xd8\xff1")).status_code == 204
        assert (await mine.get(path)).status_code == 200
        assert (await desk.command("meeting.mark", meeting, secrecy="secret"))["op"] == "ack"
        assert (await mine.get(path)).json()["code"] == "not_found"
        assert (await mine.put(path, content=b"\xff\xd8\xff2")).json()["code"] == "secrecy"
        async with asyncio.timeout(5):
            while len(world.app.state.services.slides):  # noqa: ASYNC110 - it has no event for us
                await asyncio.sleep(0.01)


async def test_a_presentation_whose_presenter_is_gone_ends_by_itself(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.stage.tidying.PRESENTER_GRACE_S", 0.0)
    await world.person()
    meeting = await world.meeting()
    async with world.desk() as desk:
        await desk.subscribe(meeting)
        await desk.command("presentation.start", meeting, key="tab-0001", title="Báo cáo.pdf")
        event = await desk.next("ev", when=lambda frame: frame["type"] == "presentation_ended")
        assert event["data"] == {"key": "tab-0001", "reason": "lost"}
        assert event["actor"] == "system"


async def test_whom_a_caption_may_name_is_told_to_who_chooses_it(world: World) -> None:
    await world.person()
    await world.person("observer", "VN", "theodoi")
    meeting = await world.meeting()
    people = (PersonPresent("Ông Trần Văn B", "Chủ tịch UBND"), PersonPresent("Bà Lê Thị C"))
    await world.rooms.sites.change(SYSTEM, [SiteChange(NORTH, people=people)])
    path = f"/api/v1/meetings/{meeting}/sites/{NORTH}/people"
    async with world.log_in() as client:
        answer = await client.get(path)
        assert answer.json() == {
            "people": [
                {"name": "Ông Trần Văn B", "title": "Chủ tịch UBND tỉnh Hà Giang"},
                {"name": "Bà Lê Thị C", "title": None},
            ]
        }
    async with world.log_in("theodoi") as client:
        assert (await client.get(path)).status_code == 403
    await world.command("stage.preview", meeting, slots=[NORTH])
    state = await world.rooms.meetings.state(meeting)
    assert state.staging.people[NORTH].name == "Ông Trần Văn B"


async def test_a_site_directs_nothing(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as post:
        for kind, fields in {
            "stage.hold": {"on": True},
            "stage.captions": {"on": False},
            "stage.caption": {"site": NORTH, "name": "Ông B"},
            "stage.chair": {"on": True},
            "presentation.start": {"key": "tab-0001", "title": "x"},
            "presentation.end": {},
        }.items():
            answer = await post.command(kind, meeting, **fields)
            assert answer["problem"]["code"] == "forbidden", kind
