"""`python -m diemcau.press.worker MODULE`: renders parts of a document in a process of its own.

MODULE has `pdf(data)`, bytes of JSON data. One JSON document a line in, one a line out; what is printed comes
by the pipe alone, never by an argument or a file. The process ends with its pipe, or is killed.
"""

import os
import sys
from importlib import import_module
from pathlib import Path

import orjson

from diemcau.press.paper import merge, write

NICENESS = 10
"""Meetings go before paper."""


def main() -> None:
    """Answers `{"bytes"}` or `{"error"}` to each order, until there are no more."""
    os.nice(NICENESS)
    document = import_module(sys.argv[1])
    for line in sys.stdin.buffer:
        order = orjson.loads(line)
        try:
            path = Path(order["out"])
            if "merge" in order:
                size = merge([Path(part) for part in order["merge"]], path)
            else:
                size = write(document.pdf(order["data"]), path)
            answer: dict[str, object] = {"bytes": size}
        except Exception as error:  # the other side says what to do about it
            answer = {"error": f"{type(error).__name__}: {error}"[:500]}
        sys.stdout.buffer.write(orjson.dumps(answer) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
