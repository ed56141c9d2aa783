"""The directory of sites: making, finding, choosing by scope, within grants."""

import time

import pytest

from diemcau.access import SYSTEM, Access, Actor, Grant, Role, site_actor
from diemcau.clock import ManualClock
from diemcau.errors import BadRequest, Conflict, Forbidden
from diemcau.sites import NewSite, PersonPresent, ScopeEntry, SiteChange, SiteKind, SiteNotFound, Sites
from diemcau.store import Store
from diemcau.units import Level, UnitNotFound, Units

BINH_PHUOC, DONG_PHU, TAN_LOI, DONG_NAI = "70", "695", "25378", "75"
SOME = (
    NewSite("VN", "Điểm cầu Trung ương", SiteKind.ROOM, "s_vn"),
    NewSite(BINH_PHUOC, "Điểm cầu tỉnh Bình Phước", id="s_70"),
    NewSite(DONG_PHU, "Điểm cầu huyện Đồng Phú", id="s_695"),
    NewSite(TAN_LOI, "Điểm cầu xã Tân Lợi", id="s_25378"),
    NewSite(TAN_LOI, "Trạm y tế xã Tân Lợi", id="s_25378b"),
    NewSite(DONG_NAI, "Điểm cầu tỉnh Đồng Nai", id="s_75"),
)


def technician(unit: str) -> Actor:
    return Actor("person", "p_1", grants=(Grant(Role.TECHNICIAN, unit),))


def ids(sites: object) -> list[str]:
    return [site.id for site in sites]  # type: ignore[attr-defined]


async def test_a_site_comes_back_as_it_was_made(sites: Sites, store: Store) -> None:
    new = NewSite(
        TAN_LOI,
        "  Điểm cầu   xã Tân Lợi ",
        carrier="VNPT",
        phones=("0271 1234567",),
        people=(PersonPresent("Nguyễn Văn A", "Chủ tịch UBND xã"), PersonPresent("Trần B")),
    )
    (made,) = await sites.create(SYSTEM, [new])
    assert made.label == "Điểm cầu xã Tân Lợi"
    assert made.path == "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước"
    assert (made.phones, made.people, made.carrier) == (new.phones, new.people, "VNPT")
    assert await sites.get(made.id) == made
    assert (await store.events("sites"))[0].data == {"sites": [made.id]}


async def test_making_needs_a_technician_of_all_units(sites: Sites) -> None:
    with pytest.raises(Forbidden):
        await sites.create(technician(BINH_PHUOC), [SOME[1], SOME[5]])
    assert await sites.count() == 0
    await sites.create(technician(BINH_PHUOC), SOME[1:5])
    assert await sites.count() == 4


async def test_what_is_changed_shows_and_only_names_of_fields_are_logged(sites: Sites, store: Store) -> None:
    await sites.create(SYSTEM, SOME)
    await sites.get("s_25378")  # held in memory from here on
    changes = [
        SiteChange("s_25378", phones=("0912 345 678",), people=(PersonPresent("A", "B"),)),
        SiteChange("s_25378b", label="Nhà văn hoá", kind=SiteKind.ROOM, carrier="VNPT"),
        SiteChange("s_75", label="Điểm cầu tỉnh Đồng Nai", carrier=""),
    ]
    changed = await sites.change(technician("VN"), changes)
    assert [site.phones for site in changed] == [("0912 345 678",), (), ()]
    assert (await sites.get("s_25378")).people == (PersonPresent("A", "B"),)
    assert ids((await sites.find(SYSTEM, text="van hoa")).sites) == ["s_25378b"]
    assert ids((await sites.find(SYSTEM, text="y te")).sites) == []
    _, event = await store.events("sites")
    assert event.type == "sites_changed"
    assert event.data == {
        "sites": {"s_25378": ["people", "phones"], "s_25378b": ["carrier", "kind", "label"]}
    }
    assert await sites.change(SYSTEM, changes) == changed
    assert len(await store.events("sites")) == 2
    assert (await sites.change(SYSTEM, [SiteChange("s_25378b", carrier=" ")]))[0].carrier is None


