"""Where a list's heading is: below title rows, perhaps of two rows, perhaps with a row of numbers below."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from diemcau.errors import BadRequest
from diemcau.rollout.fields import PLACES, Field, guess
from diemcau.spreadsheet import Table

LOOKED_AT: Final = 40
_NUMBERING: Final = re.compile(r"\(?\d{1,2}\)?|\(?[A-Da-d]\)?")


@dataclass(frozen=True, slots=True)
class Heading:
    """`first`, `end`: the heading's rows as indexes into the table's (end: the first row of data). `titles`:
    of every column. `columns`: what each holds, None for what is not taken."""

    first: int
    end: int
    titles: tuple[str, ...]
    columns: tuple[Field | None, ...]

    def at(self, field: Field) -> tuple[int, ...]:
        """The columns that hold this."""
        return tuple(index for index, one in enumerate(self.columns) if one is field)


def find(table: Table) -> Heading:
    """The heading whose columns mean most; of equals the upper one, and the shorter."""
    best = Heading(0, 1, titles_of(table, 0, 1), (None,) * table.width)
    best_score = 0
    for first in range(min(LOOKED_AT, len(table.rows))):
        for height in (1, 2, 3):
            if first + height > len(table.rows):
                break
            if height > 1 and not (_parted(table, first) and _belongs(table, first + height - 1)):
                break
            titles = titles_of(table, first, first + height)
            columns = _once([guess(title) for title in titles])
            score = len({column for column in columns if column is not None})
            if score > best_score and score >= 2 and any(column in PLACES for column in columns):
                best, best_score = Heading(first, first + height, titles, columns), score
    return _below_numbering(table, best)


def chosen(table: Table, first: int, end: int, columns: Mapping[int, Field | None]) -> Heading:
    """The heading as the operator says: rows `first` to `end` (indexes), and what each column holds.

    Raises BadRequest: no such rows or columns, one field over two columns, or nothing that names a place.
    """
    if not (0 <= first <= end <= len(table.rows) and end - first <= 5):
        raise BadRequest("The heading has at most 5 rows inside the list", field="heading")
    if any(not 0 <= index < table.width for index in columns):
        raise BadRequest("There is no such column", field="columns")
    found = tuple(columns.get(index) for index in range(table.width))
    doubled = [field for field in set(found) - {None, Field.PHONE} if found.count(field) > 1]
    if doubled:
        raise BadRequest(f"Two columns hold {doubled[0]}", field="columns")
    return Heading(first, end, titles_of(table, first, end), found)


def guessed(table: Table, first: int, end: int) -> dict[int, Field | None]:
    """What the columns hold, by the titles in these rows."""
    return dict(enumerate(_once([guess(title) for title in titles_of(table, first, end)])))


def titles_of(table: Table, first: int, end: int) -> tuple[str, ...]:
    """Each column's words, from the upper row to the lower one, repeated ones once."""
    titles = []
    for column in range(table.width):
        words = dict.fromkeys(" ".join(row[column].split()) for row in table.rows[first:end])
        titles.append(" ".join(word for word in words if word)[:200])
    return tuple(titles)


def _parted(table: Table, index: int) -> bool:
    """Whether the row is more than one text: a title fills a row alone."""
    return len({cell for cell in table.rows[index] if cell}) > 1


def _belongs(table: Table, index: int) -> bool:
    """Whether this row may be a lower part of a heading: words that mean columns, no figures."""
    cells = [cell for cell in table.rows[index] if cell]
    named = sum(guess(cell) is not None for cell in set(cells))
    return named * 2 >= len(set(cells)) and not any(cell[0].isdigit() or len(cell) > 60 for cell in cells)


def _once(columns: Sequence[Field | None]) -> tuple[Field | None, ...]:
    seen: set[Field] = set()
    found: list[Field | None] = []
    for column in columns:
        taken = column in seen and column is not Field.PHONE
        found.append(None if taken else column)
        if column is not None:
            seen.add(column)
    return tuple(found)


def _below_numbering(table: Table, heading: Heading) -> Heading:
    """Forms number their columns "(1) (2) (3)" under the heading: that row is no data."""
    if heading.end < len(table.rows):
        cells = [cell for cell in table.rows[heading.end] if cell]
        if len(cells) >= 3 and len(set(cells)) == len(cells) and all(map(_NUMBERING.fullmatch, cells)):
            return Heading(heading.first, heading.end + 1, heading.titles, heading.columns)
    return heading
