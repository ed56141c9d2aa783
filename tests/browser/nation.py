"""A demo nation in a process of its own, as `make run` starts it, and what the browser tests do with it."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from httpx2 import Client

from tests.faults.house import NO_TLS


@dataclass(frozen=True)
class Nation:
    """What `diemcau demo --json` printed first."""

    url: str
    operator: dict[str, str]
    site: dict[str, str]
    meeting: str
    data: Path
    spare_sites: tuple[dict[str, str], ...]

    @contextlib.contextmanager
    def operator_client(self) -> Iterator[Client]:
        """An HTTP client logged in as the operator, as a tool would be."""
        with Client(base_url=self.url, timeout=30, verify=NO_TLS) as client:
            client.post("/api/v1/session", json=self.operator).raise_for_status()
            me = client.get("/api/v1/me").raise_for_status().json()
            client.headers["X-CSRF-Token"] = me["csrf"]
            yield client

    def until_joined(self, count: int, *, seconds: float) -> None:
        """Wait until so many sites are in the meeting, asking the server."""
        end = time.monotonic() + seconds
        with self.operator_client() as client:
            while time.monotonic() < end:
                roster = client.get(f"/api/v1/meetings/{self.meeting}/roster").raise_for_status().json()
                if len(roster["joined"]) >= count:
                    return
                time.sleep(0.5)  # between two questions to another process
        raise AssertionError(f"only {len(roster['joined'])} of {count} sites joined in {seconds} s")

    def command(self, client: Client, name: str, **arguments: Any) -> dict[str, Any]:
        """Run one command of the meeting as `client`."""
        body = {"id": f"test-{uuid4().hex}", "type": name, **arguments}
        body.setdefault("meeting", self.meeting)
        answer: dict[str, Any] = client.post("/api/v1/commands", json=body).raise_for_status().json()
        return answer


@contextlib.contextmanager
def demo(directory: Path, *, sites: int, codec: str = "h264", host: str = "127.0.0.1") -> Iterator[Nation]:
    """Start `diemcau demo` with `sites` simulated sites; stop it with Ctrl-C as a person would."""
    log = (directory / "demo.log").open("w")
    arguments = f"-m diemcau demo --json --port 0 --sites {sites} --codec {codec} --host {host}".split()
    process = subprocess.Popen(
        [sys.executable, *arguments, "--data", directory / "data"],
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    assert process.stdout
    try:
        line = process.stdout.readline()
        assert line, (directory / "demo.log").read_text()[-4000:]
        said = json.loads(line)
        yield Nation(
            url=said["url"],
            operator={key: said["operator"][key] for key in ("username", "password")},
            site=said["site"],
            meeting=said["meeting"],
            data=directory / "data",
            spare_sites=tuple(said["spare_sites"]),
        )
    finally:
        process.send_signal(signal.SIGINT)
        try:
            code = process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            log.close()
            process.stdout.close()
    assert code in (0, 130), (code, (directory / "demo.log").read_text()[-4000:])