async def test_changing_needs_a_technician_of_all_units_and_is_all_or_none(sites: Sites) -> None:
    await sites.create(SYSTEM, SOME)
    both = [SiteChange("s_70", label="x"), SiteChange("s_75", label="y")]
    with pytest.raises(SiteNotFound):
        await sites.change(technician(BINH_PHUOC), both)
    seer = Actor("person", "p_2", grants=(Grant(Role.LEAD, "VN"),))
    with pytest.raises(Forbidden):
        await sites.change(seer, both)
    for bad in (SiteChange("s_75", label=""), SiteChange("s_75", phones=("1",) * 11)):
        with pytest.raises(BadRequest):
            await sites.change(SYSTEM, [both[0], bad])
    assert (await sites.get("s_70")).label == "Điểm cầu tỉnh Bình Phước"
    with pytest.raises(SiteNotFound):
        await sites.change(SYSTEM, [SiteChange("s_none", label="x")])


@pytest.mark.parametrize(
    ("site", "error"),
    [
        (NewSite("99999", "x"), UnitNotFound),
        (NewSite("VN", ""), BadRequest),
        (NewSite("VN", "x" * 201), BadRequest),
        (NewSite("VN", "x\x00y"), BadRequest),
        (NewSite("VN", "x", id="no"), BadRequest),
        (NewSite("VN", "x", id="s_1/../2"), BadRequest),
        (NewSite("VN", "x", phones=("1",) * 11), BadRequest),
        (NewSite("VN", "x", id="s_vn"), Conflict),
    ],
)
async def test_all_or_none_are_made(sites: Sites, site: NewSite, error: type[Exception]) -> None:
    await sites.create(SYSTEM, SOME[:1])
    with pytest.raises(error):
        await sites.create(SYSTEM, [NewSite("VN", "good"), site])
    assert await sites.count() == 1


async def test_finding_by_words_without_diacritics_in_the_order_of_units(sites: Sites) -> None:
    await sites.create(SYSTEM, SOME)

    async def found(text: str, unit: str | None = None) -> list[str]:
        return ids((await sites.find(SYSTEM, text=text, unit=unit)).sites)

    assert await found("") == ["s_vn", "s_70", "s_695", "s_25378", "s_25378b", "s_75"]
    assert await found("tan loi") == ["s_25378", "s_25378b"]
    assert await found("Y TẾ dong phu") == ["s_25378b"]
    assert await found("25378") == ["s_25378", "s_25378b"]
    assert await found("dong") == ["s_695", "s_25378", "s_25378b", "s_75"]
    assert await found("ong") == []
    assert await found("100% _ \\ ' \" ;--") == []
    assert await found("dong", unit=DONG_PHU) == ["s_695", "s_25378", "s_25378b"]
    assert await found("dong", unit="79") == []


async def test_grants_bound_what_is_found_and_seen(sites: Sites) -> None:
    await sites.create(SYSTEM, SOME)
    lead = Actor("person", "p_1", grants=(Grant(Role.LEAD, DONG_PHU), Grant(Role.DELEGATE, "VN")))
    assert ids((await sites.find(lead)).sites) == ["s_695", "s_25378", "s_25378b"]
    assert ids((await sites.find(lead, unit=BINH_PHUOC)).sites) == ["s_695", "s_25378", "s_25378b"]
    assert (await sites.find(lead, unit=DONG_NAI)).sites == ()
    for nobody in (Actor("person", "p_2"), site_actor("s_695")):
        assert (await sites.find(nobody)).sites == ()
    assert (await sites.see(lead, "s_695")).id == "s_695"
    assert (await sites.see(site_actor("s_75"), "s_75")).id == "s_75"
    strange = ((lead, "s_\x00"), (SYSTEM, "s_\ud800"))
    for actor, site in ((lead, "s_75"), (lead, "s_none"), (site_actor("s_75"), "s_695"), *strange):
        with pytest.raises(SiteNotFound):
            await sites.see(actor, site)


async def test_pages_give_every_site_once(sites: Sites) -> None:
    await sites.create(SYSTEM, SOME)
    seen: list[str] = []
    cursor: str | None = None
    for _ in range(3):
        page = await sites.find(SYSTEM, limit=2, after=cursor)
        seen += ids(page.sites)
        cursor = page.next
    assert cursor is None
    assert seen == ids((await sites.find(SYSTEM)).sites)


