"""Who may do which command of a meeting, on top of the one permission table: against which units it is
checked.

What changes the meeting for everybody (open, end, invite, the floor, the stage, everybody's microphones)
needs a grant over the whole scope. What touches one site or subtree needs a grant over that. A site does its
own things.
"""

from collections.abc import Mapping

from diemcau.access import Access, Actor
from diemcau.errors import BadRequest, Forbidden
from diemcau.meetings import commands as c
from diemcau.meetings import ordering as o
from diemcau.meetings.layouts import PRESENTATION, sites_in
from diemcau.meetings.meeting import Meeting, SiteName
from diemcau.meetings.oversight import above
from diemcau.units import Units


def authorise(
    access: Access,
    units: Units,
    actor: Actor,
    meeting: Meeting,
    command: c.Command,
    names: Mapping[str, SiteName],
) -> None:
    """Raises Forbidden, BadRequest (a person must name the site), UnitNotFound. `names`: of mentioned
    sites."""
    if actor.kind == "site":
        if not _own(actor.id, command.what):
            raise Forbidden(None, command=command.type)
        return
    scope = tuple(dict.fromkeys(entry.unit for entry in meeting.scope))
    match command.what:
        case c.Join() | c.Leave() | c.RaiseHand() | c.SetMic() | o.AnswerAsked() | c.Got() | c.Answer():
            raise Forbidden("Only a site does this, for itself.", command=command.type)
        case c.LowerHand(site) | c.EndFloor(site):
            if site is None:
                raise BadRequest("the command must name a site", field="site")
            access.authorise(actor, command.type, names[site].unit)
        case o.ForwardHand(site) | o.RecallHand(site):
            access.authorise(actor, command.type, names[site].unit)
        case o.MoveHand(site):
            # Whoever orders a queue orders all who wait in it.
            hand = meeting.hands.get(site)
            branch = hand.branch if hand is not None and hand.branch is not None else names[site].unit
            access.authorise(actor, command.type, branch)
        case o.UndoMute() if (last := meeting.order.last_mute) is not None and last.unit is not None:
            access.authorise(actor, command.type, last.unit)
        case c.Mute(site=str() as site) | c.Unmute(site) | o.AskUnmute(site):
            access.authorise(actor, command.type, names[site].unit)
        case c.Mute(unit=str() as unit):
            units.get(unit)
            access.authorise(actor, command.type, unit)
        case c.GiveFloor(site) | c.LineUp(site) | c.SetCaption(site) | o.ExtendFloor(site):
            access.authorise(actor, command.type, *scope, names[site].unit)
        case c.Preview(slots) | c.Cut(slots):
            sites = sites_in(slots or ())
            access.authorise(actor, command.type, *scope, *(names[site].unit for site in sites))
        case c.Invite(sites):
            access.authorise(actor, command.type, *scope, *{names[site].unit for site in sites})
        case c.Post(_, "desk"):
            if actor.kind != "system" and not overlaps(
                units, access.units_granted(actor, command.type), meeting
            ):
                raise Forbidden(None, command=command.type)
        case c.Post(_, to) if to != "all":
            access.authorise(actor, command.type, names[to].unit)
        case c.TakeDirection():
            access.authorise(actor, command.type, *above(units, meeting))  # of none: nobody may
        case c.ReturnDirection():
            pass  # his own, or it is refused (oversight.py)
        case _:
            access.authorise(actor, command.type, *scope)


def _own(site: str, command: c.MeetingCommand) -> bool:
    match command:
        case c.Join() | c.Leave() | c.RaiseHand() | c.SetMic() | o.AnswerAsked() | c.Got() | c.Answer():
            return True
        case c.Post(to="desk", ask=False):
            return True
        case c.LowerHand(target) | c.EndFloor(target):
            return target in (None, site)
        case _:
            return False


def mentioned(actor: Actor, meeting: Meeting, command: c.MeetingCommand) -> set[str]:
    """The sites that the command names, the asking one included."""
    found: set[str | None] = {actor.site}
    match command:
        case c.LowerHand(site) | c.EndFloor(site) | c.Mute(site=site) | c.Unmute(site) | c.SetCaption(site):
            found.add(site)
        case o.ForwardHand(site) | o.RecallHand(site) | o.MoveHand(site):
            found.add(site)
        case o.ExtendFloor(site) | o.ListSite(site) | o.AskUnmute(site):
            found.add(site)
        case o.SetAgenda(items):
            found.update(site for item in items for site in item.sites)
        case c.LineUp(site):
            found.add(site)
        case c.GiveFloor(site):
            found.update((site, meeting.chair_site))
        case c.PinChair():
            found.add(meeting.chair_site)
        case c.Invite(sites):
            found.update(sites)
        case c.Preview(slots):
            found.update((*slots, meeting.chair_site))
        case c.Cut(slots):
            found.update(meeting.preview if slots is None else slots)
        case c.Post(_, to) if to not in ("all", "desk"):
            found.add(to)
        case _:
            pass
    return {site for site in found if site is not None and site != PRESENTATION}


def overlaps(units: Units, granted: tuple[str, ...], meeting: Meeting) -> bool:
    """Whether one of the units lies in the meeting's scope, or the other way round."""
    return overlap(units, granted, tuple(entry.unit for entry in meeting.scope))


def overlap(units: Units, granted: tuple[str, ...], scope: tuple[str, ...]) -> bool:
    """The same for a scope alone."""
    return any(
        mine in units and theirs in units and (units.contains(mine, theirs) or units.contains(theirs, mine))
        for mine in granted
        for theirs in scope
    )
