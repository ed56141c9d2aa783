"""Chromium publishes to a media node with simulcast and watches what comes back; prints what it saw as JSON.

    python -m bench.chromium --media rust/target/release/diemcau-media

Exit status 0 when every check held. One node, one browser, loopback only; about 40 s.
"""

import argparse
import http.server
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

PAGE = """<!doctype html><meta charset=utf-8><title>check</title><script>
const gathered = pc => new Promise(done => {
  if (pc.iceGatheringState === 'complete') return done();
  pc.addEventListener('icegatheringstatechange', () => pc.iceGatheringState === 'complete' && done());
});
window.publish = async (name) => {
  const media = await navigator.mediaDevices.getUserMedia({audio: true, video: {width: 1280, height: 720}});
  const pc = new RTCPeerConnection();
  pc.addTransceiver(media.getAudioTracks()[0], {direction: 'sendonly'});
  pc.addTransceiver(media.getVideoTracks()[0], {direction: 'sendonly', sendEncodings: [
    {rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150000},
    {rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 900000}]});
  await pc.setLocalDescription(); await gathered(pc);
  window['pub_' + name] = pc;
  return pc.localDescription.sdp;
};
window.watch = async (name, audio, video) => {
  const pc = new RTCPeerConnection();
  for (let i = 0; i < audio; i++) pc.addTransceiver('audio', {direction: 'recvonly'});
  for (let i = 0; i < video; i++) pc.addTransceiver('video', {direction: 'recvonly'});
  window['els_' + name] = [];
  pc.ontrack = e => {
    const el = document.createElement(e.track.kind); el.autoplay = true; el.muted = e.track.kind === 'video';
    el.srcObject = new MediaStream([e.track]); document.body.append(el); window['els_' + name].push(el);
  };
  await pc.setLocalDescription(); await gathered(pc);
  window['sub_' + name] = pc;
  return pc.localDescription.sdp;
};
window.answer = async (key, sdp) => { await window[key].setRemoteDescription({type: 'answer', sdp}); };
window.stats = async (key) => {
  const out = [];
  (await window[key].getStats()).forEach(s => {
    if (['inbound-rtp', 'outbound-rtp', 'codec', 'candidate-pair'].includes(s.type)) out.push(s);
  });
  return out;
};
window.close_ = (key) => window[key].close();
</script>"""


FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]


class Control:
    """The control socket, as far as a check needs it."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw", encoding="utf-8", newline="\n")
        self.count = 0
        self.events: list[dict[str, Any]] = []
        self.ask("hello", version=1)

    def _line(self) -> dict[str, Any]:
        line: dict[str, Any] = json.loads(self.file.readline())
        return line

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """Sends a command and returns the reply's data; raises on a refusal."""
        self.count += 1
        request = {"id": f"{id(self)}-{self.count}", "cmd": command, **fields}
        self.file.write(json.dumps(request) + "\n")
        self.file.flush()
        while True:
            line = self._line()
            if line.get("re") == request["id"]:
                if "error" in line:
                    raise RuntimeError(f"{command}: {line['error']}")
                answer: dict[str, Any] = line["ok"]
                return answer
            self.events.append(line)

    def wait(self, event: str, seconds: float = 15, **fields: Any) -> dict[str, Any]:
        """The next event of this kind with these fields, from now or earlier."""
        end = time.monotonic() + seconds
        while True:
            for at, line in enumerate(self.events):
                if line.get("event") == event and all(
                    line.get(key) == value for key, value in fields.items()
                ):
                    return self.events.pop(at)
            if time.monotonic() > end:
                raise TimeoutError(f"no {event} {fields}; have {[e.get('event') for e in self.events]}")
            self.socket.settimeout(max(end - time.monotonic(), 0.1))
            try:
                self.events.append(self._line())
            except TimeoutError:
                continue
            finally:
                self.socket.settimeout(None)


def serve_page(page: str = PAGE) -> str:
    """Serves a page on loopback (a secure context) and returns its address."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, *args: Any) -> None:
            """Nothing is said of requests."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}/"


def inbound(page: Page, key: str, kind: str) -> list[dict[str, Any]]:
    stats: list[dict[str, Any]] = page.evaluate("key => stats(key)", key)
    return [one for one in stats if one["type"] == "inbound-rtp" and one["kind"] == kind]


def rates(page: Page, key: str, seconds: float) -> dict[str, Any]:
    """Frames decoded, audio packets and the rest over some seconds."""
    before_v, before_a = inbound(page, key, "video"), inbound(page, key, "audio")
    page.wait_for_timeout(seconds * 1000)
    after_v, after_a = inbound(page, key, "video"), inbound(page, key, "audio")

    def total(stats: list[dict[str, Any]], field: str) -> float:
        return float(sum(one.get(field, 0) for one in stats))

    return {
        "fps": (total(after_v, "framesDecoded") - total(before_v, "framesDecoded")) / seconds,
        "width": max((one.get("frameWidth", 0) for one in after_v), default=0),
        "audio_pps": (total(after_a, "packetsReceived") - total(before_a, "packetsReceived")) / seconds,
        "audio_energy": total(after_a, "totalAudioEnergy") - total(before_a, "totalAudioEnergy"),
        "lost": total(after_v, "packetsLost") + total(after_a, "packetsLost"),
        "freezes": total(after_v, "freezeCount"),
        "nacks": total(after_v, "nackCount"),
        "plis": total(after_v, "pliCount"),
        "concealed": total(after_a, "concealedSamples") - total(before_a, "concealedSamples"),
    }