@pytest.mark.parametrize("cursor", ["", "x", "1:", ":s_1", "-1:s_1", "99999999999:s_1", "1:s_1'", "٣:s_1"])
async def test_a_strange_cursor_is_a_bad_request(sites: Sites, cursor: str) -> None:
    with pytest.raises(BadRequest):
        await sites.find(SYSTEM, after=cursor)


async def test_a_scope_names_each_site_once(sites: Sites) -> None:
    await sites.create(SYSTEM, SOME)

    async def chosen(*scope: ScopeEntry) -> list[str]:
        return ids(await sites.by_units(scope))

    every = tuple(level.value for level in Level)
    assert await chosen(ScopeEntry("VN", ("province",))) == ["s_70", "s_75"]
    assert await chosen(ScopeEntry("VN", ("nation",))) == ["s_vn"]
    assert await chosen(ScopeEntry(DONG_PHU, every), ScopeEntry(BINH_PHUOC, every)) == [
        "s_70", "s_695", "s_25378", "s_25378b",
    ]  # fmt: skip
    assert await chosen(ScopeEntry(TAN_LOI, ("district",))) == []
    for wrong in (
        (),
        (ScopeEntry("VN", ()),),
        (ScopeEntry("VN", ("planet",)),),
        (ScopeEntry("VN", every),) * 65,
    ):
        with pytest.raises(BadRequest):
            await sites.by_units(wrong)
    with pytest.raises(UnitNotFound):
        await chosen(ScopeEntry("99999", every))


async def test_a_subtree_ends_where_the_next_begins(sites: Sites, units: Units) -> None:
    tree = [unit.code for unit in units]
    last = [unit.code for unit in units.subtree(DONG_PHU)][-1]
    around = (tree[tree.index(DONG_PHU) - 1], DONG_PHU, last, tree[tree.index(last) + 1])
    made = await sites.create(SYSTEM, [NewSite(code, code) for code in around])
    assert (await sites.find(SYSTEM, unit=DONG_PHU)).sites == made[1:3]


async def test_sites_at_units(sites: Sites) -> None:
    await sites.create(SYSTEM, SOME)
    assert await sites.ids_at([TAN_LOI, DONG_NAI, "79"]) == {
        TAN_LOI: ("s_25378", "s_25378b"),
        DONG_NAI: ("s_75",),
    }


async def test_codes_are_issued_for_sites_that_exist(sites: Sites, access: Access) -> None:
    await sites.create(SYSTEM, SOME)
    issued = await sites.issue_codes(technician(DONG_PHU), ["s_695", "s_25378"])
    assert (await access.activate(issued[1].code, address="a")).site == "s_25378"
    with pytest.raises(Forbidden):
        await sites.issue_codes(technician(DONG_PHU), ["s_75"])
    with pytest.raises(SiteNotFound):
        await sites.issue_codes(SYSTEM, ["s_none"])
    assert await sites.revoke_codes(technician(DONG_PHU), ["s_695"]) == 1


async def test_another_dataset_puts_sites_at_other_places(
    store: Store, access: Access, sites: Sites, clock: ManualClock
) -> None:
    await sites.create(SYSTEM, SOME)
    assert await sites.start() == 0
    later = Units.load("2025-07")
    moved = Sites(store, later, access, clock)
    assert await moved.start() > 0
    # Bình Phước has been merged into Đồng Nai: sites of units that are no more stand in no subtree.
    found = ids(await moved.by_units([ScopeEntry("VN", ("nation", "province"))]))
    assert "s_vn" in found
    assert await sites.start() > 0
    assert ids(await sites.by_units([ScopeEntry(BINH_PHUOC, ("province",))])) == ["s_70"]


async def test_ten_thousand_sites_in_seconds(sites: Sites, units: Units) -> None:
    started = time.monotonic()
    new = [NewSite(unit.code, f"Điểm cầu {unit.label}") for unit in units][:10_000]
    made = await sites.create(SYSTEM, new)
    assert len({site.id for site in made}) == 10_000
    # A bound against quadratic work, generous for a loaded machine; the figure is in bench/.
    assert time.monotonic() - started < 20
    assert len((await sites.find(SYSTEM, limit=1000)).sites) == 1000
