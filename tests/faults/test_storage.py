"""A full disk and a locked database under a running server: a coded refusal, nothing acknowledged lost."""

import contextlib
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from httpx2 import Client, Response

from tests.faults.house import House, Nation, house, until
from tests.faults.node import node_at

pytestmark = [pytest.mark.alone, pytest.mark.timeout(100)]

TEXT = "Đề nghị các điểm cầu kiểm tra đường truyền. " * 40
"""Some 1,700 characters: a message that fills a page of the database."""


def post(home: House, client: Client, number: int) -> Response:
    """One message of a length, under an id that is known: it can be asked for again."""
    return home.send(client, "message.post", name=f"faults-message-{number:04d}", text=TEXT, to="all")


class Posted:
    """Messages one after another; the seq of each that was acknowledged."""

    def __init__(self, home: House, client: Client) -> None:
        self.home, self.client, self.seqs, self.next = home, client, dict[int, int](), 0

    def acknowledged(self) -> None:
        """One more, which must be stored."""
        answer = post(self.home, self.client, self.next)
        assert answer.status_code == 200, answer.text
        self.seqs[self.next] = answer.json()["seq"]
        self.next += 1

    def until_refused(self, limit: int) -> Response:
        """Further ones until one is refused."""
        for _ in range(limit):
            answer = post(self.home, self.client, self.next)
            if answer.status_code != 200:
                return answer
            self.seqs[self.next] = answer.json()["seq"]
            self.next += 1
        raise AssertionError("the disk never filled")

    def all_kept(self) -> None:
        """Every acknowledged one answers its id with the same seq, and the log's chain holds."""
        seqs = list(self.seqs.values())
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs))), "a gap, or one stored twice"
        for number in (0, *range(max(0, self.next - 5), self.next)):
            assert post(self.home, self.client, number).json()["seq"] == self.seqs[number]
        assert self.home.state(self.client)["seq"] == seqs[-1]


class FullByLimit:
    """The server may write no file beyond the size that its log has now (RLIMIT_FSIZE: EFBIG)."""

    def __init__(self, home: House) -> None:
        self._home = home

    def fill(self) -> None:
        largest = max(path.stat().st_size for path in self._home.data.glob("diemcau.db*"))
        resource.prlimit(self._home.pid, resource.RLIMIT_FSIZE, (largest, resource.RLIM_INFINITY))

    def free(self) -> None:
        unlimited = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        resource.prlimit(self._home.pid, resource.RLIMIT_FSIZE, unlimited)


class FullByBallast:
    """The disk itself is full, for control and for the node (ENOSPC)."""

    def __init__(self, home: House) -> None:
        self._ballast = home.data / "ballast"

    def fill(self) -> None:
        with self._ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (1 << 20, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self) -> None:
        self._ballast.unlink()


def may_mount(folder: Path) -> bool:
    """Whether a disk of its own can be had: for root where mounting is permitted, as in CI."""
    if os.geteuid() != 0:
        return False
    command = ["mount", "-t", "tmpfs", "-o", "size=24m,mode=700", "diemcau-test", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(params=["limit", "tmpfs"])
def small(
    request: pytest.FixtureRequest, tmp_path: Path, template: tuple[Path, Nation]
) -> Iterator[tuple[House, FullByLimit | FullByBallast]]:
    """A server, and what fills its disk. Without the right to mount both ways are the limit's."""
    mounted = request.param == "tmpfs" and may_mount(tmp_path)
    try:
        with house(tmp_path, *template) as home:
            yield home, FullByBallast(home) if mounted else FullByLimit(home)
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", tmp_path], check=True)


def test_a_full_disk_is_said_and_loses_nothing_acknowledged(
    small: tuple[House, FullByLimit | FullByBallast],
) -> None:
    home, disk = small
    operator, site = home.operator(), home.site("s_79")
    posted = Posted(home, operator)
    for _ in range(5):
        posted.acknowledged()
    node = home.node
    disk.fill()
    refused = posted.until_refused(4000)
    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["code"] == "storage_unavailable", refused.text
    if isinstance(disk, FullByBallast):
        assert "disk is full" in refused.json()["detail"], refused.text
    # Others are told the same, reading goes on, and nobody falls.
    assert home.send(site, "hand.raise").status_code in (409, 503)
    assert home.state(operator)["seq"] == max(posted.seqs.values())
    assert home.get("/healthz").status_code == 200
    with node_at(home.data) as direct:
        assert direct.call("stats")["panics"] == 0
    assert home.node == node
    disk.free()
    until("it stores again", lambda: post(home, operator, posted.next).status_code == 200, 10)
    posted.seqs[posted.next] = post(home, operator, posted.next).json()["seq"]
    posted.next += 1
    posted.acknowledged()
    posted.all_kept()
    home.kill()
    home.start()
    posted.all_kept()
    assert home.stop() == 0
    assert home.verified_head().seq == max(posted.seqs.values())


@contextlib.contextmanager
def locked(home: House) -> Iterator[None]:
    """Another process would hold it so: BEGIN EXCLUSIVE on a connection of ours."""
    other = sqlite3.connect(home.data / "diemcau.db", isolation_level=None)
    try:
        other.execute("BEGIN EXCLUSIVE")
        yield
        other.execute("ROLLBACK")
    finally:
        other.close()


def test_a_locked_database_is_busy_in_time_for_everyone_and_loses_nothing(served: House) -> None:
    operator = served.operator()
    posted = Posted(served, operator)
    posted.acknowledged()
    clients = [served.operator() for _ in range(3)]
    with locked(served):
        began = time.monotonic()
        with ThreadPoolExecutor(24) as pool:
            numbers = range(1000, 1024)
            answers = list(pool.map(lambda n: post(served, clients[n % 3], n), numbers))
            took = time.monotonic() - began
        assert {answer.status_code for answer in answers} == {503}
        assert {answer.json()["code"] for answer in answers} == {"busy"}
        # The lock is waited for 5 s; who came while others waited waits once more: not each for each.
        assert took < 14, took
        assert served.state(operator)["seq"] == posted.seqs[0]
        assert served.get("/readyz").status_code == 200
    posted.acknowledged()
    # What was refused was not stored, and its id is free to be done now.
    head = served.state(operator)["seq"]
    assert post(served, clients[1], 1000).json()["seq"] == head + 1
    assert served.stop() == 0
    assert served.verified_head().seq == head + 1
