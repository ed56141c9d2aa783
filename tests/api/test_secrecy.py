"""A marked meeting does not exist for who is not cleared: every door that shows one, and its pictures."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from diemcau.access import SYSTEM
from diemcau.meetings import NewMeeting
from diemcau.sites import ScopeEntry

from .test_calls import answers, call_of, publish
from .world import CENTRE, NORTH, OFFER, SOUTH, Socket, World

EVERY = ("nation", "province", "district", "commune")
JPEG = b"\xff\xd8\xff" + b"x" * 40


async def clear(world: World, key: str, level: str, days: int = 30) -> None:
    until = world.rooms.clock.now() + timedelta(days=days)
    await world.rooms.access.set_clearance(SYSTEM, key, ["VN"], level, until)  # type: ignore[arg-type]


async def person_id(world: World, username: str) -> str:
    return next(one.id for one in await world.rooms.access.people() if one.username == username)


async def marked(world: World, secrecy: str = "secret", kind: str = "meeting") -> str:
    """An open meeting of the nation that bears a mark, chaired from the centre."""
    await clear(world, f"site:{CENTRE}", "top_secret")
    new = NewMeeting(
        world.command_id(),
        "Kế hoạch A2",
        (ScopeEntry("VN", EVERY),),
        chair_site=CENTRE,
        kind=kind,
        secrecy=secrecy,  # type: ignore[arg-type]
    )
    made = await world.rooms.meetings.create(SYSTEM, new)
    await world.command("meeting.open", made.id)
    return made.id


@dataclass
class Asked:
    """What a door is tried with."""

    world: World
    client: httpx2.AsyncClient
    desk: Socket
    post: Socket
    meeting: str
    call: str

    async def get(self, path: str) -> Any:
        answer = await self.client.get(f"/api/v1{path}")
        return (
            answer.json().get("code", answer.json()) if "json" in answer.headers["content-type"] else answer
        )

    async def do(self, kind: str, **more: Any) -> str:
        answer = await self.desk.command(kind, self.meeting, **more)
        return str(answer.get("problem", {}).get("code", answer["op"]))


Door = Callable[[Asked], Awaitable[Any]]
GONE = "meeting_not_found"


async def _sub(asked: Asked) -> str:
    await asked.desk.send({"op": "sub", "stream": f"meeting:{asked.meeting}", "since": None})
    return str((await asked.desk.next("nack", "snap"))["problem"]["code"])


async def _screen(asked: Asked) -> str:
    frame = {"op": "screen", "screen": "dc-window-1", "meeting": asked.meeting, "kind": "wall"}
    await asked.desk.send(frame)
    return str((await asked.desk.next("nack", "screen"))["problem"]["code"])


async def _viewer(asked: Asked) -> str:
    path = f"/api/v1/meetings/{asked.meeting}/viewer"
    return str((await asked.client.post(path, json={"offer": OFFER, "replaces": None})).json()["code"])


async def _token(asked: Asked) -> str:
    return str((await asked.client.post("/api/v1/tokens", json={"whep": asked.meeting})).json()["code"])


async def _drive(asked: Asked) -> str:
    path = f"/api/v1/meetings/{asked.meeting}/screens/dc-window-1"
    return str((await asked.client.put(path, json={"do": "next"})).json()["code"])


async def _pictures(asked: Asked) -> Any:
    body = {"run": "", "since": 0, "wanted": [[SOUTH, 0]], "most": 100_000}
    return SOUTH.encode() in (await asked.client.post("/api/v1/pictures", json=body)).content


async def _count(asked: Asked) -> int:
    found = await asked.get("/inspections/coverage?unit=VN")
    return int(found["unit"]["inspected"])


DOORS: dict[str, tuple[Door, Any]] = {
    "the list": (lambda a: a.get("/meetings"), {"meetings": []}),
    "the board": (lambda a: a.get("/board"), {"meetings": []}),
    "its state": (lambda a: a.get(f"/meetings/{a.meeting}"), GONE),
    "its roster": (lambda a: a.get(f"/meetings/{a.meeting}/roster"), GONE),
    "its receipts": (lambda a: a.get(f"/meetings/{a.meeting}/messages/t_1/receipts"), GONE),
    "its roll calls": (lambda a: a.get(f"/meetings/{a.meeting}/roll-calls"), GONE),
    "a roll call": (lambda a: a.get(f"/meetings/{a.meeting}/roll-calls/r_1"), GONE),
    "a report": (lambda a: a.get(f"/meetings/{a.meeting}/roll-calls/r_1/report.xlsx"), GONE),
    "a result": (lambda a: a.get(f"/meetings/{a.meeting}/roll-calls/r_1/result"), GONE),
    "the shortlist": (lambda a: a.get(f"/meetings/{a.meeting}/shortlist"), GONE),
    "driving a screen": (_drive, GONE),
    "opening a screen": (_screen, GONE),
    "following it, with messages and levels": (_sub, GONE),
    "watching it": (_viewer, GONE),
    "a player's token": (_token, GONE),
    "opening it": (lambda a: a.do("meeting.open"), GONE),
    "inviting": (lambda a: a.do("meeting.invite", sites=[NORTH]), GONE),
    "giving the floor": (lambda a: a.do("floor.give", site=SOUTH), GONE),
    "muting": (lambda a: a.do("mute", all=True), GONE),
    "cutting": (lambda a: a.do("stage.cut", slots=[SOUTH]), GONE),
    "writing": (lambda a: a.do("message.post", text="x", to="all"), GONE),
    "marking": (lambda a: a.do("meeting.mark", secrecy="top_secret"), GONE),
    "taking over": (lambda a: a.do("direction.take"), GONE),
    "a roll call's opening": (lambda a: a.do("rollcall.open"), GONE),
    "calling into it": (lambda a: a.do("call.start", site=SOUTH), GONE),
    "inspections": (lambda a: a.get("/inspections?unit=VN"), {"inspections": [], "next": None, "total": 0}),
    "an inspection": (lambda a: a.get(f"/inspections/{a.call}"), "inspection_not_found"),
    "its picture": (lambda a: a.get(f"/inspections/{a.call}/picture"), "inspection_not_found"),
    "findings": (lambda a: a.get("/findings?unit=VN"), {"findings": [], "next": None, "total": 0}),
    "coverage": (_count, 0),
    "when a site was seen": (lambda a: a.get(f"/sites/{SOUTH}/sightings"), {"sightings": []}),
    "a site's picture": (lambda a: a.get(f"/sites/{SOUTH}/snapshot"), "not_found"),
    "the wall": (_pictures, False),
}


@asynccontextmanager
async def uncleared(world: World) -> AsyncIterator[Asked]:
    """A secret meeting that calls a cleared site, and a national director who is not cleared."""
    await world.person()
    await world.person("director", "VN", "dacap")
    await clear(world, f"person:{await person_id(world, 'dacap')}", "secret")
    await clear(world, f"site:{SOUTH}", "secret")
    await answers(world, SOUTH, "auto")
    meeting = await marked(world)
    async with (
        world.socket(await world.device(SOUTH)) as post,
        world.desk("dacap") as cleared,
        world.desk() as desk,
        world.log_in() as client,
    ):
        await cleared.subscribe(meeting, **{"with": ["calls"]})
        assert (await cleared.command("call.start", meeting, site=SOUTH))["op"] == "ack"
        await post.you(lambda you: you["publish"] is not None)
        await publish(post, meeting, world)
        call = await call_of(cleared, SOUTH, "live")
        yield Asked(world, client, desk, post, meeting, call["id"])


async def test_a_marked_meeting_does_not_exist_for_who_is_not_cleared(world: World) -> None:
    async with uncleared(world) as asked:
        found = {name: await door(asked) for name, (door, _) in DOORS.items()}
        assert found == {name: expected for name, (_, expected) in DOORS.items()}
        await clear(world, f"person:{await person_id(world, 'daodien')}", "confidential")
        assert (await asked.get("/meetings"))["meetings"] == [], "confidential does not cover secret"
        await clear(world, f"person:{await person_id(world, 'daodien')}", "top_secret")
        [one] = (await asked.get("/meetings"))["meetings"]
        assert one["secrecy"] == "secret"
        assert len((await asked.get("/board"))["meetings"]) == 1
        assert len((await asked.get("/inspections?unit=VN"))["inspections"]) == 1
        assert await _count(asked) == 1
        assert await asked.get(f"/inspections/{asked.call}/picture") == "inspection_not_found", "none is kept"
        assert await _token(asked) == "secrecy", "no program watches it"


async def test_no_picture_of_a_site_in_a_marked_meeting_is_kept_or_shown(world: World) -> None:
    await world.person()
    await clear(world, f"site:{SOUTH}", "secret")
    meeting, device = await marked(world), await world.device(SOUTH)
    async with world.socket(device) as post, world.client() as page, world.log_in() as client:
        headers = {"Authorization": f"Bearer {device}", "Content-Type": "image/jpeg"}
        path = f"/api/v1/sites/{SOUTH}/snapshot"
        assert (await page.put("/api/v1/snapshot", content=JPEG, headers=headers)).status_code == 204
        assert (await client.get(path)).status_code == 200
        assert (await post.command("meeting.join", meeting))["op"] == "ack"
        refused = await page.put("/api/v1/snapshot", content=JPEG, headers=headers)
        assert refused.json()["code"] == "secrecy"
        assert (await client.get(path)).status_code == 404
        await post.command("meeting.leave", meeting)
        assert (await page.put("/api/v1/snapshot", content=JPEG, headers=headers)).status_code == 204


async def test_a_site_joins_only_with_a_clearance_and_knows_of_the_meeting_only_then(world: World) -> None:
    meeting, device = await marked(world), await world.device(SOUTH)
    async with world.socket(device) as post:
        assert post.welcome["you"]["meetings"] == []
        assert (await post.command("meeting.join", meeting))["problem"]["code"] == GONE
        await clear(world, f"site:{SOUTH}", "secret")
        you = await post.you(lambda you: you["meetings"] != [])
        assert you["meetings"][0]["secrecy"] == "secret"
        assert (await post.command("meeting.join", meeting))["op"] == "ack"
        snap = await post.subscribe(meeting)
        assert (snap["state"]["secrecy"], snap["state"]["may_record"]) == ("secret", False)
        await world.rooms.access.set_clearance(SYSTEM, f"site:{SOUTH}", ["92"], "none", None)
        you = await post.you(lambda you: you["meetings"] == [] and you["in"] is None)
        assert (await post.next("nack"))["problem"]["code"] == GONE, "what it followed has ended"


async def test_a_mark_that_is_raised_puts_out_who_is_not_cleared(world: World) -> None:
    await world.person()
    await world.person("director", "VN", "dacap")
    await clear(world, f"person:{await person_id(world, 'dacap')}", "secret")
    await clear(world, f"site:{CENTRE}", "secret")
    await clear(world, f"site:{SOUTH}", "secret")
    meeting = await world.meeting()
    async with (
        world.socket(await world.device(SOUTH)) as south,
        world.socket(await world.device(NORTH), tab="tab-2") as north,
        world.desk("dacap") as cleared,
        world.desk() as desk,
        world.log_in() as client,
    ):
        for post in (south, north):
            await post.command("meeting.join", meeting)
            await post.subscribe(meeting)
        await cleared.subscribe(meeting)
        await desk.subscribe(meeting)
        opened = await client.post(
            f"/api/v1/meetings/{meeting}/viewer", json={"offer": OFFER, "replaces": None}
        )
        viewer = opened.json()["viewer"]
        await cleared.command("floor.give", meeting, site=NORTH)
        assert (await desk.command("meeting.mark", meeting, secrecy="secret"))["problem"]["code"] == "secrecy"
        assert (await cleared.command("meeting.mark", meeting, secrecy="secret"))["op"] == "ack"
        ended = await cleared.next("ev", when=lambda f: f["type"] == "floor_ended")
        assert ended["data"] == {"site": NORTH, "reason": "secrecy"}
        await north.you(lambda you: you["in"] is None and you["meetings"] == [])
        for out in (north, desk):
            assert (await out.next("nack"))["problem"]["code"] == GONE
            assert all(frame.get("type") != "secrecy_raised" for frame in out.passed)
        assert viewer not in str(world.node.snapshot()), "what he watched was closed"
        await south.next("snap", when=lambda f: f["state"]["secrecy"] == "secret")
        assert (await cleared.command("meeting.mark", meeting, secrecy="none"))["problem"][
            "code"
        ] == "secrecy"
        assert world.rooms.meetings.joined(meeting) == {SOUTH}


async def test_nobody_clears_above_himself_or_himself_and_a_clearance_ends(world: World) -> None:
    await world.person()
    await world.person("director", "92", "tinh")
    mine, theirs = await person_id(world, "daodien"), await person_id(world, "tinh")
    await clear(world, f"person:{mine}", "confidential", days=2)
    async with world.log_in() as client:

        async def put(path: str, level: str, days: int | None = 30) -> Any:
            body = {"level": level, "days": days}
            answer = (await client.put(f"/api/v1{path}/clearance", json=body)).json()
            return answer.get("code", answer.get("level"))

        assert await put(f"/sites/{SOUTH}", "secret") == "secrecy"
        assert await put(f"/sites/{SOUTH}", "confidential") == "confidential"
        assert await put(f"/sites/{SOUTH}", "confidential", None) == "bad_request", "it has an end"
        assert await put(f"/people/{theirs}", "confidential") == "confidential"
        assert await put(f"/people/{mine}", "confidential") in ("forbidden", "secrecy")
        assert await put(f"/sites/{SOUTH}", "none", None) == "none"
        new = {"id": "marked-too-high", "title": "x", "scope": [{"unit": "92", "levels": ["province"]}]}
        made = await client.post("/api/v1/meetings", json={**new, "secrecy": "secret"})
        assert made.json()["code"] == "secrecy"
        made = await client.post("/api/v1/meetings", json={**new, "secrecy": "confidential"})
        assert made.json()["secrecy"] == "confidential"
        held = await world.rooms.access.clearance_of(f"person:{mine}")
        assert held.at(world.rooms.clock.now() + timedelta(days=1)) == "confidential"
        assert held.at(world.rooms.clock.now() + timedelta(days=3)) == "none"


@pytest.mark.parametrize(
    "body", [{}, {"level": "x"}, {"level": "secret", "days": 400}, {"level": "secret", "days": 0}]
)
async def test_a_hostile_clearance_is_a_bad_request(world: World, body: dict[str, Any]) -> None:
    await world.person()
    async with world.log_in() as client:
        answer = await client.put(f"/api/v1/sites/{SOUTH}/clearance", json=body)
        assert answer.json()["code"] == "bad_request"
