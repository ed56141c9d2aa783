"""`Sites`: the directory of sites."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta

from diemcau.access import Access, Actor, IssuedCode
from diemcau.clock import Clock
from diemcau.ids import NewId, new_id
from diemcau.sites.site import NewSite, ScopeEntry, Site, SitePage
from diemcau.store import Store
from diemcau.units import Units


class Sites:
    """Makes, finds and names sites."""

    def __init__(self, store: Store, units: Units, access: Access, clock: Clock, *, make_id: NewId = new_id) -> None:
        raise NotImplementedError

    async def create(self, actor: Actor, new: Sequence[NewSite]) -> tuple[Site, ...]:
        """Makes sites, all or none (10,000 in a few seconds); needs `site.create` over their units.

        Raises Forbidden, UnitNotFound, BadRequest, Conflict (an id exists).
        """
        raise NotImplementedError

    async def get(self, site: str) -> Site:
        """The site, for the server's own use (no check who asks). Raises SiteNotFound."""
        raise NotImplementedError

    async def get_many(self, sites: Iterable[str]) -> dict[str, Site]:
        """Those of the ids that exist."""
        raise NotImplementedError

    async def see(self, actor: Actor, site: str) -> Site:
        """The site if the asker may see it: itself, or inside his grants. Raises SiteNotFound."""
        raise NotImplementedError

    async def find(
        self,
        actor: Actor,
        *,
        unit: str | None = None,
        text: str = "",
        limit: int = 100,
        after: str | None = None,
    ) -> SitePage:
        """Sites within the asker's grants, inside `unit`, whose label, path or code has every word of `text`
        (without diacritics), in the order of units; `after`: a page's `next`. Raises BadRequest (cursor), UnitNotFound.
        """
        raise NotImplementedError

    async def ids_at(self, units: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """The sites that stand exactly at these units: `{unit: (site ids)}`, units without sites left out."""
        raise NotImplementedError

    async def by_units(self, scope: Sequence[ScopeEntry]) -> tuple[Site, ...]:
        """Every site that the scope names, each once, in the order of units."""
        raise NotImplementedError

    async def count(self) -> int:
        """How many sites there are."""
        raise NotImplementedError

    async def issue_codes(
        self, actor: Actor, sites: Sequence[str], *, ttl: timedelta = timedelta(days=14)
    ) -> tuple[IssuedCode, ...]:
        """Activation codes for sites; see `Access.issue_codes`. Raises SiteNotFound, Forbidden."""
        raise NotImplementedError

    async def revoke_codes(self, actor: Actor, sites: Sequence[str], *, devices: bool = False) -> int:
        """See `Access.revoke_codes`."""
        raise NotImplementedError
