"""@eyevinn/webrtc-player on a page of another origin: a WHEP player that knows nothing of us."""

import contextlib
import functools
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

WEB = Path(__file__).resolve().parents[2] / "web"

_BUNDLE = """
import { rolldown } from 'rolldown';
const bundle = await rolldown({ input: '@eyevinn/webrtc-player', cwd: process.argv[1], platform: 'browser' });
await bundle.write({ file: process.argv[2], format: 'esm' });
await bundle.close();
"""

_PAGE = """<!doctype html><meta charset="utf-8"><title>player</title>
<video data-testid="player" muted autoplay playsinline></video>
<script type="module">
  import player from './player.mjs';
  const video = document.querySelector('video');
  window.watch = async (url, key) => {
    window.player = new player.WebRTCPlayer({ video, type: 'whep' });
    window.player.unmute(); // a muted element's sound is not even decoded
    await window.player.load(new URL(url), `Bearer ${key}`);
  };
  window.ready = true;
</script>
"""


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nobody reads it."""


@contextlib.contextmanager
def player_page(folder: Path) -> Iterator[str]:
    """The address of a page with `watch(url, token)`; its player is the package as it is, bundled."""
    bundle = ["node", "--input-type=module", "-e", _BUNDLE, str(WEB), str(folder / "player.mjs")]
    subprocess.run(bundle, cwd=WEB, check=True, capture_output=True, timeout=60)
    (folder / "index.html").write_text(_PAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(_Quiet, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/index.html"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
