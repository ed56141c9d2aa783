"""Janus (Debian's package): VideoRoom, one publisher, subscribers whom it makes offers; one WebSocket."""

import asyncio
import json
import os
import secrets
import subprocess
from pathlib import Path
from typing import Any, ClassVar

import websockets

from bench.peers.clients import Clients
from bench.peers.server import PUBLISHER, Server, free_port

LIBRARIES = Path("/usr/lib/x86_64-linux-gnu/janus")
KEEPALIVE = 20.0
ROOM = 1
CANDIDATE = "a=candidate:1 1 udp 2130706431 127.0.0.1 9 typ host\r\n"
"""Janus wants one in a description before it listens to checks; being ICE-lite it sends none there."""

CONFIG = """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{libraries}/plugins"
  transports_folder = "{libraries}/transports"
  events_folder = "{folder}"
  loggers_folder = "{folder}"
  debug_level = 3
  session_timeout = 0
  event_loops = {loops}
}}
nat: {{ ice_lite = true {interface} }}
plugins: {{ disable = "{plugins}" }}
transports: {{ disable = "{transports}" }}
"""
WEBSOCKETS = 'general: {{ json = "compact" ws = true ws_port = {port} ws_ip = "127.0.0.1" wss = false }}\n'


def others(folder: str, wanted: str) -> str:
    """The libraries that are not to be loaded."""
    found = (LIBRARIES / folder).glob("*.so")
    return ",".join(sorted(path.name for path in found if path.name != wanted))


class Janus(Server):
    """Janus with event loops, ICE-lite, VideoRoom."""

    name: ClassVar[str] = "janus"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.port = free_port()
        self.loops = os.cpu_count() or 1
        self.session = 0
        self.publisher = 0
        self.socket: Any = None
        self.tasks: list[asyncio.Task[None]] = []
        self.transactions: dict[str, asyncio.Future[dict[str, Any]]] = {}

    def version(self) -> str:
        done = subprocess.run(["janus", "--version"], capture_output=True, text=True, check=False)
        lines = (done.stdout + done.stderr).splitlines()
        found = next((line.strip() for line in lines if "version" in line.lower()), "janus")
        return f"{found}, VideoRoom, event_loops = {self.loops}, ice_lite"

    async def start(self) -> None:
        plugins = others("plugins", "libjanus_videoroom.so")
        transports = others("transports", "libjanus_websockets.so")
        config = CONFIG.format(
            folder=self.folder,
            libraries=LIBRARIES,
            loops=self.loops,
            plugins=plugins,
            transports=transports,
            interface="",
        )
        (self.folder / "janus.jcfg").write_text(config)
        (self.folder / "janus.transport.websockets.jcfg").write_text(WEBSOCKETS.format(port=self.port))
        await self.run("janus", "-C", str(self.folder / "janus.jcfg"), "-F", str(self.folder))
        await self.listening(self.port)
        address = f"ws://127.0.0.1:{self.port}"
        self.socket = await websockets.connect(address, subprotocols=["janus-protocol"], max_size=None)  # type: ignore[list-item]
        self.tasks.append(asyncio.create_task(self.read()))
        self.session = (await self.ask({"janus": "create"}, until="success"))["data"]["id"]
        self.tasks.append(asyncio.create_task(self.keep()))

    async def read(self) -> None:
        async for text in self.socket:
            said = json.loads(text)
            waiting = self.transactions.get(said.get("transaction", ""))
            if waiting is None or waiting.done() or said["janus"] == "ack":
                continue
            waiting.set_result(said)

    async def keep(self) -> None:
        while True:
            await asyncio.sleep(KEEPALIVE)
            message = {"janus": "keepalive", "session_id": self.session, "transaction": "keep"}
            await self.socket.send(json.dumps(message))

    async def ask(self, message: dict[str, Any], *, until: str = "event") -> dict[str, Any]:
        key = secrets.token_hex(8)
        future = self.transactions[key] = asyncio.get_running_loop().create_future()
        if self.session:
            message["session_id"] = self.session
        await self.socket.send(json.dumps({**message, "transaction": key}))
        said: dict[str, Any] = await asyncio.wait_for(future, 30)
        del self.transactions[key]
        problem = said.get("error") or said.get("plugindata", {}).get("data", {}).get("error")
        if problem or said["janus"] != until:
            raise SystemExit(f"janus: {message.get('body', message)}: {said}")
        return said

    async def attach(self) -> int:
        attach = {"janus": "attach", "plugin": "janus.plugin.videoroom"}
        return int((await self.ask(attach, until="success"))["data"]["id"])

    async def publish(self, clients: Clients) -> None:
        handle = await self.attach()
        room = {"request": "create", "room": ROOM, "publishers": 1, "bitrate": 2_000_000}
        room |= {"videocodec": "h264", "h264_profile": "42e01f", "audiocodec": "opus"}
        await self.ask({"janus": "message", "handle_id": handle, "body": room}, until="success")
        # Asked so, it is the DTLS server, as our clients want it.
        offer = (await clients.publisher_offer(PUBLISHER)).replace("a=setup:actpass", "a=setup:active")
        offer += CANDIDATE
        body = {"request": "joinandconfigure", "room": ROOM, "ptype": "publisher"}
        message = {"janus": "message", "handle_id": handle, "body": body}
        said = await self.ask({**message, "jsep": {"type": "offer", "sdp": offer, "trickle": False}})
        self.publisher = said["plugindata"]["data"]["id"]
        clients.take_answer(PUBLISHER, said["jsep"]["sdp"])
        await clients.happened(PUBLISHER, "connected")

    async def view(self, clients: Clients, number: int) -> None:
        handle = await self.attach()
        body = {"request": "join", "room": ROOM, "ptype": "subscriber", "streams": [{"feed": self.publisher}]}
        said = await self.ask({"janus": "message", "handle_id": handle, "body": body})
        answer = await clients.answer(number, said["jsep"]["sdp"]) + CANDIDATE
        message = {"janus": "message", "handle_id": handle, "body": {"request": "start"}}
        await self.ask({**message, "jsep": {"type": "answer", "sdp": answer, "trickle": False}})

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        if self.socket is not None:
            await self.socket.close()
        await super().stop()
