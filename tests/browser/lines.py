"""A media node with a bad network before it, and connections of a real Chromium to it.

Without the server and its page, so that a test of what lines carry measures only that.
"""

import contextlib
import functools
import json
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, WebSocketRoute

from diemcau.media.executable import find
from tests.faults.node import Node

PROGRAM = "stage"
LINES = 4

WEB = Path(__file__).parents[2] / "web"
# The page's own layers and what keeps them within a line, without its other files.
SENDING = """
const {transpileModule} = require("typescript");
const source = require("fs").readFileSync("src/media/sending.ts", "utf8");
const options = {compilerOptions: {target: "es2022", module: "es2022"}};
process.stdout.write(transpileModule(source, options).outputText);
"""
# As the page offers them (web/src/media/publisher.ts, viewer.ts, codecs.ts).
CONNECT = """
const codecs = (kind, wanted) => RTCRtpReceiver.getCapabilities(kind).codecs
  .filter((codec) => wanted.includes(codec.mimeType.toLowerCase()));
window.offer = {
  async publisher() {
    const media = await navigator.mediaDevices.getUserMedia({
      audio: true, video: {width: 640, height: 360, frameRate: 15},
    });
    const pc = window.publisher = new RTCPeerConnection({bundlePolicy: "max-bundle"});
    const [voice] = media.getAudioTracks(), [picture] = media.getVideoTracks();
    const audio = pc.addTransceiver(voice, {
      direction: "sendonly", sendEncodings: VOICE,
    });
    const video = pc.addTransceiver(picture, {direction: "sendonly", sendEncodings: LAYERS});
    pc.addEventListener("connectionstatechange", () => {
      if (pc.connectionState === "connected") keepWithin(pc, video.sender);
    });
    audio.setCodecPreferences(codecs("audio", ["audio/opus", "audio/red"]));
    video.setCodecPreferences(codecs("video", ["video/vp8", "video/rtx"]));
    await pc.setLocalDescription(await pc.createOffer());
    return pc.localDescription.sdp;
  },
  async viewer(lines) {
    const pc = window.viewer = new RTCPeerConnection({bundlePolicy: "max-bundle"});
    for (const kind of ["audio", "video"])
      for (let i = 0; i < lines; i++) {
        const line = pc.addTransceiver(kind, {direction: "recvonly"});
        line.setCodecPreferences(codecs(kind, [`${kind}/opus`, `${kind}/vp8`, `${kind}/rtx`]));
      }
    pc.ontrack = ({track}) => {
      const element = document.createElement(track.kind);
      element.srcObject = new MediaStream([track]);
      element.muted = track.kind === "video";
      document.body.append(element);
      void element.play();
    };
    await pc.setLocalDescription(await pc.createOffer());
    return pc.localDescription.sdp;
  },
};
window.answered = (name, sdp) => window[name].setRemoteDescription({type: "answer", sdp});
window.figures = async (name, type) => {
  const sums = {};
  for (const report of (await window[name].getStats()).values()) {
    if (report.type !== type) continue;
    const kind = sums[report.kind] ??= {};
    for (const [key, value] of Object.entries(report))
      if (typeof value === "number") kind[key] = (kind[key] ?? 0) + value;
  }
  return sums;
};
"""


@functools.cache
def sending() -> str:
    """web/src/media/sending.ts as a browser reads it."""
    made = subprocess.run(["node", "-e", SENDING], cwd=WEB, check=True, capture_output=True, text=True)
    return made.stdout


@dataclass
class Emulator:
    """`diemcau-load net` before one port."""

    process: subprocess.Popen[str]
    port: int

    def set(self, **ways: dict[str, float]) -> None:
        """What the line is like from now on: `up` and `down`, names as in docs/load.md."""
        self._ask({"set": {"up": ways.get("up", {}), "down": ways.get("down", {})}})

    def outage(self, millis: int) -> None:
        """Nothing gets through for so long."""
        self._ask({"outage_ms": millis})

    def _ask(self, request: dict[str, Any]) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline()


