"""Edits against what is stored: what becomes of them. No IO."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from diemcau.access import Actor
from diemcau.meetings.rollcall.entry import Edit, Entry


def decide(
    edits: Iterable[Edit], stored: Mapping[str, Entry], actor: Actor, now: datetime
) -> tuple[list[Entry], list[Entry]]:
    """The entries that the edits make, and those that stand against them.

    Who says what is said already agrees, whatever version he saw. Who says something else must have seen the
    present version: the later of two never wins unseen.
    """
    made: list[Entry] = []
    against: list[Entry] = []
    for edit in edits:
        have = stored.get(edit.site) or Entry(edit.site)
        if edit.statement == have.statement:
            continue
        if edit.version != have.version:
            against.append(have)
        else:
            name = actor.name or ("Hệ thống" if actor.kind == "system" else actor.id)
            made.append(Entry(edit.site, have.version + 1, edit.statement, actor.key, name, now))
    return made, against
