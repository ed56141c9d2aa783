"""Roll calls by the doors: who may, no edit lost, totals within a second, sealed, exported, checked."""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from openpyxl import load_workbook
from pypdf import PdfReader

from diemcau.api.rollcall import RollCallView
from diemcau.sites import PersonPresent, SiteChange

from .world import CENTRE, NORTH, SOUTH, Socket, World, world


@asynccontextmanager
async def desks(at: World) -> AsyncIterator[tuple[Socket, Socket, Socket, str]]:
    """The centre's desk, one of Hà Giang, one of Cần Thơ, all following an open meeting."""
    await at.person("secretary", "VN")
    await at.person("duty_officer", "02", "hagiang")
    await at.person("director", "92", "cantho")
    meeting = await at.meeting()
    async with at.desk() as centre, at.desk("hagiang") as north, at.desk("cantho") as south:
        for one in (centre, north, south):
            await one.subscribe(meeting, **{"with": ["presence", "rollcall"]})
            assert (await one.next("eph", when=lambda f: f["topic"] == "rollcall"))["data"]["call"] is None
        yield centre, north, south, meeting


async def opened(desk: Socket, meeting: str, **arguments: Any) -> str:
    """A roll call; its id."""
    ack = await desk.command("rollcall.open", meeting, **arguments)
    assert ack["op"] == "ack", ack
    return str(ack["stream"]).removeprefix("rollcall:")


def entry(site: str, says: str | None = "present", version: int = 0, **more: Any) -> dict[str, Any]:
    return {"site": site, "version": version, "says": says, **more}


async def until(desk: Socket, **totals: str) -> dict[str, Any]:
    """The first frame whose totals are these, as `present/absent/of` of a level."""

    def fits(frame: dict[str, Any]) -> bool:
        if frame["topic"] != "rollcall" or frame["data"]["call"] is None:
            return False
        found = {
            one["level"]: f"{one['present']}/{one['absent']}/{one['of']}" for one in frame["data"]["totals"]
        }
        return all(found.get(level) == text for level, text in totals.items())

    frame = await desk.next("eph", when=fits)
    return dict(frame["data"])


async def seen(client: httpx2.AsyncClient, meeting: str, call: str) -> dict[str, Any]:
    """The view, whose shape is the one that is told."""
    answer = await client.get(f"/api/v1/meetings/{meeting}/roll-calls/{call}")
    assert answer.status_code == 200, answer.text
    RollCallView.model_validate_json(answer.content, extra="forbid")
    return dict(answer.json())


async def test_two_provinces_edit_at_once_and_every_desk_sees_its_own(world: World) -> None:
    async with desks(world) as (centre, north, south, meeting):
        call = await opened(centre, meeting)
        assert (await until(centre, province="0/0/2"))["branches"] == 2
        acks = await asyncio.gather(
            north.command("rollcall.edit", meeting, call=call, entries=[entry(NORTH)]),
            south.command(
                "rollcall.edit", meeting, call=call, entries=[entry(SOUTH, "absent", reason="power")]
            ),
        )
        assert [one["op"] for one in acks] == ["ack", "ack"]
        told = await until(centre, province="1/1/2", nation="0/0/1")
        assert await until(north, province="1/0/1")
        own = await until(south, province="0/1/1")
        assert {row["site"] for row in own["rows"]} <= {SOUTH}
        assert told["n"] > told["since"]
        async with world.log_in("cantho") as client:
            view = await seen(client, meeting, call)
            assert [row["site"] for row in view["rows"]] == [SOUTH]
            assert view["may"] == {"open": False, "seal": False, "confirm": ["92"]}
        async with world.log_in() as client:
            rows = {row["site"]: row for row in (await seen(client, meeting, call))["rows"]}
            assert rows[NORTH]["contradictions"] == ["present_not_connected"]
            assert rows[SOUTH]["contradictions"] == [] and rows[SOUTH]["reason"] == "power"


async def test_a_different_edit_of_what_another_has_changed_is_a_conflict_with_his_value(
    world: World,
) -> None:
    async with desks(world) as (centre, north, _, meeting):
        call = await opened(centre, meeting)
        assert (await north.command("rollcall.edit", meeting, call=call, entries=[entry(NORTH)]))[
            "op"
        ] == "ack"
        late = await centre.command(
            "rollcall.edit",
            meeting,
            call=call,
            entries=[entry(CENTRE), entry(NORTH, "absent", reason="duty")],
        )
        problem = late["problem"]
        assert (problem["status"], problem["code"]) == (409, "entry_conflict")
        [against] = problem["conflicts"]
        assert (against["site"], against["says"], against["version"]) == (NORTH, "present", 1)
        async with world.log_in() as client:
            rows = {row["site"]: row for row in (await seen(client, meeting, call))["rows"]}
            assert rows[CENTRE]["says"] is None, "a refused command keeps nothing"
        # The same word, even on an old version, agrees; having seen the present one, he may change it.
        agreed = await centre.command("rollcall.edit", meeting, call=call, entries=[entry(NORTH)])
        assert agreed["op"] == "ack"
        changed = await centre.command(
            "rollcall.edit", meeting, call=call, entries=[entry(NORTH, "absent", 1, reason="duty")]
        )
        assert changed["op"] == "ack"


