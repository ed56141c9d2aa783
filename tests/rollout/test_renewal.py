"""A renewal over a database: one transaction, what it leaves readable, the way back."""

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from openpyxl import load_workbook
from sqlalchemy import JSON, Boolean, Integer, Table, Text, select

from diemcau.access import SYSTEM, Access, Actor, Grant, Role, TokenKind
from diemcau.access.tables import grants, tokens
from diemcau.bus import LocalBus
from diemcau.clock import ManualClock
from diemcau.errors import JsonObject
from diemcau.inspections.tables import findings, inspections
from diemcau.meetings import Meetings, NewMeeting, parse
from diemcau.meetings.errors import MeetingNotFound
from diemcau.rollout.renewal import (
    HELD,
    AlreadyRenewed,
    Answers,
    MeetingsPending,
    NoWayBack,
    Renewal,
    UnitsDiffer,
    eras_of,
    report_file,
)
from diemcau.rollout.renewal.answers import GrantAnswers, SiteAnswers
from diemcau.rollout.renewal.followers import follow, over
from diemcau.rollout.waves.tables import wave_sites, waves
from diemcau.sites import NewSite, ScopeEntry, Sites
from diemcau.sites.tables import sites as site_table
from diemcau.store import Instant, Store, UnitOfWork, metadata
from diemcau.units import JULY_2025, SEPTEMBER_2021, Fate, Level, Lineage, Units

LINEAGE = Lineage.load(SEPTEMBER_2021, JULY_2025)
SPLIT = next(unit.code for unit in LINEAGE.before if LINEAGE.fate(unit.code) is Fate.SPLIT)
NO_ANSWERS = Answers()
NEW = [
    NewSite("VN", "Điểm cầu Trung ương", id="s_vn"),
    NewSite("02", "Điểm cầu tỉnh Hà Giang", id="s_02"),
    NewSite("695", "Điểm cầu huyện Đồng Phú", id="s_695"),
    NewSite("25378", "Điểm cầu xã Tân Lợi", id="s_25378"),
    NewSite("00004", "Điểm cầu phường Trúc Bạch", id="s_00004"),
    NewSite(SPLIT, "Điểm cầu", id="s_split"),
]


@dataclass
class House:
    """The rooms as a server builds them over this database, in the tree it is of."""

    access: Access
    sites: Sites
    meetings: Meetings


@asynccontextmanager
async def served(store: Store, clock: ManualClock) -> AsyncIterator[House]:
    eras = await eras_of(store, None)
    access = Access(store, eras.units, clock, bytes(32))
    sites = Sites(store, eras.units, access, clock)
    meetings = Meetings(store, LocalBus(), eras.units, access, sites, clock, eras=eras)
    yield House(access, sites, meetings)
    await meetings.aclose()


@pytest.fixture
async def house(store: Store, clock: ManualClock) -> AsyncIterator[House]:
    """Six sites, before any renewal."""
    async with served(store, clock) as made:
        await made.sites.create(SYSTEM, NEW)
        yield made


async def places(store: Store) -> dict[str, tuple[str, str, str]]:
    async with store.read() as connection:
        rows = await connection.execute(select(site_table))
        return {row.id: (row.unit, row.level, row.label) for row in rows}


async def held(store: Store) -> set[tuple[str, str]]:
    async with store.read() as connection:
        return {(row.role, row.unit) for row in await connection.execute(select(grants))}


def person(*granted: Grant) -> Actor:
    return Actor("person", "p_9", grants=granted)


async def meeting(house: House, unit: str, levels: tuple[Level, ...] = (Level.COMMUNE,)) -> str:
    scope = (ScopeEntry(unit, levels),)
    made = await house.meetings.create(SYSTEM, NewMeeting(f"create-{unit}", "Họp", scope, "vp8", "s_vn"))
    return made.id


async def end(house: House, of: str) -> None:
    await house.meetings.execute(SYSTEM, parse({"id": f"end-{of}", "type": "meeting.end", "meeting": of}))


