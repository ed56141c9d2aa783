"""What a roll call refuses."""

from diemcau.errors import Conflict, NotFound, WrongState


class RollCallNotFound(NotFound):
    """The meeting has no such roll call, or the asker may see nothing of it. Details: `call`."""

    code = "roll_call_not_found"
    default = "There is no such roll call."


class RollCallOpen(WrongState):
    """The meeting has a roll call that is not sealed yet. Details: `call`."""

    code = "roll_call_open"
    default = "A roll call of this meeting is open already."


class RollCallSealed(WrongState):
    """The roll call is sealed: nothing of it changes any more. Details: `call`."""

    code = "roll_call_sealed"
    default = "The roll call is sealed."


class EntryConflict(Conflict):
    """Somebody else said something different meanwhile; nothing of the command was kept.

    Details: `conflicts`: the entries as they are now.
    """

    code = "entry_conflict"
    default = "Somebody else has changed this entry meanwhile."
