"""What screens refuse."""

from diemcau.errors import NotFound


class ScreenNotFound(NotFound):
    """No such window is open in the meeting (any more)."""

    code = "screen_not_found"
    default = "This window is not open any more."
