"""Meetings: floor, microphones, stage, messages, presence in a meeting. See docs/meetings.md."""

from diemcau.meetings.commands import Command, parse
from diemcau.meetings.errors import (
    FloorAlreadyGiven,
    HandAlreadyRaised,
    HandGone,
    MeetingNotFound,
    MeetingNotOpen,
    NotInMeeting,
    NotSpeaking,
)
from diemcau.meetings.service import Done, Meetings, MeetingSummary, NewMeeting, Roster, Snapshot, Viewer

__all__ = [
    "Command",
    "Done",
    "FloorAlreadyGiven",
    "HandAlreadyRaised",
    "HandGone",
    "MeetingNotFound",
    "MeetingNotOpen",
    "MeetingSummary",
    "Meetings",
    "NewMeeting",
    "NotInMeeting",
    "NotSpeaking",
    "Roster",
    "Snapshot",
    "Viewer",
    "parse",
]
