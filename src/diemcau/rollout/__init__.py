"""Rollout: from a spreadsheet to thousands of ready sites. See docs/rollout.md, docs/rollout-sheets.md,
docs/selftest.md, docs/readiness.md."""

from diemcau.rollout.errors import ImportNotFound
from diemcau.rollout.fields import Field
from diemcau.rollout.job import Job, Status
from diemcau.rollout.reasons import WORDS
from diemcau.rollout.service import Rollout

__all__ = ["WORDS", "Field", "ImportNotFound", "Job", "Rollout", "Status"]
