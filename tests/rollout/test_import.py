"""Lists become sites, and the same list again changes nothing."""

import asyncio
from dataclasses import replace

import pytest

from diemcau.access import SYSTEM, Actor, Grant, Role
from diemcau.clock import ManualClock
from diemcau.errors import Busy, Forbidden, WrongState
from diemcau.rollout import Field, ImportNotFound, Job, Rollout, Status
from diemcau.rollout.service import MAX_JOBS
from diemcau.sites import NewSite, PersonPresent, SiteKind, Sites
from diemcau.spreadsheet import BadSheet
from diemcau.spreadsheet.__main__ import parse
from diemcau.store import Store

from .conftest import book, text

HEAD = ("STT", "Tỉnh", "Huyện", "Xã", "Tên điểm cầu", "Điện thoại", "Họ và tên", "Chức vụ")
PLACE = ("Bình Phước", "Đồng Phú", "Tân Lợi")


def technician(unit: str = "70", who: str = "p_1") -> Actor:
    return Actor("person", who, grants=(Grant(Role.TECHNICIAN, unit),))


async def looked_through(rollout: Rollout, data: bytes, actor: Actor = SYSTEM) -> Job:
    job = await rollout.open(actor, "list.xlsx", data)
    return await rollout.settled(actor, job.id)


async def taken(rollout: Rollout, data: bytes, actor: Actor = SYSTEM) -> Job:
    job = await looked_through(rollout, data, actor)
    rollout.run(actor, job.id)
    return await rollout.settled(actor, job.id)


def counts(job: Job) -> tuple[int, int, int]:
    return job.counts.created, job.counts.changed, job.counts.same


def reasons(job: Job) -> dict[int, str]:
    return {row: one.code for row, one in job.all_rejections().items()}


async def test_rows_become_sites_with_their_people(rollout: Rollout, sites: Sites, store: Store) -> None:
    def change(sheet: object) -> None:
        sheet.merge_cells("A1:H1")  # type: ignore[attr-defined]
        sheet.merge_cells("D4:D5")  # type: ignore[attr-defined]
        for column in "BCE":
            sheet.merge_cells(f"{column}4:{column}5")  # type: ignore[attr-defined]

    data = book(
        ("DANH SÁCH ĐIỂM CẦU",),
        HEAD,
        (1, "Bình Phước", "Đồng Phú", None, "Phòng họp huyện", 912345678, "A", "Chủ tịch"),
        (2, *PLACE, None, "0912.345.678; +84 987654321", "B", "Chủ tịch"),
        (3, None, None, None, None, "0271 3879123", "C", None),
        (4, *PLACE, "Trạm y tế", None, "D\nE", "Bác sĩ\nY tá"),
        change=change,
    )
    job = await taken(rollout, data)
    assert job.status is Status.DONE
    assert counts(job) == (3, 0, 0)
    found = {site.label: site for site in (await sites.find(SYSTEM)).sites}
    room, second = found["Phòng họp huyện"], found["Trạm y tế"]
    first = found["Điểm cầu xã Tân Lợi"]
    assert (room.unit, room.phones) == ("695", ("0912 345 678",))
    assert first.unit == second.unit == "25378"
    assert first.phones == ("0912 345 678", "0987 654 321", "0271 387 9123")
    assert first.people == (PersonPresent("B", "Chủ tịch"), PersonPresent("C"))
    assert second.people == (PersonPresent("D", "Bác sĩ"), PersonPresent("E", "Y tá"))
    (event,) = await store.events("sites")
    assert event.type == "sites_created"
    again = await taken(rollout, data)
    assert counts(again) == (0, 0, 3)
    assert len(await store.events("sites")) == 1


