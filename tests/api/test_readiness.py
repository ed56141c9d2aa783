"""The doors of readiness: counts within grants, the list and its files, kept true by what happens."""

import asyncio
import csv
import io
from typing import Any

import httpx2
from openpyxl import load_workbook

from diemcau.access import SYSTEM, Grant, Role, site_actor
from diemcau.sites import NewSite, PersonPresent
from tests.rollout.figures import figures

from .test_doors import problem
from .world import NORTH, PASSWORD, SOUTH, World


async def until(client: httpx2.AsyncClient, what: dict[str, Any], unit: str = "VN") -> dict[str, Any]:
    """The first answer whose causes are these: what follows an event follows it soon, not at once."""
    async with asyncio.timeout(10):
        while True:
            answer = (await client.get("/api/v1/readiness", params={"unit": unit})).json()
            if answer["unit"]["counts"]["causes"] == what:
                return dict(answer)


async def passed(world: World, site: str) -> None:
    """The site passes its self-test, which the node saw."""
    tests = world.app.state.services.self_tests
    await tests.begin(site_actor(site))
    tests._loops.of(site).sent = tests._loops.of(site).came = True
    assert (await tests.report(site_actor(site), figures())).passed


async def test_a_site_moves_from_never_to_ready_as_things_happen(world: World) -> None:
    await world.person("director")
    async with world.log_in() as client:
        await until(client, {"no_code": 3})
        await world.rooms.sites.issue_codes(SYSTEM, [NORTH])
        await until(client, {"no_code": 2, "code_open": 1})
        await world.device(NORTH)
        answer = await until(client, {"no_code": 2, "not_tested": 1})
        [north] = [one for one in answer["children"] if one["code"] == "02"]
        assert north["counts"]["states"]["activated"] == 1 and north["counts"]["total"] == 1
        await world.app.state.services.self_tests.report(site_actor(NORTH), figures(camera={"state": "busy"}))
        await until(client, {"no_code": 2, "test_failed": 1})
        [row] = (await client.get("/api/v1/readiness/sites", params={"cause": "test_failed"})).json()["rows"]
        assert [one["code"] for one in row["findings"] if one["fault"]] == ["camera_busy", "network_unseen"]
        await passed(world, NORTH)
        answer = await until(client, {"no_code": 2})
        assert answer["unit"]["counts"]["states"]["ready"] == 1
        assert answer["forecast"]["kind"] == "unknown" and answer["forecast"]["remaining"] == 2
        await world.rooms.sites.revoke_codes(SYSTEM, [NORTH], devices=True)
        await until(client, {"no_code": 3})
        await world.rooms.sites.create(SYSTEM, [NewSite("02", "Điểm cầu mới", id="s_new")])
        await until(client, {"no_code": 4})


async def test_nothing_new_costs_nothing_and_a_change_is_told(world: World) -> None:
    await world.person("director")
    async with world.log_in() as client:
        first = await client.get("/api/v1/readiness")
        seen = {"If-None-Match": first.headers["etag"]}
        assert (await client.get("/api/v1/readiness", headers=seen)).status_code == 304
        other = await client.get("/api/v1/readiness", params={"unit": "02"}, headers=seen)
        assert other.status_code == 200 and other.json()["unit"]["code"] == "02"
        await world.device(NORTH)
        await until(client, {"no_code": 2, "not_tested": 1})
        assert (await client.get("/api/v1/readiness", headers=seen)).status_code == 200


async def test_who_waits_is_told_of_a_change_when_it_happens(world: World) -> None:
    await world.person("director")
    async with world.log_in() as client:
        await until(client, {"no_code": 3})
        now = await client.get("/api/v1/readiness")
        seen = {"If-None-Match": now.headers["etag"]}
        waiting = asyncio.create_task(client.get("/api/v1/readiness", params={"wait": 9}, headers=seen))
        await world.device(NORTH)
        told = await waiting
        while told.json()["unit"]["counts"]["causes"] == {
            "no_code": 3
        }:  # the code was told before the device
            seen = {"If-None-Match": told.headers["etag"]}
            told = await client.get("/api/v1/readiness", params={"wait": 9}, headers=seen)
            assert told.status_code == 200
        assert told.json()["unit"]["counts"]["causes"]["no_code"] == 2
        same = {"If-None-Match": told.headers["etag"]}
        assert (await client.get("/api/v1/readiness", params={"wait": 0.05}, headers=same)).status_code == 304


