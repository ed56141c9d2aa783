"""The files that leave: rows that were not taken, with their reasons, and the directory of sites itself."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal, TypeAlias

from diemcau.rollout.fields import HEADINGS, IGNORED, Field
from diemcau.rollout.heading import Heading
from diemcau.rollout.reasons import Rejection
from diemcau.rollout.rows import KIND_WORDS
from diemcau.sites import Site
from diemcau.spreadsheet import MAX_COLUMNS, Table, write_csv, write_xlsx
from diemcau.units import Level, Units

Format: TypeAlias = Literal["xlsx", "csv"]
ROW, REASON = "Dòng", "Lý do"

_EXPORTED: Final = (
    Field.SITE,
    Field.UNIT_CODE,
    Field.PROVINCE,
    Field.DISTRICT,
    Field.COMMUNE,
    Field.LABEL,
    Field.KIND,
    Field.CARRIER,
    Field.PHONE,
    Field.EMAIL,
    Field.PERSON,
    Field.TITLE,
)
_WIDTHS: Final = (34, 10, 26, 26, 26, 36, 14, 14, 30, 34, 26, 30)
_COLUMNS: Final = {Level.PROVINCE: 2, Level.DISTRICT: 3, Level.COMMUNE: 4}


def write(
    columns: Sequence[str], rows: Iterator[Sequence[str]], form: Format, widths: Sequence[int]
) -> bytes:
    """The file of this form."""
    return write_xlsx(columns, rows, widths=widths) if form == "xlsx" else write_csv(columns, rows)


def rejected_file(table: Table, heading: Heading, rejections: Mapping[int, Rejection], form: Format) -> bytes:
    """The rows that were not taken as they came, row number and reason before each; mended it is a list of
    its own. What was taken from a column stands in its heading; columns that were not taken say so."""
    titles = []
    for title, field in zip(heading.titles, heading.columns, strict=True):
        words = HEADINGS[field] if field is not None else f"{IGNORED}{title.removeprefix(IGNORED)}".strip()
        titles.append(words if title or field is not None else "")
    # A mended file that comes again and again must not grow wider: its old numbers and reasons go.
    old = {f"{IGNORED}{ROW}", f"{IGNORED}{REASON}"}
    kept = [index for index, title in enumerate(titles) if title not in old][: MAX_COLUMNS - 2]

    def rows() -> Iterator[Sequence[str]]:
        for number, cells in zip(table.numbers, table.rows, strict=True):
            if number in rejections:
                yield (str(number), rejections[number].words, *(cells[index] for index in kept))

    columns = (ROW, REASON, *(titles[index] for index in kept))
    return write(columns, rows(), form, (7, 60, *(22 for _ in kept))[:26])


def sites_file(sites: Sequence[Site], units: Units, form: Format) -> bytes:
    """The directory: a row for each person of a site, one for a site without people. Read again it changes
    nothing."""

    def rows() -> Iterator[Sequence[str]]:
        for site in sites:
            cells = [site.id, site.unit, "", "", ""]
            if site.unit in units:
                for unit in (units.get(site.unit), *units.ancestors(site.unit)):
                    if unit.level in _COLUMNS:
                        cells[_COLUMNS[unit.level]] = unit.title
            cells += [site.label, KIND_WORDS[site.kind], site.carrier or ""]
            cells += ["; ".join(site.phones), "; ".join(site.emails)]
            for person in site.people or (None,):
                named = ("", "") if person is None else (person.name, person.title or "")
                yield (*cells, *named)

    return write([HEADINGS[field] for field in _EXPORTED], rows(), form, _WIDTHS)