async def test_sites_move_keep_their_ids_and_stand_in_the_new_tree(
    house: House, store: Store, clock: ManualClock
) -> None:
    plan = await Renewal(store, LINEAGE).run(NO_ANSWERS)
    assert plan.counts()["sites"] == {
        "exact": 1, "merged": 3, "answered": 0, "split": 1, "gone": 1, "unknown": 0,
        "by_name": 0, "renamed": 0, "moved": 4, "waiting": 2,
    }  # fmt: skip
    found = await places(store)
    [tan_loi] = LINEAGE.successors("25378")
    assert {site: place[:2] for site, place in found.items()} == {
        "s_vn": ("VN", "nation"),
        "s_02": ("08", "province"),
        "s_695": ("2021-09/695", "district"),
        "s_25378": (tan_loi, "commune"),
        "s_00004": ("00004", "commune"),
        "s_split": (f"2021-09/{SPLIT}", "commune"),
    }
    async with served(store, clock) as after:
        assert await after.sites.start() == 0  # they stand where this tree has them already
        page = await after.sites.find(SYSTEM, unit="01", limit=9)
        assert [site.id for site in page.sites] == ["s_00004"]
        assert page.sites[0].path == "phường Ba Đình, thành phố Hà Nội"
        assert [site.id for site in (await after.sites.find(SYSTEM, text="tan loi", limit=9)).sites] == [
            "s_25378"
        ]


async def test_a_dry_run_changes_nothing(house: House, store: Store) -> None:
    before = await places(store)
    plan = await Renewal(store, LINEAGE).plan(NO_ANSWERS)
    assert plan.counts()["sites"]["moved"] == 4
    assert await places(store) == before
    assert (await eras_of(store, None)).units.dataset == SEPTEMBER_2021


async def test_what_waits_moves_by_a_later_answer_and_a_second_run_changes_nothing(
    house: House, store: Store
) -> None:
    renewal = Renewal(store, LINEAGE)
    await renewal.run(NO_ANSWERS)
    waiting = await places(store)
    again = await renewal.run(NO_ANSWERS)
    assert {move.site.id for move in again.sites} == {"s_695", "s_split"}
    assert await places(store) == waiting
    first = LINEAGE.successors(SPLIT)[0]
    answers = Answers(sites=SiteAnswers(districts="province", units={SPLIT: first}))
    assert (await renewal.run(answers)).counts()["sites"]["answered"] == 2
    found = await places(store)
    assert (found["s_695"][:2], found["s_split"][:2]) == (("75", "province"), (first, "commune"))
    assert (await renewal.run(NO_ANSWERS)).sites == ()


async def test_grants_that_would_widen_give_nothing_until_answered(
    house: House, store: Store, clock: ManualClock
) -> None:
    made = await house.access.add_person(
        SYSTEM,
        username="lan",
        password="một mật khẩu dài",
        name="Lan",
        grants=[Grant(Role.TECHNICIAN, "02"), Grant(Role.LEAD, "01"), Grant(Role.DIRECTOR, "08")],
    )
    renewal = Renewal(store, LINEAGE)
    plan = await renewal.run(NO_ANSWERS)
    assert plan.counts()["grants"] | {"gone": 0} == {
        "exact": 1, "answered": 0, "widens": 2, "split": 0, "gone": 0, "unknown": 0,
        "by_name": 0, "moved": 1, "waiting": 2,
    }  # fmt: skip
    # 08 was Tuyên Quang and is Tuyên Quang with Hà Giang now: its director is not suddenly Hà Giang's too.
    assert await held(store) == {("technician", "2021-09/02"), ("lead", "01"), ("director", "2021-09/08")}
    async with served(store, clock) as after:
        [seen] = await after.access.people()
        actor = Actor("person", made.id, grants=seen.grants)
        assert after.access.units_granted(actor, "site.see") == ("01",)
    await renewal.run(Answers(grants=GrantAnswers(people={"lan": {"02": ("08",)}})))
    assert await held(store) == {("technician", "08"), ("lead", "01"), ("director", "2021-09/08")}
    log = await store.events(f"person:{made.id}")
    assert log[-1].type == "grants_renewed"
    assert log[-1].data["grants"] == [["director", "08", ["2021-09/08"]], ["technician", "02", ["08"]]]


