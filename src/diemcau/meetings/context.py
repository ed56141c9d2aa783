"""What the rules are told besides the state and the command, and what they answer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import TypeAlias

from diemcau.access import Actor
from diemcau.errors import BadRequest, Forbidden, JsonObject, JsonValue
from diemcau.ids import NewId
from diemcau.meetings.captions import Caption, usual
from diemcau.meetings.errors import MeetingNotOpen, NotInMeeting
from diemcau.meetings.meeting import Meeting, SiteName
from diemcau.sites import Site, SiteNotFound, Sites
from diemcau.units import Units

Draft: TypeAlias = tuple[str, JsonObject]
"""An event to be: type and data."""


@dataclass(frozen=True, slots=True)
class Context:
    """`present`: sites in the meeting now. `names`, `invited`: of the sites that the command mentions (the
    asking site included). `inside(unit, code)`: whether `code` is in the subtree. `line(code)`: the units
    from the root down to it, itself included. `whence`: over what the asker has a wider right than the
    meeting's own desk (oversight.py), None: he has none. `people`: who the mentioned sites usually show. The
    asker's right was checked before.
    """

    actor: Actor
    present: AbstractSet[str]
    names: Mapping[str, SiteName]
    invited: AbstractSet[str]
    inside: Callable[[str, str], bool]
    new_id: NewId
    line: Callable[[str], Sequence[str]]
    now: datetime
    whence: Mapping[str, JsonValue] | None = None
    people: Mapping[str, Caption | None] = field(default_factory=dict)

    def named(self, sites: Iterable[str | None]) -> dict[str, JsonValue]:
        """`names` of an event's data."""
        return {site: self.names[site].to_json() for site in sites if site is not None and site in self.names}

    def target(self, site: str | None) -> str:
        """The site that a command is about: the one it names, else the asking one."""
        if site is not None:
            return site
        if self.actor.site is None:
            raise BadRequest("the command must name a site", field="site")
        return self.actor.site

    def own_site(self) -> str:
        """The asking site. Raises Forbidden when a person asks."""
        if self.actor.site is None:
            raise Forbidden("Only a site does this, for itself.")
        return self.actor.site


class Contexts:
    """Makes contexts out of what the house knows of units and sites."""

    def __init__(self, units: Units, sites: Sites, make_id: NewId) -> None:
        self._units, self._sites, self._make_id = units, sites, make_id

    async def named(self, sites: AbstractSet[str]) -> Mapping[str, Site]:
        """The sites that a command mentions. Raises SiteNotFound for the first that is not there."""
        found = await self._sites.get_many(sites)
        for site in sites:
            if site not in found:
                raise SiteNotFound(None, site=site)
        return found

    def make(
        self,
        actor: Actor,
        named: Mapping[str, Site],
        now: datetime,
        *,
        present: AbstractSet[str],
        invited: AbstractSet[str],
        whence: Mapping[str, JsonValue] | None = None,
    ) -> Context:
        """See `Context`. `named`: the sites that are mentioned."""
        return Context(
            actor,
            present,
            names_of(named),
            invited,
            partial(inside, self._units),
            self._make_id,
            self._line,
            now,
            whence,
            {site: usual(found) for site, found in named.items()},
        )

    def _line(self, code: str) -> list[str]:
        """The units from the root down to this one; none for a unit that the tree does not have."""
        if code not in self._units:
            return []
        return [unit.code for unit in reversed(self._units.ancestors(code))] + [code]


def names_of(sites: Mapping[str, Site]) -> dict[str, SiteName]:
    """What events call the sites."""
    return {site: name_of(found) for site, found in sites.items()}


def name_of(site: Site) -> SiteName:
    """What events call the site."""
    return SiteName(site.label, site.unit, site.path)


def inside(tree: Units, unit: str, code: str) -> bool:
    """Whether `code` is in the subtree of `unit`; units that the tree does not have are in none."""
    return unit in tree and code in tree and tree.contains(unit, code)


def must_be_open(meeting: Meeting) -> None:
    """Raises MeetingNotOpen."""
    if meeting.status != "open":
        raise MeetingNotOpen


def must_not_have_ended(meeting: Meeting) -> None:
    """Raises MeetingNotOpen once it has ended; before it opens things may be prepared."""
    if meeting.status == "ended":
        raise MeetingNotOpen("The meeting has ended.")


def must_be_present(context: Context, site: str) -> None:
    """Raises NotInMeeting."""
    if site not in context.present:
        raise NotInMeeting(None, site=site)


def must_be_invited(context: Context, sites: Iterable[str]) -> None:
    """Raises NotInMeeting for the first that is not."""
    for site in sites:
        if site not in context.invited:
            raise NotInMeeting("The site is not invited to this meeting.", site=site)
