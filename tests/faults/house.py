"""A small nation on disk, and `diemcau serve` over it in a process that tests may kill and start again."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from httpx2 import Client, HTTPError, HTTPTransport, Response

from diemcau.app import open_rooms
from diemcau.cli.nation.plan import Plan
from diemcau.cli.nation.seed import seed
from diemcau.cli.sites import link
from diemcau.config import Settings
from diemcau.media.supervisor import owner
from diemcau.sites import NewSite, SiteKind
from diemcau.store import Head, Store

CENTRE = "s_vn"
PROVINCES = ("01", "31", "48", "79", "92")
COMMUNE = "26863"
NO_TLS = False
"""For clients of plain HTTP: each would read the machine's 150 authorities otherwise, some 30 ms."""

T = TypeVar("T")


def until(what: str, ask: Callable[[], T | None], seconds: float = 10) -> T:
    """Asks until the answer is true; other processes have no event that a test could wait for."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        signal.sigtimedwait([], 0.03)
    return answer


@dataclass(frozen=True)
class Nation:
    """What was made: the meeting, an operator's log-in, credentials by site."""

    meeting: str
    operator: dict[str, str]
    credentials: dict[str, str]
    file: str

    @property
    def sites(self) -> set[str]:
        return set(self.credentials)


def make_nation(data: Path) -> Nation:
    """Fills an empty data folder: the centre, five provinces, a commune, and an open meeting of them."""
    sites = (
        NewSite("VN", "Điểm cầu Trung ương", SiteKind.ROOM, CENTRE),
        *(NewSite(code, f"Điểm cầu {code}", SiteKind.ROOM, f"s_{code}") for code in PROVINCES),
        NewSite(COMMUNE, "Điểm cầu xã", SiteKind.POST, f"s_{COMMUNE}"),
    )
    ids = [str(site.id) for site in sites]
    plan = Plan(sites, tuple(ids), newcomer=ids[-1], spare=(), communes=1, of_communes=1)

    async def fill() -> Nation:
        async with open_rooms(Settings(data=data)) as rooms:
            made = await seed(rooms, plan, data, codec="h264", progress=lambda *_: None)
            lines = [json.loads(line) for line in made.credentials.read_text().splitlines()]
            return Nation(
                made.meeting,
                {"username": made.people[0].username, "password": made.people[0].password},
                {line["site"]: line["credential"] for line in lines},
                made.credentials.name,
            )

    return asyncio.run(fill())


