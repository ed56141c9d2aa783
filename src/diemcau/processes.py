"""Other processes of this machine: who answers on a Unix socket, who goes before whom."""

import contextlib
import os
import socket
import struct
from pathlib import Path
from typing import NamedTuple

PATIENCE_S = 2
"""Seconds to wait for a process that is too busy to take a connection."""


class Peer(NamedTuple):
    """A process and the user it runs as."""

    pid: int
    uid: int


def peer(path: Path) -> Peer | None:
    """Who listens there, None if nobody does (SO_PEERCRED, socket(7)).

    A socket in a folder that all may write to could be anybody's: the caller looks at `uid`.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        # A blocking connect waits for room in the listener's queue; Python's own timeouts would fail at once.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", PATIENCE_S, 0))
        try:
            probe.connect(str(path))
            credentials = probe.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        except OSError:
            return None
    pid, uid, _gid = struct.unpack("3i", credentials)
    return Peer(pid, uid)


def prefer(pid: int, niceness: int) -> None:
    """Has the process get this niceness where we may (below zero: CAP_SYS_NICE); else it stays as it is."""
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, pid, niceness)
    # Where the scheduler groups processes by session (sched(7), autogroup), niceness counts by group.
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))
