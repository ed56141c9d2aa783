"""The stage as the meeting's rules see it: what is on air, what is in preview, and what goes with them."""

from collections.abc import Collection

from diemcau.clock import rfc3339
from diemcau.errors import JsonObject, JsonValue, TooLarge, WrongState
from diemcau.meetings import commands as c
from diemcau.meetings.captions import Caption
from diemcau.meetings.context import (
    Context,
    Draft,
    must_be_invited,
    must_be_open,
    must_not_have_ended,
)
from diemcau.meetings.errors import PresentationRunning
from diemcau.meetings.layouts import SLOTS, Layout, Look, Slots, sites_in, with_chair, with_site, without
from diemcau.meetings.meeting import Meeting


def preview(meeting: Meeting, command: c.Preview, context: Context) -> list[Draft]:
    """Puts sites into preview; they may be invited sites that have not joined yet."""
    must_not_have_ended(meeting)
    must_be_invited(context, sites_in(command.slots))
    return preview_look(meeting, _look(meeting.preview_look, command.slots, command.layout), context)


def preview_look(meeting: Meeting, look: Look, context: Context) -> list[Draft]:
    """The same of a look, with the pinned chair; nothing when it is on preview already."""
    look = _pinned(meeting, look)
    if look == meeting.preview_look:
        return []
    return [("stage_previewed", _shown(meeting, look, context))]


def preview_called(meeting: Meeting, site: str, context: Context) -> list[Draft]:
    """A called site comes onto the preview."""
    return preview_look(meeting, with_site(meeting.preview_look, site, kept=_kept(meeting)), context)


def preview_without(meeting: Meeting, site: str) -> list[Draft]:
    """A site that was let go leaves the preview."""
    look = without(meeting.preview_look, site)
    if look == meeting.preview_look:
        return []
    return [("stage_previewed", {"slots": look.slots, "layout": look.layout, "names": {}})]


def cut_stage(meeting: Meeting, command: c.Cut, context: Context) -> list[Draft]:
    """Puts the given slots, or the preview, on air. A preview that is empty was cut or emptied by somebody
    else."""
    must_not_have_ended(meeting)
    if command.slots is None:
        return cut(meeting, meeting.preview_look, context)
    must_be_invited(context, sites_in(command.slots))
    return cut(meeting, _look(meeting.on_air_look, command.slots, command.layout), context)


def cut_to_speaker(meeting: Meeting, site: str, replaced: Collection[str], context: Context) -> list[Draft]:
    """The cut to who is given the floor; a pinned chair stays on the picture."""
    look = with_site(meeting.on_air_look, site, replaced, _kept(meeting))
    return cut(meeting, _pinned(meeting, look), context)


def cut(meeting: Meeting, look: Look, context: Context) -> list[Draft]:
    """The cut to this look; nothing when it is on air already. It takes the holding picture away; what was
    before stays what an undo goes back to when only that goes."""
    same = look == meeting.on_air_look
    if same and meeting.staging.hold is None:
        return []
    before = Look(meeting.staging.before, meeting.before) if same else meeting.on_air_look
    data = _shown(meeting, look, context)
    return [("stage_cut", {**data, "before": before.slots, "before_layout": before.layout})]


def direct(meeting: Meeting, command: c.Staging, context: Context) -> list[Draft]:
    """What the director decides beside who is in which slot."""
    now = meeting.staging
    match command:
        case c.HoldPicture(on, text, until):
            must_be_open(meeting)
            held = now.hold
            if not on and held is None:
                return []
            if on and held is not None and (held.text, held.until) == (text, until):
                return []
            told = None if until is None else rfc3339(until)
            return [("stage_held", {"on": on, "text": text if on else None, "until": told if on else None})]
        case c.ShowCaptions(on):
            must_not_have_ended(meeting)
            return [] if on == now.captions else [("captions_set", {"on": on})]
        case c.SetCaption(site, name, title):
            must_not_have_ended(meeting)
            if site not in meeting.staged():
                raise WrongState("The site is neither on the stage nor on preview.", site=site)
            who = None if name is None else Caption(name, title)
            if now.people.get(site) == who:
                return []
            return [("caption_set", {"site": site, "caption": None if who is None else who.to_json()})]
        case c.PinChair(on):
            return _pin_chair(meeting, on, context)
        case c.StartPresentation():
            return _start_presentation(meeting, command, context)
        case c.EndPresentation(key):
            must_be_open(meeting)
            return _end_presentation(meeting, key, "ended")


