"""How far every site is on its way to being ready, and what keeps it."""

from diemcau.rollout.readiness.board import Counts, Row, RowFilter
from diemcau.rollout.readiness.export import write_csv, write_xlsx
from diemcau.rollout.readiness.forecast import Forecast, forecast
from diemcau.rollout.readiness.rule import CAUSES, Cause, Facts, Policy, Standing, State, assess
from diemcau.rollout.readiness.service import Readiness, RowPage

__all__ = [
    "CAUSES",
    "Cause",
    "Counts",
    "Facts",
    "Forecast",
    "Policy",
    "Readiness",
    "Row",
    "RowFilter",
    "RowPage",
    "Standing",
    "State",
    "assess",
    "forecast",
    "write_csv",
    "write_xlsx",
]
