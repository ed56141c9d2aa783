"""Connection sheets: what stands on them, jobs that change nothing until they are whole."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader

from diemcau.access import SYSTEM, Actor, Grant, Role
from diemcau.app import Rooms, open_rooms
from diemcau.clock import ManualClock
from diemcau.config import Settings
from diemcau.errors import BadCode, BadRequest, Busy, Forbidden, WrongState
from diemcau.press import workers
from diemcau.press.workers import PrintFailed
from diemcau.rollout.sheets import jobs as jobs_module
from diemcau.rollout.sheets.jobs import NothingToPrint, SheetJob, SheetJobNotFound, Wanted
from diemcau.rollout.sheets.render import Sheet, render
from diemcau.sites import NewSite, SiteNotFound
from diemcau.units import UnitNotFound
from tests.pdf import qr_codes

PROVINCE = "70"
BASE = "https://cau.test"
TECHNICIAN = Actor("person", "p_1", grants=(Grant(Role.TECHNICIAN, PROVINCE),))
ELSEWHERE = Actor("person", "p_2", grants=(Grant(Role.TECHNICIAN, "92"),))


def sheet(n: int = 0, **changes: str) -> Sheet:
    said = {
        "site": f"s_{n}",
        "place": "Tỉnh Bình Phước",
        "path": "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước",
        "label": "Điểm cầu xã Tân Lợi",
        "code": "K7QF-9TXM-4RHA",
        "link": f"{BASE}/vao#code=K7QF-9TXM-4RHA",
        "address": "cau.test/vao",
        "until": "23:59 09/12/2026",
        "hotline": "0912 345 678",
        "printed": "25/11/2026 18:00",
    }
    return Sheet(**{**said, **changes})


def words(pdf: bytes | Path) -> list[str]:
    """The text of every page."""
    reader = PdfReader(BytesIO(pdf) if isinstance(pdf, bytes) else pdf)
    return [" ".join(page.extract_text().split()) for page in reader.pages]


def test_a_sheet_says_everything_in_vietnamese_on_one_a4_page() -> None:
    made = render([sheet()])
    [page] = PdfReader(BytesIO(made)).pages
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
    [text] = words(made)
    for said in (
        "PHIẾU KẾT NỐI",
        "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước",
        "Điểm cầu xã Tân Lợi",
        "0912 345 678",
        "23:59 09/12/2026",
        "cau.test/vao",
        "Không chụp ảnh phiếu gửi đi",
    ):
        assert said in text, text
    assert all(group in text.replace(" ", "") for group in ("K7QF", "9TXM", "4RHA"))


@pytest.mark.parametrize(
    "label",
    ["#panic()", "*đậm* _x_ $1$ @a <b> [x] \\ `", '"; system("x")', "Ệ" * 200, "Nhà văn hoá " * 16, "&<>'"],
)
def test_words_are_shown_and_never_read_as_markup(label: str) -> None:
    [text] = words(render([sheet(label=label)]))
    assert label.split()[0][:20] in text.replace(" ", "") or label.split()[0] in text


def test_a_sheet_stays_one_page_whatever_is_long() -> None:
    long = sheet(
        label="Hội trường Ủy ban " * 11, path="thị trấn Nông trường Mộc Châu, " * 6, hotline="9" * 60
    )
    assert len(words(render([long, sheet(1)]))) == 2


@pytest.fixture
async def rooms(tmp_path: Path, clock: ManualClock) -> AsyncIterator[Rooms]:
    async with open_rooms(Settings(data=tmp_path, hotline="1900 1234"), clock) as opened:
        new = [NewSite(unit.code, f"Điểm cầu {unit.label}") for unit in opened.units.children(PROVINCE)]
        await opened.sites.create(SYSTEM, [*new, NewSite("92", "Điểm cầu Cần Thơ", id="s_92")])
        yield opened


async def ended(rooms: Rooms, job: SheetJob, actor: Actor = TECHNICIAN) -> SheetJob:
    assert job.task is not None
    await job.task
    return await rooms.sheets.get(actor, job.id)


async def test_a_province_gets_its_sheets_in_order_and_every_code_is_good(rooms: Rooms) -> None:
    job = await ended(rooms, await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE)))
    assert (job.state, job.done, job.total) == ("ready", 11, 11)
    path = await rooms.sheets.take(TECHNICIAN, job.id)
    assert path.stat().st_mode & 0o777 == 0o600 and path.parent.stat().st_mode & 0o777 == 0o700
    pages = words(path)
    labels = [f"Điểm cầu {unit.label}" for unit in rooms.units.children(PROVINCE)]
    assert [label for label, page in zip(labels, pages, strict=True) if label in page] == labels
    assert all("1900 1234" in page for page in pages)
    for page, found in zip(pages, qr_codes(path), strict=True):
        code = "".join(page.split("Mã kích hoạt ")[1].split("Không quét")[0].split())
        assert found == [f"{BASE}/vao#code={code[:4]}-{code[4:8]}-{code[8:]}"]
        activation = await rooms.access.activate(code, address="a")
        assert activation.site in page
    await rooms.sheets.fetched(TECHNICIAN, job.id)
    assert not path.exists()
    with pytest.raises(WrongState):
        await rooms.sheets.take(TECHNICIAN, job.id)


async def test_sites_that_are_activated_need_no_sheet_unless_it_is_asked_for(rooms: Rooms) -> None:
    first, second = (site.id for site in (await rooms.sites.find(SYSTEM, unit=PROVINCE, limit=2)).sites)
    [issued] = await rooms.sites.issue_codes(SYSTEM, [first])
    device = await rooms.access.activate(issued.code, address="a")
    job = await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, sites=(first, second)))
    assert (await ended(rooms, job)).total == 1
    with pytest.raises(NothingToPrint):
        await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, sites=(first,)))
    again = Wanted(BASE, sites=(first,), only_new=False)
    await ended(rooms, await rooms.sheets.begin(TECHNICIAN, again))
    assert (await rooms.access.site_of_device(device.credential)).site == first
    now = Wanted(BASE, sites=(first,), only_new=False, end_devices=True)
    await ended(rooms, await rooms.sheets.begin(SYSTEM, now), SYSTEM)
    assert (await rooms.access.device_states([first]))[first].activated_at is None


async def test_a_job_that_is_stopped_has_changed_nothing(rooms: Rooms) -> None:
    [site] = (await rooms.sites.find(SYSTEM, unit=PROVINCE, limit=1)).sites
    [earlier] = await rooms.sites.issue_codes(SYSTEM, [site.id])
    job = await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE))
    await asyncio.sleep(0)
    assert (await rooms.sheets.cancel(TECHNICIAN, job.id)).state == "cancelled"
    assert list(job.path.parent.iterdir()) == []
    assert (await rooms.access.activate(earlier.code, address="a")).site == site.id
    assert (await rooms.sites.count_devices([jobs_module.ScopeEntry(PROVINCE, ("district",))])) == (11, 1, 0)


async def test_a_job_that_issues_its_codes_is_not_stopped_any_more(
    rooms: Rooms, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, issuing = rooms.sites.store_codes, asyncio.Event()

    async def slowly(*arguments: Any) -> None:
        issuing.set()
        await asyncio.sleep(0)
        await store(*arguments)

    monkeypatch.setattr(rooms.sites, "store_codes", slowly)
    job = await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE))
    await issuing.wait()
    assert (await rooms.sheets.cancel(TECHNICIAN, job.id)).state == "ready"
    assert job.path.exists()
    scope = [jobs_module.ScopeEntry(PROVINCE, ("district",))]
    assert (await rooms.sites.count_devices(scope)) == (11, 0, 11)


async def test_a_job_whose_workers_die_issues_nothing(rooms: Rooms, monkeypatch: pytest.MonkeyPatch) -> None:
    async def dying(*_: object) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            "/bin/false", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
        )

    monkeypatch.setattr(workers, "_start", dying)
    job = await ended(rooms, await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE)))
    assert (job.state, job.error) == ("failed", PrintFailed.code)
    assert list(job.path.parent.iterdir()) == []
    total, activated, waiting = await rooms.sites.count_devices(
        [jobs_module.ScopeEntry(PROVINCE, ("district",))]
    )
    assert (total, activated, waiting) == (11, 0, 0)


async def test_who_may_not_issue_codes_gets_no_sheets_and_nobody_gets_anothers(rooms: Rooms) -> None:
    director = Actor("person", "p_3", grants=(Grant(Role.DIRECTOR, "VN"),))
    for actor in (ELSEWHERE, director, Actor("site", "s_92")):
        for wanted in (Wanted(BASE, PROVINCE), Wanted(BASE, sites=("s_92", await _site(rooms)))):
            with pytest.raises(Forbidden):
                await rooms.sheets.begin(actor, wanted)
    job = await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE))
    for call in (rooms.sheets.get, rooms.sheets.cancel, rooms.sheets.take):
        with pytest.raises(SheetJobNotFound):
            await call(ELSEWHERE, job.id)
    await rooms.sheets.cancel(TECHNICIAN, job.id)


async def _site(rooms: Rooms) -> str:
    return (await rooms.sites.find(SYSTEM, unit=PROVINCE, limit=1)).sites[0].id


async def test_what_makes_no_sense_is_refused(rooms: Rooms) -> None:
    for wanted, error in (
        (Wanted(BASE), BadRequest),
        (Wanted(BASE, PROVINCE, ("s_92",)), BadRequest),
        (Wanted(BASE, "none"), UnitNotFound),
        (Wanted(BASE, sites=("s_none",)), SiteNotFound),
        (Wanted(BASE, PROVINCE, ttl=timedelta(0)), BadRequest),
    ):
        with pytest.raises(error):
            await rooms.sheets.begin(SYSTEM, wanted)


async def test_documents_are_few_and_go_when_nobody_fetches_them(
    rooms: Rooms, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs_module, "MAX_JOBS", 2)
    first = await ended(rooms, await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE)))
    second = await rooms.sheets.begin(SYSTEM, Wanted(BASE, "92"))
    with pytest.raises(Busy):
        await rooms.sheets.begin(SYSTEM, Wanted(BASE, "92"))
    await ended(rooms, second, SYSTEM)
    code = words(first.path)[0].split("Mã kích hoạt ")[1].split("Không quét")[0]
    clock.advance(31 * 60)
    assert (await rooms.sheets.get(TECHNICIAN, first.id)).state == "expired"
    assert not first.path.exists()
    # The paper may have been printed all the same: its codes live as long as it says.
    await rooms.access.activate("".join(code.split()), address="a")
    clock.advance(14 * 86_400)
    with pytest.raises(SheetJobNotFound):
        await rooms.sheets.get(TECHNICIAN, first.id)


async def test_a_revoked_sheet_gets_nobody_in(rooms: Rooms) -> None:
    job = await ended(rooms, await rooms.sheets.begin(TECHNICIAN, Wanted(BASE, PROVINCE)))
    code = "".join(words(job.path)[0].split("Mã kích hoạt ")[1].split("Không quét")[0].split())
    site = (await rooms.sites.find(SYSTEM, unit=PROVINCE, limit=1)).sites[0].id
    assert await rooms.sites.revoke_codes(TECHNICIAN, [site]) == 1
    with pytest.raises(BadCode) as refused:
        await rooms.access.activate(code, address="a")
    assert refused.value.details["reason"] == "revoked"


async def test_no_document_outlives_a_restart(tmp_path: Path) -> None:
    folder = tmp_path / "sheets"
    folder.mkdir()
    (folder / "left.pdf").write_bytes(b"%PDF")
    async with open_rooms(Settings(data=tmp_path)):
        assert list(folder.iterdir()) == []
