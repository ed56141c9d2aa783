"""Sites as rows: making them, reading them, and the conditions that choose among them."""

import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, bindparam, false, or_, select, update

from diemcau.errors import BadRequest
from diemcau.sites.email import email_of
from diemcau.sites.site import NewSite, PersonPresent, ScopeEntry, Site, SiteChange, SiteKind
from diemcau.sites.tables import sites
from diemcau.sites.words import searchable
from diemcau.units import Level, Units

MAX_SCOPE: Final = 64
MAX_PHONES: Final = 10
MAX_PEOPLE: Final = 200
MAX_EMAILS: Final = 5
_ID: Final = re.compile(r"s_[A-Za-z0-9_-]{1,60}")


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


def is_id(text: str) -> bool:
    """Whether it can be a site's id at all."""
    return _ID.fullmatch(text) is not None


def row_of(new: NewSite, site_id: str, units: Units, places: Places) -> dict[str, object]:
    """The row of a new site. Raises UnitNotFound, BadRequest."""
    unit = units.get(new.unit)
    label = _words(new.label, "label", 200)
    if not _ID.fullmatch(site_id):
        raise BadRequest("a site's id is s_ and 1 to 60 letters, digits, _ or -", field="id")
    return {
        "id": site_id,
        "unit": unit.code,
        "place": places.of(unit.code),
        "level": unit.level.value,
        "label": label,
        "search": _search(unit.code, label, units),
        "kind": SiteKind(new.kind).value,
        "carrier": None if new.carrier is None else _words(new.carrier, "carrier", 100),
        "phones": _phones(new.phones),
        "people": _people(new.people),
        "emails": _emails(new.emails),
    }


def values_of(change: SiteChange, site: Site, units: Units) -> dict[str, object]:
    """The columns of a site's row that the change gives other values. Raises BadRequest."""
    values: dict[str, object] = {}
    if change.label is not None and (label := _words(change.label, "label", 200)) != site.label:
        values["label"] = label
        values["search"] = _search(site.unit, label, units)
    if change.kind is not None and change.kind is not site.kind:
        values["kind"] = SiteKind(change.kind).value
    if change.carrier is not None:
        carrier = _words(change.carrier, "carrier", 100) if change.carrier.strip() else None
        if carrier != site.carrier:
            values["carrier"] = carrier
    if change.phones is not None and (phones := _phones(change.phones)) != list(site.phones):
        values["phones"] = phones
    if change.people is not None:
        people = _people(change.people)
        if people != [{"name": one.name, "title": one.title} for one in site.people]:
            values["people"] = people
    if change.emails is not None and (emails := _emails(change.emails)) != list(site.emails):
        values["emails"] = emails
    if change.answer is not None:
        answer = change.answer or (change.kind or site.kind).answer
        if answer != site.answer or change.kind is not None:
            values["answer"] = change.answer or None
    return values


_CHANGEABLE: Final = ("label", "search", "kind", "carrier", "phones", "people", "emails", "answer")

CHANGE: Final = (
    update(sites).where(sites.c.id == bindparam("changed")).values({n: bindparam(n) for n in _CHANGEABLE})
)
"""Sets the changeable columns of many sites: each with `changed`, its id, beside the columns' values."""


MOVE: Final = (
    update(sites)
    .where(sites.c.id == bindparam("moved"))
    .values({n: bindparam(f"to_{n}") for n in ("unit", "place", "level", "label", "search")})
)
"""Moves many sites to other units: each with the values of `placed`."""


def placed(
    site_id: str, unit: str, label: str, level: str, units: Units, places: Places
) -> dict[str, object]:
    """The values of `MOVE` for a site that comes to stand at this unit; one that the tree does not have is in
    no subtree."""
    return {
        "moved": site_id,
        "to_unit": unit,
        "to_place": places.get(unit),
        "to_level": level,
        "to_label": label,
        "to_search": _search(unit, label, units),
    }


def changeable(row: Row[Any]) -> dict[str, object]:
    """The changeable columns as they are."""
    return {name: getattr(row, name) for name in _CHANGEABLE}


def _search(code: str, label: str, units: Units) -> str:
    path = units.path_text(code) if code in units else ""
    return searchable(f"{code} {label} {path}")


def _phones(phones: Sequence[str]) -> list[str]:
    if len(phones) > MAX_PHONES:
        raise BadRequest(f"a site has at most {MAX_PHONES} phones", field="phones")
    return [_words(phone, "phones", 40) for phone in phones]


def _emails(emails: Sequence[str]) -> list[str]:
    if len(emails) > MAX_EMAILS:
        raise BadRequest(f"a site has at most {MAX_EMAILS} e-mail addresses", field="emails")
    found: dict[str, None] = {}
    for text in emails:
        if (address := email_of(text)) is None:
            raise BadRequest("this is no e-mail address", field="emails")
        found[address] = None
    return list(found)


def _people(people: Sequence[PersonPresent]) -> list[dict[str, str | None]]:
    if len(people) > MAX_PEOPLE:
        raise BadRequest(f"a site has at most {MAX_PEOPLE} people", field="people")
    return [
        {
            "name": _words(person.name, "people", 200),
            "title": None if person.title is None else _words(person.title, "people", 200),
        }
        for person in people
    ]


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
        tuple(row.emails),
        row.answer or SiteKind(row.kind).answer,
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