async def test_the_same_command_again_is_done_once_whatever_came_between(world: World) -> None:
    async with desks(world) as (centre, north, _, meeting):
        call = await opened(centre, meeting)
        said = {"id": "the-same-one", "type": "rollcall.edit", "meeting": meeting, "call": call}
        said["entries"] = [entry(NORTH)]  # type: ignore[assignment]
        await north.send({"op": "cmd", **said})
        first = await north.next("ack", when=lambda f: f["id"] == said["id"])
        changed = [entry(NORTH, "absent", 1, reason="network")]
        assert (await centre.command("rollcall.edit", meeting, call=call, entries=changed))["op"] == "ack"
        await north.send({"op": "cmd", **said})
        assert await north.next("ack", when=lambda f: f["id"] == said["id"]) == first
        async with world.log_in() as client:
            [row] = [row for row in (await seen(client, meeting, call))["rows"] if row["site"] == NORTH]
            assert (row["says"], row["version"]) == ("absent", 2)


async def test_who_may_do_what(world: World) -> None:
    await world.person("observer", "VN", "xem")
    await world.person("technician", "02", "kythuat")
    async with desks(world) as (centre, north, south, meeting):
        refused = await north.command("rollcall.open", meeting)
        assert refused["problem"]["code"] == "forbidden"
        call = await opened(centre, meeting)
        again = await centre.command("rollcall.open", meeting)
        assert again["problem"]["code"] == "roll_call_open"
        for desk, kind, arguments, code in (
            (south, "rollcall.edit", {"entries": [entry(NORTH)]}, "forbidden"),
            (south, "rollcall.edit", {"entries": [entry(SOUTH), entry(NORTH)]}, "forbidden"),
            (south, "rollcall.fill", {"unit": "VN"}, "forbidden"),
            (south, "rollcall.fill", {"unit": "nowhere"}, "unit_not_found"),
            (south, "rollcall.confirm", {"unit": "02"}, "forbidden"),
            (south, "rollcall.confirm", {"unit": "925"}, "unit_not_found"),
            (south, "rollcall.seal", {}, "forbidden"),
            (south, "rollcall.edit", {"entries": [entry("s_none")]}, "not_in_meeting"),
            (centre, "rollcall.seal", {"call": "r_none"}, "roll_call_not_found"),
            (centre, "rollcall.edit", {"entries": [entry(NORTH, version=7)]}, "entry_conflict"),
        ):
            nack = await desk.command(kind, meeting, **{"call": call, **arguments})
            assert nack["op"] == "nack" and nack["problem"]["code"] == code, (kind, arguments, nack)
        credential = await world.device(SOUTH)
        async with world.socket(credential) as site:
            nack = await site.command("rollcall.edit", meeting, call=call, entries=[entry(SOUTH)])
            assert nack["problem"]["code"] == "forbidden"
            await site.send({"op": "sub", "stream": f"meeting:{meeting}", "with": ["rollcall"]})
            assert (await site.next("nack"))["problem"]["code"] == "forbidden"
        path = f"/api/v1/meetings/{meeting}/roll-calls"
        async with world.log_in("xem") as client:
            for door in (path, f"{path}/{call}", f"{path}/{call}/report.xlsx", f"{path}/{call}/result"):
                assert (await client.get(door)).status_code == 403, door
        async with world.log_in("kythuat") as client:
            assert [row["editable"] for row in (await seen(client, meeting, call))["rows"]] == [False]
            outside = await client.get(f"{path}/{call}/report.xlsx", params={"unit": "92"})
            assert outside.status_code == 403
            assert (await client.get(f"{path}/{call}/result")).status_code == 403


