"""Who is invited to what, asked by thousands at once (`Lookup`)."""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet

from diemcau.access import Access, covers, site_actor
from diemcau.meetings import summary
from diemcau.meetings.summary import MeetingSummary
from diemcau.store import Lookup, Store


class Invited:
    """Never answers from memory, but for who is in the meeting: whoever is was let in."""

    def __init__(self, store: Store, access: Access, present: Callable[[str], AbstractSet[str]]) -> None:
        """`present`: the sites that are in a meeting now."""
        self._store, self._access, self._present = store, access, present
        self._invitations = Lookup(self._load_invitations)
        self._lists = Lookup(self._load_lists)

    async def among(self, meeting: str, sites: Iterable[str]) -> frozenset[str]:
        """Those of the sites that belong to the meeting, in it or not."""
        present = self._present(meeting)
        unknown = [site for site in sites if site not in present]
        known = frozenset(site for site in sites if site in present)
        asked = [(meeting, site) for site in unknown]
        return known | {key[1] for key in asked if await self._invitations.get(key)}

    async def meetings_of(self, site: str) -> tuple[MeetingSummary, ...]:
        """The open and scheduled meetings that the site comes to by itself and is cleared for."""
        return await self._lists.get(site) or ()

    async def _load_invitations(self, keys: list[tuple[str, str]]) -> Mapping[tuple[str, str], bool]:
        asked: dict[str, list[str]] = {}
        for meeting, site in keys:
            asked.setdefault(meeting, []).append(site)
        found: dict[tuple[str, str], bool] = {}
        async with self._store.read() as connection:
            for meeting, sites in asked.items():
                for site in await summary.invited_among(connection, meeting, sites):
                    found[meeting, site] = True
        return found

    async def _load_lists(self, sites: list[str]) -> Mapping[str, tuple[MeetingSummary, ...]]:
        async with self._store.read() as connection:
            listed = dict(await summary.listed_for_sites(connection, sites))
        for site, found in listed.items():
            if any(one.secrecy != "none" for one in found):
                level = await self._access.clearance(site_actor(site))
                listed[site] = tuple(one for one in found if covers(level, one.secrecy))
        return listed
