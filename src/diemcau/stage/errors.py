"""What the stage refuses."""

from diemcau.errors import Conflict, NotFound, WrongState


class ViewerNotFound(NotFound):
    """The asker has no such viewer (any more)."""

    code = "viewer_not_found"
    default = "There is no such viewer."


class PublisherNotFound(NotFound):
    """The asker has no such publisher (any more)."""

    default = "There is no such publisher."


class NotAskedToPublish(WrongState):
    """The site is not on stage, on preview, pinned or speaking: nobody asked for its picture."""

    default = "The site is not asked to send its picture."


class TooManyPins(Conflict):
    """The viewer has no such line, or more pins than a viewer may have."""
