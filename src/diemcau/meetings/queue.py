"""Hands on their way up: each waits in the queue of the unit right below the meeting's scope, whose operators
order it and send hands up to the centre. The queue is the meeting's: no operator's connection holds it."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Final

from diemcau.errors import JsonObject, WrongState
from diemcau.meetings.commands import LowerHand, Post
from diemcau.meetings.context import Context, Draft, must_be_open, must_be_present
from diemcau.meetings.errors import (
    AlreadyForwarded,
    FloorAlreadyGiven,
    HandAlreadyRaised,
    HandGone,
    NotForwarded,
    QueueChanged,
)
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.order import Hand
from diemcau.meetings.ordering import ForwardHand, MoveHand, RecallHand
from diemcau.meetings.text import post

STEP: Final = 1.0
"""Between two ranks of a queue that is numbered anew."""


def branch_of(meeting: Meeting, context: Context, unit: str) -> str | None:
    """The unit right below the scope whose queue a site of this unit waits in; None: it is that unit's own
    site, or lies above: its hand goes straight to the centre."""
    top = _top(meeting, context)
    own = context.line(unit)
    if len(own) <= len(top) or list(own[: len(top)]) != top:
        return None
    branch = own[len(top)]
    return None if branch == unit else branch


def raise_hand(meeting: Meeting, context: Context) -> list[Draft]:
    """A joined site asks for the floor; a speaker has it already."""
    must_be_open(meeting)
    site = context.own_site()
    must_be_present(context, site)
    if site in meeting.hands:
        raise HandAlreadyRaised
    if site in meeting.speakers:
        raise FloorAlreadyGiven(None, site=site)
    unit = context.names[site].unit
    data: JsonObject = {
        "site": site,
        "unit": unit,
        "branch": branch_of(meeting, context, unit),
        "hands_total": len(meeting.hands) + 1,
        "names": context.named([site]),
    }
    return [("hand_raised", data)]


def lower_hand(meeting: Meeting, command: LowerHand, context: Context) -> list[Draft]:
    """The site itself or an operator; of two operators the second hears that the hand is gone. An operator's
    reason is written to the site."""
    must_be_open(meeting)
    site = context.target(command.site)
    _raised(meeting, site)
    drafts = [lowered(meeting, site, len(meeting.hands) - 1)]
    if command.reason and context.actor.site is None:
        drafts += post(meeting, Post(command.reason, site), context)
    return drafts


def lowered(meeting: Meeting, site: str, total: int, reason: str = "lowered") -> Draft:
    """The event of a hand that goes down."""
    unit = meeting.names[site].unit
    return "hand_lowered", {"site": site, "unit": unit, "hands_total": total, "reason": reason}


def forward_hand(meeting: Meeting, command: ForwardHand, context: Context) -> list[Draft]:
    """Sends a hand up. Two operators at once: with the same note it is done once, with another the second
    hears which one stands."""
    must_be_open(meeting)
    hand = _raised(meeting, command.site)
    if hand.branch is None:
        raise WrongState("This hand went straight to the centre.", site=command.site)
    if hand.forwarded is not None:
        if hand.forwarded.note == command.note:
            return []
        raise AlreadyForwarded(None, site=command.site, note=hand.forwarded.note, by=hand.forwarded.by)
    data = _about(meeting, command.site)
    return [("hand_forwarded", {**data, "note": command.note, "by": context.actor.name})]


def recall_hand(meeting: Meeting, command: RecallHand, context: Context) -> list[Draft]:
    """Takes a forwarded hand back into its queue, at its old place."""
    must_be_open(meeting)
    if _raised(meeting, command.site).forwarded is None:
        raise NotForwarded(None, site=command.site)
    return [("hand_recalled", _about(meeting, command.site))]


def move_hand(meeting: Meeting, command: MoveHand, context: Context) -> list[Draft]:
    """Puts a waiting hand right before another of its queue, or at the end. Relative, so that two operators
    who move different hands both have their way; the same hand from an order that is gone: QueueChanged."""
    must_be_open(meeting)
    site = command.site
    hand = _raised(meeting, site)
    if hand.branch is None:
        raise WrongState("This hand went straight to the centre.", site=site)
    if hand.forwarded is not None or (command.seen is not None and command.seen != hand.rank):
        raise QueueChanged(None, site=site, rank=hand.rank)
    before = queue_of(meeting, hand.branch)
    others = [other for other in before if other != site]
    if command.before is None:
        place = len(others)
    elif command.before in others:
        place = others.index(command.before)
    else:
        raise QueueChanged(None, site=command.before)
    wanted = [*others[:place], site, *others[place:]]
    if wanted == before:
        return []
    rank = _between(meeting, others, place)
    if rank is not None:
        return [("hand_moved", {**_about(meeting, site), "rank": rank})]
    # No number is left between the two: the queue is numbered anew.
    start = min(meeting.hands[other].rank for other in before)
    return [
        ("hand_moved", {**_about(meeting, other), "rank": start + number * STEP})
        for number, other in enumerate(wanted)
        if meeting.hands[other].rank != start + number * STEP
    ]


def queue_of(meeting: Meeting, branch: str) -> list[str]:
    """Who waits in this queue and was not sent up, in order."""
    waiting = [
        (hand.rank, site)
        for site, hand in meeting.hands.items()
        if hand.branch == branch and hand.forwarded is None
    ]
    return [site for _, site in sorted(waiting)]


def _between(meeting: Meeting, others: Sequence[str], place: int) -> float | None:
    if place == len(others):
        return meeting.hands[others[-1]].rank + STEP
    after = meeting.hands[others[place]].rank
    if place == 0:
        return after - STEP
    above = meeting.hands[others[place - 1]].rank
    middle = (above + after) / 2
    return middle if above < middle < after else None


def _raised(meeting: Meeting, site: str) -> Hand:
    hand = meeting.hands.get(site)
    if hand is None:
        raise HandGone(None, site=site)
    return hand


def _about(meeting: Meeting, site: str) -> JsonObject:
    return {"site": site, "unit": meeting.names[site].unit}


def _top(meeting: Meeting, context: Context) -> list[str]:
    """The line down to the lowest unit that the whole scope lies in."""
    found: list[str] | None = None
    for entry in meeting.scope:
        line = list(context.line(entry.unit))
        if not line:
            continue
        found = line if found is None else _common(found, line)
        if len(found) == 1:
            break  # the root: a scope of thousands of communes need not be gone through
    return found or []


def _common(one: Sequence[str], other: Sequence[str]) -> list[str]:
    pairs = zip(one, other, strict=False)
    return [unit for unit, _ in takewhile(lambda pair: pair[0] == pair[1], pairs)]
