"""Tables as files that people open in their office programs: no cell of them can act."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

_ACTS: Final = ("=", "+", "-", "@")  # tabs and ends of lines in front of them go
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML 1.0 has no place for these


def neutral(text: str) -> str:
    """The text as one that an office program shows instead of working it out: an apostrophe stands before a
    sign that would begin a formula. Reading takes it away again."""
    shown = _ILLEGAL.sub("", text).strip()
    return f"'{shown}" if shown.startswith(_ACTS) else shown


@dataclass(frozen=True, slots=True)
class Sheet:
    """One sheet of a workbook. `preface`: rows above the heading. `widths`: characters."""

    name: str
    columns: Sequence[str]
    rows: Iterable[Sequence[str]]
    widths: Sequence[int] = ()
    preface: Sequence[Sequence[str]] = ()


def write_workbook(sheets: Iterable[Sheet]) -> bytes:
    """A workbook: on each sheet a bold heading that stays in view, rows of text."""
    # Loaded only here: the process that reads a file, and a server that writes none, need none of it.
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Font

    workbook = Workbook(write_only=True)
    for one in sheets:
        sheet = workbook.create_sheet(one.name)
        sheet.freeze_panes = f"A{len(one.preface) + 2}"
        for number, width in enumerate(one.widths):
            sheet.column_dimensions[chr(ord("A") + number)].width = width
        for line in one.preface:
            sheet.append([neutral(text) or None for text in line])
        heading = []
        for title in one.columns:
            cell = WriteOnlyCell(sheet, value=neutral(title))
            cell.font = Font(bold=True)
            heading.append(cell)
        sheet.append(heading)
        for row in one.rows:
            sheet.append([neutral(text) or None for text in row])
    made = io.BytesIO()
    workbook.save(made)
    return made.getvalue()


def write_xlsx(columns: Sequence[str], rows: Iterable[Sequence[str]], *, widths: Sequence[int] = ()) -> bytes:
    """A workbook with one sheet. `widths`: characters."""
    return write_workbook([Sheet("Điểm cầu", columns, rows, widths)])


def write_csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """The same as text: UTF-8 with its mark, semicolons: what Vietnamese office programs take for cells."""
    made = io.StringIO()
    writer = csv.writer(made, delimiter=";", lineterminator="\r\n")
    writer.writerow([neutral(title) for title in columns])
    for row in rows:
        writer.writerow([neutral(text) for text in row])
    return made.getvalue().encode("utf-8-sig", "ignore")
