"""What can be wrong with a renewal."""

from typing import ClassVar

from diemcau.errors import Conflict


class UnitsDiffer(Conflict):
    """The settings name another dataset than the database's. Details: `units`, `database`."""

    code: ClassVar[str] = "units_differ"
    default: ClassVar[str] = "The database holds units of another dataset."


class AlreadyRenewed(Conflict):
    """The database's dataset does not lead to the wanted one. Details: `units`, `database`."""

    code: ClassVar[str] = "already_renewed"
    default: ClassVar[str] = "There is nothing to be renewed."


class MeetingsPending(Conflict):
    """Meetings are open or scheduled: their scope is of the old tree. Details: `meetings`."""

    code: ClassVar[str] = "meetings_pending"
    default: ClassVar[str] = "Meetings are open or scheduled: end them first, and call them again afterwards."


class NoWayBack(Conflict):
    """Something was built on the new tree. Details: `sites`, `grants`, `meetings` (how many)."""

    code: ClassVar[str] = "no_way_back"
    default: ClassVar[str] = "Sites, grants or meetings were made since: restore the backup instead."
