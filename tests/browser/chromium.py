"""Debian's Chromium under Playwright, and what the tests read from its pages."""

import contextlib
import io
from base64 import b64decode
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Playwright

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=user-gesture-required",
]

# Every peer connection of the page, so that a test can ask what was received.
KEEP_CONNECTIONS = """
window.__connections = [];
window.RTCPeerConnection = class extends RTCPeerConnection {
  constructor(...args) { super(...args); window.__connections.push(this); }
};
"""

PIXELS = """(id) => {
  const video = document.querySelector(`[data-testid="${id}"]`);
  if (!(video instanceof HTMLVideoElement) || video.videoWidth === 0 || video.readyState < 2) return null;
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth; canvas.height = video.videoHeight;
  canvas.getContext("2d").drawImage(video, 0, 0);
  return canvas.toDataURL("image/png").split(",")[1];
}"""

AUDIO = """async () => {
  let energy = 0, packets = 0;
  for (const connection of window.__connections) {
    if (connection.connectionState === "closed") continue;
    for (const report of (await connection.getStats()).values()) {
      if (report.type !== "inbound-rtp" || report.kind !== "audio") continue;
      energy += report.totalAudioEnergy ?? 0; packets += report.packetsReceived ?? 0;
    }
  }
  return {energy, packets};
}"""


@contextlib.contextmanager
def chromium(
    playwright: Playwright,
    *,
    picture: Path | None = None,
    sound: Path | None = None,
    camera: bool = True,
    program: str | Path = "/usr/bin/chromium",
    more: Sequence[str] = (),
) -> Iterator[Browser]:
    """Start a headless Chromium of its own, its fake camera and microphone playing the given files."""
    flags = [flag for flag in FLAGS if camera or "media-stream" not in flag]
    flags += more
    if picture:
        flags.append(f"--use-file-for-fake-video-capture={picture}")
    if sound:
        flags.append(f"--use-file-for-fake-audio-capture={sound}")
    browser = playwright.chromium.launch(executable_path=program, args=flags)
    try:
        yield browser
    finally:
        browser.close()


opened: list[BrowserContext] = []
"""What `new_page` made, in order: tests/browser/conftest.py closes what a test leaves behind."""


def new_page(browser: Browser, **options: Any) -> Page:
    """Open a page in a new profile; an error in the page's own code fails the test that closes it."""
    context = browser.new_context(locale="vi-VN", timezone_id="Asia/Ho_Chi_Minh", **options)
    opened.append(context)
    context.add_init_script(KEEP_CONNECTIONS)
    return context.new_page()


def pixels(page: Page, testid: str) -> NDArray[np.uint8] | None:
    """The decoded picture that a video element shows now, RGB `(height, width, 3)`; None before the first."""
    data = page.evaluate(PIXELS, testid)
    return None if data is None else rgb(data)


def rgb(png: str) -> NDArray[np.uint8]:
    """The pixels `(height, width, 3)` of a PNG in base64."""
    return np.asarray(Image.open(io.BytesIO(b64decode(png))).convert("RGB"))


def audio(page: Page) -> dict[str, float]:
    """Sums over all audio lines received: `energy` (RTCInboundRtpStreamStats.totalAudioEnergy), `packets`."""
    answer: dict[str, float] = page.evaluate(AUDIO)
    return answer
