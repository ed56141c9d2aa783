"""The process that reads one hostile file: standard input is a line of JSON (`{"sheet": name or null}`) and
the file, standard output one document: a table, or `{"reason", "detail"}`.

It may use so much memory and time, write no file, and start no process.
"""

import resource
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import orjson

from diemcau.spreadsheet.bounds import MAX_FILE, BadSheet, Table
from diemcau.spreadsheet.delimited import read_delimited
from diemcau.spreadsheet.workbook import OLE, ZIP, read_workbook

MEMORY: Final = 1 << 30
CPU_S: Final = 30


def parse(data: bytes, sheet: str | None) -> Table:
    """The table of a file of either kind. Raises BadSheet."""
    if len(data) > MAX_FILE:
        raise BadSheet(f"At most {MAX_FILE} bytes", reason="too_large")
    if data.startswith(OLE):
        raise BadSheet("An old .xls, or one with a password: save it as .xlsx without", reason="old")
    return read_workbook(data, sheet) if data.startswith(ZIP) else read_delimited(data)


def main() -> None:
    """See the module."""
    # When the machine is full, this one goes before the server.
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("900", encoding="ascii")
    for limit, value in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, CPU_S),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))
    order, _, data = sys.stdin.buffer.read(MAX_FILE + 4096).partition(b"\n")
    try:
        table = parse(data, orjson.loads(order)["sheet"])
        answer = orjson.dumps(
            {"sheets": table.sheets, "sheet": table.sheet, "rows": table.rows, "numbers": table.numbers}
        )
    except BadSheet as error:
        answer = orjson.dumps({"reason": error.reason, "detail": error.message})
    except MemoryError:
        answer = orjson.dumps({"reason": "too_large", "detail": "It needs more memory than is given"})
    sys.stdout.buffer.write(answer)


if __name__ == "__main__":
    main()
