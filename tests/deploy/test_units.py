"""The systemd units and the kernel's settings say what the programs need."""

import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
UNITS = ("diemcau.service", "diemcau-media.service")


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd here")
    for name in UNITS:
        # It looks for the executables, which an installation has in /opt/diemcau.
        text = (DEPLOY / name).read_text().replace("/opt/diemcau/bin/", "/bin/true --")
        (tmp_path / name).write_text(text)
    checked = subprocess.run(
        [program, "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    ours = [line for line in (checked.stdout + checked.stderr).splitlines() if "diemcau" in line]
    assert ours == []


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_may_not_become_more_than_it_is(name: str) -> None:
    words = dict(
        line.split("=", 1)
        for line in (DEPLOY / name).read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    assert words["NoNewPrivileges"] == "yes" and words["CapabilityBoundingSet"] == ""
    assert words["ProtectSystem"] == "strict" and words["User"] == "diemcau"
    assert words["Restart"] == "always" and int(words["LimitNOFILE"]) >= 4096
