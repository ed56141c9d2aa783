"""A site that was called out of its meeting: its hand and floor end, its place is kept."""

from collections.abc import Mapping
from dataclasses import dataclass

from diemcau.access import Actor
from diemcau.errors import JsonValue
from diemcau.meetings.context import Draft
from diemcau.meetings.floor import site_gone
from diemcau.meetings.meeting import Meeting, SiteName


@dataclass(frozen=True, slots=True)
class CalledOut:
    """By whom, and over what he called: neither the meeting's id nor its title, which may be a secret."""

    by: Actor
    whence: Mapping[str, JsonValue]
    name: SiteName


def called_out(meeting: Meeting, site: str, called: CalledOut) -> list[Draft]:
    """What the meeting sees that it was called out of. A site that had come back and is called out once more
    before its return was written still loses what it has raised or been given since."""
    if meeting.status != "open":
        return []
    gone = site_gone(meeting, site, "called")
    by: dict[str, JsonValue] = {"name": called.by.name, "title": called.by.title}
    known = meeting.away.get(site)
    if known is not None and (known.by, known.whence) == (by, called.whence):
        return gone
    data: dict[str, JsonValue] = {
        "site": site,
        "by": by,
        "whence": dict(called.whence),
        "names": {site: called.name.to_json()},
    }
    return [*gone, ("site_called_out", data)]


def returned(meeting: Meeting, site: str, why: str) -> list[Draft]:
    """It is back, or will not come back. `why`: "returned", "joined" (by itself), "left" (elsewhere)."""
    if meeting.status != "open" or site not in meeting.away:
        return []
    return [("site_returned", {"site": site, "why": why})]
