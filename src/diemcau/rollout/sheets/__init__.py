"""Connection sheets: paper that makes a site of a machine. See docs/rollout-sheets.md."""

from diemcau.rollout.sheets.jobs import NothingToPrint, SheetJob, SheetJobNotFound, SheetJobs, Wanted
from diemcau.rollout.sheets.press import PrintFailed

__all__ = ["NothingToPrint", "PrintFailed", "SheetJob", "SheetJobNotFound", "SheetJobs", "Wanted"]
