"""State and command in, events or a coded error out. No IO."""

from diemcau.errors import WrongState
from diemcau.meetings import commands as c
from diemcau.meetings.context import Context, Draft, must_not_have_ended
from diemcau.meetings.floor import end_floor, give_floor, lower_hand, raise_hand
from diemcau.meetings.meeting import Meeting
from diemcau.meetings.mute import mute, set_mic, unmute
from diemcau.meetings.stage import cut_stage, direct, preview
from diemcau.meetings.text import post


def decide(meeting: Meeting, command: c.MeetingCommand, context: Context) -> list[Draft]:
    """The events that the command makes; none when everything is so already.

    The asker's right was checked before (`authority.py`); joining, leaving, inviting and
    receipts are the service's.
    """
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
        case c.GiveFloor():
            return give_floor(meeting, command, context)
        case c.EndFloor():
            return end_floor(meeting, command, context)
        case c.SetMic():
            return set_mic(meeting, command, context)
        case c.Mute():
            return mute(meeting, command, context)
        case c.Unmute():
            return unmute(meeting, command, context)
        case c.Preview():
            return preview(meeting, command, context)
        case c.Cut():
            return cut_stage(meeting, command, context)
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
        case c.Invite() | c.Join() | c.Leave() | c.Got() | c.Answer():
            raise WrongState("this command changes rows or presence, not the state alone")


def _open(meeting: Meeting) -> list[Draft]:
    must_not_have_ended(meeting)
    if meeting.status == "open":
        raise WrongState("The meeting is open already.")
    return [("meeting_opened", {})]
