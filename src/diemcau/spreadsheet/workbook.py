"""Workbooks (.xlsx): the archive is checked before anything reads the sheet. Formulas are never worked out:
a cell is what the program that saved the file last found."""

import io
import zipfile
import zlib
from collections.abc import Iterator
from typing import Final

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from diemcau.spreadsheet.bounds import (
    MAX_COLUMNS,
    MAX_INFLATED,
    MAX_MERGED,
    MAX_PARTS,
    MAX_RATIO,
    MAX_ROWS,
    MAX_SHEETS,
    BadSheet,
    Table,
)
from diemcau.spreadsheet.cells import table_of, text_of

ZIP: Final = b"PK\x03\x04"
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_SMALL: Final = 4 << 20
_CHUNK: Final = 1 << 20


def check_archive(data: bytes) -> None:
    """Unpacks every part once, counting. Raises BadSheet (too_large, damaged, kind)."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if len(parts) > MAX_PARTS:
                raise BadSheet(f"At most {MAX_PARTS} parts", reason="too_large")
            if "xl/workbook.xml" not in {part.filename.lower() for part in parts}:
                raise BadSheet("The archive is no workbook", reason="kind")
            total = 0
            for part in parts:
                with archive.open(part) as opened:
                    size = 0
                    while chunk := opened.read(_CHUNK):
                        size += len(chunk)
                        total += len(chunk)
                        heavy = size > _SMALL and size > MAX_RATIO * max(1, part.compress_size)
                        if total > MAX_INFLATED or heavy:
                            raise BadSheet("Unpacked it is too large", reason="too_large")
                if size != part.file_size:
                    raise BadSheet("The archive says other sizes than it has", reason="damaged")
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise BadSheet(reason="damaged") from None


def read_workbook(data: bytes, wanted: str | None) -> Table:
    """The sheet of this name, else the first that holds anything. Raises BadSheet."""
    check_archive(data)
    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = tuple(workbook.sheet_names)
        if not 1 <= len(names) <= MAX_SHEETS:
            raise BadSheet(f"1 to {MAX_SHEETS} sheets", reason="too_large" if names else "empty")
        if wanted is not None and wanted not in names:
            raise BadSheet("There is no such sheet", reason="sheet")
        for name in names if wanted is None else (wanted,):
            sheet = workbook.get_sheet_by_name(name)
            if sheet.start is not None:
                return table_of(_rows(sheet), sheets=names, sheet=name)
    except (CalamineError, OSError, ValueError, IndexError, KeyError):
        raise BadSheet(reason="damaged") from None
    raise BadSheet("There is nothing in it", reason="empty")


def _rows(sheet: CalamineSheet) -> Iterator[tuple[int, list[str]]]:
    top, left = sheet.start or (0, 0)
    # Before its cells become objects; a sheet that is wide or long only in its corners costs nothing yet.
    if sheet.height > 4 * MAX_ROWS or left + sheet.width > MAX_COLUMNS:
        raise BadSheet(f"At most {MAX_ROWS} rows and {MAX_COLUMNS} columns", reason="too_large")
    spread = _spread(sheet)
    held: dict[tuple[int, int], str] = {}
    for offset, values in enumerate(sheet.iter_rows()):
        row = top + offset
        cells = [""] * left + [text_of(value) for value in values]
        for column, source in spread.get(row, ()):
            if source[0] == row and source[1] < len(cells):
                held[source] = cells[source[1]]
            cells += [""] * (column + 1 - len(cells))
            cells[column] = held.get(source, "")
        yield row + 1, cells


def _spread(sheet: CalamineSheet) -> dict[int, list[tuple[int, tuple[int, int]]]]:
    """Row -> (column, where the text of the merged range stands), so that a range's text is in all its cells:
    a heading over several columns, a commune over the rows of its people."""
    ranges = sheet.merged_cell_ranges or []
    if len(ranges) > MAX_MERGED:
        raise BadSheet("Too many merged cells", reason="too_large")
    spread: dict[int, list[tuple[int, tuple[int, int]]]] = {}
    top, cells = (sheet.start or (0, 0))[0], 0
    bottom = top + sheet.height
    for (row, column), (last_row, last_column) in ranges:
        last_row, last_column = min(last_row, bottom - 1), min(last_column, MAX_COLUMNS - 1)
        cells += max(0, last_row - row + 1) * max(0, last_column - column + 1)
        if cells > MAX_ROWS * MAX_COLUMNS:
            raise BadSheet("Too many merged cells", reason="too_large")
        for at_row in range(row, last_row + 1):
            for at_column in range(column, last_column + 1):
                spread.setdefault(at_row, []).append((at_column, (row, column)))
    return spread
