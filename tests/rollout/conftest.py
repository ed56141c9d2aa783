"""Lists as administrations write them, and the rooms that take them."""

import io
from collections.abc import AsyncIterator, Callable

import pytest
from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from diemcau.access import Access
from diemcau.clock import ManualClock
from diemcau.rollout import Rollout
from diemcau.sites import Sites
from diemcau.spreadsheet import Table
from diemcau.spreadsheet.__main__ import parse
from diemcau.units import Units

Change = Callable[[Worksheet], None]


def book(*rows: tuple[object, ...], change: Change = lambda _: None) -> bytes:
    """An .xlsx with these rows."""
    workbook = Workbook()
    sheet = workbook.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    change(sheet)
    made = io.BytesIO()
    workbook.save(made)
    return made.getvalue()


def text(*rows: tuple[object, ...]) -> bytes:
    """The same as .csv."""
    return "\r\n".join(";".join("" if cell is None else str(cell) for cell in row) for row in rows).encode()


@pytest.fixture
async def rollout(units: Units, access: Access, sites: Sites, clock: ManualClock) -> AsyncIterator[Rollout]:
    # Reading in a process of its own is tested at its room and through the server's doors.
    async def in_this_process(data: bytes, *, sheet: str | None = None) -> Table:
        return parse(data, sheet)

    made = Rollout(units, access, sites, clock, reader=in_this_process)
    yield made
    await made.aclose()
