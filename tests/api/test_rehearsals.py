"""The doors of rehearsals: planned within grants, held as a real meeting, stored, told, seen by readiness."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from diemcau.access import SYSTEM
from diemcau.rollout.rehearsals.run import Run

from .test_doors import problem
from .test_readiness import passed, until
from .world import CENTRE, NORTH, OFFER, SOUTH, Socket, World


class Machine:
    """The pictures and notes are at the node, says a test."""

    ready = True

    def __init__(self, codec: str) -> None:
        self.codec = codec

    def tracks(self, picture: int, note: int) -> tuple[str, str]:
        return f"rehearsal/test/{picture}/video", f"rehearsal/test/{note}/audio"

    def start(self) -> None:
        pass

    async def aclose(self) -> None:
        pass


@pytest.fixture
def hall(world: World) -> Any:
    made = world.app.state.services.rehearsals.hall
    made.make_source = Machine
    return made


async def when(what: Callable[[], Any]) -> Any:
    """What is so soon, not at once."""
    async with asyncio.timeout(10):
        while True:
            if found := what():
                return found
            await asyncio.sleep(0.02)


async def eventually(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(10):
        while True:
            if found := await what():
                return found
            await asyncio.sleep(0.05)


async def begin(client: httpx2.AsyncClient, **scope: Any) -> dict[str, Any]:
    answer = await client.post("/api/v1/rehearsals", json={"id": "begin-0001", "scope": scope})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def enter(world: World, socket: Socket, meeting: str) -> None:
    """The site's page joins and its viewer stands at the node."""
    await socket.command("meeting.join", meeting)
    await socket.send({"op": "viewer", "id": "v1", "meeting": meeting, "offer": OFFER})
    opened = await socket.next("opened")
    world.node.link(opened["viewer"])


async def sense(socket: Socket, run: Run) -> None:
    """Sees and hears what is shown, change by change, as a page does that decodes it."""
    for _ in range(4):
        before = await when(lambda: run.rounds.now)
        run.rounds.next_at = 0.0
        after = await when(lambda old=before: run.rounds.now if run.rounds.now is not old else None)
        said = {"saw": [before.picture, after.picture], "heard": [before.note, after.note]}
        await socket.send({"op": "rehearsal", "fault": None, "figures": {"width": 640, "db": 40}, **said})


async def test_a_site_goes_through_and_readiness_follows(world: World, hall: Any) -> None:
    await world.person("director")
    credential = await world.device(NORTH)
    await passed(world, NORTH)
    async with world.log_in() as client, world.socket(credential) as site:
        policy = {"test_days": 7, "seen_hours": 24, "rehearsal": True}
        assert (await client.put("/api/v1/readiness/policy", json=policy)).status_code == 204
        await until(client, {"no_code": 2, "not_rehearsed": 1})
        made = await begin(client, unit="02")
        assert made["sites"] == 1 and made["status"] in ("scheduled", "running")
        meeting = made["meeting"]
        told = await site.next(
            "you",
            when=lambda f: any(
                m["kind"] == "rehearsal" and m["status"] == "open" for m in f["you"]["meetings"]
            ),
        )
        assert told["you"]["rehearsal"] is None
        await enter(world, site, meeting)
        await site.you(lambda you: you["rehearsal"] is not None and you["rehearsal"]["step"] == "see")
        run = hall.runs[meeting]
        program = await when(lambda: world.node.programs.get(f"meeting/{meeting}"))
        await when(lambda: world.node.programs[f"meeting/{meeting}"].mics)
        program = world.node.programs[f"meeting/{meeting}"]
        assert program.slots[0].track.endswith("/video") and program.mics[0].startswith("rehearsal/test/")
        await sense(site, run)
        you = await site.you(lambda you: you["publish"] is not None and you["rehearsal"]["turn"] is not None)
        assert you["publish"] == {"audio": True, "video": True} and you["mic"] == "open"
        assert you["state"] == "in_meeting", "the machine alone looks at it"
        async with world.client(headers={"Authorization": f"Bearer {credential}"}) as page:
            asked = await page.post(f"/api/v1/meetings/{meeting}/publisher", json={"offer": OFFER})
        name = asked.json()["publisher"]
        for kind in ("video", "audio"):
            world.node.go_live(f"{name}/{kind}")
        await when(lambda: run.walks[NORTH].speaking and run.walks[NORTH].speaking.video)
        assert not any(track.startswith(meeting) for track in world.node.programs[program.program].mics)
        await site.send({"op": "rehearsal", "picture": "ok", "fault": None})
        for dbov in (-70, -25):
            world.rooms.bus.publish(
                f"eph:meeting:{meeting}", {"topic": "levels", "data": {"levels": {NORTH: dbov}}}
            )
        await site.you(lambda you: you["rehearsal"] is not None and you["rehearsal"]["step"] is None)
        answer = await until(client, {"no_code": 2})
        assert answer["unit"]["counts"]["states"]["ready"] == 1
        [row] = (await client.get("/api/v1/readiness/sites", params={"unit": "02"})).json()["rows"]
        assert row["rehearsed_at"] is not None and row["rehearsal"] is None
        board = (await client.get(f"/api/v1/rehearsals/{made['id']}")).json()
        assert board["unit"]["tally"]["through"] == 1
        [seat] = (await client.get(f"/api/v1/rehearsals/{made['id']}/sites")).json()["seats"]
        assert seat["at"] == "through" and seat["figures"]["speak"]["dbov"] == -25
        assert seat["figures"]["see"]["width"] == 640


