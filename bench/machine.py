"""What a benchmark ran on, printed with every result."""

import os
import platform
import subprocess
import sys
from pathlib import Path

from diemcau.media.executable import find


def machine() -> dict[str, str | int]:
    """Processor, cores, kernel and toolchain versions of this machine, and of the executables: those that
    tests use check themselves and are slower, which is said on standard error too."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    rust = _says("rustc")
    executables = {name: _says(str(find(name))) for name in ("diemcau-media", "diemcau-load")}
    for said in executables.values():
        if "checks" in said:
            print(f"No figure of this run counts: {said}. `make setup` builds what ships.", file=sys.stderr)
    return {
        "cpu": model,
        "cores": os.cpu_count() or 0,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "rust": rust,
        **executables,
    }


def _says(command: str) -> str:
    return subprocess.run([command, "--version"], capture_output=True, text=True, check=False).stdout.strip()
