"""`python -m diemcau.rollout.sheets.worker`: renders batches in a process of its own.

One JSON document a line in, one a line out; codes come by the pipe alone, never by an argument or a file. The
process ends with its pipe, or is killed.
"""

import os
import sys
from pathlib import Path

import orjson

from diemcau.rollout.sheets.render import Sheet, merge, write

NICENESS = 10
"""Meetings go before paper."""


def main() -> None:
    """Answers `{"bytes"}` or `{"error"}` to each order, until there are no more."""
    os.nice(NICENESS)
    for line in sys.stdin.buffer:
        order = orjson.loads(line)
        try:
            path = Path(order["out"])
            if "merge" in order:
                size = merge([Path(part) for part in order["merge"]], path)
            else:
                size = write([Sheet(**sheet) for sheet in order["sheets"]], path)
            answer: dict[str, object] = {"bytes": size}
        except Exception as error:  # the other side says what to do about it
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