async def test_connected_ones_are_filled_in_and_absence_against_evidence_is_shown(world: World) -> None:
    async with desks(world) as (centre, north, _, meeting):
        call = await opened(centre, meeting)
        async with world.socket(await world.device(NORTH)) as site:
            await site.command("meeting.join", meeting)
            frame = await north.next(
                "eph",
                when=lambda f: (
                    f["topic"] == "rollcall" and any(row["connected"] for row in f["data"].get("rows", ()))
                ),
            )
            assert frame["data"]["rows"][0]["since"] is not None
            done = await centre.command("rollcall.fill", meeting, call=call, unit="VN")
            assert done["op"] == "ack"
            await until(centre, province="1/0/2", nation="0/0/1")
            absent = [entry(NORTH, "absent", 1, reason="duty", text="", note="gọi lại 9h")]
            await north.command("rollcall.edit", meeting, call=call, entries=absent)
            told = await north.next(
                "eph",
                when=lambda f: (
                    f["topic"] == "rollcall"
                    and any("absent_connected" in row["contradictions"] for row in f["data"].get("rows", ()))
                ),
            )
            assert told["data"]["rows"][0]["note"] == "gọi lại 9h"
            # Filling in never takes back what somebody said.
            await centre.command("rollcall.fill", meeting, call=call, unit="VN")
            async with world.log_in() as client:
                [row] = [row for row in (await seen(client, meeting, call))["rows"] if row["site"] == NORTH]
                assert row["says"] == "absent" and row["connected"]


async def test_a_sealed_roll_call_never_changes_and_its_export_is_that_of_the_log(world: World) -> None:
    await world.rooms.sites.change(
        (await actor(world)),
        [SiteChange(SOUTH, phones=("0292 382 1111",), people=(PersonPresent("Lê A", "Chủ tịch"),))],
    )
    async with desks(world) as (centre, north, south, meeting):
        call = await opened(centre, meeting)
        head = {"name": "Nguyễn Văn B", "title": "Chủ tịch UBND tỉnh"}
        await north.command("rollcall.edit", meeting, call=call, entries=[entry(NORTH, head=head)])
        await south.command(
            "rollcall.edit", meeting, call=call, entries=[entry(SOUTH, "absent", reason="other", text="=bão")]
        )
        assert (await south.command("rollcall.confirm", meeting, call=call, unit="92"))["op"] == "ack"
        path = f"/api/v1/meetings/{meeting}/roll-calls"
        async with world.log_in() as client:
            assert (await client.get(f"{path}/{call}/result")).status_code == 404
            draft = await client.get(f"{path}/{call}/report.pdf")
            text = " ".join(
                " ".join(page.extract_text() for page in PdfReader(io.BytesIO(draft.content)).pages).split()
            )
            assert "CHƯA CHỐT" in text and "0292 382 1111" in text
            sealed = await centre.command("rollcall.seal", meeting, call=call)
            assert sealed["op"] == "ack", sealed
            late = await south.command(
                "rollcall.edit", meeting, call=call, entries=[entry(SOUTH, "present", 1)]
            )
            assert late["problem"]["code"] == "roll_call_sealed"
            twice = await centre.command("rollcall.seal", meeting, call=call)
            assert twice["problem"]["code"] == "roll_call_sealed"
            proof = (await client.get(f"{path}/{call}/result")).content
            [event] = [
                one
                for one in await world.rooms.store.events(f"rollcall:{call}")
                if one.type == "roll_call_sealed"
            ]
            assert hashlib.sha256(proof).hexdigest() == event.data["digest"]
            await world.rooms.store.verify_chain(f"rollcall:{call}")
            book = load_workbook(io.BytesIO((await client.get(f"{path}/{call}/report.xlsx")).content))
            assert book.sheetnames == ["Tổng hợp", "Vắng và chưa báo", "Toàn bộ"]
            summary = {row[0]: row[1] for row in book["Tổng hợp"].iter_rows(values_only=True) if row[0]}
            assert summary["Có mặt"] == "0/1 · 1/2" and summary["Mã kiểm (SHA-256)"] == event.data["digest"]
            missing = list(book["Vắng và chưa báo"].iter_rows(min_row=2, values_only=True))
            assert list(missing[1][5:7]) == ["Lý do khác: =bão", "0292 382 1111"]
            everything = [row[6] for row in book["Toàn bộ"].iter_rows(min_row=2, values_only=True)]
            assert "Nguyễn Văn B (Chủ tịch UBND tỉnh)" in everything
            printed = await client.get(f"{path}/{call}/report.pdf", params={"unit": "92"})
            pages = PdfReader(io.BytesIO(printed.content)).pages
            text = "".join(" ".join(page.extract_text() for page in pages).split())
            assert str(event.data["digest"]) in text and "HàGiang" not in text and "CHƯACHỐT" not in text
            # What happens later changes no sealed row.
            async with world.socket(await world.device(SOUTH)) as site:
                await site.command("meeting.join", meeting)
                rows = {row["site"]: row for row in (await seen(client, meeting, call))["rows"]}
                assert not rows[SOUTH]["connected"] and rows[SOUTH]["phones"] == ["0292 382 1111"]
            # A correction is a new one that begins where the sealed one ended.
            second = await opened(centre, meeting, corrects=call)
            view = await seen(client, meeting, second)
            assert (view["call"]["number"], view["call"]["corrects"]) == (2, call)
            rows = {row["site"]: row for row in view["rows"]}
            assert rows[SOUTH]["says"] == "absent" and view["confirmed"] == {}
            fixed = [entry(SOUTH, "present", rows[SOUTH]["version"])]
            assert (await south.command("rollcall.edit", meeting, call=second, entries=fixed))["op"] == "ack"
            listed = (await client.get(path)).json()
            assert [one["number"] for one in listed["calls"]] == [2, 1] and listed["reasons"][-1][
                "code"
            ] == "other"


