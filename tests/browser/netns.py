"""A second machine with a bad network: a namespace at the end of a cable; protocols can be taken away."""

import contextlib
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)


@dataclass(frozen=True)
class Far:
    """`near`, `near6`: this machine's addresses as the far one sees them."""

    name: str
    near: str
    near6: str

    def block(self, protocol: str, *, family: int = 4, port: int | None = None) -> None:
        """Nothing of this protocol (to this port) leaves the far machine any more."""
        to = [] if port is None else ["dport", str(port)]
        rule = ["priority", "10", "ipproto", protocol, *to, "blackhole"]
        with contextlib.suppress(subprocess.CalledProcessError):  # it is there already
            _ip(f"-{family}", "-n", self.name, "rule", "add", *rule)

    def wrap(self, folder: Path, program: str) -> Path:
        """A script that runs a program on the far machine."""
        script = folder / Path(program).name
        script.write_text(f'#!/bin/sh\nexec ip netns exec {self.name} {program} "$@"\n')
        script.chmod(0o700)
        return script


@contextlib.contextmanager
def far_machine() -> Iterator[Far]:
    """Skips where this user may not make one."""
    mark = os.getpid() % 250 + 1
    name, cable = f"dc-far-{os.getpid()}", f"dcn{os.getpid()}"
    far = Far(name, f"10.213.{mark}.1", f"fd00:213:{mark:x}::1")
    try:
        _ip("netns", "add", name)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no network namespaces here: {error}")
    try:
        try:
            _ip("link", "add", cable, "type", "veth", "peer", "name", "far", "netns", name)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no veth devices here: {error.stderr}")
        for where, device, last in ((["-n", name], "far", "2"), ([], cable, "1")):
            _ip(*where, "addr", "add", f"10.213.{mark}.{last}/30", "dev", device)
            _ip(*where, "-6", "addr", "add", f"fd00:213:{mark:x}::{last}/64", "dev", device, "nodad")
            _ip(*where, "link", "set", device, "up")
        _ip("-n", name, "link", "set", "lo", "up")
        yield far
    finally:
        _ip("netns", "del", name)  # its end of the cable goes with it, and so the other
