"""How much of a spreadsheet is taken, and what is said of one that is not."""

from dataclasses import dataclass
from typing import ClassVar, Final

from diemcau.errors import DiemCauError

MAX_FILE: Final = 8 << 20
"""Bytes of a file; 10,000 rows of 12 columns are 1 MB of .xlsx and 2 MB of .csv."""

MAX_ROWS: Final = 20_000
MAX_COLUMNS: Final = 60
MAX_SHEETS: Final = 50
MAX_CELL: Final = 1_000
"""Characters of one cell."""

MAX_TEXT: Final = 16 << 20
"""Characters of all cells together."""

MAX_MERGED: Final = 20_000
"""Merged ranges of one sheet."""

MAX_PARTS: Final = 2_000
MAX_INFLATED: Final = 128 << 20
"""Bytes of all parts of an .xlsx, unpacked: counted by unpacking, not by what the archive says."""

MAX_RATIO: Final = 200
"""Unpacked to packed, of a part above 4 MB. Sheets of one repeated row come to some 60."""


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet. `rows`: cells as text, all rows of `width` cells, without empty rows; `numbers`: each one's
    number in the file, from 1. `sheets`: names of all the file's sheets (a .csv has one, "")."""

    sheets: tuple[str, ...]
    sheet: str
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...]
    width: int


class BadSheet(DiemCauError):
    """The file cannot be read. Details: `reason`: "kind" (neither .xlsx nor text), "old" (an .xls, or locked
    with a password), "damaged", "encoding", "too_large" (more than is taken, packed or unpacked), "sheet" (no
    such sheet), "empty"."""

    code: ClassVar[str] = "bad_sheet"
    status: ClassVar[int] = 422
    default: ClassVar[str] = "The file cannot be read."

    @property
    def reason(self) -> str:
        """Why."""
        return str(self.details.get("reason", "damaged"))
