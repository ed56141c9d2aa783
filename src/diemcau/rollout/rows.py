"""A row of a list as what it wants: a unit, a site, people. Pure; one row at a time."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from diemcau.rollout.fields import PLACES, Field
from diemcau.rollout.heading import Heading
from diemcau.rollout.matching import Matcher, NoUnit, Question, Said
from diemcau.rollout.phones import phones_of
from diemcau.rollout.reasons import Rejection
from diemcau.sites import PersonPresent, SiteKind
from diemcau.sites.email import email_of
from diemcau.units.fold import fold

KIND_WORDS: Final = {
    SiteKind.POST: "Máy điểm cầu",
    SiteKind.ROOM: "Phòng họp",
    SiteKind.BRIDGE: "Cầu nối hệ thống khác",
    SiteKind.FEED: "Nguồn tín hiệu",
}
"""How the files that we write call kinds."""

_KINDS: Final = {
    **{fold(words): kind for kind, words in KIND_WORDS.items()},
    **{kind.value: kind for kind in SiteKind},
    **dict.fromkeys(("may tinh", "may tram", "trinh duyet", "diem cau", "may"), SiteKind.POST),
    **dict.fromkeys(("phong", "hoi truong", "phong hop truc tuyen", "thiet bi phong hop"), SiteKind.ROOM),
    **dict.fromkeys(("cau noi", "mcu", "he thong khac"), SiteKind.BRIDGE),
    **dict.fromkeys(("nguon", "xe truyen hinh", "truyen hinh luu dong"), SiteKind.FEED),
}
_SITE_CODE: Final = re.compile(r"[A-Za-z0-9_-]{1,60}")
_EMAILS_APART: Final = re.compile(r"[\s;,/|<>()]+")
_PEOPLE_APART: Final = re.compile(r"[\n;]")
_LIMITS: Final = {Field.LABEL: 200, Field.CARRIER: 100}


@dataclass(frozen=True, slots=True)
class Row:
    """What a row wants. `unit`: None when only the site's code says where. `site`: the site's id. None and
    empty: the row says nothing of it."""

    number: int
    unit: str | None
    site: str | None
    label: str | None
    kind: SiteKind | None
    carrier: str | None
    phones: tuple[str, ...]
    people: tuple[PersonPresent, ...]
    emails: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A row that waits for an answer."""

    number: int
    question: Question


def read_row(
    number: int, cells: Sequence[str], heading: Heading, matcher: Matcher
) -> Row | Asked | Rejection | None:
    """What the row wants; None for one that says nothing in the columns that are taken."""
    said: dict[Field, str] = {}
    for field, cell in zip(heading.columns, cells, strict=True):
        if field is not None and cell:
            said[field] = f"{said[field]}; {cell}" if field in said else cell
    if not said:
        return None
    if any(len(said.get(field, "")) > limit for field, limit in _LIMITS.items()):
        return Rejection(number, "too_long")
    site = None
    if code := said.get(Field.SITE, "").lstrip("'"):
        site = code if code.startswith("s_") else f"s_{code}"
        if not _SITE_CODE.fullmatch(site.removeprefix("s_")):
            return Rejection(number, "bad_site_code", code[:80])
    kind = None
    if word := said.get(Field.KIND, ""):
        kind = _KINDS.get(fold(word))
        if kind is None:
            return Rejection(number, "bad_kind", word[:80])
    phones, strange = phones_of(said.get(Field.PHONE, ""))
    if strange:
        return Rejection(number, "bad_phone", strange[0][:80])
    emails, no_email = emails_of(said.get(Field.EMAIL, ""))
    if no_email:
        return Rejection(number, "bad_email", no_email[:80])
    people = _people(said.get(Field.PERSON, ""), said.get(Field.TITLE, ""))
    if isinstance(people, str):
        return Rejection(number, people)
    unit = _unit(said, matcher, site)
    if isinstance(unit, Question):
        return Asked(number, unit)
    if isinstance(unit, NoUnit):
        return Rejection(number, unit.code, unit.detail[:200])
    label = " ".join(said.get(Field.LABEL, "").split()) or None
    carrier = " ".join(said.get(Field.CARRIER, "").split()) or None
    return Row(number, unit, site, label, kind, carrier, tuple(phones), people, emails)


def _unit(said: dict[Field, str], matcher: Matcher, site: str | None) -> str | Question | NoUnit | None:
    places: dict[Field, str] = {
        field: cell for field, cell in said.items() if field in PLACES and field is not Field.SITE
    }
    if not places and site is not None:
        return None
    return matcher.match(Said(places))


def emails_of(text: str) -> tuple[tuple[str, ...], str]:
    """(addresses in one form, each once; the first part that is none, "" without one) of a cell."""
    found: dict[str, None] = {}
    for part in _EMAILS_APART.split(text):
        bare = part.strip(".:'\"").removeprefix("mailto:")
        if not bare or bare == "-":
            continue
        if (address := email_of(bare)) is None:
            return (), part
        found[address] = None
    return tuple(found), ""


def _people(names: str, titles: str) -> tuple[PersonPresent, ...] | str:
    """The people of a row: one, or several on lines of their own with as many titles; or why not."""
    people = [words for part in _PEOPLE_APART.split(names) if (words := " ".join(part.split()))]
    if not people:
        return ()
    shown = [" ".join(part.split()) or None for part in _PEOPLE_APART.split(titles)]
    if len(people) == 1:
        shown = [" ".join(titles.split()) or None]
    elif not titles:
        shown = [None] * len(people)
    if len(shown) != len(people):
        return "people_and_titles"
    if any(len(text) > 200 for text in (*people, *(title for title in shown if title))):
        return "too_long"
    return tuple(PersonPresent(name, title) for name, title in zip(people, shown, strict=True))
