"""The doors of waves: planned within grants, funnel and list from readiness, letters, text messages."""

import io
from typing import Any

from openpyxl import load_workbook

from diemcau.access import SYSTEM
from diemcau.sites import NewSite
from tests.rollout.waves import mail_server, until, wish

from .test_doors import problem
from .world import NORTH, SOUTH, World

PLAN = {"name": "Đợt", "first_day": "2031-03-03"}
WORDS = {"subject": "Mời {site}", "body": "Ngày {day}: {link}"}


async def planned(client: Any, **changes: Any) -> list[str]:
    answer = await client.post("/api/v1/waves", json={**PLAN, **changes})
    assert answer.status_code == 201, answer.text
    return list(answer.json()["waves"])


async def test_a_plan_is_previewed_made_and_shown_with_its_funnel_and_its_missing(world: World) -> None:
    await world.person("technician", "VN", "kt")
    async with world.log_in("kt") as client:
        look = (await client.post("/api/v1/waves/preview", json={**PLAN, "per_day": 2})).json()
        assert (look["total"], look["moved"], look["elsewhere"]) == (3, 0, 0)
        assert [(one["name"], one["day"], one["sites"]) for one in look["waves"]] == [
            ("Đợt 1", "2031-03-03", 2),
            ("Đợt 2", "2031-03-04", 1),
        ]
        assert (await client.get("/api/v1/waves")).json()["unplanned"] == 3, "a preview stores nothing"
        first, second = await planned(client, per_day=2, expected=3)
        found = (await client.get("/api/v1/waves")).json()
        assert found["unplanned"] == 0 and [one["id"] for one in found["waves"]] == [first, second]
        assert sum(one["counts"]["causes"]["no_code"] for one in found["waves"]) == 3
        assert found["waves"][1]["unit"] == "92" and not found["mail"]
        problem(await client.post("/api/v1/waves", json={**PLAN, "expected": 3}), 409, "plan_changed")
        problem(await client.post("/api/v1/waves", json=PLAN), 400, "nothing_to_plan")
        rows = (await client.get("/api/v1/readiness/sites", params={"wave": second})).json()
        assert [row["site"] for row in rows["rows"]] == [SOUTH] and rows["total"] == 1
        missing = {"wave": second, "missing": True}
        assert (await client.get("/api/v1/readiness/sites", params=missing)).json()["total"] == 1
        assert (await client.get("/api/v1/readiness/sites.csv", params={"wave": second})).text.count(
            "\r\n"
        ) == 2
        assert await world.app.state.services.waves.waves.sites_of(second) == [SOUTH]


async def test_a_province_plans_and_sees_its_own_and_nothing_of_others(world: World) -> None:
    await world.person("technician", "VN", "kt")
    await world.person("technician", "02", "hagiang")
    await world.person("director", "VN", "daodien")
    await world.rooms.sites.create(SYSTEM, [NewSite("02", "Hội trường", id="s_hall")])
    async with world.log_in("kt") as centre, world.log_in("hagiang") as client, world.log_in() as director:
        (own,) = await planned(client, name="Của tỉnh")
        shown = (await client.get(f"/api/v1/waves/{own}")).json()
        assert shown["counts"]["total"] == 2 and shown["unit"] == "02" and shown["may"]
        for body in ({**PLAN, "units": ["92"]}, {**PLAN, "units": ["VN"]}, {**PLAN, "units": ["02", "92"]}):
            problem(await client.post("/api/v1/waves/preview", json=body), 403, "forbidden")
        (other,) = await planned(centre, name="Của trung ương")
        assert (await centre.get(f"/api/v1/waves/{other}")).json()["counts"]["total"] == 2, (
            "not the province's"
        )
        for method, path in (("GET", ""), ("DELETE", ""), ("POST", "/messages/preview"), ("PUT", "/sites")):
            answer = await client.request(
                method, f"/api/v1/waves/{other}{path}", json=WORDS if path else None
            )
            assert answer.status_code in (400, 404), answer.text
        # The centre moves a site of the province's; the province sees that wave with this site alone.
        moved = {"add": ["s_hall"]}
        problem(await centre.put(f"/api/v1/waves/{other}/sites", json=moved), 409, "site_in_wave")
        assert (
            await centre.put(f"/api/v1/waves/{other}/sites", json={**moved, "move": True})
        ).status_code == 200
        shown = (await client.get(f"/api/v1/waves/{other}")).json()
        assert shown["counts"]["total"] == 1 and not shown["may"]
        rows = (await client.get("/api/v1/readiness/sites", params={"wave": other})).json()["rows"]
        assert [row["site"] for row in rows] == ["s_hall"]
        back = {"add": ["s_hall"], "move": True}
        problem(await client.put(f"/api/v1/waves/{own}/sites", json=back), 409, "site_in_wave")
        problem(await client.put(f"/api/v1/waves/{own}/sites", json={"add": [SOUTH]}), 404, "site_not_found")
        for change in ({"name": "x"}, {"day": "2031-01-01"}):
            problem(await client.patch(f"/api/v1/waves/{other}", json=change), 403, "forbidden")
        # Who may see but not plan.
        assert len((await director.get("/api/v1/waves")).json()["waves"]) == 2
        problem(await director.post("/api/v1/waves/preview", json=PLAN), 403, "forbidden")
        problem(await director.delete(f"/api/v1/waves/{own}"), 403, "forbidden")
        problem(await director.post(f"/api/v1/waves/{own}/sms", json=WORDS), 403, "forbidden")
    async with world.client(headers={"Authorization": f"Bearer {await world.device(NORTH)}"}) as site:
        problem(await site.get("/api/v1/waves"), 403, "forbidden")
        problem(await site.get(f"/api/v1/waves/{own}"), 403, "forbidden")


