"""Sites as rows: making them, reading them, and the conditions that choose among them."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, false, or_, select

from diemcau.errors import BadRequest
from diemcau.sites.site import NewSite, PersonPresent, ScopeEntry, Site, SiteKind
from diemcau.sites.tables import sites
from diemcau.units import Level, Units
from diemcau.units.fold import fold

MAX_SCOPE: Final = 64
MAX_PHONES: Final = 10
MAX_PEOPLE: Final = 200
_ID: Final = re.compile(r"s_[A-Za-z0-9_-]{1,60}")
_WORDS: Final = 8
_LIKE: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


class Places:
    """The tree's pre-order as numbers: a subtree is a range of places."""

    def __init__(self, units: Units) -> None:
        self._units = units
        self._place = {unit.code: place for place, unit in enumerate(units)}

    def of(self, unit: str) -> int:
        """The unit's place. Raises UnitNotFound."""
        self._units.get(unit)
        return self._place[unit]

    def get(self, unit: str) -> int:
        """The unit's place, -1 when the tree does not have it."""
        return self._place.get(unit, -1)

    def inside(self, unit: str) -> ColumnElement[bool]:
        """The condition that a site stands in this subtree. Raises UnitNotFound."""
        first = self.of(unit)
        size = sum(self._units.level_counts(unit).values())
        return sites.c.place.between(first, first + size - 1)

    def inside_any(self, units: Collection[str]) -> ColumnElement[bool]:
        """The condition that a site stands in one of these subtrees."""
        return or_(false(), *(self.inside(unit) for unit in units))

    def in_scope(self, scope: Sequence[ScopeEntry]) -> ColumnElement[bool]:
        """The condition that the scope names a site. Raises UnitNotFound, BadRequest."""
        if not 1 <= len(scope) <= MAX_SCOPE:
            raise BadRequest(f"a scope has 1 to {MAX_SCOPE} entries", field="scope")
        conditions = []
        for entry in scope:
            unknown = set(entry.levels) - set(Level)
            if unknown or not entry.levels:
                raise BadRequest("a scope's levels are nation, province, district, commune", field="scope")
            conditions.append(self.inside(entry.unit) & sites.c.level.in_(entry.levels))
        return or_(*conditions)


def has_words(text: str) -> ColumnElement[bool] | None:
    """The condition that every word of the text begins a word of the site's; None for no words."""
    words = fold(text[:200]).split()[:_WORDS]
    found: ColumnElement[bool] | None = None
    for word in words:
        has = sites.c.search.like(f"% {word.translate(_LIKE)}%", escape="\\")
        found = has if found is None else found & has
    return found


def is_id(text: str) -> bool:
    """Whether it can be a site's id at all."""
    return _ID.fullmatch(text) is not None


def row_of(new: NewSite, site_id: str, units: Units, places: Places) -> dict[str, object]:
    """The row of a new site. Raises UnitNotFound, BadRequest."""
    unit = units.get(new.unit)
    label = _words(new.label, "label", 200)
    if not _ID.fullmatch(site_id):
        raise BadRequest("a site's id is s_ and 1 to 60 letters, digits, _ or -", field="id")
    if len(new.phones) > MAX_PHONES or len(new.people) > MAX_PEOPLE:
        raise BadRequest(f"a site has at most {MAX_PHONES} phones and {MAX_PEOPLE} people", field="phones")
    path = units.path_text(new.unit)
    return {
        "id": site_id,
        "unit": unit.code,
        "place": places.of(unit.code),
        "level": unit.level.value,
        "label": label,
        "search": f" {fold(f'{unit.code} {label} {path}')}",
        "kind": SiteKind(new.kind).value,
        "carrier": None if new.carrier is None else _words(new.carrier, "carrier", 100),
        "phones": [_words(phone, "phones", 40) for phone in new.phones],
        "people": [
            {
                "name": _words(person.name, "people", 200),
                "title": None if person.title is None else _words(person.title, "people", 200),
            }
            for person in new.people
        ],
    }


def site_of(row: Row[Any], units: Units) -> Site:
    """The site of a row."""
    return Site(
        row.id,
        row.unit,
        row.label,
        SiteKind(row.kind),
        units.path_text(row.unit) if row.unit in units else row.unit,
        row.carrier,
        tuple(row.phones),
        tuple(PersonPresent(person["name"], person["title"]) for person in row.people),
    )


def cursor_of(row: Row[Any]) -> str:
    """The cursor after this row."""
    return f"{row.place}:{row.id}"


def after(cursor: str) -> ColumnElement[bool]:
    """The condition that a row comes after the cursor. Raises BadRequest."""
    place, _, site_id = cursor.partition(":")
    if not (place.isdecimal() and place.isascii() and len(place) < 10 and _ID.fullmatch(site_id)):
        raise BadRequest("this is no cursor of ours", field="after")
    return (sites.c.place > int(place)) | ((sites.c.place == int(place)) & (sites.c.id > site_id))


def in_order() -> Select[Any]:
    """All sites in the order of their units."""
    return select(sites).order_by(sites.c.place, sites.c.id)


def _words(text: str, field: str, limit: int) -> str:
    clean = " ".join(text.split())
    if not 1 <= len(clean) <= limit or not clean.isprintable():
        raise BadRequest(f"{field} has 1 to {limit} characters", field=field)
    return clean