async def test_who_does_not_come_is_on_the_list_with_cause_and_owner(world: World, hall: Any) -> None:
    await world.person("technician", "02", "kythuat")
    async with world.log_in("kythuat") as client:
        made = await begin(client, unit="02")
        await when(lambda: made["meeting"] in hall.runs)
        ended = await client.post(f"/api/v1/rehearsals/{made['id']}/end")
        assert ended.json()["status"] == "ended" and ended.json()["passed"] == 0
        [seat] = (await client.get(f"/api/v1/rehearsals/{made['id']}/sites", params={"faulty": True})).json()[
            "seats"
        ]
        assert seat["cause"]["code"] == "absent" and seat["owner"] == "Trần Thị Bình (Đạo diễn hình)"
        file = await client.get(f"/api/v1/rehearsals/{made['id']}/sites.csv")
        assert file.status_code == 200 and "Không vào chạy thử" in file.text
        problem(await client.post(f"/api/v1/rehearsals/{made['id']}/end"), 409, "wrong_state")

        async def failed() -> Any:
            [row] = (await client.get("/api/v1/readiness/sites", params={"unit": "02"})).json()["rows"]
            return row["rehearsal"]

        found = await eventually(failed)
        assert found["step"] == "connect" and found["cause"] == "absent"
    summary = await world.rooms.meetings.get(made["meeting"])
    assert summary.status == "ended" and summary.kind == "rehearsal"
    assert f"meeting/{made['meeting']}" not in world.node.programs


async def test_a_technician_rehearses_his_own_subtree_only(world: World, hall: Any) -> None:
    await world.person("technician", "02", "kythuat")
    await world.person("observer", "VN", "xem")
    async with world.log_in("kythuat") as client, world.log_in("xem") as watcher:
        for scope in ({"unit": "VN"}, {"unit": "92"}, {"sites": [NORTH, SOUTH]}):
            body = {"id": "mine-00001", "scope": scope}
            problem(await client.post("/api/v1/rehearsals", json=body), 403, "forbidden")
            problem(await client.post("/api/v1/rehearsals/preview", json=scope), 403, "forbidden")
        problem(await watcher.post("/api/v1/rehearsals/preview", json={"unit": "02"}), 403, "forbidden")
        policy = {"rehearsal": True}
        problem(await client.put("/api/v1/readiness/policy", json=policy), 403, "forbidden")
        for scope in ({}, {"unit": "02", "sites": [NORTH]}):
            problem(await client.post("/api/v1/rehearsals/preview", json=scope), 400, "bad_request")
        shown = (await client.post("/api/v1/rehearsals/preview", json={"unit": "02"})).json()
        assert shown == {"sites": 1, "ready": 0, "seconds": shown["seconds"], "minutes": 10}
        empty = {"id": "mine-00002", "scope": {"unit": "02", "carrier": "Không có"}}
        problem(await client.post("/api/v1/rehearsals", json=empty), 400, "nobody_to_rehearse")
        body = {"id": "mine-00003", "scope": {"sites": [NORTH]}}
        first = (await client.post("/api/v1/rehearsals", json=body)).json()
        assert (await client.post("/api/v1/rehearsals", json=body)).json()["id"] == first["id"]
        assert len((await client.get("/api/v1/rehearsals")).json()["rehearsals"]) == 1
        # A rehearsal of another subtree does not exist for him, and he does not end it.
        await world.person("technician", "92", "nam")
        async with world.log_in("nam") as other:
            assert (await other.get("/api/v1/rehearsals")).json()["rehearsals"] == []
            problem(await other.get(f"/api/v1/rehearsals/{first['id']}"), 404, "rehearsal_not_found")
            problem(await other.post(f"/api/v1/rehearsals/{first['id']}/end"), 404, "rehearsal_not_found")
        await world.person("director", "VN")
        async with world.log_in() as nation:
            whole = {"id": "whole-0001", "scope": {"unit": "VN"}}
            made = (await nation.post("/api/v1/rehearsals", json=whole)).json()
            assert made["sites"] == 3
        # Of the nation's he sees his own sites, and ends nothing.
        board = (await client.get(f"/api/v1/rehearsals/{made['id']}")).json()
        assert board["unit"]["tally"]["total"] == 1
        problem(await client.post(f"/api/v1/rehearsals/{made['id']}/end"), 403, "forbidden")


