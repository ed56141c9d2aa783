"""What rehearsals refuse."""

from typing import ClassVar

from diemcau.errors import BadRequest, NotFound


class RehearsalNotFound(NotFound):
    """No rehearsal of the asker's has this id."""

    code: ClassVar[str] = "rehearsal_not_found"
    default: ClassVar[str] = "There is no such rehearsal."


class NobodyToRehearse(BadRequest):
    """The scope has no sites."""

    code: ClassVar[str] = "nobody_to_rehearse"
    default: ClassVar[str] = "No site would take part."
