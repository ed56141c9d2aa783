"""The agenda: what the meeting goes through, item by item, with who is planned to speak to each."""

from dataclasses import replace
from typing import Final

from diemcau.errors import BadRequest, JsonObject
from diemcau.meetings.context import Context, Draft, must_be_invited, must_be_open, must_not_have_ended
from diemcau.meetings.errors import QueueChanged
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.order import Item
from diemcau.meetings.ordering import FinishItem, NewItem, SetAgenda, StartItem
from diemcau.meetings.speakers import planned

MAX_PLANNED: Final = 200
"""Planned speakers of all items together."""


def set_agenda(meeting: Meeting, command: SetAgenda, context: Context) -> list[Draft]:
    """The whole agenda anew, made on the version that was seen; items that stay keep when they began."""
    must_not_have_ended(meeting)
    if command.version != meeting.order.agenda_version:
        raise QueueChanged(None, version=meeting.order.agenda_version)
    sites = [site for item in command.items for site in item.sites]
    if len(sites) > MAX_PLANNED:
        raise BadRequest(f"at most {MAX_PLANNED} planned speakers", field="items")
    known = {item.id: item for item in meeting.order.agenda}
    new = [item for item in command.items if item.id is not None and item.id not in known]
    if new or len({item.id for item in command.items if item.id}) != sum(
        item.id is not None for item in command.items
    ):
        raise BadRequest("an item's id is that of one there is, once", field="items")
    must_be_invited(context, (site for site in sites if site not in meeting.names))
    return [_set(meeting, [_made(item, known, context) for item in command.items], context)]


def start_item(meeting: Meeting, command: StartItem, context: Context) -> list[Draft]:
    """The item begins, the one that runs ends; its planned speakers come to the end of the speakers' list."""
    must_be_open(meeting)
    chosen = _item(meeting, command.item)
    if chosen.runs:
        return []
    items = [
        replace(item, started_at=context.now, ended_at=None)
        if item.id == chosen.id
        else replace(item, ended_at=context.now)
        if item.runs
        else item
        for item in meeting.order.agenda
    ]
    return [_set(meeting, items, context), *planned(meeting, chosen.sites, context)]


def finish_item(meeting: Meeting, command: FinishItem, context: Context) -> list[Draft]:
    """The item that runs ends."""
    must_be_open(meeting)
    chosen = _item(meeting, command.item)
    if not chosen.runs:
        raise QueueChanged("The item does not run.", item=chosen.id)
    items = [
        replace(item, ended_at=context.now) if item.id == chosen.id else item for item in meeting.order.agenda
    ]
    return [_set(meeting, items, context)]


def _made(new: NewItem, known: dict[str, Item], context: Context) -> Item:
    before = known.get(new.id) if new.id is not None else None
    return Item(
        context.new_id("a") if new.id is None else new.id,
        new.title,
        new.minutes,
        new.each,
        new.sites,
        None if before is None else before.started_at,
        None if before is None else before.ended_at,
    )


def _item(meeting: Meeting, item: str) -> Item:
    for found in meeting.order.agenda:
        if found.id == item:
            return found
    raise QueueChanged("There is no such item on the agenda.", item=item)


def _set(meeting: Meeting, items: list[Item], context: Context) -> Draft:
    sites = [site for item in items for site in item.sites]
    data: JsonObject = {
        "version": meeting.order.agenda_version + 1,
        "items": [item.to_json() for item in items],
        "names": meeting.named(sites) | context.named(sites),
    }
    return "agenda_set", data
