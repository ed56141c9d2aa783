"""Pages that some network keeps from the node's UDP: by IPv6, by TCP, through a relay (docs/reach.md)."""

import base64
import contextlib
import hmac
import json
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright

from tests.browser.chromium import chromium, new_page, pixels
from tests.browser.known import is_known
from tests.browser.netns import Far, far_machine
from tests.browser.test_meeting import until
from tests.faults import house as houses
from tests.faults.house import CENTRE, COMMUNE, PROVINCES, House, free_port, house, make_nation

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]
SITE = f"s_{COMMUNE}"
SECRET = "mot-bi-mat-chung"

# Of every connection that stands: local candidate's type and protocol, the relay's protocol, remote address.
WAYS = """async () => {
  const ways = [];
  for (const connection of window.__connections) {
    if (connection.connectionState !== "connected") continue;
    const stats = await connection.getStats();
    for (const report of stats.values()) {
      const pair = report.type === "transport" && stats.get(report.selectedCandidatePairId);
      if (!pair) continue;
      const local = stats.get(pair.localCandidateId), remote = stats.get(pair.remoteCandidateId);
      ways.push([local.candidateType, local.protocol, local.relayProtocol ?? null, remote.address]);
    }
  }
  return ways;
}"""

FRAMES = """(id) => {
  const video = document.querySelector(`[data-testid="${id}"]`);
  return video ? video.getVideoPlaybackQuality().totalVideoFrames : 0;
}"""

# Asks a relay for an address and says what came: candidates, and codes of errors.
ASK_RELAY = """async (server) => {
  const connection = new RTCPeerConnection({iceServers: [server], iceTransportPolicy: "relay"});
  const seen = {relays: 0, codes: []};
  connection.createDataChannel("x");
  connection.onicecandidateerror = (event) => seen.codes.push(event.errorCode);
  const done = new Promise((resolve) => {
    connection.onicecandidate = (event) => {
      if (event.candidate === null) resolve();
      else if (event.candidate.candidate.includes(" typ relay")) seen.relays += 1;
    };
  });
  await connection.setLocalDescription(await connection.createOffer());
  await done;
  connection.close();
  return seen;
}"""


@dataclass(frozen=True)
class Place:
    house: House
    far: Far
    tcp_port: int
    relay_port: int

    @property
    def far_url(self) -> str:
        return f"http://{self.far.near}:{self.house.port}"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("reach")
    with far_machine() as far, pytest.MonkeyPatch.context() as patch:
        with ThreadPoolExecutor(1) as aside:  # the browsers' driver runs a loop in this thread
            nation = aside.submit(make_nation, folder / "template").result()
        tcp_port, relay_port = free_port(), free_port()
        for name, value in {
            "HOST": "0.0.0.0",
            "MEDIA_BIND": "[::]:0",
            "MEDIA_ANNOUNCE": json.dumps([far.near, far.near6]),
            "MEDIA_TCP_PORT": str(tcp_port),
            "TURN_URLS": json.dumps([f"turn:{far.near}:{relay_port}?transport=tcp"]),
            "TURN_SECRET": SECRET,
        }.items():
            patch.setenv(f"DIEMCAU_{name}", value)
        with house(folder, folder / "template", nation) as running:
            yield Place(running, far, tcp_port, relay_port)


@pytest.fixture(scope="module")
def far_page(
    place: Place, playwright: Playwright, picture: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Page]:
    """The commune, whose browser runs on the far machine."""
    program = place.far.wrap(tmp_path_factory.mktemp("far"), "/usr/bin/chromium")
    secure = f"--unsafely-treat-insecure-origin-as-secure={place.far_url}"
    with chromium(playwright, picture=picture, program=program, more=[secure]) as browser:
        yield site_page(browser, place, SITE, place.far_url)


@pytest.fixture(scope="module")
def near_page(place: Place, playwright: Playwright, picture: Path) -> Iterator[Page]:
    with chromium(playwright, picture=picture) as browser:
        page = site_page(browser, place, CENTRE, place.house.url)
        enter(page, place.house.url)
        yield page


def site_page(browser: Browser, place: Place, site: str, url: str) -> Page:
    page = new_page(browser, permissions=["camera", "microphone"])
    page.goto(place.house.link(site, url))
    page.get_by_test_id("activated-go").click()
    return page


