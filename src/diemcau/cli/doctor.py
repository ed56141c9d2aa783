"""`diemcau doctor`: what would stop this machine from serving, each with one action."""

import logging
import resource
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import anyio
import typer

from diemcau.cli.door import Data, answers
from diemcau.cli.output import Json, answer_json, errors, out
from diemcau.cli.serve import settings_from
from diemcau.config import Settings, lan_addresses
from diemcau.errors import DiemCauError
from diemcau.media.executable import find

FILES = 65_536
"""Open files that a national meeting needs: one for each WebSocket."""

SPACE = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """One check. `action`: what to do about it, empty when `ok`; a warning does not fail the command."""

    name: str
    ok: bool
    detail: str
    action: str = ""
    warning: bool = False


def executable(settings: Settings) -> Finding:
    """The media node's executable is there and runs."""
    try:
        path = find(setting=settings.media_executable)
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=False)  # noqa: S603
    except (DiemCauError, OSError, subprocess.TimeoutExpired) as error:
        return Finding("media node", False, str(error), "make setup, or pip install diemcau-media")
    if done.returncode != 0:
        return Finding("media node", False, done.stderr.strip()[:200], f"rebuild {path} for this machine")
    return Finding("media node", True, f"{path} ({done.stdout.strip()})")


def database(settings: Settings) -> Finding:
    """The database opens and is (or is brought) up to date."""

    from diemcau.app import open_rooms

    async def check() -> int:
        async with open_rooms(settings) as rooms:
            return await rooms.sites.count()

    try:
        count = anyio.run(check)
    except (DiemCauError, OSError) as error:
        return Finding(
            "database", False, str(error), "check DIEMCAU_DATABASE and that the server can write there"
        )
    return Finding("database", True, f"{count} sites")


def port(settings: Settings) -> Finding:
    """The doors' port is free, or it is our own server that has it."""
    if answers(settings.console_socket, settings.data):
        return Finding("port", True, "a server is running on this data folder")
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            return Finding(
                "port", False, f"{settings.host}:{settings.port}: {error.strerror}", "choose another --port"
            )
    return Finding("port", True, f"{settings.host}:{settings.port} is free")


def udp(_: Settings) -> Finding:
    """UDP reaches this machine's own loopback."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as far,
    ):
        near.bind(("127.0.0.1", 0))
        near.settimeout(1.0)
        far.sendto(b"diemcau", near.getsockname())
        try:
            arrived = near.recv(16) == b"diemcau"
        except TimeoutError:
            arrived = False
    if not arrived:
        return Finding("UDP", False, "nothing arrived on loopback", "let the firewall pass UDP on lo")
    return Finding("UDP", True, "loopback carries it")


def ipv6(_: Settings) -> Finding:
    """IPv6 can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind(("::1", 0))
    except OSError as error:
        return Finding(
            "IPv6",
            False,
            str(error.strerror),
            "enable IPv6 if posts come by it; IPv4 serves without",
            warning=True,
        )
    return Finding("IPv6", True, "available")


