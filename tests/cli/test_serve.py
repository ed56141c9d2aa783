"""`diemcau serve` as a process, with the real media node: signals, kills, TLS."""

import contextlib
import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from diemcau.cli.door import answers
from diemcau.media.executable import find
from diemcau.media.supervisor import owner


@contextlib.contextmanager
def serving(data: Path, *options: str) -> Iterator[tuple["subprocess.Popen[str]", dict[str, Any]]]:
    """A server in a process of its own, and its first line."""
    command = [
        sys.executable,
        "-m",
        "diemcau",
        "serve",
        "--json",
        "--data",
        str(data),
        "--port",
        "0",
        *options,
    ]
    with (data.parent / "serve.log").open("a") as log:
        process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, (data.parent / "serve.log").read_text()
        yield process, json.loads(line)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(20)
        assert process.stdout is not None
        process.stdout.close()


def ready(url: str, **options: Any) -> None:
    """Waits until the node is connected."""
    with httpx2.Client(base_url=url, **options) as client:
        for _ in range(200):
            if client.get("/readyz").status_code == 200:
                return
            signal.sigtimedwait([], 0.05)
    pytest.fail("never ready")


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "var"
    yield folder
    left = owner(folder / "media.sock")
    if left is not None:
        os.kill(left, signal.SIGKILL)


def test_a_stopped_server_takes_its_node_along(data: Path) -> None:
    with serving(data) as (process, said):
        ready(said["url"])
        node = owner(data / "media.sock")
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert node is not None and owner(data / "media.sock") is None
    assert not (data / "console.sock").exists()


def test_a_killed_server_leaves_its_node_and_the_next_adopts_it(data: Path) -> None:
    with serving(data) as (process, said):
        ready(said["url"])
        node = owner(data / "media.sock")
        process.kill()
        process.wait(20)
    assert node is not None and owner(data / "media.sock") == node
    with serving(data) as (_, said):
        ready(said["url"])
        assert owner(data / "media.sock") == node
    assert owner(data / "media.sock") is None


def test_a_server_told_to_keep_the_node_leaves_it(data: Path) -> None:
    with serving(data, "--keep-media") as (process, said):
        ready(said["url"])
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    assert owner(data / "media.sock") is not None


@contextlib.contextmanager
def node_of_another(data: Path) -> Iterator["subprocess.Popen[str]"]:
    """A media node started as a unit of the system would."""
    (data / "media.sock").unlink(missing_ok=True)
    command = [str(find()), "serve", "--control", str(data / "media.sock"), "--bind", "127.0.0.1:0"]
    with subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and "ready" in process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_a_server_told_to_start_no_node_adopts_what_another_starts_and_leaves_it(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIEMCAU_MEDIA_START", "false")
    data.mkdir()
    with serving(data) as (server, said):
        with node_of_another(data):
            ready(said["url"])
        with node_of_another(data) as node:
            ready(said["url"])
            server.terminate()
            assert server.wait(20) == 0
            assert owner(data / "media.sock") == node.pid and node.poll() is None


def test_a_second_server_over_the_same_data_is_refused_and_disturbs_nothing(data: Path) -> None:
    with serving(data) as (_, said):
        ready(said["url"])
        node = owner(data / "media.sock")
        command = [sys.executable, "-m", "diemcau", "serve", "--json", "--port", "0", "--data", str(data)]
        second = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert second.returncode == 1
        assert json.loads(second.stdout)["code"] == "already_serving"
        ready(said["url"])
        assert owner(data / "media.sock") == node
        assert (data / "console.sock").exists()


def test_a_socket_of_another_user_is_nobodys(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(data) as (_, said):
        ready(said["url"])
        assert owner(data / "media.sock") is not None and answers(data / "console.sock", data)
        monkeypatch.setattr(os, "getuid", lambda: 12345)
        assert owner(data / "media.sock") is None
        assert answers(data / "console.sock", data), "the owner of the data folder may be asked"
        assert not answers(data / "console.sock", Path("/proc/self/nothing"))
        assert not answers(data / "nothing.sock", data)
        monkeypatch.undo()


def test_commands_go_through_a_running_server(data: Path) -> None:
    with serving(data) as (_, said):
        command = [sys.executable, "-m", "diemcau", "people", "add", "an", "--name", "An", "--json"]
        done = subprocess.run(
            [*command, "--grant", "chair@VN", "--data", str(data)], capture_output=True, text=True, timeout=60
        )
        password = json.loads(done.stdout)["password"]
        with httpx2.Client(base_url=said["url"]) as client:
            answer = client.post("/api/v1/session", json={"username": "an", "password": password})
            assert answer.status_code == 200
            assert "secure" not in answer.headers["set-cookie"].lower()
            assert client.get("/console/v1/people").status_code == 404


def test_tls_of_our_own_is_trusted_by_its_authority(data: Path) -> None:
    with serving(data, "--tls", "--tls-name", "hop.example") as (_, said):
        assert said["url"].startswith("https://")
        trust = ssl.create_default_context(cafile=str(data / "tls" / "ca.crt"))
        ready(said["url"], verify=trust)
        with httpx2.Client(base_url=said["url"], verify=trust) as client:
            pem = client.get("/ca.crt")
            assert pem.content == (data / "tls" / "ca.crt").read_bytes()
            assert "strict-transport-security" in pem.headers
    assert (data / "tls" / "server.key").stat().st_mode & 0o777 == 0o600
    assert (data / "tls" / "ca.key").stat().st_mode & 0o777 == 0o600