def enter(page: Page, url: str) -> None:
    page.goto(f"{url}/diem-cau")
    page.get_by_test_id("arm-sound").click()


@contextlib.contextmanager
def relay(place: Place, folder: Path) -> Iterator[None]:
    """A coturn on this machine, with the server's secret."""
    command = [
        "turnserver", "-n", "--no-cli", "--no-tls", "--no-dtls", "--no-udp", "--simple-log",
        f"--listening-ip={place.far.near}", f"--listening-port={place.relay_port}",
        f"--relay-ip={place.far.near}", "--realm=diemcau.test", "--use-auth-secret",
        f"--static-auth-secret={SECRET}", f"--userdb={folder / 'turndb'}", f"--pidfile={folder / 'pid'}",
        "--log-file=stdout",
    ]  # fmt: skip
    with (folder / "turn.log").open("w") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        try:
            houses.until("coturn listens", lambda: answers(place.far.near, place.relay_port))
            yield
        finally:
            process.terminate()
            process.wait(10)


def answers(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), 1):
        return True
    return False


def both_ways(place: Place, far_page: Page, near_page: Page, way: list[str | None]) -> None:
    """The far page comes anew; both its connections go that way; each side decodes the other's picture."""
    far_page.reload()

    def there() -> bool:
        ways = far_page.evaluate(WAYS)
        return len(ways) == 2 and all(found == way for found in ways)

    try:
        until(far_page, f"viewer and publisher go by {way}", there, 30)
    except AssertionError as error:
        raise AssertionError(f"{error}; they go {far_page.evaluate(WAYS)}") from None
    for page, testid in ((far_page, "stage-video-1"), (near_page, "stage-video-0")):
        before = page.evaluate(FRAMES, testid)

        def moves(page: Page = page, testid: str = testid, before: int = before) -> bool:
            shown = pixels(page, testid)
            return page.evaluate(FRAMES, testid) > before + 5 and shown is not None and is_known(shown)

        until(page, f"{testid} shows the other side", moves)


@pytest.fixture(scope="module", autouse=True)
def on_air(place: Place, far_page: Page, near_page: Page) -> None:
    """Both sites are on the stage."""
    enter(far_page, place.far_url)
    operator = place.house.operator()
    houses.until("both sites joined", lambda: {SITE, CENTRE} <= place.house.joined(operator), 20)
    place.house.command(operator, "stage.cut", slots=[SITE, CENTRE])


def test_a_site_without_udp_by_ipv4_is_seen_and_sees_by_ipv6(
    place: Place, far_page: Page, near_page: Page
) -> None:
    place.far.block("udp")
    both_ways(place, far_page, near_page, ["host", "udp", None, place.far.near6])


def test_a_site_without_any_udp_is_seen_and_sees_by_tcp(
    place: Place, far_page: Page, near_page: Page
) -> None:
    place.far.block("udp")
    place.far.block("udp", family=6)
    place.far.block("tcp", family=6)
    both_ways(place, far_page, near_page, ["prflx", "tcp", None, place.far.near])
    houses.until("both are counted", lambda: place.house.metric("diemcau_node_tcp_open") >= 2, 20)


def test_a_site_that_reaches_nothing_but_the_relay_is_seen_and_sees_through_it(
    place: Place, far_page: Page, near_page: Page, tmp_path: Path
) -> None:
    for family in (4, 6):
        place.far.block("udp", family=family)
        place.far.block("tcp", family=family, port=place.tcp_port)
    with relay(place, tmp_path):
        both_ways(place, far_page, near_page, ["relay", "udp", "tcp", place.far.near])
        # Of a site with a program's bearer: the page's own session is not to be had from outside it.
        program = f"s_{PROVINCES[0]}"
        ice = place.house.site(program).get("/api/v1/ice").raise_for_status().json()
        [server] = ice["servers"]
        assert far_page.evaluate(ASK_RELAY, server)["relays"] > 0
        # The same party's, correct but for its time.
        name = f"{int(time.time()) - 60}:{program}"
        digest = hmac.digest(SECRET.encode(), name.encode(), "sha1")
        expired = {**server, "username": name, "credential": base64.b64encode(digest).decode()}
        refused = far_page.evaluate(ASK_RELAY, expired)
        assert refused["relays"] == 0 and 401 in refused["codes"], refused