async def test_the_files_of_a_marked_meeting_bear_its_mark(world: World) -> None:
    await world.person("secretary", "VN")
    [person] = await world.rooms.access.people()
    until = world.rooms.clock.now() + timedelta(days=3)
    for key in (f"person:{person.id}", f"site:{CENTRE}"):
        await world.rooms.access.set_clearance(await actor(world), key, ["VN"], "secret", until)
    meeting = await world.meeting()
    async with world.desk() as desk, world.log_in() as client:
        path = f"/api/v1/meetings/{meeting}/roll-calls/{await opened(desk, meeting)}/report"

        async def files() -> tuple[dict[str, str], str]:
            book = load_workbook(io.BytesIO((await client.get(f"{path}.xlsx")).content))
            said = {row[0]: row[1] for row in book["Tổng hợp"].iter_rows(values_only=True) if row[0]}
            printed = await client.get(f"{path}.pdf")
            return said, " ".join(PdfReader(io.BytesIO(printed.content)).pages[0].extract_text().split())

        said, printed = await files()
        assert "Độ mật" not in said and "MẬT" not in printed
        assert (await desk.command("meeting.mark", meeting, secrecy="secret"))["op"] == "ack"
        said, printed = await files()
        assert said["Độ mật"] == "TỐI MẬT" and printed.count("TỐI MẬT") == 2, "heading and foot"


async def actor(at: World) -> Any:
    from diemcau.access import SYSTEM

    return SYSTEM


async def test_a_confirmation_that_was_overtaken_says_so(world: World) -> None:
    async with desks(world) as (centre, north, _, meeting):
        call = await opened(centre, meeting)
        await north.command("rollcall.confirm", meeting, call=call, unit="02")
        async with world.log_in() as client:
            assert (await seen(client, meeting, call))["confirmed"]["02"]["contradictions"] == [
                "confirmed_unsaid"
            ]
            await asyncio.sleep(0.002)  # the clock of entries counts milliseconds
            await north.command("rollcall.edit", meeting, call=call, entries=[entry(NORTH)])
            assert (await seen(client, meeting, call))["confirmed"]["02"]["contradictions"] == [
                "changed_after"
            ]
            await north.command("rollcall.confirm", meeting, call=call, unit="02", on=False)
            assert (await seen(client, meeting, call))["confirmed"] == {}


async def test_a_server_that_starts_anew_knows_every_entry(tmp_path: Path) -> None:
    async with world(tmp_path) as before, desks(before) as (centre, north, _, meeting):
        call = await opened(centre, meeting)
        await north.command("rollcall.edit", meeting, call=call, entries=[entry(NORTH)])
        await north.command("rollcall.confirm", meeting, call=call, unit="02")
    from diemcau.app import open_rooms
    from diemcau.config import Settings
    from diemcau.meetings.rollcall import RollCalls

    async with open_rooms(Settings(data=tmp_path)) as rooms:
        room = RollCalls(
            rooms.store, rooms.bus, rooms.units, rooms.access, rooms.sites, rooms.meetings, rooms.clock
        )
        view: Any = await room.view(meeting, call, await actor(before))
        assert {row["site"]: row["says"] for row in view["rows"]} == {
            CENTRE: None,
            NORTH: "present",
            SOUTH: None,
        }
        assert set(view["confirmed"]) == {"02"}


@pytest.mark.parametrize("path", ["r_none", "../../x", "r_1%00", "ệ"])
async def test_a_roll_call_that_is_none_is_not_found(world: World, path: str) -> None:
    await world.person()
    meeting = await world.meeting()
    async with world.log_in() as client:
        answer = await client.get(f"/api/v1/meetings/{meeting}/roll-calls/{path}")
        assert answer.status_code == 404, answer.text