async def test_a_changed_phone_changes_the_site_and_empty_cells_nothing(
    rollout: Rollout, sites: Sites
) -> None:
    await taken(rollout, text(HEAD, (1, *PLACE, "", "0912345678", "A", "Chủ tịch")))
    job = await taken(rollout, text(HEAD, (1, *PLACE, "", "0912 345 679", "", "")))
    assert counts(job) == (0, 1, 0)
    (site,) = (await sites.find(SYSTEM)).sites
    assert site.phones == ("0912 345 679",)
    assert site.people == (PersonPresent("A", "Chủ tịch"),)
    # A list without titles does not take them away.
    assert counts(await taken(rollout, text(HEAD, (1, *PLACE, "", "", "A", "")))) == (0, 0, 1)


async def test_a_site_is_itself_by_its_code_whatever_its_label(rollout: Rollout, sites: Sites) -> None:
    head = ("Mã điểm cầu", *HEAD[1:], "Loại")
    await taken(rollout, text(head, ("DC-1", *PLACE, "Một", "", "", "", "Phòng họp")))
    job = await taken(rollout, text(("Mã điểm cầu", "Tên điểm cầu"), ("DC-1", "Hai"), ("DC-2", "Ba")))
    assert counts(job) == (0, 1, 0)
    assert reasons(job) == {3: "no_unit"}
    site = await sites.get("s_DC-1")
    assert (site.label, site.kind) == ("Hai", SiteKind.ROOM)
    for row, code in (
        (("DC-1", "Bình Phước", "Đồng Phú", "Tân Tiến", "", "", "", "", ""), "site_elsewhere"),
        (("DC-9", *PLACE, "hai", "", "", "", ""), "label_taken"),
        (("a/b", *PLACE, "", "", "", "", ""), "bad_site_code"),
        (("DC-3", *PLACE, "", "12", "", "", ""), "bad_phone"),
        (("DC-3", *PLACE, "", "", '"A;B"', '"C;D;E"', ""), "people_and_titles"),
        (("DC-3", *PLACE, "", "", "", "", "tàu"), "bad_kind"),
        (("DC-3", *PLACE, "x" * 201, "", "", "", ""), "too_long"),
        (
            ("DC-3", *PLACE, "", ", ".join(f"09123456{n}" for n in range(10, 21)), "", "", ""),
            "too_many_phones",
        ),
    ):
        assert reasons(await taken(rollout, text(head, row))) == {2: code}
    assert await sites.count() == 1


async def test_rows_of_one_site_must_agree_and_a_site_comes_once(rollout: Rollout, sites: Sites) -> None:
    head = ("Mã điểm cầu", "Mã đơn vị", "Tên điểm cầu", "Nhà mạng")
    job = await taken(
        rollout,
        text(head, ("A", "25378", "X", "VNPT"), ("A", "25378", "x", "Viettel"), ("A", "25381", "X", "")),
    )
    assert reasons(job) == {3: "disagrees", 4: "disagrees"}
    job = await taken(rollout, text(head, ("A", "25378", "X", "FPT"), ("", "25378", "X", "CMC")))
    assert reasons(job) == {3: "disagrees"}
    assert (await sites.get("s_A")).carrier == "FPT"


async def test_two_sites_of_one_name_need_their_codes(rollout: Rollout, sites: Sites) -> None:
    await sites.create(SYSTEM, [NewSite("25378", "X", id="s_1"), NewSite("25378", "X", id="s_2")])
    assert reasons(await taken(rollout, text(("Mã đơn vị", "Tên điểm cầu"), ("25378", "X")))) == {
        2: "several_sites"
    }


async def test_what_is_ambiguous_is_asked_once_and_answers_are_remembered(
    rollout: Rollout, sites: Sites
) -> None:
    rows = [(n, "Bình Phước", "", "Xã Tân Lợi", f"Phòng {n}", "", "", "") for n in range(3)]
    job = await looked_through(rollout, text(HEAD, *rows, (9, "Bình Phước", "", "Qqq", "", "", "", "")))
    (key,) = [key for key in job.asking if "tân lợi" in key]
    assert job.asking[key].rows == [2, 3, 4]
    rollout.run(SYSTEM, job.id)
    await rollout.settled(SYSTEM, job.id)
    assert await sites.count() == 0
    assert reasons(job) == {2: "unit_ambiguous", 3: "unit_ambiguous", 4: "unit_ambiguous", 5: "unit_unknown"}
    await rollout.answer(SYSTEM, job.id, {key: "25378"})
    await rollout.settled(SYSTEM, job.id)
    assert not job.asking
    await rollout.map(SYSTEM, job.id, columns=dict(enumerate(job.heading.columns)))
    await rollout.settled(SYSTEM, job.id)
    assert not job.asking
    rollout.run(SYSTEM, job.id)
    await rollout.settled(SYSTEM, job.id)
    assert counts(job) == (3, 0, 0)
    assert {site.unit for site in (await sites.find(SYSTEM)).sites} == {"25378"}


