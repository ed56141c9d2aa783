"""Programs that publish by WHIP, unmodified: FFmpeg from its wheel, and PyAV. A flat colour and a tone."""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

RATE, WIDTH, HEIGHT = 15, 320, 180
SAMPLES = 960
"""Of a 20 ms frame at 48 kHz."""


@contextlib.contextmanager
def ffmpeg(url: str, token: str, colour: str, log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """FFmpeg as docs/whip.md says to call it; ended with Ctrl-C, as a person would."""
    picture = f"color=c={colour}:size={WIDTH}x{HEIGHT}:rate={RATE}"
    command = [
        imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-nostdin",
        "-re", "-f", "lavfi", "-i", picture,
        "-re", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
        "-c:v", "libx264", "-profile:v", "baseline", "-preset", "ultrafast", "-tune", "zerolatency",
        "-g", str(2 * RATE), "-b:v", "300k", "-c:a", "libopus", "-ac", "2",
        "-f", "whip", "-authorization", token, url,
    ]  # fmt: skip
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def pyav(url: str, token: str, colour: tuple[int, int, int], folder: Path) -> Iterator[threading.Thread]:
    """PyAV in a thread until the block ends; an error in it is raised at the end."""
    stop, failed = threading.Event(), []
    options = {"authorization": token, **certificate(folder)}

    def run() -> None:
        try:
            _publish(url, options, colour, stop)
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="pyav")
    thread.start()
    try:
        yield thread
    finally:
        stop.set()
        thread.join(15)
    if failed:
        raise failed[0]


def certificate(folder: Path) -> dict[str, str]:
    """The muxer's options for a certificate of P-256, which every peer must take (RFC 8827 §6.5).

    The FFmpeg in PyAV 18 makes its own with GnuTLS, on a curve that a peer need not know.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "encoder")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(secret)
    (folder / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(pem))
    return {"cert_file": str(folder / "cert.pem"), "key_file": str(folder / "key.pem")}


def _publish(url: str, options: dict[str, str], colour: tuple[int, int, int], stop: threading.Event) -> None:
    with av.open(url, "w", format="whip", options=options) as output:
        video = output.add_stream(
            "libx264", rate=RATE, options={"preset": "ultrafast", "tune": "zerolatency"}
        )
        video.width, video.height, video.pix_fmt, video.profile = WIDTH, HEIGHT, "yuv420p", "Baseline"
        video.gop_size, video.max_b_frames = 2 * RATE, 0
        audio = output.add_stream("libopus", rate=48_000, layout="stereo")
        frame = av.VideoFrame.from_ndarray(np.full((HEIGHT, WIDTH, 3), colour, np.uint8), format="rgb24")
        tone = (8000 * np.sin(np.arange(SAMPLES) * 2 * np.pi * 500 / 48_000)).astype(np.int16)
        began, pictures, sounds = time.monotonic(), 0, 0
        while not stop.wait(max(0.0, began + sounds * 0.02 - time.monotonic())):
            if pictures / RATE <= sounds * 0.02:
                frame.pts, frame.time_base = pictures, Fraction(1, RATE)
                output.mux(video.encode(frame))
                pictures += 1
            heard = av.AudioFrame.from_ndarray(
                np.repeat(tone, 2).reshape(1, -1), format="s16", layout="stereo"
            )
            heard.sample_rate, heard.pts, heard.time_base = 48_000, sounds * SAMPLES, Fraction(1, 48_000)
            output.mux(audio.encode(heard))
            sounds += 1
