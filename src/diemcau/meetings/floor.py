"""The floor: hands, who may speak, and the microphones of those who do not hold it any more."""

from typing import Final

from diemcau.errors import JsonObject, TooLarge
from diemcau.meetings.commands import EndFloor, GiveFloor, LowerHand
from diemcau.meetings.context import Context, Draft, must_be_open, must_be_present
from diemcau.meetings.errors import FloorAlreadyGiven, HandAlreadyRaised, HandGone, NotSpeaking
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.stage import cut_to_speaker

MAX_SPEAKERS: Final = 16


def raise_hand(meeting: Meeting, context: Context) -> list[Draft]:
    """A joined site asks for the floor; a speaker has it already."""
    must_be_open(meeting)
    site = context.own_site()
    must_be_present(context, site)
    if site in meeting.hands:
        raise HandAlreadyRaised
    if site in meeting.speakers:
        raise FloorAlreadyGiven(None, site=site)
    data: JsonObject = {
        "site": site,
        "unit": context.names[site].unit,
        "hands_total": len(meeting.hands) + 1,
        "names": context.named([site]),
    }
    return [("hand_raised", data)]


def lower_hand(meeting: Meeting, command: LowerHand, context: Context) -> list[Draft]:
    """The site itself or an operator; of two operators the second hears that the hand is gone."""
    must_be_open(meeting)
    site = context.target(command.site)
    if site not in meeting.hands:
        raise HandGone(None, site=site)
    return [_lowered(meeting, site, len(meeting.hands) - 1)]


def give_floor(meeting: Meeting, command: GiveFloor, context: Context) -> list[Draft]:
    """Opens the site's microphone; `replace` ends everybody else's floor, `stage` cuts to the site.

    Two operators who give it to the same site: the second hears that it has the floor.
    """
    must_be_open(meeting)
    site = command.site
    must_be_present(context, site)
    if site in meeting.speakers:
        raise FloorAlreadyGiven(None, site=site)
    replaced = [other for other in meeting.speakers if command.replace]
    if not command.replace and len(meeting.speakers) >= MAX_SPEAKERS:
        raise TooLarge(f"At most {MAX_SPEAKERS} sites have the floor at once.", limit=MAX_SPEAKERS)
    drafts: list[Draft] = [_ended(other, "replaced") for other in replaced]
    data: JsonObject = {
        "site": site,
        "replace": command.replace,
        "hands_total": len(meeting.hands) - (site in meeting.hands),
        "names": context.named([site]),
    }
    drafts.append(("floor_given", data))
    if command.stage:
        drafts += cut_to_speaker(meeting, site, replaced, context)
    return drafts


def end_floor(meeting: Meeting, command: EndFloor, context: Context) -> list[Draft]:
    """The site itself or an operator; of two operators the second hears that it does not speak."""
    must_be_open(meeting)
    site = context.target(command.site)
    if site not in meeting.speakers:
        raise NotSpeaking(None, site=site)
    return [_ended(site, "ended")]


def site_gone(meeting: Meeting, site: str) -> list[Draft]:
    """The site left, or did not come back in time: its hand and floor end."""
    if meeting.status != "open":
        return []
    drafts: list[Draft] = []
    if site in meeting.hands:
        drafts.append(_lowered(meeting, site, len(meeting.hands) - 1, "left"))
    if site in meeting.speakers:
        drafts.append(_ended(site, "left"))
    return drafts


def _lowered(meeting: Meeting, site: str, total: int, reason: str = "lowered") -> Draft:
    unit = meeting.names[site].unit
    return "hand_lowered", {"site": site, "unit": unit, "hands_total": total, "reason": reason}


def _ended(site: str, reason: str) -> Draft:
    return "floor_ended", {"site": site, "reason": reason}
