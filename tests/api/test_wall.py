"""The wall's door and the windows' doors: grants hold, what is told arrives, what is kept comes back."""

import json
import struct
from typing import Any

import httpx2

from .test_doors import problem
from .world import NORTH, SOUTH, World

SMALL, LARGE = b"\xff\xd8\xffsmall", b"\xff\xd8\xff" + b"large" * 100


def read(answer: httpx2.Response) -> tuple[dict[str, Any], list[bytes]]:
    """Head and pictures of an answer."""
    assert answer.status_code == 200, answer.text
    (length,) = struct.unpack(">I", answer.content[:4])
    head = json.loads(answer.content[4 : 4 + length])
    bodies, at = [], 4 + length
    for *_, size in head["pictures"]:
        bodies.append(answer.content[at : at + size])
        at += size
    assert at == len(answer.content)
    return head, bodies


async def post(world: World, site: str, body: bytes = LARGE, **headers: str) -> None:
    async with world.client() as client:
        client.headers["Authorization"] = f"Bearer {await world.device(site)}"
        answer = await client.put(
            "/api/v1/snapshot", content=body, headers={"Content-Type": "image/jpeg", **headers}
        )
        assert answer.status_code == 204, answer.text


async def test_a_wall_hears_what_is_new_and_gets_what_it_wants_within_its_budget(world: World) -> None:
    await post(world, NORTH, LARGE + SMALL, **{"X-Small-Bytes": str(len(SMALL)), "X-Picture-Age": "20000"})
    await post(world, SOUTH)
    await world.person()
    async with world.log_in() as client:
        head, bodies = read(await client.post("/api/v1/pictures", json={}))
        assert [site for site, *_ in head["news"]] == [NORTH, SOUTH] and bodies == []
        north, south = head["news"]
        assert south[2] - north[2] > 19_000, "the age that the page said counts"
        known = {"run": head["run"], "since": head["next"]}
        wanted = [[SOUTH, 0], [NORTH, 0]]
        head, bodies = read(await client.post("/api/v1/pictures", json={**known, "wanted": wanted}))
        assert bodies == [LARGE, SMALL] and head["news"] == [] and not head["full"]
        full = {**known, "wanted": [[NORTH, 0]], "size": "full"}
        assert read(await client.post("/api/v1/pictures", json=full))[1] == [LARGE]
        tight = {**known, "wanted": wanted, "most": len(LARGE) + 1}
        head, bodies = read(await client.post("/api/v1/pictures", json=tight))
        assert bodies == [LARGE] and head["full"]
        same = {**known, "wanted": [[SOUTH, south[1]]]}
        assert read(await client.post("/api/v1/pictures", json=same))[1] == []
        other = {"run": "another", "since": 10**9, "wanted": [[SOUTH, 10**9]]}
        head, bodies = read(await client.post("/api/v1/pictures", json=other))
        assert len(head["news"]) == 2 and bodies == [LARGE], "numbers of an earlier server mean nothing"


async def test_a_wall_sees_only_the_sites_of_its_grants(world: World) -> None:
    await post(world, NORTH)
    await post(world, SOUTH)
    await world.person("duty_officer", "02", "hagiang")
    await world.person("observer", "VN", "theodoi")
    wanted = {"wanted": [[NORTH, 0], [SOUTH, 0], ["s_nobody", 0]]}
    async with world.log_in("hagiang") as client:
        head, bodies = read(await client.post("/api/v1/pictures", json=wanted))
        assert [one[0] for one in head["news"]] == [NORTH] == [one[0] for one in head["pictures"]]
        assert len(bodies) == 1
    async with world.log_in("theodoi") as client:
        head, bodies = read(await client.post("/api/v1/pictures", json=wanted))
        assert head["news"] == [] and bodies == []
    async with world.client() as client:
        client.headers["Authorization"] = f"Bearer {await world.device(NORTH)}"
        problem(await client.post("/api/v1/pictures", json=wanted), 403, "forbidden")


async def test_a_small_copy_that_is_not_part_of_the_body_is_refused(world: World) -> None:
    async with world.client() as client:
        client.headers["Authorization"] = f"Bearer {await world.device(NORTH)}"
        headers = {"Content-Type": "image/jpeg", "X-Small-Bytes": str(len(LARGE))}
        problem(await client.put("/api/v1/snapshot", content=LARGE, headers=headers), 400, "bad_request")
        headers["X-Small-Bytes"] = "6"
        problem(await client.put("/api/v1/snapshot", content=LARGE, headers=headers), 400, "bad_request")


async def test_layouts_are_each_persons_own(world: World) -> None:
    await world.person()
    await world.person("director", "02", "hagiang")
    layout = {
        "unit": "02", "state": "present", "text": "", "size": "l", "view": "both", "pins": [NORTH],
        "kbits": 8000,
        "patrol": {"unit": "02", "seconds": 30, "count": 9, "paused": False},
    }  # fmt: skip
    async with world.log_in() as client:
        for name in ("Miền Bắc", "Cả nước"):
            answer = await client.put(f"/api/v1/wall/layouts/{name}", json=layout)
            assert answer.status_code == 204, answer.text
        await client.put("/api/v1/wall/layouts/Miền Bắc", json={"size": "s"})
        found = (await client.get("/api/v1/wall/layouts")).json()["layouts"]
        assert [one["name"] for one in found] == ["Cả nước", "Miền Bắc"]
        assert found[0]["layout"] == layout and found[1]["layout"]["size"] == "s"
        too_many = {"pins": [f"s_{n}" for n in range(26)]}
        assert (await client.put("/api/v1/wall/layouts/x", json=too_many)).status_code == 400
        for _ in range(2):
            assert (await client.delete("/api/v1/wall/layouts/Cả nước")).status_code == 204
        assert len((await client.get("/api/v1/wall/layouts")).json()["layouts"]) == 1
    async with world.log_in("hagiang") as client:
        assert (await client.get("/api/v1/wall/layouts")).json()["layouts"] == []


