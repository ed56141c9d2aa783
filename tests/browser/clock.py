"""A camera that shows what time it is, and a desk that reads it: how old is the picture that arrives?

The picture carries 40 bits in 2 rows of 22 cells over its upper third, corners white, black / black, white:
24 bits of milliseconds, 8 bits that say whose camera it is, 8 bits of CRC (polynomial 0x07).
"""

from typing import Any

from playwright.sync_api import Page

_CODE = """
const __columns = 22, __modulo = 2 ** 24;
const __crc = (bytes) => {
  let crc = 0xff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let i = 0; i < 8; i++) crc = crc & 0x80 ? ((crc << 1) ^ 7) & 0xff : (crc << 1) & 0xff;
  }
  return crc;
};
const __corner = {0: 1, 21: 0, 22: 0, 43: 1};
const __places = [...Array(44).keys()].filter((place) => !(place in __corner));
const __now = () => performance.timeOrigin + performance.now();
"""

CAMERA = (
    _CODE
    + """
window.__marks = {};
const __sent = new Set();
window.__connected = () => [...__sent].some((pc) => pc.connectionState !== "closed");
window.__sends = () => [...__sent].some(
  (pc) => pc.connectionState !== "closed" && pc.getSenders().some(({track}) => track?.kind === "video"));
const __mark = (name) => { window.__marks[name] = __now(); };
const __open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (wanted) => {
  // What opening a device takes, is taken; its picture is replaced.
  for (const track of (await __open(wanted)).getTracks()) track.stop();
  const stream = new MediaStream();
  if (wanted.video) {
    const canvas = document.createElement("canvas");
    canvas.width = %(width)d; canvas.height = %(height)d;
    const pen = canvas.getContext("2d");
    const draw = () => {
      const ms = Math.floor(__now()) %% __modulo;
      const bytes = [ms >> 16, (ms >> 8) & 255, ms & 255, %(number)d];
      bytes.push(__crc(bytes));
      const w = canvas.width / __columns, h = canvas.height / 6;
      const cell = (place, bit) => {
        pen.fillStyle = bit ? "#ebebeb" : "#101010";
        pen.fillRect((place %% __columns) * w, Math.floor(place / __columns) * h, w + 1, h + 1);
      };
      for (const [place, bit] of Object.entries(__corner)) cell(Number(place), bit);
      __places.forEach((place, i) => cell(place, (bytes[i >> 3] >> (7 - (i & 7))) & 1));
      pen.fillStyle = `hsl(${(ms / 40) %% 360} 60%% 40%%)`;
      pen.fillRect(0, canvas.height / 3 + 1, canvas.width, canvas.height);
    };
    draw();
    // Not sending it is nearly still: the work of all cameras is this one machine's.
    let beat = 0;
    setInterval(() => { if (window.__connected() || beat++ %% 25 === 0) draw(); }, 40);
    stream.addTrack(canvas.captureStream(25).getVideoTracks()[0]);
  }
  if (wanted.audio) {
    const context = new AudioContext(), tone = context.createOscillator(), gain = context.createGain();
    const out = context.createMediaStreamDestination();
    gain.gain.value = 0.01; tone.connect(gain).connect(out); tone.start();
    stream.addTrack(out.stream.getAudioTracks()[0]);
  }
  return stream;
};
window.WebSocket = class extends WebSocket {
  constructor(...args) {
    super(...args);
    this.addEventListener("message", ({data}) => {
      if (data.startsWith('{"op":"you"') && data.includes('"publish":{')) window.__marks.asked ??= __now();
    });
  }
};
window.RTCPeerConnection = class extends RTCPeerConnection {
  addTransceiver(what, options) {
    this.__sends = options?.direction === "sendonly";
    return super.addTransceiver(what, options);
  }
  async setLocalDescription(...args) {
    if (this.__sends) {
      __mark("offered");
      __sent.add(this);
    }
    return super.setLocalDescription(...args);
  }
  async setRemoteDescription(...args) {
    if (this.__sends) {
      const detour = (_, before, port) => before + (window.__detours?.[port] ?? port);
      args[0] = {...args[0], sdp: args[0].sdp.replace(/(a=candidate:\\S+ 1 udp \\d+ \\S+ )(\\d+)/g, detour)};
      __mark("answered");
      this.addEventListener("connectionstatechange", () => {
        if (this.connectionState === "connected") __mark("connected");
      });
    }
    return super.setRemoteDescription(...args);
  }
};
"""
)