@dataclass
class House:
    """A server over `data`, always on the same port; its node outlives it when it is killed."""

    data: Path
    nation: Nation
    port: int = 0
    process: "subprocess.Popen[str] | None" = None
    clients: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def node(self) -> int | None:
        """The process id of the media node that answers on the control socket."""
        return owner(self.data / "media.sock")

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def log(self) -> str:
        return (self.data.parent / "serve.log").read_text()

    def start(self) -> float:
        """Starts the server and waits until it is ready; answers the seconds that took."""
        began = time.monotonic()
        command = [sys.executable, "-m", "diemcau", "serve", "--json", "--data", str(self.data)]
        with (self.data.parent / "serve.log").open("a") as log:
            self.process = subprocess.Popen(
                [*command, "--port", str(self.port)], stdout=subprocess.PIPE, stderr=log, text=True
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.log[-4000:]
        # A port that was chosen need not be in the address: a proxy may stand before it.
        self.port = self.port or int(json.loads(line)["url"].rsplit(":", 1)[1])
        until("the server is ready", lambda: self.get("/readyz").status_code == 200, 20)
        return time.monotonic() - began

    def kill(self) -> None:
        """SIGKILL, and the end of the process."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)
        self._forget()

    def kill_node(self) -> int:
        """SIGKILL of the media node; answers who it was."""
        node = self.node
        assert node is not None
        os.kill(node, signal.SIGKILL)
        return node

    def stop(self) -> int:
        """SIGTERM; answers the exit status."""
        assert self.process is not None
        self.process.terminate()
        status = self.process.wait(20)
        self._forget()
        return status

    def close(self) -> None:
        """Ends whatever is left, the node too."""
        self.clients.close()
        if self.process is not None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.stop()
            if self.process is not None:
                self.kill()
        if (left := self.node) is not None:
            os.kill(left, signal.SIGKILL)

    def _forget(self) -> None:
        assert self.process is not None and self.process.stdout is not None
        self.process.stdout.close()
        self.process = None

    def get(self, path: str) -> Response:
        with Client(base_url=self.url, timeout=10, verify=NO_TLS) as client:
            return client.get(path)

    def metric(self, name: str) -> float:
        """The sum over all labels of one metric; 0 while it does not exist."""
        lines = self.get("/metrics").text.splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((name + " ", name + "{"))
        )

    def operator(self) -> Client:
        """An HTTP client that has logged in as the director."""
        client = self.clients.enter_context(Client(base_url=self.url, timeout=30, verify=NO_TLS))
        client.post("/api/v1/session", json=self.nation.operator).raise_for_status()
        client.headers["X-CSRF-Token"] = client.get("/api/v1/me").raise_for_status().json()["csrf"]
        return client

    def site(self, site: str) -> Client:
        """An HTTP client with a site's device credential."""
        headers = {"Authorization": f"Bearer {self.nation.credentials[site]}"}
        return self.clients.enter_context(
            Client(base_url=self.url, headers=headers, timeout=30, verify=NO_TLS)
        )

    def console(self) -> Client:
        """An HTTP client at the console's socket: asks as the system."""
        transport = HTTPTransport(uds=str(Settings(data=self.data).console_socket), verify=NO_TLS)
        return self.clients.enter_context(Client(transport=transport, base_url="http://console", timeout=60))

    def link(self, site: str, url: str | None = None) -> str:
        """The link of a fresh sheet of the site; its device of before is out once it is opened."""
        answer = self.console().post("/console/v1/codes", json={"sites": [site]}).raise_for_status().json()
        return link(url or self.url, answer["codes"][0]["code"])

    def send(self, client: Client, kind: str, /, name: str | None = None, **arguments: Any) -> Response:
        """One command of the meeting, whatever is answered."""
        body = {"id": name or uuid4().hex, "type": kind, "meeting": self.nation.meeting, **arguments}
        return client.post("/api/v1/commands", json=body)

    def command(self, client: Client, kind: str, **arguments: Any) -> int:
        """One command that must be done; answers its seq."""
        answer = self.send(client, kind, **arguments)
        assert answer.status_code == 200, answer.text
        return int(answer.json()["seq"])

    def state(self, client: Client) -> dict[str, Any]:
        """`{"stream", "seq", "state"}` of the meeting as the operator sees it."""
        answer: dict[str, Any] = (
            client.get(f"/api/v1/meetings/{self.nation.meeting}").raise_for_status().json()
        )
        return answer

    def joined(self, client: Client) -> set[str]:
        """The sites that are in the meeting; nobody while the server is away."""
        try:
            roster = client.get(f"/api/v1/meetings/{self.nation.meeting}/roster").raise_for_status()
        except HTTPError:
            return set()
        return set(roster.json()["joined"])

    def verified_head(self) -> Head:
        """The head of the meeting's log after every hash of its chain was computed again."""

        async def verify() -> Head:
            async with Store.opened(f"sqlite:///{self.data / 'diemcau.db'}") as store:
                return await store.verify_chain(f"meeting:{self.nation.meeting}")

        return asyncio.run(verify())

    def rss(self, pid: int) -> int:
        """Resident bytes of a process."""
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def house(folder: Path, template: Path, nation: Nation) -> Iterator[House]:
    """A server over a copy of the template below `folder`, started."""
    data = folder / "var"
    subprocess.run(["cp", "-r", template, data], check=True)
    made = House(data, nation)
    try:
        made.start()
        yield made
    finally:
        made.close()