async def test_past_meetings_are_seen_by_who_has_what_they_were_called_in(
    house: House, store: Store, clock: ManualClock
) -> None:
    ha_giang, truc_bach = await meeting(house, "02", (Level.PROVINCE,)), await meeting(house, "00004")
    for made in (ha_giang, truc_bach):
        await end(house, made)
    clock.advance(86_400)
    await Renewal(store, LINEAGE).run(NO_ANSWERS)
    old_tuyen_quang = next(u for u in LINEAGE.before.subtree("08") if u.level is Level.COMMUNE)
    async with served(store, clock) as after:

        async def seen(unit: str) -> set[str]:
            return {found.id for found in await after.meetings.list_for(person(Grant(Role.OBSERVER, unit)))}

        assert await seen("VN") == {ha_giang, truc_bach}
        assert await seen("08") == {ha_giang}
        assert await seen(LINEAGE.successors(old_tuyen_quang.code)[0]) == set()
        assert await seen("00004") == {truc_bach}
        assert await seen("01") == {truc_bach}
        # A unit that has Trúc Bạch's old code in its own, and nothing of Trúc Bạch.
        assert await seen("00008") == set()
        snapshot = await after.meetings.snapshot(ha_giang, person(Grant(Role.OBSERVER, "08")))
        assert snapshot.state["scope"] == [{"unit": "02", "levels": ["province"]}]
        with pytest.raises(MeetingNotFound):
            await after.meetings.snapshot(truc_bach, person(Grant(Role.OBSERVER, "08")))
        fresh = await meeting(after, "08", (Level.PROVINCE,))
        assert fresh in await seen("08")


async def test_no_renewal_while_meetings_are_open_or_scheduled(house: House, store: Store) -> None:
    made = await meeting(house, "01")
    with pytest.raises(MeetingsPending) as refused:
        await Renewal(store, LINEAGE).run(NO_ANSWERS)
    assert refused.value.details == {"meetings": [made]}
    assert (await places(store))["s_02"][0] == "02"
    assert (await eras_of(store, None)).units.dataset == SEPTEMBER_2021
    await end(house, made)
    await Renewal(store, LINEAGE).run(NO_ANSWERS)


async def test_a_sites_token_follows_the_site_and_a_meetings_is_nobodys(
    house: House, store: Store, clock: ManualClock
) -> None:
    ended = await meeting(house, "00004")
    await end(house, ended)
    await house.access.issue_token(SYSTEM, TokenKind.WHIP, "s_02", ["02"])
    await house.access.issue_token(SYSTEM, TokenKind.WHEP, ended, ["00004"])

    async def units_of_tokens() -> set[str]:
        async with store.read() as connection:
            return {unit for row in await connection.execute(select(tokens.c.units)) for unit in row.units}

    renewal = Renewal(store, LINEAGE)
    clock.advance(1)
    await renewal.run(NO_ANSWERS)
    assert await units_of_tokens() == {"08", "2021-09/00004"}
    await renewal.undo()
    assert await units_of_tokens() == {"02", "00004"}


async def test_undo_puts_everything_back(house: House, store: Store, clock: ManualClock) -> None:
    await house.access.add_person(
        SYSTEM,
        username="lan",
        password="một mật khẩu dài",
        name="Lan",
        grants=[Grant(Role.TECHNICIAN, "695"), Grant(Role.LEAD, "01")],
    )
    before, granted = await places(store), await held(store)
    renewal = Renewal(store, LINEAGE)
    clock.advance(1)
    await renewal.run(Answers(labels=True, grants=GrantAnswers(districts="communes")))
    await renewal.run(Answers(sites=SiteAnswers(districts="province")))
    assert await places(store) != before
    assert await renewal.undo() == (6, 2)
    assert (await places(store), await held(store)) == (before, granted)
    async with served(store, clock) as again:
        assert await again.sites.start() == 0
        assert again.sites is not None and (await eras_of(store, None)).units.dataset == SEPTEMBER_2021
    for stream in ("units", "sites"):
        await store.verify_chain(stream)
    with pytest.raises(AlreadyRenewed):
        await renewal.undo()
    await renewal.run(NO_ANSWERS)


