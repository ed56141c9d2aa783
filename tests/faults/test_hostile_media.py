"""Malformed SDP at the doors of viewers and publishers, garbage at the node's UDP port."""

import re
import socket
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from httpx2 import Client, Response

from tests.faults.desk import Desk, desk
from tests.faults.house import CENTRE, House, Nation, house, until
from tests.faults.packets import check, garbage

pytestmark = [pytest.mark.alone, pytest.mark.timeout(100)]

OFFER = (
    Path(__file__).resolve().parents[2] / "rust" / "wire" / "tests" / "fixtures" / "chromium-site.sdp"
).read_bytes().decode()  # fmt: skip
"""What a Chromium offers for 4 + 4 lines, recorded."""

LONG = "x" * 60_000


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, template: tuple[Path, Nation]) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("hostile-media"), *template) as running:
        yield running


def mutated(random: Random, offer: str) -> str:
    """An offer in which a few lines are gone, doubled, swapped, cut, or lie about a number."""
    lines = offer.split("\r\n")
    for _ in range(random.randrange(1, 12)):
        at = random.randrange(len(lines))
        match random.randrange(7):
            case 0:
                del lines[at : at + random.choice((1, 1, 5, 40))]
                lines = lines or [""]
            case 1:
                lines.insert(at, random.choice(lines))
            case 2:
                other = random.randrange(len(lines))
                lines[at], lines[other] = lines[other], lines[at]
            case 3:
                lines[at] = lines[at][: random.randrange(len(lines[at]) + 1)]
            case 4:
                wild = random.choice(("0", "-1", "65536", "4294967296", "9" * 40, "a", ""))
                lines[at] = re.sub(r"\d+", wild, lines[at], count=random.choice((1, 0)))
            case 5:
                lines[at] += random.choice((" \x00", "\u0000", "é" * 50, ":" * 30, " 1" * 500, "\r", "\n\n"))
            case 6:
                lines.insert(
                    at, random.choice(("a=ssrc:1", "m=video 9 X 96", "a=rid:", "a=simulcast:send ;", "="))
                )
    return "\r\n".join(lines)[:100_000]


