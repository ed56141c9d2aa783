"""The words of a sending, and what stands in their places for one site."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from diemcau.errors import BadRequest
from diemcau.rollout.waves.template import Template, checked
from diemcau.rollout.waves.wave import Wave
from diemcau.sites import Site

MAX_DAYS = 90


@dataclass(frozen=True, slots=True)
class Words:
    """`base`: how posts reach the server. `link`: sites that no device stands for get a one-time code, good
    for `days`."""

    subject: str
    body: str
    base: str
    hotline: str = ""
    link: bool = False
    days: int = 14

    def template(self) -> Template:
        """The text, looked through. Raises BadTemplate, BadRequest."""
        if not 1 <= self.days <= MAX_DAYS:
            raise BadRequest(f"a code is good for 1 to {MAX_DAYS} days", field="days")
        if not self.base.startswith(("http://", "https://")) or not self.base.isprintable():
            raise BadRequest("base begins with http:// or https://", field="base")
        return checked(self.subject, self.body, link=self.link)

    @property
    def ttl(self) -> timedelta:
        """How long a code is good."""
        return timedelta(days=self.days)


def values_of(wave: Wave, site: Site | None, words: Words, code: str | None) -> Mapping[str, str]:
    """`VARIABLES` of one site; `code`: its activation code, where it gets one."""
    base = words.base.rstrip("/")
    return {
        "site": "" if site is None else site.label,
        "path": "" if site is None else site.path,
        "wave": wave.name,
        "day": f"{wave.day:%d/%m/%Y}",
        "hours": wave.hours,
        "hotline": words.hotline,
        "address": base,
        # Behind "#": browsers send that to no server, so it stands in no proxy's log.
        "link": f"{base}/vao#code={code}" if code is not None and words.link else base,
    }
