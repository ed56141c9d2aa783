"""The stage as the meeting's rules see it: what is on air, what is in preview."""

from collections.abc import Collection

from diemcau.errors import TooLarge
from diemcau.meetings.commands import MAX_LINED_UP, Cut, LineUp, Preview
from diemcau.meetings.context import Context, Draft, must_be_invited, must_not_have_ended
from diemcau.meetings.meeting import Meeting, Slots


def preview(meeting: Meeting, command: Preview, context: Context) -> list[Draft]:
    """Puts sites into preview; they may be invited sites that have not joined yet."""
    must_not_have_ended(meeting)
    must_be_invited(context, (site for site in command.slots if site is not None))
    if command.slots == meeting.preview:
        return []
    return [("stage_previewed", {"slots": command.slots, "names": context.named(command.slots)})]


def cut_stage(meeting: Meeting, command: Cut, context: Context) -> list[Draft]:
    """Puts the given slots, or the preview, on air. A preview that is empty was cut or emptied by somebody
    else."""
    must_not_have_ended(meeting)
    if command.slots is not None:
        must_be_invited(context, (site for site in command.slots if site is not None))
    return cut(meeting, meeting.preview if command.slots is None else command.slots, context)


def cut(meeting: Meeting, slots: Slots, context: Context) -> list[Draft]:
    """The cut to these slots; nothing when they are on air already."""
    if slots == meeting.on_air:
        return []
    names = context.named(slots) | {
        site: meeting.names[site].to_json() for site in slots if site is not None and site in meeting.names
    }
    return [("stage_cut", {"slots": slots, "before": meeting.on_air, "names": names})]


def line_up(meeting: Meeting, command: LineUp, context: Context) -> list[Draft]:
    """Has a site wait its turn: it is asked to send, and the machine looks whether picture and voice come.

    Who goes on preview or on air has left the line by that (`Meeting.apply`).
    """
    must_not_have_ended(meeting)
    if not command.on and command.site not in meeting.line_up:
        return []
    must_be_invited(context, [command.site] if command.on else [])
    rest = [site for site in meeting.line_up if site != command.site]
    if command.on and len(rest) >= MAX_LINED_UP:
        raise TooLarge(f"At most {MAX_LINED_UP} sites wait in line.", limit=MAX_LINED_UP)
    if command.on:
        here = meeting.line_up.index(command.site) if command.site in meeting.line_up else len(rest)
        rest.insert(here if command.place is None else command.place, command.site)
    if tuple(rest) == meeting.line_up:
        return []
    names = context.named(rest) | {
        site: meeting.names[site].to_json() for site in rest if site in meeting.names
    }
    return [("stage_lined_up", {"sites": rest, "names": names})]


def with_called(shown: Slots, site: str) -> Slots:
    """Where a called site goes on the preview: its slot if it has one, an empty one, else the last."""
    if site in shown:
        return shown
    empty = [place for place, before in enumerate(shown) if before is None]
    where = empty[0] if empty else len(shown) - 1
    return tuple(site if place == where else before for place, before in enumerate(shown))


def with_speaker(on_air: Slots, site: str, replaced: Collection[str]) -> Slots:
    """Where a new speaker goes: his slot if he has one, a replaced speaker's, an empty one, else the last."""
    if site in on_air:
        return on_air
    places = (
        [place for place, shown in enumerate(on_air) if shown in replaced]
        + [place for place, shown in enumerate(on_air) if shown is None]
        + [len(on_air) - 1]
    )
    return tuple(site if place == places[0] else shown for place, shown in enumerate(on_air))