def by_hand(offer: str) -> list[str]:
    """Offers that somebody thought of."""
    return [
        " ",
        "nonsense",
        "\x00\x01\x02",
        "v=0\r\n",
        "v=0\r\n" * 10_000,
        "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 2_000,
        offer.replace("\r\n", "\n"),
        offer[: len(offer) // 2],
        re.sub(r"a=fingerprint:.*", "a=fingerprint:sha-256 00", offer),
        re.sub(r"a=fingerprint:.*\r\n", "", offer),
        re.sub(r"a=ice-pwd:.*", "a=ice-pwd:" + LONG[:30_000], offer, count=1)[:100_000],
        re.sub(r"a=ice-ufrag:.*", "a=ice-ufrag:", offer),
        re.sub(r"a=setup:.*", "a=setup:passive", offer),
        re.sub(r"a=group:BUNDLE.*", "a=group:BUNDLE 7 6 5 nobody", offer),
        re.sub(r"a=mid:.*", "a=mid:0", offer),
        re.sub(r"a=rtpmap:(\d+) .*", r"a=rtpmap:\1 /////", offer),
        re.sub(r"a=extmap:\d+", "a=extmap:999999", offer),
        "😀" * 25_000,
    ]


def coded(answer: Response) -> bool:
    """Taken, or refused with a code that is documented; never an error of the server's own."""
    if answer.status_code == 201:
        return True
    assert answer.status_code in (400, 409, 413, 422), (answer.status_code, answer.text)
    assert answer.json()["code"] in (
        "bad_request",
        "bad_offer",
        "no_common_codec",
        "wrong_state",
        "too_large",
    )
    return False


class Doors:
    """The doors of one meeting, asked by whoever still may: each asker may ask 20 times at once."""

    def __init__(self, home: House, operator: Client, watcher: Desk) -> None:
        self.home, self.meeting = home, home.nation.meeting
        self.sites = {site: home.site(site) for site in sorted(home.nation.sites)}
        for site in self.sites.values():
            home.command(site, "meeting.join")
        watcher.wait_state("all joined", lambda: watcher.joined == home.nation.sites)
        home.command(operator, "stage.cut", slots=sorted(home.nation.sites)[:4])

    def viewer(self, site: str, offer: str) -> Response:
        return self.sites[site].post(f"/api/v1/meetings/{self.meeting}/viewer", json={"offer": offer})

    def publisher(self, site: str, offer: str) -> Response:
        return self.sites[site].post(f"/api/v1/meetings/{self.meeting}/publisher", json={"offer": offer})


def all_is_well(home: House, node: int, rss: int) -> None:
    """The same node, no panic, no refused thing kept in memory, nothing of the server's own went wrong."""
    assert home.node == node
    assert home.metric("diemcau_node_panics_total") == 0
    assert home.rss(node) - rss < 48 << 20
    metrics = home.get("/metrics").text
    assert not re.search(r'diemcau_http_requests_total\{[^}]*status="5(00|02|04)"', metrics)
    assert "Traceback" not in home.log, home.log[-4000:]


def test_malformed_offers_are_refused_with_a_code_and_a_good_one_is_taken_after(home: House) -> None:
    operator, random = home.operator(), Random(3)
    with desk(home, operator) as watcher:
        doors = Doors(home, operator, watcher)
        node = home.node
        assert node is not None
        rss = home.rss(node)
        until(
            "asked to publish", lambda: coded(doors.publisher(CENTRE, OFFER.replace("recvonly", "sendonly")))
        )
        sending = OFFER.replace("recvonly", "sendonly")
        offers = [*by_hand(OFFER), *(mutated(random, OFFER) for _ in range(60))]
        askers = [site for site in doors.sites if site != CENTRE]
        refused = 0
        for number, offer in enumerate(offers):
            refused += not coded(doors.viewer(askers[number // 15 % len(askers)], offer))
        # Who is not on the stage is not asked to publish: the four that are.
        publishing = sorted(home.nation.sites)[:4]
        sent = [*by_hand(sending)[::2], *(mutated(random, sending) for _ in range(7))]
        for number, offer in enumerate(sent[: len(publishing) * 4]):
            refused += not coded(doors.publisher(publishing[number % len(publishing)], offer))
        assert refused > len(offers) // 3
        assert home.metric("diemcau_media_doors_total") > len(offers)
        assert doors.viewer(CENTRE, OFFER).status_code == 201
        all_is_well(home, node, rss)


def answered(text: str, name: str) -> str:
    found = re.search(rf"a={name}:(\S+)", text)
    assert found, text
    return found[1]


def test_garbage_at_the_media_port_is_dropped_and_counted(home: House) -> None:
    operator, random = home.operator(), Random(4)
    with desk(home, operator):
        site = home.site("s_92")
        home.command(site, "meeting.join")
        path = f"/api/v1/meetings/{home.nation.meeting}/viewer"
        opened = site.post(path, json={"offer": OFFER})
        assert opened.status_code == 201, opened.text
        answer = opened.json()["answer"]
        candidate = re.search(r"a=candidate:\S+ 1 udp \d+ (\S+) (\d+)", answer, re.IGNORECASE)
        assert candidate, answer
        port = (candidate[1], int(candidate[2]))
        ufrag, password = answered(answer, "ice-ufrag"), answered(answer, "ice-pwd")
        theirs = answered(OFFER, "ice-ufrag")
        node = home.node
        assert node is not None
        rss, before = home.rss(node), home.metric("diemcau_node_refused_total")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.connect(port)
            for datagram in garbage(random, ufrag, 4_000):
                stranger.send(datagram)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as known:
            known.settimeout(5)
            known.connect(port)
            known.send(check(random, f"{ufrag}:{theirs}", password))
            assert known.recv(2048)[:2] == b"\x01\x01", "the check is answered: from here on we are known"
            # What follows reaches DTLS and SRTP of the connection.
            for datagram in garbage(random, ufrag, 4_000):
                known.send(datagram)
            until(
                "a check is answered after all that", lambda: answers(known, random, ufrag, theirs, password)
            )
        until("counted", lambda: home.metric("diemcau_node_refused_total") - before > 1_000, 5)
        assert site.post(path, json={"offer": OFFER}).status_code == 201
        all_is_well(home, node, rss)


def answers(known: socket.socket, random: Random, ufrag: str, theirs: str, password: str) -> bool:
    """Whether a check is answered now; what waits in the socket is read on the way."""
    known.settimeout(0.5)
    known.send(check(random, f"{ufrag}:{theirs}", password))
    try:
        while known.recv(2048)[:2] != b"\x01\x01":
            pass
    except TimeoutError:
        return False
    return True
