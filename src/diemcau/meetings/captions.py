"""Who is on the picture: a name and a title in the form in which people are addressed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from diemcau.errors import JsonValue
from diemcau.sites import PersonPresent, Site, SiteKind

MAX_NAME: Final = 120
MAX_TITLE: Final = 200

_BODY: Final = re.compile(
    r"(UBND|ủy ban nhân dân|uỷ ban nhân dân|HĐND|hội đồng nhân dân|đảng ủy|đảng uỷ|UBMTTQ|MTTQ"
    r"|(?P<bare>(tỉnh|thành|quận|huyện|thị)\s+(ủy|uỷ)))$",
    re.IGNORECASE,
)
"""A title that ends with a body of a unit, and does not say of which. "Tỉnh ủy" names the level itself, so
that only the unit's own name follows."""

_KIND: Final = re.compile(r"^(tỉnh|thành phố|quận|huyện|thị xã|xã|phường|thị trấn|đặc khu)\s+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caption:
    """Who a site's picture shows."""

    name: str
    title: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """`{"name", "title"}`."""
        return {"name": self.name, "title": self.title}

    @staticmethod
    def parse(value: Mapping[str, str | None]) -> "Caption":
        """That of `to_json`."""
        return Caption(value["name"] or "", value["title"])


def usual(site: Site) -> Caption | None:
    """The caption of a site that nobody chose one for: the person that is known to be there, the first where
    a post names several; of a room with several people nobody can know. None: its label says who it is."""
    people = site.people
    if not people or (site.kind is not SiteKind.POST and len(people) > 1):
        return None
    return in_form(people[0], site.path)


def in_form(person: PersonPresent, path: str) -> Caption:
    """The person with the title written out: "Chủ tịch UBND" in xã Tân Lợi is "Chủ tịch UBND xã Tân Lợi".

    `path`: the site's unit and those above it in words.
    """
    title = None if person.title is None else person.title.strip()
    if not title:
        return Caption(person.name[:MAX_NAME])
    unit = path.split(",", 1)[0].strip()
    if (found := _BODY.search(title)) is not None and unit:
        of = _KIND.sub("", unit) if found.group("bare") else unit
        title = f"{title} {of}"
    return Caption(person.name[:MAX_NAME], title[:MAX_TITLE])