@pytest.mark.parametrize("form", ["xlsx", "csv"])
async def test_rejected_rows_are_mended_and_imported_alone(rollout: Rollout, sites: Sites, form: str) -> None:
    data = book(
        ("TT", "Nơi", "Xã", "Số", "Ghi chú"),
        (1, "Đồng Phú", "Tân Lợi", "=1+1", "x"),
        (2, "Đồng Phú", "Tân Tiến", "0912345678", "=cmd"),
        (3, "Đồng Phú", "Tân Lập", "chưa có", "@y"),
        change=lambda sheet: sheet.__setitem__("D2", "'=1+1"),
    )
    job = await looked_through(rollout, data)
    columns = {1: Field.DISTRICT, 2: Field.COMMUNE, 3: Field.PHONE}
    await rollout.map(SYSTEM, job.id, heading=(1, 1), columns=columns)
    await rollout.settled(SYSTEM, job.id)
    rollout.run(SYSTEM, job.id)
    await rollout.settled(SYSTEM, job.id)
    assert counts(job) == (1, 0, 0)
    assert reasons(job) == {2: "bad_phone", 4: "bad_phone"}
    file = await rollout.rejected_file(SYSTEM, job.id, form)  # type: ignore[arg-type]
    table = parse(file, None)
    assert table.rows[0][:2] == ("Dòng", "Lý do")
    assert [row[0] for row in table.rows[1:]] == ["2", "4"]
    assert table.rows[1][1] == "Không phải số điện thoại: =1+1"
    mended = text(*(tuple(cell.replace("chưa có", "0987654321") for cell in row) for row in table.rows))
    again = await taken(rollout, mended)
    assert counts(again) == (1, 0, 0)
    # What is still wrong comes back as it was: the file does not grow with every round.
    once_more = parse(await rollout.rejected_file(SYSTEM, again.id, form), None)  # type: ignore[arg-type]
    assert once_more.rows[0] == table.rows[0]
    assert await sites.count() == 2


async def test_rows_outside_the_importers_subtree_are_rejected_alone(rollout: Rollout, sites: Sites) -> None:
    data = text(("Mã đơn vị", "Điện thoại"), ("25378", ""), ("26863", ""), ("VN", ""), ("695", ""))
    job = await taken(rollout, data, technician())
    assert counts(job) == (2, 0, 0)
    assert reasons(job) == {3: "outside", 4: "outside"}
    await sites.create(SYSTEM, [NewSite("26863", "Y", id="s_y")])
    other = text(("Mã điểm cầu", "Tên điểm cầu"), ("y", "Đổi tên"))
    assert reasons(await taken(rollout, other, technician())) == {2: "outside"}
    assert (await sites.get("s_y")).label == "Y"


async def test_nobody_else_sees_an_import_and_only_technicians_make_one(rollout: Rollout) -> None:
    data = text(("Mã đơn vị", "Điện thoại"), ("25378", ""))
    for nobody in (Actor("person", "p_2"), Actor("person", "p_3", grants=(Grant(Role.DIRECTOR, "VN"),))):
        with pytest.raises(Forbidden):
            await rollout.open(nobody, "x", data)
        with pytest.raises(Forbidden):
            await rollout.export(nobody, "csv")
    job = await looked_through(rollout, data, technician())
    with pytest.raises(ImportNotFound):
        rollout.get(technician(who="p_9"), job.id)


