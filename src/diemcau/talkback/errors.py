"""What a talkback refuses."""

from diemcau.errors import NotFound, WrongState


class TalkNotFound(NotFound):
    """No such private word is open for the asker (any more). Details: `talk`."""

    code = "talk_not_found"
    default = "This talkback is not open any more."


class MicOpen(WrongState):
    """The site is heard by the whole meeting: what it said now would not be private. Details: `site`."""

    code = "mic_open"
    default = "The meeting hears this site: an answer would not be private."


class NobodyTalks(WrongState):
    """A connection for a private word is asked for by somebody with whom there is none."""

    default = "There is no talkback to open a connection for."