@contextlib.contextmanager
def emulator(port: int, *, seed: int = 7) -> Iterator[Emulator]:
    """A perfect line to `port` until it is set."""
    arguments = ["net", "--route", f"127.0.0.1:0=127.0.0.1:{port}", "--profile", "{}", "--seed", str(seed)]
    process = subprocess.Popen(
        [find("diemcau-load"), *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin and process.stdout
    try:
        routes = json.loads(process.stdout.readline())["routes"]
        yield Emulator(process, int(str(routes[0]["listen"]).rsplit(":", 1)[1]))
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def through(answer: str, line: Emulator) -> str:
    """An answer whose candidates lead to the emulator: an answer is not signed, and ICE does not mind."""
    return re.sub(r"(a=candidate:\S+ 1 udp \d+ \S+ )\d+", rf"\g<1>{line.port}", answer)


class Between:
    """Emulators before the node for one page of the server's: `wire` goes before its socket."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        self._lines: dict[int, Emulator] = {}

    def wire(self, page_side: WebSocketRoute) -> None:
        """The node's address in a viewer's answer becomes the emulator's."""
        server_side = page_side.connect_to_server()

        def say(text: str | bytes) -> None:
            said = json.loads(text)
            if said["op"] == "opened":
                found = re.findall(r"a=candidate:\S+ 1 udp \d+ \S+ (\d+)", said["answer"])
                [port] = {int(port) for port in found}
                if port not in self._lines:
                    self._lines[port] = self._stack.enter_context(emulator(port))
                text = json.dumps({**said, "answer": through(said["answer"], self._lines[port])})
            page_side.send(text)

        server_side.on_message(say)

    def set(self, **ways: dict[str, float]) -> None:
        """As `Emulator.set`, of all of them."""
        for line in self._lines.values():
            line.set(**ways)


@dataclass
class Lines:
    """The node, the line up of its publisher and the line down of its viewer, and the page that has both."""

    node: Node
    up: Emulator
    down: Emulator
    page: Page
    steps: list[tuple[float, str]] = field(default_factory=list)

    def connect(self) -> None:
        """A publisher on slot 0 with its microphone open, and a viewer; until the viewer decodes both."""
        offer = self.page.evaluate("offer.publisher()")
        answer = self.node.call("publisher_open", publisher="p", party="a", offer=offer, codec="vp8")[
            "answer"
        ]
        self._answered("publisher", answer, self.up)
        slots = [{"track": "p/video"}]
        self.node.call("program_set", program=PROGRAM, codec="vp8", slots=slots, mics=["p/audio"])
        offer = self.page.evaluate("offer.viewer", LINES)
        answer = self.node.call("viewer_open", viewer="v", party="b", offer=offer, program=PROGRAM)["answer"]
        self._answered("viewer", answer, self.down)
        self.until("both decode", lambda: self.received("video").get("framesDecoded", 0) > 20, 20)

    def _answered(self, name: str, answer: str, line: Emulator) -> None:
        self.page.evaluate("([name, sdp]) => answered(name, sdp)", [name, through(answer, line)])

    def received(self, kind: str) -> dict[str, float]:
        """Sums over the viewer's lines of a kind of what `inbound-rtp` counts."""
        return dict(self.page.evaluate("figures('viewer', 'inbound-rtp')").get(kind, {}))

    def step(self) -> str:
        """Where the viewer stands on the ladder."""
        self.node.call("snapshot")
        viewers = self.node.event("snapshot")["viewers"]
        return str(viewers[0].get("step", "high"))

    def wait(self, seconds: float) -> None:
        """Lets the page run, noting each step the viewer takes meanwhile."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self.page.evaluate("(ms) => new Promise((go) => setTimeout(go, ms))", min(200, left * 1000))
            now = self.step()
            if not self.steps or self.steps[-1][1] != now:
                self.steps.append((time.monotonic(), now))

    def until(self, what: str, ask: Any, seconds: float) -> float:
        """Waits until the answer is true; how long it took."""
        began = time.monotonic()
        while not ask():
            took = time.monotonic() - began
            assert took < seconds, f"not within {seconds} s: {what}; steps {self.steps}"
            self.wait(0.1)
        return time.monotonic() - began

    def concealed(self, seconds: float) -> float:
        """Share of the sound that the viewer had to make up over a time."""
        before = self.received("audio")
        self.wait(seconds)
        after = self.received("audio")
        return (after["concealedSamples"] - before["concealedSamples"]) / (
            after["totalSamplesReceived"] - before["totalSamplesReceived"]
        )


@contextlib.contextmanager
def lines(browser: Browser, folder: Path) -> Iterator[Lines]:
    """A node with emulators before it and a Chromium page that can connect to it."""
    path = folder / "node.sock"
    with (folder / "node.log").open("w") as log:
        process = subprocess.Popen(
            [
                find("diemcau-media"),
                "serve",
                "--control",
                path,
                "--bind",
                "127.0.0.1:0",
                "--workers",
                "1",
            ],
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert process.stdout
    try:
        port = json.loads(process.stdout.readline())["ports"][0]
        context = browser.new_context(permissions=["camera", "microphone"])
        page = context.new_page()
        page.route("**/*", lambda route: route.fulfill(body="<title>lines</title>", content_type="text/html"))
        page.goto("http://localhost/")
        page.add_script_tag(content=sending() + CONNECT, type="module")
        # A module put into a page runs when the page next has time, not before this call returns.
        page.wait_for_function("window.offer")
        with emulator(port) as up, emulator(port, seed=8) as down, socket.socket(socket.AF_UNIX) as stream:
            stream.settimeout(5)
            stream.connect(str(path))
            node = Node(stream)
            try:
                yield Lines(node, up, down, page)
            finally:
                node.close()
        context.close()
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()
