"""The speakers' list of the centre: who comes next, with a note and minutes for each.

Every change says what it means (before whom, which entry), so that two operators who change different entries
both have their way; who changes an entry that has changed since he saw it hears `queue_changed`.
"""

from collections.abc import Collection, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from diemcau.errors import JsonObject, TooLarge
from diemcau.meetings.commands import MAX_LINED_UP
from diemcau.meetings.context import Context, Draft, must_be_invited, must_not_have_ended
from diemcau.meetings.errors import NotListed, QueueChanged
from diemcau.meetings.layouts import sites_in
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.order import Listed
from diemcau.meetings.ordering import EditListed, ListSite, MoveListed, UnlistSite

MAX_LISTED: Final = 60


def list_site(meeting: Meeting, command: ListSite, context: Context) -> list[Draft]:
    """Adds a site, joined or not; the note of its forwarded hand comes with it unless another is given."""
    must_not_have_ended(meeting)
    must_be_invited(context, [command.site])
    if meeting.order.entry(command.site) is not None:
        raise QueueChanged("The site is on the list already.", site=command.site)
    hand = meeting.hands.get(command.site)
    sent = None if hand is None else hand.forwarded
    note = command.note or (sent.note if sent is not None else "")
    entry = Listed(command.site, note, command.minutes)
    return [_set(meeting, _placed(meeting.order.listed, entry, command.before), context)]


def move_listed(meeting: Meeting, command: MoveListed, context: Context) -> list[Draft]:
    """Puts an entry right before another, or at the end."""
    must_not_have_ended(meeting)
    entry = _entry(meeting, command.site, command.version)
    others = tuple(other for other in meeting.order.listed if other.site != entry.site)
    moved = _placed(others, replace(entry, version=entry.version + 1), command.before)
    if [one.site for one in moved] == [one.site for one in meeting.order.listed]:
        return []
    return [_set(meeting, moved, context)]


def edit_listed(meeting: Meeting, command: EditListed, context: Context) -> list[Draft]:
    """Another note, other minutes."""
    must_not_have_ended(meeting)
    entry = _entry(meeting, command.site, command.version)
    if (entry.note, entry.minutes) == (command.note, command.minutes):
        return []
    changed = replace(entry, note=command.note, minutes=command.minutes, version=entry.version + 1)
    listed = tuple(changed if one.site == entry.site else one for one in meeting.order.listed)
    return [_set(meeting, listed, context)]


def unlist_site(meeting: Meeting, command: UnlistSite, context: Context) -> list[Draft]:
    """Takes a site off the list."""
    must_not_have_ended(meeting)
    _entry(meeting, command.site, None)
    listed = tuple(one for one in meeting.order.listed if one.site != command.site)
    return [_set(meeting, listed, context)]


def planned(meeting: Meeting, sites: Collection[str], context: Context) -> list[Draft]:
    """The planned speakers of an item that begins, behind who is on the list; no more than it holds."""
    listed = meeting.order.listed
    known = {entry.site for entry in listed} | set(meeting.speakers)
    more = [Listed(site) for site in sites if site not in known][: MAX_LISTED - len(listed)]
    return [_set(meeting, (*listed, *more), context)] if more else []


def next_listed(meeting: Meeting, present: AbstractSet[str]) -> str | None:
    """Whom "next" gives the floor: the first of the list who is in the meeting and does not speak."""
    sites = (entry.site for entry in meeting.order.listed)
    return next((site for site in sites if site in present and site not in meeting.speakers), None)


def in_line(meeting: Meeting, present: AbstractSet[str]) -> tuple[str, ...]:
    """Who is lined up: the operators' own entries in their order, then, where there is a place left, the next
    of the list, unless its picture is on air or on preview anyway.

    Not an event: it follows from the list, from who speaks and from who is there, and never says otherwise.
    """
    site = next_listed(meeting, present)
    ready = sites_in((*meeting.on_air, *meeting.preview))
    if site is None or site in meeting.line_up or site in ready or len(meeting.line_up) >= MAX_LINED_UP:
        return meeting.line_up
    return (*meeting.line_up, site)


def _entry(meeting: Meeting, site: str, version: int | None) -> Listed:
    entry = meeting.order.entry(site)
    if entry is None:
        raise NotListed(None, site=site)
    if version is not None and version != entry.version:
        raise QueueChanged(None, site=site, version=entry.version)
    return entry


def _placed(listed: Sequence[Listed], entry: Listed, before: str | None) -> tuple[Listed, ...]:
    if len(listed) >= MAX_LISTED:
        raise TooLarge(f"The speakers' list holds {MAX_LISTED}.", limit=MAX_LISTED)
    if before is None:
        return (*listed, entry)
    places = [place for place, one in enumerate(listed) if one.site == before]
    if not places:
        raise QueueChanged(None, site=before)
    return (*listed[: places[0]], entry, *listed[places[0] :])


def _set(meeting: Meeting, listed: Sequence[Listed], context: Context) -> Draft:
    data: JsonObject = {
        "entries": [entry.to_json() for entry in listed],
        "names": meeting.named(entry.site for entry in listed)
        | context.named(entry.site for entry in listed),
    }
    return "list_set", data