def screen(meeting: str, kind: str = "stage", name: str = "window-1", **more: Any) -> dict[str, Any]:
    return {"op": "screen", "screen": name, "meeting": meeting, "kind": kind, **more}


async def test_the_desk_sees_windows_come_and_go_and_tells_them_what_to_show(world: World) -> None:
    await world.person()
    await world.person("observer", "02", "maychieu")
    meeting = await world.meeting()
    async with world.desk() as desk, world.log_in() as client:
        await desk.subscribe(meeting, **{"with": ["screens"]})

        async def listed(count: int) -> list[dict[str, Any]]:
            def fits(frame: dict[str, Any]) -> bool:
                return frame["topic"] == "screens" and len(frame["data"]["screens"]) == count

            frame = await desk.next("eph", when=fits)
            return list(frame["data"]["screens"])

        await listed(0)
        async with world.desk("maychieu", tab="projector") as window:
            await window.send(screen(meeting, label="Máy chiếu", show={"captions": True}))
            shown = await window.next("screen")
            assert shown["show"]["captions"] and not shown["show"]["sound"]
            [one] = await listed(1)
            assert (one["kind"], one["label"], one["name"]) == ("stage", "Máy chiếu", "Trần Thị Bình")
            where = f"/api/v1/meetings/{meeting}/screens/window-1"
            answer = await client.put(where, json={"show": {"sound": True}, "do": "pause"})
            assert answer.status_code == 204, answer.text
            told = await window.next("screen")
            assert told["show"] == {"captions": False, "sound": True, "layout": None}
            assert told["do"] == "pause"
            await window.send(screen(meeting, label="Máy chiếu", status={"sound": "blocked"}))
            heard = await desk.next(
                "eph",
                when=lambda f: (
                    f["topic"] == "screens"
                    and [s["status"]["sound"] for s in f["data"]["screens"]] == ["blocked"]
                ),
            )
            assert heard["data"]["screens"][0]["show"]["sound"]
        await listed(0)
        problem(await client.put(where, json={}), 404, "screen_not_found")


async def test_only_who_drives_the_whole_meeting_tells_other_peoples_windows(world: World) -> None:
    await world.person()
    await world.person("director", "02", "hagiang")
    await world.person("observer", "VN", "theodoi")
    meeting = await world.meeting()
    where = f"/api/v1/meetings/{meeting}/screens/window-1"
    async with world.desk("theodoi") as window:
        await window.send(screen(meeting))
        await window.next("screen")
        async with world.log_in("hagiang") as client:
            problem(await client.put(where, json={"show": {"sound": True}}), 403, "forbidden")
        async with world.log_in("theodoi") as client:
            assert (await client.put(where, json={"show": {"sound": True}})).status_code == 204
        async with world.log_in() as client:
            assert (await client.put(where, json={"do": "close"})).status_code == 204
        # What an observer may not see is no window of his.
        for kind in ("wall", "leader"):
            await window.send(screen(meeting, kind, "window-2"))
            refused = await window.next("nack")
            assert (refused["id"], refused["problem"]["code"]) == ("window-2", "forbidden")


async def test_a_site_opens_no_window(world: World) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.send(screen(meeting))
        assert (await site.next("nack"))["problem"]["code"] == "forbidden"


async def test_the_leaders_shortlist_is_kept_and_reaches_his_screen(world: World) -> None:
    await world.person("chair", "VN", "chutri")
    await world.person()
    await world.person("director", "02", "hagiang")
    meeting = await world.meeting()
    where = f"/api/v1/meetings/{meeting}/shortlist"
    async with world.log_in("chutri") as chair, world.log_in() as director:
        me = (await chair.get("/api/v1/me")).json()["id"]
        assert (await chair.get(where)).json() == {"sites": []}
        assert (await chair.put(where, json={"sites": [SOUTH, NORTH, SOUTH]})).status_code == 204
        assert (await chair.get(where)).json() == {"sites": [SOUTH, NORTH]}
        problem(await director.put(where, params={"person": me}, json={"sites": []}), 403, "forbidden")
        async with world.desk("chutri") as window:
            await window.send(screen(meeting, "leader"))
            await window.next("screen")
            changed = await director.put(where, params={"person": me}, json={"sites": [NORTH]})
            assert changed.status_code == 204, changed.text
            await window.next("screen")
            assert (await chair.get(where)).json() == {"sites": [NORTH]}
            async with world.log_in("hagiang") as other:
                problem(await other.put(where, params={"person": me}, json={"sites": []}), 403, "forbidden")
        problem(await director.put(where, json={"sites": ["s_nobody"]}), 404, "site_not_found")
        assert (await director.get(where)).json() == {"sites": []}, "each person has his own"