async def test_one_that_is_planned_waits_and_can_be_called_off(world: World, hall: Any) -> None:
    await world.person("director")
    async with world.log_in() as client:
        body = {"id": "later-0001", "scope": {"unit": "VN"}, "starts_at": "2100-01-01T00:00:00Z"}
        problem(await client.post("/api/v1/rehearsals", json=body), 400, "bad_request")
        body["starts_at"] = (world.rooms.clock.now() + timedelta(hours=1)).isoformat()
        made = (await client.post("/api/v1/rehearsals", json=body)).json()
        assert made["status"] == "scheduled" and not hall.runs
        ended = (await client.post(f"/api/v1/rehearsals/{made['id']}/end")).json()
        assert ended["status"] == "ended" and ended["started_at"] is None
        assert (await world.rooms.meetings.get(made["meeting"])).status == "ended"


async def test_a_server_that_begins_anew_goes_on_where_everybody_was(world: World, hall: Any) -> None:
    await world.person("director")
    credential = await world.device(NORTH)
    async with world.log_in() as client, world.socket(credential) as site:
        made = await begin(client, unit="02")
        run = await when(lambda: hall.runs.get(made["meeting"]))
        await enter(world, site, made["meeting"])
        await sense(site, run)
        await site.you(lambda you: you["rehearsal"] and you["rehearsal"]["step"] == "speak")
        await hall._save(run)
        hall.runs.clear()
        await hall.aclose()
        await hall.start()
        again = hall.runs[made["meeting"]]
        assert again is not run and again.walks[NORTH].step is not None
        assert set(again.walks[NORTH].done) == {"connect", "see", "hear"}


@pytest.mark.parametrize(
    "frame",
    [
        {"saw": [1]},
        {"saw": [1, 256]},
        {"saw": ["1", "2"]},
        {"heard": [1, 2, 3]},
        {"fault": "made_up"},
        {"picture": "fine"},
        {"figures": {"evil": 1}},
        {"more": 1},
    ],
)
async def test_a_frame_that_is_none_ends_the_connection(world: World, frame: dict[str, Any]) -> None:
    async with world.socket(await world.device(NORTH)) as site:
        await site.send({"op": "rehearsal", "fault": None, **frame})
        assert (await site.closed())[0] == 4000


async def test_who_is_in_no_rehearsal_says_nothing_to_anybody(world: World, hall: Any) -> None:
    meeting = await world.meeting()
    async with world.socket(await world.device(NORTH)) as site:
        await site.command("meeting.join", meeting)
        await site.send({"op": "rehearsal", "saw": [1, 2], "fault": None})
        await site.command("hand.raise", meeting)
        assert world.app.state.services.rehearsals.you(NORTH) is None and not hall.runs


async def test_a_rehearsal_that_a_director_ends_is_over(world: World, hall: Any) -> None:
    await world.person("director")
    async with world.log_in() as client:
        made = await begin(client, sites=[NORTH, CENTRE])
        await when(lambda: made["meeting"] in hall.runs)
        await world.command("meeting.end", made["meeting"])

        async def over() -> bool:
            found = (await client.get(f"/api/v1/rehearsals/{made['id']}")).json()
            return bool(found["rehearsal"]["status"] == "ended")

        assert await eventually(over)
        events = await world.rooms.store.events("sites")
        told = [event.data for event in events if event.type == "site_rehearsed"]
        assert [(one["passed"], sorted(one["sites"])) for one in told] == [(False, sorted([NORTH, CENTRE]))]
        assert SYSTEM.key == events[-1].actor