def scenario(page: Page, control: Control, codec: str) -> dict[str, Any]:
    """One codec from camera to screen."""
    seen: dict[str, Any] = {"codec": codec}
    for name in (f"a-{codec}", f"b-{codec}"):
        offer = page.evaluate("name => publish(name)", name)
        answer = control.ask("publisher_open", publisher=name, party=name, offer=offer, codec=codec)
        page.evaluate("([key, sdp]) => answer(key, sdp)", [f"pub_{name}", answer["answer"]])
        control.wait("publisher_link", publisher=name, state="connected")
        control.wait("track_live", track=f"{name}/video")
    program = f"p-{codec}"
    slots = [{"track": f"a-{codec}/video"}]
    control.ask("program_set", program=program, codec=codec, slots=slots, mics=[f"a-{codec}/audio"])
    viewer = f"v-{codec}"
    offer = page.evaluate("name => watch(name, 1, 2)", viewer)
    opened = control.ask("viewer_open", viewer=viewer, offer=offer, program=program)
    page.evaluate("([key, sdp]) => answer(key, sdp)", [f"sub_{viewer}", opened["answer"]])
    control.wait("viewer_link", viewer=viewer, state="connected")
    page.wait_for_timeout(6000)
    seen["watch"] = rates(page, f"sub_{viewer}", 4)
    control.ask("viewer_ceiling", viewer=viewer, ceiling="low")
    page.wait_for_timeout(2500)
    seen["low"] = rates(page, f"sub_{viewer}", 2)
    control.ask("viewer_ceiling", viewer=viewer, ceiling="high")
    control.ask("slot_set", program=program, slot=0, track=f"b-{codec}/video")
    shown = control.wait("slot_shown", program=program)
    seen["cut_ms"], seen["cut_lines"] = shown["after_ms"], shown["lines"]
    page.wait_for_timeout(2000)
    seen["after_cut"] = rates(page, f"sub_{viewer}", 2)
    control.ask("mics_set", program=program, mics=[])
    page.wait_for_timeout(500)
    seen["muted_pps"] = rates(page, f"sub_{viewer}", 2)["audio_pps"]
    stats = page.evaluate("key => stats(key)", f"sub_{viewer}")
    seen["mime"] = sorted({one["mimeType"] for one in stats if one["type"] == "codec"})
    page.evaluate("key => close_(key)", f"sub_{viewer}")
    seen["gone"] = control.wait("viewer_gone", viewer=viewer)["reason"]
    for name in (f"a-{codec}", f"b-{codec}"):
        control.ask("publisher_close", publisher=name)
    return seen


def complaints(seen: dict[str, Any]) -> list[str]:
    """What did not hold."""
    checks = {
        "video decodes": seen["watch"]["fps"] > 12,
        "the high layer arrives": seen["watch"]["width"] == 640,
        "60 ms audio": 14 < seen["watch"]["audio_pps"] < 19,
        "audio is heard": seen["watch"]["audio_energy"] > 0,
        "nothing is lost": seen["watch"]["lost"] == 0,
        "the low layer on demand": seen["low"]["width"] == 320 and seen["low"]["fps"] > 12,
        "video goes on after a cut": seen["after_cut"]["fps"] > 12,
        "a cut is quick": seen["cut_ms"] < 500,
        "muted is silent": seen["muted_pps"] == 0,
        "the codec asked for": any(seen["codec"] in mime.lower() for mime in seen["mime"]),
        "a closed page is noticed": seen["gone"] == "closed",
    }
    return [f"{seen['codec']}: {name}" for name, held in checks.items() if not held]


def main() -> int:
    """Runs the check."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--media", type=Path, required=True)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--codec", action="append", choices=["h264", "vp8"])
    options = parser.parse_args()
    failed = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "control")
        command = [options.media, "serve", "--control", path, "--bind", "127.0.0.1:0", "--exit-with-stdin"]
        node = subprocess.Popen(
            [*map(str, command), "--workers", str(options.workers)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert node.stdout is not None
        print(node.stdout.readline().strip())
        with sync_playwright() as driver:
            browser = driver.chromium.launch(
                executable_path="/usr/bin/chromium",
                args=FLAGS,
            )
            page = browser.new_page()
            page.goto(serve_page())
            control = Control(path)
            for codec in options.codec or ["h264", "vp8"]:
                seen = scenario(page, control, codec)
                print(json.dumps(seen))
                failed += complaints(seen)
            print(json.dumps(control.ask("stats")))
            browser.close()
        node.terminate()
        status = node.wait(10)
        if status != 0:
            failed.append(f"the node ended with {status}")
    for line in failed:
        print("FAILED", line, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
