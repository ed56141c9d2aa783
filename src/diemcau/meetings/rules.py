"""State and command in, events or a coded error out. No IO."""

from diemcau.access import SecrecyRefused, covers
from diemcau.errors import WrongState
from diemcau.meetings import commands as c
from diemcau.meetings import ordering as o
from diemcau.meetings.agenda import finish_item, set_agenda, start_item
from diemcau.meetings.context import Context, Draft, must_not_have_ended
from diemcau.meetings.floor import end_floor, extend_floor, give_floor, set_rules
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.mute import answer_asked, ask_unmute, mute, set_mic, undo_mute, unmute
from diemcau.meetings.oversight import check_directing, give_back, take
from diemcau.meetings.queue import forward_hand, lower_hand, move_hand, raise_hand, recall_hand
from diemcau.meetings.speakers import edit_listed, list_site, move_listed, unlist_site
from diemcau.meetings.stage import cut_stage, direct, line_up, preview
from diemcau.meetings.text import post


def decide(meeting: Meeting, command: c.MeetingCommand, context: Context) -> list[Draft]:
    """The events that the command makes; none when everything is so already.

    The asker's right was checked before (`authority.py`); joining, leaving, inviting and
    receipts are the service's.
    """
    check_directing(meeting, context.actor, command, context.whence is not None)
    match command:
        case c.Open():
            return _open(meeting)
        case c.End():
            must_not_have_ended(meeting)
            return [("meeting_ended", {})]
        case c.RaiseHand():
            return raise_hand(meeting, context)
        case c.LowerHand():
            return lower_hand(meeting, command, context)
        case o.ForwardHand():
            return forward_hand(meeting, command, context)
        case o.RecallHand():
            return recall_hand(meeting, command, context)
        case o.MoveHand():
            return move_hand(meeting, command, context)
        case c.GiveFloor():
            return give_floor(meeting, command, context)
        case c.EndFloor():
            return end_floor(meeting, command, context)
        case o.ExtendFloor():
            return extend_floor(meeting, command, context)
        case o.SetFloorRules():
            return set_rules(meeting, command, context)
        case o.ListSite():
            return list_site(meeting, command, context)
        case o.MoveListed():
            return move_listed(meeting, command, context)
        case o.EditListed():
            return edit_listed(meeting, command, context)
        case o.UnlistSite():
            return unlist_site(meeting, command, context)
        case o.SetAgenda():
            return set_agenda(meeting, command, context)
        case o.StartItem():
            return start_item(meeting, command, context)
        case o.FinishItem():
            return finish_item(meeting, command, context)
        case c.SetMic():
            return set_mic(meeting, command, context)
        case c.Mute():
            return mute(meeting, command, context)
        case c.Unmute():
            return unmute(meeting, command, context)
        case o.UndoMute():
            return undo_mute(meeting, command, context)
        case o.AskUnmute():
            return ask_unmute(meeting, command, context)
        case o.AnswerAsked():
            return answer_asked(meeting, command, context)
        case c.Preview():
            return preview(meeting, command, context)
        case c.Cut():
            return cut_stage(meeting, command, context)
        case c.LineUp():
            return line_up(meeting, command, context)
        case (
            c.HoldPicture()
            | c.ShowCaptions()
            | c.SetCaption()
            | c.PinChair()
            | c.StartPresentation()
            | c.EndPresentation()
        ):
            return direct(meeting, command, context)
        case c.Post():
            return post(meeting, command, context)
        case c.Mark():
            return _mark(meeting, command)
        case c.TakeDirection():
            return take(meeting, context.actor, context.whence)
        case c.ReturnDirection():
            return give_back(meeting, context.actor)
        case c.Invite() | c.Join() | c.Leave() | c.Got() | c.Answer():
            raise WrongState("this command changes rows or presence, not the state alone")


def _open(meeting: Meeting) -> list[Draft]:
    must_not_have_ended(meeting)
    if meeting.status == "open":
        raise WrongState("The meeting is open already.")
    return [("meeting_opened", {})]


def _mark(meeting: Meeting, command: c.Mark) -> list[Draft]:
    """A mark is raised, never lowered: what was said under it stays what it was."""
    must_not_have_ended(meeting)
    if meeting.kind == "rehearsal":
        raise SecrecyRefused("A rehearsal is led by a machine and bears no mark.")
    if not covers(command.secrecy, meeting.secrecy):
        raise SecrecyRefused("A mark is never lowered.")
    return [] if command.secrecy == meeting.secrecy else [("secrecy_raised", {"secrecy": command.secrecy})]