async def test_imports_are_few_and_forgotten(rollout: Rollout, clock: ManualClock) -> None:
    data = text(("Mã đơn vị", "Điện thoại"), ("25378", ""))
    own = [await looked_through(rollout, data, technician()) for _ in range(3)]
    with pytest.raises(ImportNotFound):
        rollout.get(technician(), own[0].id)
    for number in range(MAX_JOBS - 2):
        await looked_through(rollout, data, technician(who=f"p_x{number}"))
    with pytest.raises(Busy):
        await looked_through(rollout, data)
    clock.advance(601)
    await looked_through(rollout, data)
    with pytest.raises(ImportNotFound):
        rollout.get(technician(), own[1].id)
    with pytest.raises(BadSheet):
        await rollout.open(SYSTEM, "x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


async def test_a_run_is_stopped_between_batches_and_goes_on_where_it_was(
    rollout: Rollout, sites: Sites, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.rollout.work.BATCH", 2)
    rows = [(n, *PLACE, f"Phòng {n}", "", "", "") for n in range(7)]
    job = await looked_through(rollout, text(HEAD, *rows))
    made = sites.create

    async def stop_after_the_second(actor: Actor, new: list[NewSite]) -> object:
        if await sites.count() == 2:
            rollout.stop(SYSTEM, job.id)
        return await made(actor, new)

    monkeypatch.setattr(sites, "create", stop_after_the_second)
    rollout.run(SYSTEM, job.id)
    with pytest.raises(WrongState):
        rollout.run(SYSTEM, job.id)
    await rollout.settled(SYSTEM, job.id)
    assert job.status is Status.STOPPED
    assert (job.done, job.of, await sites.count()) == (4, 7, 4)
    assert reasons(job) == {6: "cancelled", 7: "cancelled", 8: "cancelled"}
    rollout.run(SYSTEM, job.id)
    await rollout.settled(SYSTEM, job.id)
    assert job.status is Status.DONE
    assert counts(job) == (3, 0, 4)
    assert not job.all_rejections()


async def test_two_runs_of_one_list_at_once_make_every_site_once(rollout: Rollout, sites: Sites) -> None:
    rows = [(n, *PLACE, f"Phòng {n}", "", "", "") for n in range(50)]
    jobs = [await looked_through(rollout, text(HEAD, *rows)) for _ in range(2)]
    for job in jobs:
        rollout.run(SYSTEM, job.id)
    await asyncio.gather(*(rollout.settled(SYSTEM, job.id) for job in jobs))
    assert sorted(job.counts.created for job in jobs) == [0, 50]
    assert await sites.count() == 50


@pytest.mark.parametrize("form", ["xlsx", "csv"])
async def test_what_was_exported_changes_nothing_when_it_comes_back(
    rollout: Rollout, sites: Sites, form: str
) -> None:
    people = (PersonPresent("=A", "-B"), PersonPresent("Lê Thị C"))
    new = [
        NewSite("VN", "Điểm cầu Trung ương", SiteKind.ROOM, phones=("080 44333", "0912.345.678")),
        NewSite("70", "Điểm cầu tỉnh", people=people, carrier="+VNPT", id="s_70"),
        NewSite("00001", "@Phúc Xá", SiteKind.FEED),
        NewSite("25378", "X"),
        NewSite("25378", "X"),
    ]
    new[0] = replace(new[0], phones=("0912.345.678",))
    await sites.create(SYSTEM, new)
    before = (await sites.find(SYSTEM)).sites
    data = await rollout.export(SYSTEM, form)  # type: ignore[arg-type]
    job = await taken(rollout, data)
    assert counts(job) == (0, 0, 5)
    assert not job.all_rejections()
    assert (await sites.find(SYSTEM)).sites == before
    own = parse(await rollout.export(technician(), form), None)  # type: ignore[arg-type]
    assert {row[1] for row in own.rows[1:]} == {"70", "25378"}
    inside = parse(await rollout.export(technician(), form, unit="VN"), None)  # type: ignore[arg-type]
    assert inside == own
