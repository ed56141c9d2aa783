"""The doors of the connection sheets."""

import asyncio
from io import BytesIO
from typing import Any

from pypdf import PdfReader

from diemcau.access import SYSTEM

from .test_doors import problem
from .world import NORTH, World, console


async def until_ready(client: Any, job: dict[str, Any]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while job["state"] in ("waiting", "running"):
            job = (await client.get(f"/api/v1/rollout/sheets/{job['id']}")).json()
    assert job["state"] == "ready", job
    return job


async def test_a_technician_prints_his_province_and_fetches_it_once(world: World) -> None:
    await world.person("technician", "02", "kythuat")
    async with world.log_in("kythuat") as client:
        devices = (await client.get("/api/v1/rollout/devices", params={"unit": "02"})).json()
        assert (devices["total"], devices["activated"], devices["waiting"]) == (1, 0, 0)
        wanted = {"unit": "02", "days": 7, "hotline": "0912 345 678"}
        answer = await client.post("/api/v1/rollout/sheets", json=wanted)
        assert answer.status_code == 202
        job = await until_ready(client, answer.json())
        file = await client.get(f"/api/v1/rollout/sheets/{job['id']}/file")
        assert file.headers["content-type"] == "application/pdf" and len(file.content) == job["bytes"]
        assert file.headers["cache-control"] == "no-store"
        text = PdfReader(BytesIO(file.content)).pages[0].extract_text()
        assert "Điểm cầu Hà Giang" in text and "0912 345 678" in text
        problem(await client.get(f"/api/v1/rollout/sheets/{job['id']}/file"), 409, "wrong_state")
        devices = (await client.get("/api/v1/rollout/devices", params={"unit": "02"})).json()
        assert devices["waiting"] == 1 and devices["devices"][0]["code_until"]
        revoked = await client.post("/api/v1/rollout/codes/revoke", json={"sites": [NORTH]})
        assert revoked.json() == {"revoked": 1}


async def test_what_is_not_his_is_refused_with_a_code(world: World) -> None:
    await world.person("technician", "02", "kythuat")
    bearer = {"Authorization": f"Bearer {await world.device(NORTH)}"}
    async with world.log_in("kythuat") as client, world.client(headers=bearer) as site:
        for unit in ("92", "VN"):
            problem(await client.post("/api/v1/rollout/sheets", json={"unit": unit}), 403, "forbidden")
            params = {"unit": unit}
            problem(await client.get("/api/v1/rollout/devices", params=params), 403, "forbidden")
        problem(await client.post("/api/v1/rollout/sheets", json={"unit": "02"}), 400, "nothing_to_print")
        problem(await client.post("/api/v1/rollout/sheets", json={}), 400, "bad_request")
        base = {"unit": "02", "base": "https://evil.example"}
        problem(await client.post("/api/v1/rollout/sheets", json=base), 400, "bad_request")
        lines = {"unit": "02", "hotline": "a\nb"}
        problem(await client.post("/api/v1/rollout/sheets", json=lines), 400, "bad_request")
        problem(await client.get("/api/v1/rollout/sheets/none"), 404, "sheet_job_not_found")
        problem(await site.post("/api/v1/rollout/sheets", json={"unit": "02"}), 403, "forbidden")
        revoke = {"sites": ["s_south"]}
        problem(await client.post("/api/v1/rollout/codes/revoke", json=revoke), 403, "forbidden")


async def test_the_console_prints_with_an_address_of_its_choice(world: World) -> None:
    async with console(world.app) as client:
        wanted = {"sites": [NORTH], "base": "https://cau.example"}
        job = (await client.post("/api/v1/rollout/sheets", json=wanted)).json()
        printing = (await world.rooms.sheets.get(SYSTEM, job["id"])).task
        assert printing is not None
        await printing
        file = await client.get(f"/api/v1/rollout/sheets/{job['id']}/file")
        assert "cau.example/vao" in PdfReader(BytesIO(file.content)).pages[0].extract_text()