async def test_nonsense_is_refused_with_a_code(world: World) -> None:
    await world.person("technician", "VN", "kt")
    async with world.log_in("kt") as client:
        for bad in (
            {"first_day": "03/03/2031"},
            {"first_day": "9999-99-99"},
            {"start": "25:00"},
            {"start": "11:00", "end": "10:00"},
            {"name": " "},
            {"name": "a\nb\x00"},
            {"per_day": -1},
            {"kinds": ["x"]},
            {"units": ["VN"] * 65},
            {"evil": 1},
        ):
            problem(await client.post("/api/v1/waves/preview", json={**PLAN, **bad}), 400, "bad_request")
        problem(
            await client.post("/api/v1/waves/preview", json={**PLAN, "units": ["99999"]}),
            404,
            "unit_not_found",
        )
        (wave,) = await planned(client)
        at = f"/api/v1/waves/{wave}"
        look = f"{at}/messages/preview"
        problem(await client.post(look, json={**WORDS, "subject": "a\r\nBcc: b@x.vn"}), 400, "bad_template")
        problem(await client.post(look, json={**WORDS, "body": "{password}"}), 400, "bad_template")
        problem(await client.post(look, json={**WORDS, "base": "https://evil.example"}), 400, "bad_request")
        send = {**WORDS, "request": "request-1"}
        problem(await client.post(f"{at}/messages", json=send), 409, "mail_not_set")
        reminder = {**WORDS, "days_before": 1, "clock": "16:00"}
        problem(await client.post(f"{at}/reminders", json=reminder), 409, "mail_not_set")
        problem(await client.get("/api/v1/waves/wave_x"), 404, "wave_not_found")
        problem(await client.get("/api/v1/waves/sendings/x"), 404, "sending_not_found")
        problem(await client.get("/api/v1/readiness/sites", params={"wave": "x"}), 404, "wave_not_found")
        assert (await client.delete(at)).status_code == 204
        problem(await client.get(at), 404, "wave_not_found")
        assert (await client.get("/api/v1/waves")).json()["unplanned"] == 3


async def test_text_messages_are_a_file_and_nobody_is_in_two(world: World) -> None:
    await world.person("technician", "VN", "kt")
    new = [
        NewSite("02", f"=HYPERLINK({n})", id=f"s_sms{n}", phones=("0219 3886 123", f"0912 345 67{n}"))
        for n in (1, 2)
    ]
    await world.rooms.sites.create(SYSTEM, new)
    async with world.log_in("kt") as client:
        (wave,) = await planned(client)
        at = f"/api/v1/waves/{wave}"
        body = {"body": "Điểm cầu {site}: {day}, {link}", "link": True}
        look = (await client.post(f"{at}/messages/preview", json={**body, "channel": "sms"})).json()
        assert look["audience"] == {
            "send": 2, "told": 0, "not_meant": 0, "no_address": 3, "links": 2, "codes": 0,
        }  # fmt: skip
        assert look["body"].startswith("Diem cau =HYPERLINK(1): 03/03/2031") and look["coding"] == "gsm7"
        assert "XXXX-XXXX-XXXX" in look["body"] and look["parts"] == 1
        answer = await client.post(f"{at}/sms", json=body)
        assert answer.status_code == 200, answer.text
        sheet = load_workbook(io.BytesIO(answer.content)).active
        assert sheet is not None
        _, *lines = sheet.iter_rows(values_only=True)
        assert [line[0] for line in lines] == ["0912345671", "0912345672"]
        assert lines[0][5] == "'=HYPERLINK(1)", "no cell acts"
        code = str(lines[0][1]).partition("#code=")[2]
        await world.rooms.access.activate(code, address="test")
        problem(await client.post(f"{at}/sms", json=body), 409, "nobody_to_tell")
        again = await client.post(f"{at}/sms", json={**body, "again": True, "form": "csv"})
        assert again.status_code == 200 and again.text.count("#code=") == 1, "one has a device by now"
        shown = (await client.get(at)).json()
        assert shown["invited"] == {"sent": 2, "skipped": 3} and len(shown["sendings"]) == 2


