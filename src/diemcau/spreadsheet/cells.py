"""One cell as text, however the file held it, and rows of them within bounds."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable
from typing import Any, Final

from diemcau.spreadsheet.bounds import MAX_CELL, MAX_COLUMNS, MAX_ROWS, MAX_TEXT, BadSheet, Table

# Controls and characters that show nothing: no-break space and its kin become spaces, the others vanish.
_SPACES: Final = re.compile("[\t\u00a0\u2000-\u200a\u202f\u205f\u3000]")
_UNSEEN: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_QUOTED: Final = re.compile(r"'(?=[=+\-@\t\r\n])")


def text_of(value: Any) -> str:
    """The cell as a person reads it: whole numbers without ".0", a formula's last result."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    return "" if value is None else clean(str(value))


def clean(text: str) -> str:
    """Composed (NFC), without unseen characters, trimmed; lines stay. The apostrophe that `neutral` puts
    before a formula goes. Raises BadSheet for a cell that is longer than is taken."""
    if len(text) > 8 * MAX_CELL:
        raise BadSheet("A cell is too long", reason="too_large")
    if text.isascii() and text.isprintable():
        found = text.strip()
    else:
        lines = text.replace("\r\n", "\n").replace("\r", "\n")
        # Half a surrogate pair cannot be stored or sent.
        whole = lines.encode("utf-8", "ignore").decode("utf-8")
        found = _UNSEEN.sub("", _SPACES.sub(" ", unicodedata.normalize("NFC", whole))).strip()
    if len(found) > MAX_CELL:
        raise BadSheet("A cell is too long", reason="too_large")
    return found[1:] if _QUOTED.match(found) else found


def table_of(
    rows: Iterable[tuple[int, list[str]]], *, sheets: tuple[str, ...] = ("",), sheet: str = ""
) -> Table:
    """The table of numbered rows, empty ones left out. Raises BadSheet (too_large, empty)."""
    kept: list[list[str]] = []
    numbers: list[int] = []
    characters = width = 0
    for number, row in rows:
        while row and not row[-1]:
            row.pop()
        if not row:
            continue
        characters += sum(map(len, row))
        width = max(width, len(row))
        kept.append(row)
        numbers.append(number)
        if len(kept) > MAX_ROWS or width > MAX_COLUMNS or characters > MAX_TEXT:
            raise BadSheet(f"At most {MAX_ROWS} rows and {MAX_COLUMNS} columns", reason="too_large")
    if not kept:
        raise BadSheet("There is nothing in it", reason="empty")
    same = tuple(tuple(row + [""] * (width - len(row))) for row in kept)
    return Table(sheets, sheet, same, tuple(numbers), width)
