"""LiveKit (built by Go from livekit/go.mod): publisher and subscribers over its WHIP door, a request each.

LiveKit's WHIP takes a receiving offer too (`subscribedParticipantTrackNames`, its one-shot signalling):
the same rooms, tracks and forwarding as over its WebSocket, without data channels.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import subprocess
import time
from pathlib import Path
from typing import Any, ClassVar

import httpx2 as httpx

from bench.peers.clients import Clients
from bench.peers.server import PUBLISHER, Server, free_port

KEY, SECRET = "bench", "a secret of at least thirty-two bytes"
TRACKS = ["synthesized-microphone", "synthesized-camera"]
"""What LiveKit calls the tracks of a WHIP publisher."""

CONFIG = """
port: {port}
bind_addresses: ["127.0.0.1"]
keys: {{ {key}: "{secret}" }}
logging: {{ level: warn }}
rtc:
  {udp}
  tcp_port: {tcp}
  use_external_ip: false
  node_ip: 127.0.0.1
  enable_loopback_candidate: true
  interfaces: {{ includes: [lo] }}
  use_ice_lite: true
"""


def token(identity: str, *, publish: bool) -> str:
    """An access token (JWT, HS256)."""
    now = int(time.time())
    video = {"room": "bench", "roomJoin": True, "canPublish": publish, "canSubscribe": not publish}
    claims = {"iss": KEY, "sub": identity, "nbf": now - 10, "exp": now + 3600, "video": video}
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    text = ".".join(base64.urlsafe_b64encode(json.dumps(p).encode()).rstrip(b"=").decode() for p in parts)
    mac = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).digest()
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


class LiveKit(Server):
    """livekit-server, single node, no Redis."""

    name: ClassVar[str] = "livekit"

    def __init__(self, folder: Path, executable: Path, udp: str) -> None:
        super().__init__(folder)
        self.executable = executable
        self.udp = udp
        self.port = free_port()
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{self.port}", timeout=60)

    def version(self) -> str:
        done = subprocess.run([self.executable, "--version"], capture_output=True, text=True, check=True)
        how = "one UDP port" if self.udp == "mux" else "a UDP port for each connection"
        return f"{done.stdout.strip()}, WHIP, {how}"

    async def start(self) -> None:
        ports = f"udp_port: {free_port()}"
        if self.udp == "range":
            ports = "port_range_start: 50000\n  port_range_end: 60000"
        config = self.folder / "livekit.yaml"
        config.write_text(CONFIG.format(port=self.port, key=KEY, secret=SECRET, udp=ports, tcp=free_port()))
        await self.run(str(self.executable), "--config", str(config))
        await self.listening(self.port)

    async def whip(self, offer: str, identity: str, wanted: list[str]) -> str:
        headers = {"Content-Type": "application/sdp"}
        headers["Authorization"] = f"Bearer {token(identity, publish=not wanted)}"
        if wanted:
            headers["X-LiveKit-ClientInfo"] = json.dumps({"subscribedParticipantTrackNames": {"p": wanted}})
        # We are the DTLS client of every server.
        body = offer.replace("a=setup:actpass", "a=setup:active")
        response = await self.http.post("/whip/v1", content=body, headers=headers)
        if response.status_code != 201:
            raise SystemExit(f"livekit: {response.status_code} {response.text}\n{self.log()}")
        answer: str = response.text
        return answer

    async def publish(self, clients: Clients) -> None:
        answer = await self.whip(await clients.publisher_offer(PUBLISHER), "p", [])
        clients.take_answer(PUBLISHER, answer)
        await clients.happened(PUBLISHER, "connected")

    async def view(self, clients: Clients, number: int) -> None:
        offer = await clients.viewer_offer(number, audio=1, video=1)
        clients.take_answer(number, await self.whip(offer, f"v{number}", TRACKS))

    async def stop(self) -> None:
        await self.http.aclose()
        await super().stop()
        await asyncio.sleep(0)


def build(folder: Path) -> Path:
    """Builds the pinned version (minutes the first time); Go's own cache keeps it."""
    executable = folder / "livekit-server"
    command = ["go", "build", "-o", str(executable), "github.com/livekit/livekit-server/cmd/server"]
    done: Any = subprocess.run(command, cwd=Path(__file__).parent / "livekit", check=False)
    if done.returncode != 0:
        raise SystemExit("LiveKit could not be built; leave it out with --servers diemcau janus")
    return executable
