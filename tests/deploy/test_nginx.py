"""A site behind the nginx file that we ship: page, doors, WebSocket and picture."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from httpx2 import Client, HTTPTransport
from websockets.sync.client import connect

from diemcau.media.executable import find
from tests.deploy.proxy import NAME, Proxy, free_ports, nginx
from tests.faults.house import CENTRE, House, make_nation
from tests.faults.sites import make_clips


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A server that believes the proxy."""
    data = tmp_path_factory.mktemp("house") / "var"
    made = House(data, make_nation(data), free_ports(1)[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIEMCAU_PUBLIC_URL", f"https://{NAME}")
        patch.setenv("DIEMCAU_TRUSTED_PROXIES", "127.0.0.1")
        try:
            made.start()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def proxy(house: House, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with nginx(tmp_path_factory.mktemp("proxy") / "nginx", house.port) as made:
        yield made


def test_the_page_comes_by_tls_only_and_metrics_stay_inside(house: House, proxy: Proxy) -> None:
    with Client(verify=proxy.trust, headers={"Host": NAME}) as client:
        plain = client.get(f"http://127.0.0.1:{proxy.http}/x?y=1", follow_redirects=False)
        assert (plain.status_code, plain.headers["location"]) == (301, f"https://{NAME}/x?y=1")
        answer = client.get(f"{proxy.url}/readyz")
        assert answer.status_code == 200
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        assert client.get(f"{proxy.url}/metrics").status_code == 200
        too_large = client.post(f"{proxy.url}/api/v1/session", content=bytes(300 << 10))
        assert too_large.json()["code"] == "too_large"
        # A list of sites may be larger than any other body: control answers, not the proxy.
        for size, code in ((2 << 20, "not_authenticated"), ((8 << 20) + 1, "too_large")):
            answer = client.post(f"{proxy.url}/api/v1/imports", content=bytes(size))
            assert answer.json()["code"] == code
    elsewhere = HTTPTransport(verify=proxy.trust, local_address="127.0.0.2")
    with Client(transport=elsewhere, headers={"Host": NAME}) as client:
        assert client.get(f"{proxy.url}/readyz").status_code == 200
        assert client.get(f"{proxy.url}/metrics").status_code == 403


def test_who_logs_in_wrongly_is_known_by_his_own_address_whatever_he_claims(proxy: Proxy) -> None:
    statuses = {}
    for address in ("127.0.0.3", "127.0.0.4"):
        transport = HTTPTransport(verify=proxy.trust, local_address=address)
        with Client(transport=transport, headers={"Host": NAME}) as client:
            claims = [{"X-Forwarded-For": f"203.0.113.{n}"} for n in range(60 if address[-1] == "3" else 1)]
            wrong = {"username": "nobody-here", "password": "wrong"}
            answers = [client.post(f"{proxy.url}/api/v1/session", json=wrong, headers=c) for c in claims]
            statuses[address] = {answer.status_code for answer in answers}
    assert statuses == {"127.0.0.3": {401, 429}, "127.0.0.4": {401}}


def test_a_site_joins_and_gets_its_media_connection_through_the_proxy(
    house: House, proxy: Proxy, tmp_path: Path
) -> None:
    site = next(site for site in house.nation.sites if site != CENTRE)
    bearer = {"Authorization": f"Bearer {house.nation.credentials[site]}"}
    address = f"wss://localhost:{proxy.https}/api/v1/ws"
    origin = f"https://{NAME}"
    with connect(address, ssl=proxy.trust, additional_headers=bearer, origin=origin) as socket:
        socket.send(json.dumps({"op": "hello", "proto": 1, "page": "site", "tab": "one"}))
        assert json.loads(socket.recv(10))["op"] == "welcome"
        join = {"op": "cmd", "id": "c0ffee42", "type": "meeting.join", "meeting": house.nation.meeting}
        socket.send(json.dumps(join))
        seen = set()
        while not {"ack", "beat"} <= seen:
            message = json.loads(socket.recv(15))
            assert message["op"] != "nack", message
            seen.add(message["op"])
        command = [str(find("diemcau-load")), "endpoints", "--clips", str(make_clips(tmp_path / "clips"))]
        # The node may announce this machine's address only.
        with subprocess.Popen(
            [*command, "--allow-remote"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as clients:
            assert clients.stdin is not None and clients.stdout is not None

            def said() -> dict[str, object]:
                assert clients.stdout is not None
                line: dict[str, object] = json.loads(clients.stdout.readline())
                return line

            def say(order: dict[str, object]) -> None:
                assert clients.stdin is not None
                clients.stdin.write(json.dumps(order) + "\n")
                clients.stdin.flush()

            assert said() == {"ready": True}
            say({"view": {"id": 1, "audio": 4, "video": 4}})
            offer = {"offer": said()["offer"], "replaces": None}
            path = f"{proxy.url}/api/v1/meetings/{house.nation.meeting}/viewer"
            with Client(verify=proxy.trust, headers=bearer | {"Host": NAME}) as client:
                answer = client.post(path, json=offer)
            assert answer.status_code == 201, answer.text
            say({"answer": {"id": 1, "sdp": answer.json()["answer"]}})
            assert said() == {"id": 1, "happened": "connected"}
            clients.stdin.close()