async def test_a_connected_site_is_shown_connected_and_its_last_time_is_stored(world: World) -> None:
    await world.person("director")
    readiness = world.app.state.services.readiness
    async with world.log_in() as client:
        await readiness.version()
        async with world.socket(await world.device(NORTH)):
            readiness._look()
            [row] = (await client.get("/api/v1/readiness/sites", params={"unit": "02"})).json()["rows"]
            assert row["connected"]
            await readiness._store_seen(0)
        async with asyncio.timeout(5):
            while row["connected"]:
                readiness._look()
                [row] = (await client.get("/api/v1/readiness/sites", params={"unit": "02"})).json()["rows"]
        assert row["seen_at"] is not None
        readiness._board.remove(NORTH)
        readiness._all_dirty = True
        [row] = (await client.get("/api/v1/readiness/sites", params={"unit": "02"})).json()["rows"]
        assert row["seen_at"] is not None and not row["connected"], "a new server knows it from the store"


async def test_a_province_sees_its_own_and_nothing_else(world: World) -> None:
    await world.person("technician", "02", "hagiang")
    await world.person("observer", "VN", "theodoi")
    async with world.log_in("hagiang") as client:
        answer = (await client.get("/api/v1/readiness")).json()
        assert answer["unit"]["code"] == "02" and answer["unit"]["counts"]["total"] == 1
        assert [one["code"] for one in answer["roots"]] == ["02"] and answer["above"] == []
        for unit in ("VN", "92"):
            for path in ("readiness", "readiness/sites", "readiness/sites.csv"):
                problem(await client.get(f"/api/v1/{path}", params={"unit": unit}), 403, "forbidden")
        rows = (await client.get("/api/v1/readiness/sites", params={"q": "dieu cau"})).json()
        assert rows["rows"] == [] and rows["total"] == 0
        rows = (await client.get("/api/v1/readiness/sites", params={"q": "diem cau"})).json()
        assert [row["site"] for row in rows["rows"]] == [NORTH]
    async with world.log_in("theodoi") as client:
        problem(await client.get("/api/v1/readiness"), 403, "forbidden")
    async with world.client(headers={"Authorization": f"Bearer {await world.device(SOUTH)}"}) as site:
        problem(await site.get("/api/v1/readiness"), 403, "forbidden")
        problem(await site.get("/api/v1/readiness", params={"unit": "92"}), 403, "forbidden")


async def test_what_is_asked_for_is_bounded_and_of_known_words(world: World) -> None:
    await world.person("director")
    async with world.log_in() as client:
        for bad in (
            {"state": "happy"},
            {"cause": "x"},
            {"limit": 501},
            {"after": "1:2:3" * 90},
            {"after": "x"},
            {"q": "x" * 201},
        ):
            problem(await client.get("/api/v1/readiness/sites", params=bad), 400, "bad_request")
        problem(await client.get("/api/v1/readiness", params={"unit": "99999"}), 404, "unit_not_found")
        problem(await client.get("/api/v1/readiness/sites.pdf"), 400, "bad_request")


async def test_the_list_has_cause_owner_and_phone_in_pages_and_files(world: World) -> None:
    await world.person("director")
    await world.rooms.access.add_person(
        SYSTEM, username="kt", password=PASSWORD, name="Lê Văn Kỹ", grants=[Grant(Role("technician"), "02")]
    )
    await world.rooms.sites.create(
        SYSTEM,
        [
            NewSite("02", "=1+1", id="s_a", carrier="VNPT", phones=("+84912345678", "0219 3")),
            NewSite("02", "Hội trường", id="s_b", people=(PersonPresent("Nguyễn Văn An", "Chủ tịch"),)),
        ],
    )
    async with world.log_in() as client:
        await until(client, {"no_code": 5})
        found, after = [], None
        while True:
            params = {"limit": 2} if after is None else {"limit": 2, "after": after}
            page = (await client.get("/api/v1/readiness/sites", params=params)).json()
            assert page["total"] == 5 and len(page["rows"]) <= 2
            found += page["rows"]
            if (after := page["next"]) is None:
                break
        owners = {row["site"]: row["owner"] for row in found}
        assert list(owners) == ["s_centre", "s_a", "s_b", "s_north", "s_south"]
        assert owners["s_a"] == "Lê Văn Kỹ" and owners["s_b"] == "Nguyễn Văn An (Chủ tịch)"
        assert owners["s_south"] == ""
        carriers = (await client.get("/api/v1/readiness")).json()["carriers"]
        assert [(one["carrier"], one["counts"]["total"]) for one in carriers] == [(None, 4), ("VNPT", 1)]
        answer = await client.get("/api/v1/readiness/sites.csv", params={"carrier": "VNPT"})
        assert "attachment" in answer.headers["content-disposition"]
        [_, line] = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))
        assert line[1] == "'=1+1" and line[8] == "'+84912345678, 0219 3" and line[7] == "Lê Văn Kỹ"
        answer = await client.get("/api/v1/readiness/sites.xlsx")
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet.max_row == 6 and sheet["B3"].value == "'=1+1" and sheet["B3"].data_type != "f"
        for _ in range(6):
            answer = await client.get("/api/v1/readiness/sites.csv")
        problem(answer, 429, "too_many_requests")