async def test_addresses_are_changed_by_who_may_and_go_into_the_list_and_back(world: World) -> None:
    await world.person("technician", "02", "hagiang")
    async with world.log_in("hagiang") as client:
        at = f"/api/v1/sites/{NORTH}"
        changed = await client.patch(at, json={"emails": ["UBND@HaGiang.gov.vn"]})
        assert changed.json()["emails"] == ["UBND@hagiang.gov.vn"]
        for bad in (["x"], ["a@x.vn\r\nBcc: b@y.vn"], [f"a{n}@x.vn" for n in range(6)]):
            problem(await client.patch(at, json={"emails": bad}), 400, "bad_request")
        assert (await client.get(f"{at}/details")).json()["emails"] == ["UBND@hagiang.gov.vn"]
        problem(await client.patch(f"/api/v1/sites/{SOUTH}", json={"emails": []}), 404, "site_not_found")
        csv = (await client.get("/api/v1/exports/sites", params={"format": "csv"})).content
        assert "Thư điện tử" in csv.decode() and "UBND@hagiang.gov.vn" in csv.decode()
        mended = csv.replace(b"UBND@hagiang.gov.vn", b"vp@hagiang.gov.vn phong@hagiang.gov.vn")
        headers = {"Content-Type": "application/octet-stream"}
        job = (await client.post("/api/v1/imports?name=a.csv", content=mended, headers=headers)).json()
        job = (await client.get(f"/api/v1/imports/{job['id']}?wait=20")).json()
        assert job["sites"] == {"created": 0, "changed": 1, "same": 0} and job["rejected"] == 0
        await client.post(f"/api/v1/imports/{job['id']}/run")
        await client.get(f"/api/v1/imports/{job['id']}?wait=20")
        found = (await client.get(f"{at}/details")).json()
        assert found["emails"] == ["vp@hagiang.gov.vn", "phong@hagiang.gov.vn"]
    events = str([one.to_json() for one in await world.rooms.store.events("sites")])
    assert "emails" in events and "gov.vn" not in events, "the log says which fields, not what they hold"


async def test_letters_that_were_begun_go_by_themselves_and_can_be_looked_into(world: World) -> None:
    await world.person("technician", "VN", "kt")
    rooms = world.app.state.services.waves
    new = [NewSite("02", f"Phòng {n}", id=f"s_mail{n}", emails=(f"p{n}@example.com",)) for n in range(3)]
    await world.rooms.sites.create(SYSTEM, new)
    async with mail_server() as server, world.log_in("kt") as client:
        server.rcpt = {"p1@example.com": ["550 5.1.1 No such user"]}
        rooms.sender._mailer = rooms.messages._mailer = server.mailer()
        (wave,) = await planned(client)
        at = f"/api/v1/waves/{wave}"
        body = {**WORDS, "request": "request-1", "per_minute": 6000}
        begun = await client.post(f"{at}/messages", json=body)
        assert begun.status_code == 202, begun.text
        assert (await client.post(f"{at}/messages", json=body)).json()["id"] == begun.json()["id"]

        async def done() -> bool:
            return bool((await client.get(at)).json()["sendings"][0]["state"] == "done")

        await until(done)
        assert sorted(server.to) == ["p0@example.com", "p2@example.com"]
        path = f"/api/v1/waves/sendings/{begun.json()['id']}"
        missed = (await client.get(path, params={"state": "failed"})).json()["messages"]
        assert [(one["label"], one["error"], one["address"]) for one in missed] == [
            ("Phòng 1", "smtp_550", "p1@example.com")
        ]
        assert (await client.get(at)).json()["invited"] == {"sent": 2, "failed": 1, "skipped": 3}
        problem(await client.post(f"{path}/resume"), 409, "wrong_state")
        assert (await client.post(f"{path}/retry")).json()["state"] == "running"
        await until(done)
        assert len(server.to) == 3
        reminder = {**WORDS, "days_before": 1, "clock": "16:00"}
        made = await client.post(f"{at}/reminders", json=reminder)
        assert made.status_code == 201 and made.json()["at"] == "2031-03-02T09:00:00.000Z"
        await client.patch(at, json={"day": "2031-03-10"})
        [shown] = (await client.get(at)).json()["reminders"]
        assert shown["at"] == "2031-03-09T09:00:00.000Z" and shown["state"] == "planned"
        assert (await client.delete(f"{at}/reminders/{shown['id']}")).status_code == 204


async def test_thousands_are_planned_in_one_transaction_of_few_events(world: World) -> None:
    units = [unit.code for unit in list(world.rooms.units)[:2_100]]
    new = [NewSite(code, "Điểm", id=f"s_n{n}") for n, code in enumerate(units)]
    await world.rooms.sites.create(SYSTEM, new)
    rooms = world.app.state.services.waves.waves

    async def read() -> bool:
        return (await rooms.preview(SYSTEM, wish(per_day=500))).total == 2_103

    await until(read)
    before = (await world.rooms.store.head("waves")).seq
    made = await rooms.plan(SYSTEM, wish(per_day=500))
    after = (await world.rooms.store.head("waves")).seq
    assert len(made) == 5 and after - before == 10
    assert sum([len(await rooms.sites_of(one.id)) for one in made]) == 2_103
