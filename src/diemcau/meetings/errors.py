"""What the rules of a meeting refuse."""

from diemcau.errors import Conflict, NotFound, WrongState


class MeetingNotFound(NotFound):
    """No meeting has this id, or it does not concern the asker."""

    code = "meeting_not_found"
    default = "There is no such meeting."


class MessageNotFound(NotFound):
    """No message of the meeting has this id any more, or it is not for the asker. Details: `message`."""

    code = "message_not_found"
    default = "There is no such message."


class MeetingNotOpen(WrongState):
    """The meeting is not open yet, or has ended."""

    code = "meeting_not_open"
    default = "The meeting is not open."


class NotInMeeting(WrongState):
    """The site is not invited, or has not joined. Details: `site`."""

    code = "not_in_meeting"
    default = "The site is not in the meeting."


class NotSpeaking(WrongState):
    """The site does not have the floor. Details: `site`."""

    code = "not_speaking"
    default = "The site does not have the floor."


class HandAlreadyRaised(WrongState):
    """The site's hand is up already."""

    code = "hand_already_raised"
    default = "The hand is already raised."


class DirectionTaken(Conflict):
    """Somebody with a wider right directs. Details: `by`, his name."""

    code = "direction_taken"
    default = "Somebody else directs this meeting now."


class NotDirecting(WrongState):
    """Who has a wider right watches, until he takes the direction over."""

    code = "not_directing"
    default = "Take the direction over first."


class HandGone(Conflict):
    """The hand was lowered, or given the floor, by somebody else a moment ago. Details: `site`."""

    default = "The hand is no longer raised."


class FloorAlreadyGiven(Conflict):
    """The site was given the floor by somebody else a moment ago. Details: `site`."""

    default = "The site already has the floor."


class AlreadyForwarded(Conflict):
    """Another operator has sent the hand up a moment ago, with another note. Details: `site`, `note`."""

    default = "The hand was forwarded already."


class NotForwarded(Conflict):
    """The hand is in its queue: it was not sent up, or another operator took it back. Details: `site`."""

    default = "The hand is not forwarded."


class QueueChanged(Conflict):
    """Another operator has changed the order, the entry or the agenda since the asker saw it: nothing of the
    command is kept. Details: what the rule names."""

    code = "queue_changed"
    default = "It was changed by somebody else meanwhile."


class NotListed(Conflict):
    """The site is not on the speakers' list (any more). Details: `site`."""

    code = "not_listed"
    default = "The site is not on the speakers' list."


class PresentationRunning(Conflict):
    """Somebody else presents. Details: `name`, `title` of the document."""

    code = "presentation_running"
    default = "Somebody else presents."
