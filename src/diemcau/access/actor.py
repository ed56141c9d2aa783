"""Who asks: a person with grants, a site, or the system itself."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, TypeAlias

ActorKind: TypeAlias = Literal["person", "site", "system"]


class Role(StrEnum):
    """Roles of people (the words people see are in the pages)."""

    CHAIR = "chair"
    DIRECTOR = "director"
    SECRETARY = "secretary"
    DUTY_OFFICER = "duty_officer"
    TECHNICIAN = "technician"
    LEAD = "lead"
    DELEGATE = "delegate"
    OBSERVER = "observer"
    AUDITOR = "auditor"


@dataclass(frozen=True, slots=True)
class Grant:
    """A role over a unit and everything under it."""

    role: Role
    unit: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `id`: the person's or site's id, "" for the system. A site's `name` is its room's to tell,
    so "". `temporary`: a person who has to choose a password of his own before anything else."""

    kind: ActorKind
    id: str
    name: str = ""
    title: str | None = None
    grants: tuple[Grant, ...] = ()
    temporary: bool = False

    @property
    def key(self) -> str:
        """As the log writes it: "person:p_1", "site:s_1", "system"."""
        return f"{self.kind}:{self.id}" if self.id else self.kind

    @property
    def site(self) -> str | None:
        """The site's id when a site asks."""
        return self.id if self.kind == "site" else None


SYSTEM = Actor("system", "")
"""The server itself and whoever stands at its console: may do everything."""


def site_actor(site: str) -> Actor:
    """The actor that a site is."""
    return Actor("site", site)
