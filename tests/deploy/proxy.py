"""nginx with the file that we ship, on ports of its own, over a certificate of our own authority."""

import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from diemcau.api import certificates
from tests.faults.house import until

NAME = "cau.example.vn"
CONFIG = Path(__file__).resolve().parents[2] / "deploy" / "nginx.conf"
SCRATCH = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


@dataclass(frozen=True)
class Proxy:
    """Where nginx listens."""

    http: int
    https: int
    trust: ssl.SSLContext

    @property
    def url(self) -> str:
        return f"https://localhost:{self.https}"


def free_ports(count: int) -> list[int]:
    """Ports that are free now."""
    with contextlib.ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def templated(folder: Path, made: certificates.Certificates, ports: tuple[int, int, int]) -> str:
    """Our file with ports, paths and certificate of this run, and nothing else changed."""
    http, https, control = ports
    text = CONFIG.read_text()
    changes = [
        # Workers of another user could not write to this run's folder.
        (r"^user .*;$", "user root;" if os.geteuid() == 0 else ""),
        (r"^pid .*;", f"pid {folder}/pid;"),
        (r"listen \[::\]:.*;", ""),
        (r"listen 80\b", f"listen 127.0.0.1:{http}"),
        (r"listen 443\b", f"listen 127.0.0.1:{https}"),
        (r"server 127\.0\.0\.1:8080\b", f"server 127.0.0.1:{control}"),
        (r"/etc/ssl/diemcau/fullchain\.pem", str(made.certificate)),
        (r"/etc/ssl/diemcau/privkey\.pem", str(made.key)),
        (r"/var/log/nginx/error\.log", f"{folder}/error.log"),
    ]
    for pattern, new in changes:
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count, f"deploy/nginx.conf has no {pattern}"
    scratch = "".join(f"    {name}_temp_path {folder}/{name};\n" for name in SCRATCH)
    return text.replace("http {\n", f"http {{\n{scratch}", 1)


@contextlib.contextmanager
def nginx(folder: Path, control: int) -> Iterator[Proxy]:
    """The proxy in front of a server on port `control`."""
    program = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin")
    if program is None:
        pytest.fail("nginx is not installed: apt-get install -y --no-install-recommends nginx", pytrace=False)
    folder.mkdir()
    made = certificates.ensure(folder / "tls", [NAME], datetime.now(UTC))
    http, https = free_ports(2)
    file = folder / "nginx.conf"
    file.write_text(templated(folder, made, (http, https, control)))
    command = [program, "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")]
    checked = subprocess.run([*command, "-t"], capture_output=True, text=True, timeout=20)
    assert checked.returncode == 0 and "[warn]" not in checked.stderr, checked.stderr
    process = subprocess.Popen([*command, "-g", "daemon off;"])
    try:
        until("nginx listens", lambda: listens(https))
        yield Proxy(http, https, ssl.create_default_context(cafile=made.authority))
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    """Whether somebody accepts connections there."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False
