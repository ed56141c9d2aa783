"""Spreadsheets in and out: .xlsx and .csv as lists of cells of text. Knows nothing of what stands in them.

What comes in is hostile and is read in a process of its own (`read`); what goes out cannot act (`write_xlsx`,
`write_csv`). See docs/rollout.md.
"""

from diemcau.spreadsheet.bounds import MAX_CELL, MAX_COLUMNS, MAX_FILE, MAX_ROWS, BadSheet, Table
from diemcau.spreadsheet.reader import read
from diemcau.spreadsheet.writer import Sheet, neutral, write_csv, write_workbook, write_xlsx

__all__ = [
    "MAX_CELL",
    "MAX_COLUMNS",
    "MAX_FILE",
    "MAX_ROWS",
    "BadSheet",
    "Sheet",
    "Table",
    "neutral",
    "read",
    "write_csv",
    "write_workbook",
    "write_xlsx",
]
