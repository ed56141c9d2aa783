"""Just enough WebDriver BiDi to drive Debian's unmodified Firefox (Playwright needs a patched one).

Source: https://www.w3.org/TR/webdriver-bidi/
"""

import contextlib
import json
import os
import re
import subprocess
import tempfile
import threading
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PREFERENCES = {
    "media.navigator.permission.disabled": True,
    "media.navigator.streams.fake": True,
    "media.peerconnection.ice.loopback": True,
    "media.peerconnection.ice.obfuscate_host_addresses": False,
    "media.autoplay.default": 0,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.update.enabled": False,
    "app.normandy.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "browser.region.network.url": "",
    "services.settings.server": "",
}


class Firefox:
    """One headless Firefox with one tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._last = 0
        self.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
        tree = self.call("browsingContext.getTree")
        self._context = tree["contexts"][0]["context"]

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """Send one command and wait for its answer; events in between are dropped."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._last:
                if answer["type"] == "error":
                    raise RuntimeError(f"{method}: {answer['error']}: {answer['message']}")
                result: dict[str, Any] = answer["result"]
                return result

    def goto(self, url: str) -> None:
        """Open `url` and wait until it has loaded."""
        self.call("browsingContext.navigate", context=self._context, url=url, wait="complete")

    def evaluate(self, expression: str) -> Any:
        """Evaluate JavaScript (a promise is awaited); the value comes back through JSON."""
        answer = self.call(
            "script.evaluate",
            expression=f"(async () => JSON.stringify(await ({expression})))()",
            target={"context": self._context},
            awaitPromise=True,
            userActivation=True,
        )
        if answer["type"] != "success":
            raise RuntimeError(answer["exceptionDetails"]["text"])
        value = answer["result"].get("value")
        return None if value is None else json.loads(value)

    def until(self, expression: str, seconds: float = 20) -> Any:
        """Wait in the page, by animation frames, until `expression` is truthy; answers its value."""
        return self.evaluate(
            f"""(async () => {{
              const end = performance.now() + {seconds * 1000};
              while (performance.now() < end) {{
                const value = await ({expression});
                if (value) return value;
                await new Promise((go) => setTimeout(go, 50));
              }}
              const page = document.body.innerText;
              throw new Error("not in {seconds} s: " + {json.dumps(expression)} + " | " + page);
            }})()"""
        )

    def screenshot(self, path: Path) -> None:
        """Write a PNG of the tab."""
        data = self.call("browsingContext.captureScreenshot", context=self._context)["data"]
        path.write_bytes(b64decode(data))


@contextlib.contextmanager
def firefox(preferences: dict[str, Any] | None = None) -> Iterator[Firefox]:
    """Start Debian's firefox-esr headless with a new profile; stop it at the end."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        lines = [
            f"user_pref({json.dumps(name)}, {json.dumps(value)});"
            for name, value in {**PREFERENCES, **(preferences or {})}.items()
        ]
        (Path(profile) / "user.js").write_text("\n".join(lines))
        process = subprocess.Popen(
            ["firefox-esr", "--headless", "--remote-debugging-port=0", "--no-remote", "--profile", profile],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "HOME": profile},
        )
        assert process.stderr
        drain: threading.Thread | None = None
        try:
            for line in process.stderr:
                if found := re.search(r"WebDriver BiDi listening on (ws://\S+)", line):
                    break
            else:
                raise RuntimeError("firefox-esr ended before it listened")
            # A pipe that nobody reads fills, and Firefox stands still.
            drain = threading.Thread(target=process.stderr.read, daemon=True)
            drain.start()
            with connect(found[1] + "/session", max_size=64 << 20) as socket:
                yield Firefox(socket)
        finally:
            process.terminate()
            process.wait(10)
            if drain:
                drain.join(10)
            process.stderr.close()
