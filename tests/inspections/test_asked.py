"""Findings and inspections by subtree, days and words, on both kinds of database."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from diemcau.access import Access, Actor, Grant, Role
from diemcau.clock import ManualClock, to_millis
from diemcau.errors import BadRequest, Forbidden, JsonObject
from diemcau.ids import counted_ids, make_id
from diemcau.inspections import Asked, days
from diemcau.inspections.asked import search_of
from diemcau.inspections.findings import Findings
from diemcau.inspections.paging import Page
from diemcau.inspections.records import Records
from diemcau.inspections.sight import Sight
from diemcau.inspections.tables import findings, inspections
from diemcau.sites import Sites
from diemcau.store import Store, UnitOfWork
from diemcau.units import Units

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
DIRECTOR = Actor("person", "p_1", grants=(Grant(Role.DIRECTOR, "VN"),))
IN_BINH_PHUOC = Actor("person", "p_2", grants=(Grant(Role.DIRECTOR, "70"),))
# 25363 is a commune of Bình Phước (70), 26863 one of thành phố Hồ Chí Minh (79).
FOUND = (
    ("beds", "25363", NOW, "Thiếu giường bệnh", "Trạm y tế"),
    ("oxygen", "25363", NOW - timedelta(days=3), "Bình ô-xy còn 2 giờ", "Sở Y tế"),
    ("roster", "26863", NOW - timedelta(days=3), "Thiếu sổ trực", "Trạm y tế"),
    ("gate", "25363", NOW - timedelta(days=40), "Cổng không có người gác", ""),
)


@dataclass(frozen=True)
class Kept:
    """What calls left behind."""

    records: Records
    findings: Findings


@pytest.fixture
async def kept(store: Store, units: Units, access: Access, sites: Sites, clock: ManualClock) -> Kept:
    async def fill(unit: UnitOfWork) -> JsonObject:
        connection = await unit.connection()
        for number, (name, code, at, text, owner) in enumerate(FOUND):
            made = {"site": f"s_{code}", "unit": code, "at": at}
            call = make_id("i", to_millis(at), number)
            await connection.execute(
                inspections.insert(),
                {
                    **made,
                    "id": call,
                    "meeting": "m_1",
                    "caller": "p_1",
                    "caller_name": "An",
                    "answer": "auto",
                    "state": "ended",
                    "people": [],
                    "note": name,
                    "phoned": [],
                    "entered": 1,
                },
            )
            await connection.execute(
                findings.insert(),
                {
                    **made,
                    "id": make_id("f", to_millis(at), number),
                    "inspection": call,
                    "by": "p_1",
                    "by_name": "An",
                    "text": text,
                    "severity": "low",
                    "owner": owner,
                    "search": search_of(text, owner, None),
                },
            )
        return {}

    await store.write(fill)
    sight = Sight(store, units, access)
    return Kept(
        Records(store, sight, units, sites, timedelta(days=365)),
        Findings(store, sight, sites, clock, counted_ids()),
    )


def texts(page: Page) -> list[str]:
    return [found.text for found in page.rows]


async def test_findings_of_a_subtree_and_of_some_days_are_found_newest_first(kept: Kept) -> None:
    since, until = days("2021-08-30", "2021-09-05")
    week = await kept.findings.page(DIRECTOR, Asked("70", since, until))
    assert texts(week) == ["Thiếu giường bệnh", "Bình ô-xy còn 2 giờ"]
    assert (week.total, week.next) == (2, None)
    assert texts(await kept.findings.page(DIRECTOR, Asked("70", *days("2021-09-02", "2021-09-02")))) == [
        "Bình ô-xy còn 2 giờ"
    ]
    calls = await kept.records.page(DIRECTOR, Asked("70", since, until))
    assert len(calls.rows) == calls.total == 2


async def test_words_are_found_without_diacritics_in_what_was_found_and_who_mends_it(
    kept: Kept,
) -> None:
    assert texts(await kept.findings.page(DIRECTOR, Asked(text="THIEU giuong"))) == ["Thiếu giường bệnh"]
    assert texts(await kept.findings.page(DIRECTOR, Asked(text="y te thieu"))) == [
        "Thiếu giường bệnh",
        "Thiếu sổ trực",
    ]
    assert texts(await kept.findings.page(DIRECTOR, Asked(text="100%_"))) == []
    calls = await kept.records.page(DIRECTOR, Asked(text="o xy"))
    assert [row["unit"] for row in calls.rows] == ["25363"]
    files = await kept.findings.all(DIRECTOR, Asked(text="thieu"), None, False)
    assert [one.text for one in files] == ["Thiếu giường bệnh", "Thiếu sổ trực"]


async def test_pages_are_bounded_and_only_the_first_says_how_many_there_are(kept: Kept) -> None:
    first = await kept.findings.page(DIRECTOR, Asked(), limit=3)
    assert (len(first.rows), first.total) == (3, 4)
    rest = await kept.findings.page(DIRECTOR, Asked(), limit=3, after=first.next)
    assert (texts(rest), rest.total, rest.next) == (["Cổng không có người gác"], None, None)


async def test_a_province_finds_nothing_of_another(kept: Kept) -> None:
    assert "Thiếu sổ trực" not in texts(await kept.findings.page(IN_BINH_PHUOC, Asked(text="thieu")))
    with pytest.raises(Forbidden):
        await kept.findings.page(IN_BINH_PHUOC, Asked("79"))


async def test_findings_of_an_older_release_are_found_after_a_start(kept: Kept, store: Store) -> None:
    async def forget(unit: UnitOfWork) -> JsonObject:
        await (await unit.connection()).execute(update(findings).values(search=""))
        return {}

    await store.write(forget)
    assert texts(await kept.findings.page(DIRECTOR, Asked(text="giuong"))) == []
    await kept.findings.make_searchable()
    assert texts(await kept.findings.page(DIRECTOR, Asked(text="giuong"))) == ["Thiếu giường bệnh"]


def test_a_day_in_vietnam_begins_seven_hours_before_utc_and_the_last_one_counts() -> None:
    assert days("2021-09-05", "2021-09-05") == (
        datetime(2021, 9, 4, 17, tzinfo=UTC),
        datetime(2021, 9, 5, 17, tzinfo=UTC),
    )
    assert days(None, None) == (None, None)


@pytest.mark.parametrize(
    ("since", "until"),
    [("2021-09-06", "2021-09-05"), ("0001-01-01", None), (None, "9999-12-31"), ("05/09/2021", None)],
)
def test_days_that_are_none_are_refused(since: str | None, until: str | None) -> None:
    with pytest.raises(BadRequest):
        days(since, until)
