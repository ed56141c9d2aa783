"""What calls and inspections refuse."""

from diemcau.errors import Conflict, NotFound, WrongState


class CallNotFound(NotFound):
    """No call has this id, it has ended, or the asker may not see it. Details: `call`."""

    code = "call_not_found"
    default = "There is no such call."


class CallRunning(Conflict):
    """The site is being called from this very meeting. Details: `call`, `site`."""

    code = "call_running"
    default = "The site is being called already."


class SiteOnStage(WrongState):
    """The called site is on the stage: hanging up would leave a hole there. Details: `site`."""

    code = "on_stage"
    default = "The site is on the stage: cut to another picture first."


class InspectionNotFound(NotFound):
    """No inspection has this id, or the asker may not see it. Details: `inspection`."""

    code = "inspection_not_found"
    default = "There is no such inspection."


class FindingNotFound(NotFound):
    """No finding has this id, or the asker may not see it. Details: `finding`."""

    code = "finding_not_found"
    default = "There is no such finding."