@pytest.mark.parametrize("made", ["site", "meeting", "grants"])
async def test_there_is_no_way_back_once_something_stands_on_the_new_tree(
    made: str, house: House, store: Store, clock: ManualClock
) -> None:
    lan = await house.access.add_person(
        SYSTEM,
        username="lan",
        password="một mật khẩu dài",
        name="Lan",
        grants=[Grant(Role.LEAD, "01")],
    )
    renewal = Renewal(store, LINEAGE)
    clock.advance(1)
    await renewal.run(NO_ANSWERS)
    async with served(store, clock) as after:
        if made == "site":
            await after.sites.create(SYSTEM, [NewSite("08", "Hội trường")])
        elif made == "meeting":
            await meeting(after, "01")
        else:
            await after.access.set_grants(SYSTEM, lan.id, [])
    found = await places(store)
    with pytest.raises(NoWayBack):
        await renewal.undo()
    assert await places(store) == found


async def test_a_database_keeps_its_tree_against_the_settings(store: Store) -> None:
    assert (await eras_of(store, JULY_2025)).units.dataset == JULY_2025
    assert (await eras_of(store, None)).units.dataset == JULY_2025
    with pytest.raises(UnitsDiffer):
        await eras_of(store, SEPTEMBER_2021)
    with pytest.raises(AlreadyRenewed):
        await Renewal(store, LINEAGE).plan(NO_ANSWERS)


async def test_the_report_has_what_waits_first_and_what_may_be_chosen(house: House, store: Store) -> None:
    plan = await Renewal(store, LINEAGE).plan(Answers(labels=True))
    sheet = load_workbook(io.BytesIO(report_file(plan))).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert [row[2] for row in rows[1:3]] == ["s_split", "s_695"] and len(rows) == 1 + len(NEW)
    assert str(rows[2][5]) == "huyện Đồng Phú, tỉnh Bình Phước" and "75 tỉnh Đồng Nai" in str(rows[2][9])
    renamed = next(row for row in rows if row[2] == "s_00004")
    assert renamed[8] == "tên mới: Điểm cầu phường Ba Đình"


def test_every_column_that_holds_units_is_known_to_the_renewal() -> None:
    """A room that stores codes of units decides here what becomes of them (docs/renewal.md)."""
    words = {"unit", "units", "scope", "before", "after", "dataset", "subtree", "province"}
    found = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns if c.name in words}
    assert found == HELD.keys()


def test_a_wave_stands_at_the_lowest_unit_over_its_sites() -> None:
    tree = Units.load(SEPTEMBER_2021)
    assert over(tree, {"00001"}) == "00001"
    assert over(tree, {"00001", "00004"}) == tree.get("00001").parent
    assert over(tree, {"00001", "26734"}) == "VN"


async def test_calls_findings_and_waves_follow_their_sites(store: Store) -> None:
    later = Units.load(JULY_2025)
    new = next(unit for unit in later.subtree("VN") if unit.level is Level.COMMUNE)
    rows = {
        site_table: {"id": "s_1", "unit": new.code, "phones": [], "people": []},
        inspections: {"id": "i_1", "site": "s_1", "unit": "00001"},
        findings: {"id": "f_1", "inspection": "i_1", "site": "s_1", "unit": "00001"},
        waves: {"id": "w_1", "unit": "001"},
        wave_sites: {"site": "s_1", "wave": "w_1"},
    }

    async def work(unit: UnitOfWork) -> JsonObject:
        connection = await unit.connection()
        for table, known in rows.items():
            await connection.execute(table.insert(), {**anything(table), **known})
        await follow(connection, later)
        return {}

    await store.write(work)
    async with store.read() as connection:
        for table in (inspections, findings, waves):
            assert (await connection.execute(select(table.c.unit))).scalars().all() == [new.code]


def anything(table: Table) -> dict[str, object]:
    """A row of what its columns demand."""
    demanded = [column for column in table.columns if not column.nullable and column.server_default is None]
    kinds: list[tuple[type, object]] = [
        (Instant, datetime(2021, 9, 5, tzinfo=UTC)), (JSON, []), (Boolean, False), (Integer, 0), (Text, "x"),
    ]  # fmt: skip
    return {
        column.name: next(value for kind, value in kinds if isinstance(column.type, kind))
        for column in demanded
    }
