"""The doors of imports, from the file to the sites, with the real reading process."""

from typing import Any

import httpx2

from diemcau.access import SYSTEM, Grant, Role
from diemcau.spreadsheet import MAX_FILE
from diemcau.spreadsheet.__main__ import parse
from tests.rollout.conftest import book

from .world import World

HEAD = ("STT", "Tỉnh", "Xã", "Điện thoại", "Họ và tên")
LIST = book(
    ("DANH SÁCH",),
    HEAD,
    (1, "Hà Giang", "Xã Lũng Cú", "0912.345.678", "A"),
    (2, "Hà Giang", "Xã Tả Lủng", "912345679", "B"),
    (3, "Hà Giang", "Xã Đồng Văn", "", ""),
    (4, "Cần Thơ", None, "0912345670", ""),
    (5, "Hà Giang", "Xã Lũng Cú", "không", ""),
)


async def settled(client: httpx2.AsyncClient, job: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"/api/v1/imports/{job['id']}", params={"wait": 10})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    assert found["status"] not in ("checking", "running")
    return found


async def test_a_list_from_the_file_to_the_sites(world: World) -> None:
    await world.person("technician", "02", "kythuat")
    async with world.log_in("kythuat") as client:
        answer = await client.post("/api/v1/imports", params={"name": "ds.xlsx"}, content=LIST)
        assert answer.status_code == 201, answer.text
        job = await settled(client, answer.json())
        at = f"/api/v1/imports/{job['id']}"
        assert job["heading"] == {"first": 2, "rows": 1}
        assert [column["field"] for column in job["columns"]] == [
            None, "province", "commune", "phone", "person",
        ]  # fmt: skip
        assert job["preview"][0] == {
            "row": 3,
            "cells": ["1", "Hà Giang", "Xã Lũng Cú", "0912.345.678", "A"],
        }
        assert (job["rows"], job["sites"]) == (5, {"created": 1, "changed": 0, "same": 0})
        assert job["reasons"] == {"unit_ambiguous": 2, "outside": 1, "bad_phone": 1}
        questions = {question["text"]: question for question in job["questions"]}
        assert questions["Xã Tả Lủng"]["within"] == "02"
        assert len(questions["Xã Tả Lủng"]["candidates"]) == 2
        # "Đồng Văn" of Hà Giang is a town: another kind is asked, not guessed.
        chosen = {
            questions["Xã Tả Lủng"]["key"]: questions["Xã Tả Lủng"]["candidates"][0]["unit"],
            questions["Xã Đồng Văn"]["key"]: None,
        }
        answer = await client.put(f"{at}/answers", json={"answers": chosen})
        job = await settled(client, answer.json())
        assert (job["asked"], job["sites"]["created"]) == (0, 2)
        assert (await client.post(f"{at}/run")).status_code == 202
        job = await settled(client, job)
        assert (job["status"], job["sites"]["created"]) == ("done", 2)
        assert {one["row"]: one["code"] for one in job["rejections"]} == {
            5: "unit_refused", 6: "outside", 7: "bad_phone",
        }  # fmt: skip
        for form in ("xlsx", "csv"):
            file = await client.get(f"{at}/rejected", params={"format": form})
            assert f'filename="dong-bi-loai.{form}"' in file.headers["content-disposition"]
            assert len(parse(file.content, None).rows) == 4
        export = await client.get("/api/v1/exports/sites", params={"format": "csv"})
        assert len(parse(export.content, None).rows) == 4  # heading, the province's own, two new
        made = (await client.get("/api/v1/sites", params={"q": "Lũng Cú"})).json()["sites"][0]
        details = (await client.get(f"/api/v1/sites/{made['id']}/details")).json()
        assert (details["phones"], details["people"]) == (["0912 345 678"], [{"name": "A", "title": None}])
        assert (await client.delete(at)).status_code == 204
        assert (await client.get(at)).json()["code"] == "import_not_found"


