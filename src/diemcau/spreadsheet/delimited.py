"""Text files of cells as programs and people save them: several encodings, several delimiters."""

import codecs
import csv
import io
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

from diemcau.spreadsheet.bounds import MAX_CELL, MAX_COLUMNS, BadSheet, Table
from diemcau.spreadsheet.cells import clean, table_of

_DELIMITERS: Final = ",;\t|"
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_LOOKED_AT: Final = 40
"""Rows by which the delimiter is chosen."""


def decode(data: bytes) -> str:
    """UTF-8 with and without mark, UTF-16 of either order, else windows-1258 (Vietnamese before Unicode).

    Raises BadSheet (encoding, kind).
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _decoded(data, encoding)
    head = data[:4096]
    zeros = head[1::2].count(0), head[0::2].count(0)
    if max(zeros) > len(head) // 8:
        return _decoded(data, "utf-16-le" if zeros[0] > zeros[1] else "utf-16-be")
    if head.count(0):
        raise BadSheet("This is no text", reason="kind")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _decoded(data, "cp1258")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise BadSheet(f"The text is not {encoding}", reason="encoding") from None


def delimiter_of(text: str) -> str:
    """The sign that parts the first rows into the most cells, in as many rows as possible."""
    first, _, _ = text.partition("\n")
    if first.strip().lower().startswith("sep=") and len(first.strip()) == 5:
        return first.strip()[4]
    best, best_score = ",", 0
    for delimiter in _DELIMITERS:
        widths: dict[int, int] = {}
        with suppress(BadSheet):  # a quotation mark may open a cell for one delimiter only
            for row in islice(_records(io.StringIO(text, newline=""), delimiter), _LOOKED_AT):
                widths[len(row)] = widths.get(len(row), 0) + 1
        # Title rows have one cell: the width that most rows share counts, not the widest.
        score = max(((count * (width - 1)) for width, count in widths.items()), default=0)
        if score > best_score:
            best, best_score = delimiter, score
    return best


def read_delimited(data: bytes) -> Table:
    """The table. Raises BadSheet."""
    text = decode(data)
    delimiter = delimiter_of(text)

    def rows() -> Iterator[tuple[int, list[str]]]:
        for number, row in enumerate(_records(io.StringIO(text, newline=""), delimiter), start=1):
            if number == 1 and row and row[0].lower().startswith("sep="):
                continue
            if len(row) > 4 * MAX_COLUMNS:
                raise BadSheet(f"At most {MAX_COLUMNS} columns", reason="too_large")
            yield number, [clean(cell) for cell in row]

    return table_of(rows())


def _records(lines: io.StringIO, delimiter: str) -> Iterator[list[str]]:
    csv.field_size_limit(8 * MAX_CELL)
    try:
        yield from csv.reader(lines, delimiter=delimiter)
    except csv.Error as error:
        reason = "too_large" if "field limit" in str(error) else "damaged"
        raise BadSheet("A cell does not end", reason=reason) from None