_READ = (
    _CODE
    + """
const canvas = document.createElement("canvas");
canvas.width = 220; canvas.height = 120;
const pen = canvas.getContext("2d", {willReadFrequently: true});
const read = (video) => {
  pen.drawImage(video, 0, 0, 220, 120);
  const picture = pen.getImageData(0, 0, 220, 40).data;
  const level = (place) => {
    const x = (place % __columns) * 10 + 5, y = Math.floor(place / __columns) * 20 + 10;
    return picture[(y * 220 + x) * 4 + 1];
  };
  const white = Math.min(level(0), level(43)), black = Math.max(level(21), level(22));
  if (white - black < 60) return null;
  const bytes = [0, 0, 0, 0, 0];
  __places.forEach((place, i) => {
    bytes[i >> 3] = (bytes[i >> 3] << 1) | (level(place) > (white + black) / 2 ? 1 : 0);
  });
  if (__crc(bytes.slice(0, 4)) !== bytes[4]) return null;
  return {ms: (bytes[0] << 16) | (bytes[1] << 8) | bytes[2], number: bytes[3]};
};
"""
)

WATCH = (
    "(() => {"
    + _READ
    + """
window.__call = null;
window.__await = (number) => { window.__call = {number, pressed: null, shown: null, code: null, ages: []}; };
addEventListener("keydown", (event) => {
  const call = window.__call;
  if (!call || call.pressed !== null || event.key !== "Enter") return;
  call.pressed = performance.timeOrigin + event.timeStamp;
}, true);
const watched = new WeakSet();
const watch = () => {
  const video = document.querySelector('[data-testid="desk-preview-video-0"]');
  if (video && !watched.has(video)) {
    watched.add(video);
    const look = () => {
      const call = window.__call;
      if (call && call.shown !== null && call.ages.length < 20) {
        const found = read(video);
        const now = Math.floor(__now()) % __modulo;
        if (found && found.number === call.number) call.ages.push((now - found.ms + __modulo) % __modulo);
      }
      if (call && call.pressed !== null && call.shown === null) {
        const found = read(video);
        const age = found && (found.ms - Math.floor(call.pressed) % __modulo + __modulo) % __modulo;
        if (found && found.number === call.number && age > 0 && age < 600_000) {
          call.shown = __now(); call.code = call.pressed + age;
        }
      }
      video.requestVideoFrameCallback(look);
    };
    video.requestVideoFrameCallback(look);
  }
};
// Not at every frame: that would have the browser make frames where nothing changes.
setInterval(watch, 10);
})();"""
)

SHOWN = (
    "(() => {"
    + _READ
    + """
// Of each video of a page, by test id, whose picture came when: one entry each time that it is another's.
window.__shown = {};
const watched = new WeakMap();
window.__look = (id) => {
  const video = document.querySelector(`[data-testid="${id}"]`);
  if (!video || watched.get(video) === id) return;
  watched.set(video, id);
  const log = (window.__shown[id] ??= []);
  const look = () => {
    const found = read(video);
    if (found && log.at(-1)?.number !== found.number) log.push({number: found.number, at: __now()});
    video.requestVideoFrameCallback(look);
  };
  video.requestVideoFrameCallback(look);
};
window.__pressed = null;
addEventListener("keydown", (event) => {
  if (event.key === "Enter") window.__pressed = performance.timeOrigin + event.timeStamp;
}, true);
})();"""
)
"""`__look(testid)` at videos of clock cameras; `__shown[testid]`: `{number, at}` at each change;
`__pressed`: when Enter was pressed last. Times are epoch milliseconds."""


def clock_camera(number: int, width: int = 640, height: int = 360) -> str:
    """The script of a page whose camera is number `number` (0 to 255)."""
    return CAMERA % {"number": number, "width": width, "height": height}


def awaiting(desk: Page, number: int) -> None:
    """The desk's page waits for the key press that calls this camera."""
    desk.evaluate("(number) => window.__await(number)", number)


def arrived(desk: Page) -> dict[str, Any] | None:
    """`{"pressed", "shown", "code"}`, epoch milliseconds, once a frame younger than the press was shown."""
    call: dict[str, Any] | None = desk.evaluate("window.__call?.shown ? window.__call : null")
    return call


def ages(desk: Page) -> list[float] | None:
    """How old the next twenty frames were when they were shown, ms; None until they were."""
    found: list[float] | None = desk.evaluate("window.__call?.ages?.length >= 20 ? window.__call.ages : null")
    return found


def marks(post: Page) -> dict[str, float]:
    """When the called page was asked to send, offered, was answered, and connected; forgets them."""
    found: dict[str, float] = post.evaluate(
        "(() => { const m = window.__marks; window.__marks = {}; return m; })()"
    )
    return found