def presentation_lost(meeting: Meeting, key: str) -> list[Draft]:
    """Who presents did not come back in time."""
    return _end_presentation(meeting, key, "lost")


def _pin_chair(meeting: Meeting, on: bool, context: Context) -> list[Draft]:
    must_not_have_ended(meeting)
    if meeting.chair_site is None:
        raise WrongState("The meeting has no chair's site.")
    if on == meeting.staging.chair_pinned:
        return []
    drafts: list[Draft] = [("chair_pinned", {"on": on})]
    look = with_chair(meeting.preview_look, meeting.chair_site)
    if on and look != meeting.preview_look:
        # What is being prepared is a new picture too.
        drafts.append(("stage_previewed", _shown(meeting, look, context)))
    return drafts


def _start_presentation(meeting: Meeting, command: c.StartPresentation, context: Context) -> list[Draft]:
    must_be_open(meeting)
    running = meeting.staging.presentation
    if running is not None and running.key == command.key and running.title == command.title:
        return []
    if running is not None and running.by != context.actor.id and not command.replace:
        raise PresentationRunning(None, name=running.name, title=running.title)
    data: JsonObject = {
        "key": command.key,
        "by": context.actor.id,
        "name": context.actor.name,
        "title": command.title,
    }
    ended = [] if running is None else _end_presentation(meeting, running.key, "replaced")
    return [*ended, ("presentation_started", data)]


def line_up(meeting: Meeting, command: c.LineUp, context: Context) -> list[Draft]:
    """Has a site wait its turn: it is asked to send, and the machine looks whether picture and voice come.

    Who goes on preview or on air has left the line by that (`Meeting.apply`).
    """
    must_not_have_ended(meeting)
    if not command.on and command.site not in meeting.line_up:
        return []
    must_be_invited(context, [command.site] if command.on else [])
    rest = [site for site in meeting.line_up if site != command.site]
    if command.on and len(rest) >= c.MAX_LINED_UP:
        raise TooLarge(f"At most {c.MAX_LINED_UP} sites wait in line.", limit=c.MAX_LINED_UP)
    if command.on:
        here = meeting.line_up.index(command.site) if command.site in meeting.line_up else len(rest)
        rest.insert(here if command.place is None else command.place, command.site)
    if tuple(rest) == meeting.line_up:
        return []
    names = context.named(rest) | {
        site: meeting.names[site].to_json() for site in rest if site in meeting.names
    }
    return [("stage_lined_up", {"sites": rest, "names": names})]


def _end_presentation(meeting: Meeting, key: str | None, reason: str) -> list[Draft]:
    running = meeting.staging.presentation
    if running is None or key not in (None, running.key):
        return []
    return [("presentation_ended", {"key": running.key, "reason": reason})]


def _look(present: Look, slots: Slots, layout: Layout | None) -> Look:
    """What a client that names no layout means: the present one while it has so many slots."""
    if layout is None and SLOTS[present.layout] == len(slots):
        return Look(present.layout, slots)
    return Look.of(slots, layout)


def _pinned(meeting: Meeting, look: Look) -> Look:
    return with_chair(look, meeting.chair_site) if meeting.staging.chair_pinned else look


def _kept(meeting: Meeting) -> tuple[str, ...]:
    pinned = meeting.staging.chair_pinned and meeting.chair_site is not None
    return (str(meeting.chair_site),) if pinned else ()


def _shown(meeting: Meeting, look: Look, context: Context) -> JsonObject:
    """The look as its event says it: names of the sites, and who those show that were in no slot before."""
    sites = sites_in(look.slots)
    known = {site: meeting.names[site].to_json() for site in sites if site in meeting.names}
    staged = meeting.staged()
    captions: dict[str, JsonValue] = {}
    for site in sites:
        if site not in staged:
            who = context.people.get(site)
            captions[site] = None if who is None else who.to_json()
    return {
        "slots": look.slots,
        "layout": look.layout,
        "names": context.named(sites) | known,
        "captions": captions,
    }
