"""What calls leave behind, over the real doors: findings, coverage, draws, sightings, and who may."""

import io
from typing import Any

import pytest
from openpyxl import load_workbook

from diemcau.access import SYSTEM, Actor
from diemcau.inspections.draw import draw, hash_of
from diemcau.sites import PersonPresent, SiteChange

from .test_calls import answers, call_of, centre, publish
from .world import NORTH, OFFER, SOUTH, Socket, World

JPEG = b"\xff\xd8\xff" + bytes(40)


async def inspected(world: World, post: Socket, desk: Socket, meeting: str, site: str) -> str:
    """A call of the site that was seen and has ended; its id."""
    started = await desk.command("call.start", meeting, site=site)
    call = started["stream"].partition(":")[2]
    await post.you(lambda you: you["publish"] is not None)
    await publish(post, meeting, world)
    frame = await desk.next("eph", when=lambda f: f["topic"] == "calls" and _state(f, call) == "live")
    assert frame
    assert (await desk.command("call.end", meeting, call=call))["op"] == "ack"
    await post.you(lambda you: you["publish"] is None)
    return str(call)


def _state(frame: dict[str, Any], call: str) -> str | None:
    return next((one["state"] for one in frame["data"]["calls"] if one["id"] == call), None)


async def test_a_finding_stays_open_until_a_re_inspection_closes_it(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    people = (PersonPresent("Lê Văn Bảy", "Chủ tịch UBND phường"),)
    await world.rooms.sites.change(SYSTEM, [SiteChange(SOUTH, people=people)])
    meeting = await centre(world)
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk, world.log_in() as api:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        first = await inspected(world, post, desk, meeting, SOUTH)
        details = (await api.get(f"/api/v1/inspections/{first}")).json()
        assert details["known"] == [{"name": "Lê Văn Bảy", "title": "Chủ tịch UBND phường"}]
        assert details["by"]["title"] == "Đạo diễn hình"
        change = {"people": [{"name": "Lê Văn Bảy", "title": "Chủ tịch"}], "note": "Chốt có hai người trực"}
        changed = await api.patch(f"/api/v1/inspections/{first}", json=change)
        assert changed.json()["people"][0]["title"] == "Chủ tịch"
        new = {"text": "Thiếu sổ trực", "severity": "high", "owner": "Trạm y tế", "due": "2021-09-12"}
        made = await api.post(f"/api/v1/inspections/{first}/findings", json=new)
        assert made.status_code == 201, made.text
        finding = made.json()["id"]
        again = await api.post(f"/api/v1/findings/{finding}/close", json={"inspection": first})
        assert again.status_code == 409, "the inspection that found it does not close it"
        second = await inspected(world, post, desk, meeting, SOUTH)
        body = {"inspection": second, "closing": "Đã có sổ"}
        closed = await api.post(f"/api/v1/findings/{finding}/close", json=body)
        assert closed.json()["closed_by"] == second
        assert (await api.get("/api/v1/findings", params={"open": "true"})).json()["findings"] == []
        events = await world.rooms.store.events(f"inspection:{first}")
        assert [e.type for e in events][-2:] == ["finding_made", "finding_closed"]
        assert "Lê Văn Bảy" not in str([e.data for e in events]), "names of people stay out of the log"
        await world.rooms.store.verify_chain(f"inspection:{first}")
        sheet = await api.get("/api/v1/findings.xlsx")
        rows = list(load_workbook(io.BytesIO(sheet.content)).worksheets[0].values)
        assert rows[1][4] == "Thiếu sổ trực"
        asked = {"unit": "92", "since": "2021-01-01", "until": "2099-12-31", "text": "da co so"}
        [kept] = (await api.get("/api/v1/findings", params=asked)).json()["findings"]
        assert kept["id"] == finding, "found by what the re-inspection saw"
        assert (await api.get("/api/v1/inspections", params=asked)).json()["total"] == 1
        sheet = await api.get("/api/v1/findings.xlsx", params={**asked, "until": "2021-01-02"})
        assert len(list(load_workbook(io.BytesIO(sheet.content)).worksheets[0].values)) == 1
        wrong = await api.get("/api/v1/findings", params={"since": "2021-09-05", "until": "2021-09-04"})
        assert wrong.status_code == 400


async def test_coverage_says_which_units_were_inspected_and_when(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    meeting = await centre(world)
    async with world.socket(await world.device(SOUTH)) as post, world.desk() as desk, world.log_in() as api:
        before = (await api.get("/api/v1/inspections/coverage")).json()
        assert (before["unit"]["units"], before["unit"]["inspected"]) == (3, 0)
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        await inspected(world, post, desk, meeting, SOUTH)
        after = (await api.get("/api/v1/inspections/coverage")).json()
        assert after["unit"]["inspected"] == 1
        province = next(one for one in after["children"] if one["code"] == "92")
        assert (province["inspected"], province["inspections"]) == (1, 1)
        later = (await api.get("/api/v1/inspections/coverage", params={"since": "2099-01-01"})).json()
        assert later["unit"]["inspected"] == 0
        assert later["unit"]["last"] is not None, "that it was ever seen is not forgotten"


async def test_the_picture_of_a_called_site_is_kept_with_its_inspection(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    meeting = await centre(world)
    device = await world.device(SOUTH)
    async with world.socket(device) as post, world.desk() as desk, world.log_in() as api:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        async with world.client(headers={"Authorization": f"Bearer {device}"}) as site:
            await site.put("/api/v1/snapshot", content=JPEG)  # standing by: nobody called, nothing is kept
            await desk.command("call.start", meeting, site=SOUTH)
            await post.you(lambda you: you["publish"] is not None)
            await publish(post, meeting, world)
            call = await call_of(desk, SOUTH, "live")
            assert (await api.get(f"/api/v1/inspections/{call['id']}/picture")).status_code == 404
            assert (await site.put("/api/v1/snapshot", content=JPEG + b"now")).status_code == 204
        kept = await api.get(f"/api/v1/inspections/{call['id']}/picture")
        assert kept.content == JPEG + b"now"


async def test_a_site_may_look_up_when_it_was_seen_and_by_whom(world: World) -> None:
    await world.person()
    await answers(world, SOUTH, "auto")
    meeting = await centre(world)
    device = await world.device(SOUTH)
    async with world.socket(device) as post, world.desk() as desk, world.log_in() as api:
        await desk.subscribe(meeting, **{"with": ["presence", "calls"]})
        opened = await api.post(f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER * 2})
        viewer = opened.json()["viewer"]
        await desk.command("call.start", meeting, site=SOUTH)
        await post.you(lambda you: you["publish"] is not None)
        pinned = await api.put(f"/api/v1/viewers/{viewer}/pins/4", json={"site": SOUTH, "ceiling": "high"})
        assert pinned.status_code == 204
        seen = await post.you(lambda you: bool(you["seen"]))
        assert seen["seen"] == [{"name": "Trần Thị Bình", "title": "Đạo diễn hình"}]
        await api.put(f"/api/v1/viewers/{viewer}/pins/4", json={"site": None})
        await post.you(lambda you: you["seen"] == [])
        async with world.client(headers={"Authorization": f"Bearer {device}"}) as site:
            sightings = []
            while not sightings or sightings[0]["ended"] is None:  # stored a moment after it is told
                answer = await site.get(f"/api/v1/sites/{SOUTH}/sightings")
                sightings = answer.json()["sightings"]
            assert [(one["how"], one["name"]) for one in sightings] == [("preview", "Trần Thị Bình")]
            others = await site.get(f"/api/v1/sites/{NORTH}/sightings")
            assert others.status_code == 404
        events = await world.rooms.store.events(f"site:{SOUTH}")
        assert [e.type for e in events if "seen" in e.type] == ["site_seen", "site_unseen"]


async def test_a_draw_is_recorded_so_that_it_can_be_drawn_again(world: World) -> None:
    await world.person()
    async with world.log_in() as api:
        body = {"units": ["02", "92"], "levels": ["province"], "count": 1}
        made = await api.post("/api/v1/draws", json=body)
        assert made.status_code == 201, made.text
        drawn = made.json()
        assert drawn["pool_hash"] == hash_of(sorted([NORTH, SOUTH]))
        assert tuple(drawn["drawn"]) == draw([NORTH, SOUTH], drawn["seed"], 1).sites
        [event] = await world.rooms.store.events(f"draw:{drawn['id']}")
        assert event.data["seed"] == drawn["seed"]
        nobody = await api.post("/api/v1/draws", json={**body, "levels": ["commune"]})
        assert nobody.status_code == 400


ROLES: dict[str, tuple[bool, bool, bool]] = {
    # call, see, record
    "chair": (True, True, True),
    "director": (True, True, True),
    "duty_officer": (True, True, True),
    "secretary": (False, True, True),
    "lead": (False, False, False),
    "auditor": (False, True, False),
    "technician": (False, False, False),
    "observer": (False, False, False),
}


@pytest.mark.parametrize("role", ROLES)
async def test_who_may_call_see_and_record_inside_his_province_only(world: World, role: str) -> None:
    may_call, may_see, may_record = ROLES[role]
    access, tree = world.rooms.access, "92"
    await world.person(role, tree, "ai")
    async with world.log_in("ai") as api:
        body = {"units": [tree], "levels": ["province"], "count": 1}
        assert (await api.post("/api/v1/draws", json=body)).status_code == (201 if may_call else 403)
        assert (await api.get("/api/v1/findings")).status_code == (200 if may_see else 403)
        elsewhere = await api.post("/api/v1/draws", json={**body, "units": ["02"]})
        assert elsewhere.status_code == 403
        assert (await api.get("/api/v1/findings", params={"unit": "02"})).status_code == 403
        [person] = [one for one in await access.people() if one.username == "ai"]
        actor = Actor("person", person.id, person.name, person.title, person.grants)
        assert access.allowed(actor, "inspection.record", tree) is may_record
        assert not access.allowed(actor, "inspection.record", "02")
