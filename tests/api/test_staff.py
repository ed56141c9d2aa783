"""The doors of delegated people."""

from .world import PASSWORD, World

LEAD = {"role": "lead", "unit": "02"}


async def test_a_provinces_technician_makes_somebody_who_chooses_his_own_password(world: World) -> None:
    await world.person("technician", "02", "kythuat")
    await world.person("director", "VN", "daodien")
    await world.person("lead", "92", "cantho")
    async with world.log_in("kythuat") as client:
        assert (await client.get("/api/v1/me")).json()["may"].count("person.manage") == 1
        roles = (await client.get("/api/v1/people/roles", params={"unit": "02"})).json()["roles"]
        assert roles == ["technician", "lead", "delegate", "observer"]
        assert (await client.get("/api/v1/people/roles", params={"unit": "92"})).json()["roles"] == []
        body = {"username": "lung.cu", "name": "Vàng A", "title": "Phụ trách", "grants": [LEAD]}
        made = await client.post("/api/v1/people", json=body)
        assert made.status_code == 201, made.text
        assert made.headers["cache-control"] == "no-store"
        person, password = made.json()["person"], made.json()["password"]
        assert person["temporary"] and person["changeable"]
        assert person["grants"][0]["path"] == "tỉnh Hà Giang"
        seen = (await client.get("/api/v1/people")).json()["people"]
        assert [one["username"] for one in seen] == ["kythuat", "lung.cu"]
        assert not seen[0]["changeable"]
        for refused in ([{"role": "director", "unit": "02"}], [{"role": "lead", "unit": "92"}], []):
            answer = await client.post("/api/v1/people", json={**body, "username": "x", "grants": refused})
            assert answer.json()["code"] == "forbidden"
        assert (await client.post("/api/v1/people", json=body)).json()["code"] == "conflict"
    async with world.client() as client:
        answer = await client.post("/api/v1/session", json={"username": "lung.cu", "password": password})
        me = answer.json()["me"]
        assert (me["temporary"], me["grants"], me["may"]) == (True, [], [])
        client.headers["X-CSRF-Token"] = me["csrf"]
        assert (await client.get("/api/v1/sites")).json()["sites"] == []
        own = {"old": password, "password": "của riêng tôi"}
        chosen = await client.put("/api/v1/session/password", json=own)
        assert chosen.status_code == 200, chosen.text
        assert chosen.json()["me"]["grants"] == [LEAD]
        assert [site["id"] for site in (await client.get("/api/v1/sites")).json()["sites"]] == ["s_north"]
        client.headers["X-CSRF-Token"] = chosen.json()["me"]["csrf"]
        assert (await client.put("/api/v1/session/password", json=own)).status_code == 401


async def test_people_are_changed_inside_and_unseen_outside(world: World) -> None:
    await world.person("technician", "02", "kythuat")
    await world.person("lead", "02", "hagiang")
    await world.person("lead", "92", "cantho")
    await world.person("director", "02", "daodien")
    ids = {person.username: person.id for person in await world.rooms.access.people()}
    async with world.log_in("kythuat") as client:
        at = f"/api/v1/people/{ids['hagiang']}"
        given = {"grants": [LEAD, {"role": "observer", "unit": "02"}]}
        assert len((await client.put(f"{at}/grants", json=given)).json()["grants"]) == 2
        assert (await client.put(f"{at}/disabled")).json()["disabled"] is True
        assert (await client.delete(f"{at}/disabled")).json()["disabled"] is False
        password = (await client.put(f"{at}/password")).json()["password"]
        assert len(password) == 19
        for who, code in (("cantho", "not_found"), ("daodien", "forbidden"), ("kythuat", "forbidden")):
            at = f"/api/v1/people/{ids[who]}"
            for request in (
                client.put(f"{at}/grants", json=given),
                client.put(f"{at}/disabled"),
                client.delete(f"{at}/disabled"),
                client.put(f"{at}/password"),
            ):
                assert (await request).json()["code"] == code, (who, request)
        assert (await client.put(f"{at}/grants", json={"grants": [{"role": "king", "unit": "02"}]})).is_error
    async with world.log_in("cantho") as client:
        assert (await client.get("/api/v1/people")).json()["code"] == "forbidden"
    async with world.client() as client:
        old = await client.post("/api/v1/session", json={"username": "hagiang", "password": PASSWORD})
        assert old.status_code == 401
