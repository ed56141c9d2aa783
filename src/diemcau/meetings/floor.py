"""The floor: who may speak, for how long, and the microphones of those who do not hold it any more."""

from datetime import datetime, timedelta
from typing import Final

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject, TooLarge
from diemcau.meetings.commands import EndFloor, GiveFloor
from diemcau.meetings.context import Context, Draft, must_be_open, must_be_present, must_not_have_ended
from diemcau.meetings.errors import FloorAlreadyGiven, NotSpeaking
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.ordering import ExtendFloor, SetFloorRules
from diemcau.meetings.queue import lowered
from diemcau.meetings.stage import cut_to_speaker

MAX_SPEAKERS: Final = 16


def give_floor(meeting: Meeting, command: GiveFloor, context: Context) -> list[Draft]:
    """Opens the site's microphone; `replace` ends everybody else's floor, `stage` cuts to the site.

    `minutes` None: as the speakers' list, the agenda's item or the meeting says (the chair's site: no limit);
    0: no limit. Two operators who give it to the same site: the second hears that it has the floor.
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
        "until": _until(meeting, command, context),
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


def extend_floor(meeting: Meeting, command: ExtendFloor, context: Context) -> list[Draft]:
    """More minutes: on top of what is left, from now where the time is over or had no limit."""
    must_be_open(meeting)
    speaker = meeting.speakers.get(command.site)
    if speaker is None:
        raise NotSpeaking(None, site=command.site)
    start = context.now if speaker.until is None else max(speaker.until, context.now)
    until = rfc3339(start + timedelta(minutes=command.minutes))
    return [("floor_extended", {"site": command.site, "minutes": command.minutes, "until": until})]


def set_rules(meeting: Meeting, command: SetFloorRules, context: Context) -> list[Draft]:
    """How long a speaker has when nobody says, and whether the floor ends by itself after that."""
    must_not_have_ended(meeting)
    if (meeting.order.minutes, meeting.order.auto_end) == (command.minutes, command.auto_end):
        return []
    return [("floor_rules_set", {"minutes": command.minutes, "auto_end": command.auto_end})]


def time_over(meeting: Meeting, now: datetime) -> list[Draft]:
    """Whose time is over, where the meeting ends the floor by itself; never the chair's."""
    if meeting.status != "open":
        return []
    return [_ended(site, "time") for site, until in limits(meeting) if until <= now]


def limits(meeting: Meeting) -> list[tuple[str, datetime]]:
    """Whose floor ends by itself, and when."""
    if not meeting.order.auto_end:
        return []
    return [
        (site, speaker.until)
        for site, speaker in meeting.speakers.items()
        if speaker.until is not None and site != meeting.chair_site
    ]


def site_gone(meeting: Meeting, site: str, reason: str = "left") -> list[Draft]:
    """The site left, or did not come back in time: its hand and floor end. `reason`: as the events say."""
    if meeting.status != "open":
        return []
    drafts: list[Draft] = []
    if site in meeting.hands:
        drafts.append(lowered(meeting, site, len(meeting.hands) - 1, reason))
    if site in meeting.speakers:
        drafts.append(_ended(site, reason))
    return drafts


def _until(meeting: Meeting, command: GiveFloor, context: Context) -> str | None:
    minutes = command.minutes
    if minutes is None and command.site != meeting.chair_site:
        minutes = meeting.order.usual_minutes(command.site)
    return rfc3339(context.now + timedelta(minutes=minutes)) if minutes else None


def _ended(site: str, reason: str) -> Draft:
    return "floor_ended", {"site": site, "reason": reason}
