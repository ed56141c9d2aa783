"""`python -m bench [NAME ...]`: run benchmarks in turn; each prints a table and one JSON line."""

import subprocess
import sys
from pathlib import Path

HELPERS = {
    "machine",
    "plot",
    "record_sizes",
    "chromium",
    "soak",
    "hands",
    "desk_shots",
    "state_shots",
    "farline",
}
"""No benchmarks, and those that run only when they are named."""


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all; answers how many failed to finish."""
    here = Path(__file__).parent
    usual = sorted({path.stem for path in here.glob("[a-z]*.py")} - HELPERS)
    # Only when named: half an hour, and what needs other servers, which are built or installed for it.
    known = [*usual, "soak", *sorted(path.parent.name for path in here.glob("*/__main__.py"))]
    if unknown := [name for name in names if name not in known]:
        print(f"no such benchmark: {', '.join(unknown)}; known: {', '.join(known)}", file=sys.stderr)
        return 2
    failed = 0
    for name in names or usual:
        print(f"\n=== {name}", flush=True)
        failed += subprocess.run([sys.executable, "-m", f"bench.{name}"], cwd=here.parent).returncode != 0
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
