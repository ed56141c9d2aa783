"""Another tree under what is there: sites and grants moved to a later dataset. See docs/renewal.md."""

from diemcau.rollout.renewal.answers import Answers, read_answers
from diemcau.rollout.renewal.errors import AlreadyRenewed, MeetingsPending, NoWayBack, UnitsDiffer
from diemcau.rollout.renewal.ledger import HELD, datasets_of, eras_of
from diemcau.rollout.renewal.plan import How, Plan
from diemcau.rollout.renewal.report import report_file
from diemcau.rollout.renewal.service import Renewal

__all__ = [
    "HELD",
    "AlreadyRenewed",
    "Answers",
    "How",
    "MeetingsPending",
    "NoWayBack",
    "Plan",
    "Renewal",
    "UnitsDiffer",
    "datasets_of",
    "eras_of",
    "read_answers",
    "report_file",
]