async def test_columns_and_sheets_are_chosen(world: World) -> None:
    await world.person("technician", "VN", "kythuat")
    async with world.log_in("kythuat") as client:
        job = (await client.post("/api/v1/imports", content=book(("x", "y"), ("92", "Một")))).json()
        job = await settled(client, job)
        assert (job["mapped"], job["checked"], job["columns"][0]["title"]) == (False, False, "x")
        at = f"/api/v1/imports/{job['id']}"
        assert (await client.post(f"{at}/run")).json()["code"] == "wrong_state"
        mapping = {"first": 1, "rows": 1, "columns": {"0": "province_code", "1": "label"}}
        job = await settled(client, (await client.put(f"{at}/mapping", json=mapping)).json())
        assert (job["mapped"], job["sites"]["created"]) == (True, 1)
        guessed = await settled(
            client, (await client.put(f"{at}/mapping", json={"first": 2, "rows": 1})).json()
        )
        assert [column["title"] for column in guessed["columns"]] == ["92", "Một"]
        assert not guessed["mapped"]
        for bad in (
            {"columns": {"9": "label"}},
            {"columns": {"x": "label"}},
            {"columns": {"0": "label", "1": "label"}},
            {"columns": {"0": "king"}},
            {"first": 1, "rows": 9},
            {"what": 1},
        ):
            assert (await client.put(f"{at}/mapping", json=bad)).status_code in (400, 422), bad
        refused = await client.put(f"{at}/mapping", json={"sheet": "không có"})
        assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (
            422, "bad_sheet", "sheet",
        )  # fmt: skip
        unknown = await client.put(f"{at}/answers", json={"answers": {"k": "99999"}})
        assert unknown.json()["code"] == "unit_not_found"


async def test_who_may_not_import_is_refused_before_his_file(world: World) -> None:
    await world.person("director", "VN", "daodien")
    async with world.log_in("daodien") as client:
        for request in (
            client.post("/api/v1/imports", content=LIST),
            client.get("/api/v1/exports/sites"),
            client.get("/api/v1/sites/s_north/details"),
            client.patch("/api/v1/sites/s_north", json={"label": "x"}),
        ):
            assert (await request).json()["code"] == "forbidden"
    async with world.client() as stranger:
        assert (await stranger.post("/api/v1/imports", content=LIST)).status_code == 401
    await world.person("technician", "02", "kythuat")
    async with world.log_in("kythuat") as client:
        large = await client.post("/api/v1/imports", content=bytes(MAX_FILE + 1))
        assert large.status_code == 413

        async def of_no_known_length() -> Any:
            for _ in range(10):
                yield bytes(1 << 20)

        assert (await client.post("/api/v1/imports", content=of_no_known_length())).status_code == 413
        bad = await client.post("/api/v1/imports", content=b"PK\x03\x04nothing")
        assert (bad.status_code, bad.json()["reason"]) == (422, "damaged")
        # No other door takes more than it did.
        assert (await client.post("/api/v1/tokens", content=bytes(300 << 10))).status_code == 413


async def test_a_site_is_changed_by_who_may(world: World) -> None:
    await world.person("technician", "02", "kythuat")
    async with world.log_in("kythuat") as client:
        change = {"label": "Phòng họp", "kind": "room", "phones": ["0912 345 678"], "people": [{"name": "A"}]}
        answer = await client.patch("/api/v1/sites/s_north", json=change)
        assert answer.status_code == 200, answer.text
        assert answer.json()["people"] == [{"name": "A", "title": None}]
        assert (await client.get("/api/v1/sites/s_north")).json()["label"] == "Phòng họp"
        assert (await client.patch("/api/v1/sites/s_south", json=change)).json()["code"] == "site_not_found"
        for bad in ({"unit": "92"}, {"phones": ["1"] * 11}, {"label": ""}):
            assert (await client.patch("/api/v1/sites/s_north", json=bad)).status_code == 400, bad


async def test_a_site_that_was_changed_shows_its_new_name_in_a_meeting_that_is_made_then(
    world: World,
) -> None:
    await world.rooms.access.add_person(
        SYSTEM, username="t", password="mot-mat-khau-dai", name="T", grants=[Grant(Role.TECHNICIAN, "VN")]
    )
    async with world.log_in("t") as client:
        await client.patch("/api/v1/sites/s_north", json={"label": "Tên mới"})
        meeting = await world.meeting()
        await world.person()
    async with world.log_in() as desk:
        roster = (await desk.get(f"/api/v1/meetings/{meeting}/roster")).json()
        assert ["s_north", "02", "Tên mới", "post"] in roster["sites"]
