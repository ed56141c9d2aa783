"""Meetings: floor, microphones, stage, messages, presence in a meeting. See docs/meetings.md."""

from diemcau.meetings.commands import Command, parse
from diemcau.meetings.errors import (
    DirectionTaken,
    FloorAlreadyGiven,
    HandAlreadyRaised,
    HandGone,
    MeetingNotFound,
    MeetingNotOpen,
    MessageNotFound,
    NotDirecting,
    NotInMeeting,
    NotSpeaking,
    PresentationRunning,
)
from diemcau.meetings.invitations import NewMeeting
from diemcau.meetings.layouts import PRESENTATION, Slots
from diemcau.meetings.meeting import Meeting, Mic, SiteName, Speaker
from diemcau.meetings.receipts import Listing, Taken
from diemcau.meetings.roster import Roster
from diemcau.meetings.service import Done, Meetings, Snapshot
from diemcau.meetings.summary import MeetingSummary, comes_by_itself
from diemcau.meetings.views import Viewer, render

__all__ = [
    "PRESENTATION",
    "Command",
    "DirectionTaken",
    "Done",
    "FloorAlreadyGiven",
    "HandAlreadyRaised",
    "HandGone",
    "Listing",
    "Meeting",
    "MeetingNotFound",
    "MeetingNotOpen",
    "MeetingSummary",
    "Meetings",
    "MessageNotFound",
    "Mic",
    "NewMeeting",
    "NotDirecting",
    "NotInMeeting",
    "NotSpeaking",
    "PresentationRunning",
    "Roster",
    "SiteName",
    "Slots",
    "Snapshot",
    "Speaker",
    "Taken",
    "Viewer",
    "comes_by_itself",
    "parse",
    "render",
]