def files(_: Settings) -> Finding:
    """Enough open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < FILES:
        return Finding(
            "open files",
            False,
            f"{soft} (hard limit {hard}); a national meeting needs {FILES}",
            f"ulimit -n {FILES}, or LimitNOFILE={FILES} in the systemd unit",
            warning=soft >= 4096,
        )
    return Finding("open files", True, str(soft))


PROC = Path("/proc/sys")

KERNEL = (
    ("UDP buffers", "net.core.rmem_max", 0, 8 << 20, "a burst of a worker's viewers does not fit"),
    ("UDP buffers out", "net.core.wmem_max", 0, 8 << 20, "a frame to thousands of viewers does not fit"),
    ("UDP memory", "net.ipv4.udp_mem", 2, 262_144, "pages for all sockets together"),
    ("connections waiting", "net.core.somaxconn", 0, 4096, "fewer than come back at once"),
    ("descriptors", "fs.nr_open", 0, FILES, "no limit can be set higher"),
)
"""What the kernel must allow (deploy/90-diemcau.conf): name, key, which of its numbers, least, why."""


def kernel(_: Settings) -> list[Finding]:
    """The kernel allows what the node and the doors ask of it."""
    found = []
    for name, key, place, least, why in KERNEL:
        try:
            words = (PROC / key.replace(".", "/")).read_text().split()
            value = int(words[place])
        except (OSError, ValueError, IndexError):
            found.append(Finding(name, True, "not known on this system"))
            continue
        if value >= least:
            found.append(Finding(name, True, f"{key} = {value}"))
            continue
        words[place] = str(least)
        action = f'sysctl -w {key}="{" ".join(words)}", or deploy/90-diemcau.conf in /etc/sysctl.d'
        found.append(Finding(name, False, f"{key} = {value}, less than {least}: {why}", action, warning=True))
    return found


def media_reach(settings: Settings) -> Finding:
    """A server behind a proxy still sends media by itself."""
    if settings.public_url is None or not settings.media_start:
        return Finding("media address", True, "as the doors'")
    if settings.loopback and settings.media_bind is None:
        return Finding(
            "media address",
            False,
            "behind a proxy on loopback: pages would be told to get media from loopback too",
            "--media-bind 0.0.0.0:40000 --media-announce ADDRESS, the address that sites reach",
        )
    return Finding("media address", True, settings.media_bind or "every address")


def clock(_: Settings) -> Finding:
    """The clock is plausible, and somebody keeps it."""
    if time.time() < 1_700_000_000:
        return Finding("clock", False, time.ctime(), "set the time: timedatectl set-ntp true")
    timedatectl = shutil.which("timedatectl")
    if timedatectl is not None:
        asked = [timedatectl, "show", "-p", "NTPSynchronized", "--value"]
        try:
            done = subprocess.run(asked, capture_output=True, text=True, timeout=5, check=False)  # noqa: S603
        except subprocess.TimeoutExpired:
            return Finding("clock", True, time.ctime())
        if done.stdout.strip() == "no":
            return Finding("clock", False, "not synchronised", "timedatectl set-ntp true", warning=True)
    return Finding("clock", True, time.ctime())


def space(settings: Settings) -> Finding:
    """The data folder has room."""
    folder = settings.data if settings.data.exists() else Path.cwd()
    free = shutil.disk_usage(folder).free
    if free < SPACE:
        return Finding("disk", False, f"{free >> 20} MB free in {folder}", "free at least 1 GB")
    return Finding("disk", True, f"{free >> 30} GB free in {folder}")


def page(_: Settings) -> Finding:
    """The page has been built."""
    from diemcau.app import web_folder

    folder = web_folder()
    if folder is None:
        return Finding("page", False, "not built", "make setup")
    return Finding("page", True, str(folder))


def secure_context(settings: Settings) -> Finding:
    """Browsers give a page camera and microphone only over TLS, or on localhost."""
    if settings.tls or (settings.public_url or "").startswith("https://"):
        return Finding("secure context", True, "TLS: browsers give camera and microphone")
    if settings.loopback:
        return Finding(
            "secure context", True, "localhost: browsers of this machine give camera and microphone"
        )
    return Finding(
        "secure context",
        False,
        "without TLS other machines' browsers give no camera and no microphone",
        "serve --tls, or a proxy with a certificate and --public-url https://...",
        warning=True,
    )


def addresses(settings: Settings) -> Finding:
    """Somebody else can reach us."""
    found = lan_addresses()
    if settings.loopback:
        return Finding("addresses", True, "this machine only (--host 0.0.0.0 for others)")
    if not found:
        return Finding(
            "addresses", False, "no address but loopback", "connect the network, or --media-announce"
        )
    return Finding("addresses", True, ", ".join(found))


CHECKS: tuple[Callable[[Settings], Finding | list[Finding]], ...] = (
    executable,
    database,
    port,
    udp,
    ipv6,
    files,
    kernel,
    media_reach,
    clock,
    space,
    page,
    secure_context,
    addresses,
)


def doctor(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address the server would listen on.")] = None,
    tls: Annotated[bool, typer.Option("--tls", help="As if served with --tls.")] = False,
    as_json: Json = False,
) -> None:
    """Check this machine; status 1 when something would stop a server."""
    with errors(as_json=as_json):
        settings = settings_from(data=data, host=host, tls=tls or None, log_level="error")
        logging.basicConfig(level=logging.ERROR)
        found: list[Finding] = []
        for check in CHECKS:
            one = check(settings)
            found += one if isinstance(one, list) else [one]
    failed = [finding for finding in found if not finding.ok and not finding.warning]
    if as_json:
        answer_json({"ok": not failed, "findings": [asdict(finding) for finding in found]})
    else:
        for finding in found:
            mark = (
                "[green]ok[/]  " if finding.ok else ("[yellow]note[/]" if finding.warning else "[red]FAIL[/]")
            )
            out.print(f"{mark} {finding.name}: {finding.detail}")
            if finding.action:
                out.print(f"       -> {finding.action}", markup=False)
    if failed:
        raise typer.Exit(1)
