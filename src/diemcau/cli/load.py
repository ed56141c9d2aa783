"""`diemcau load`: simulated WebRTC clients against a server, by the executable `diemcau-load`."""

import ipaddress
import os
import socket
import tempfile
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from diemcau.cli.demo import DATASET, SEED, clip_cache
from diemcau.cli.output import errors, fail
from diemcau.cli.serve import run_loop, settings_from
from diemcau.media.executable import find

CONTEXT = {"allow_extra_args": True, "ignore_unknown_options": True}


def is_loopback(url: str) -> bool:
    """Whether every address of the URL's host is this machine's loopback."""
    host = urlsplit(url).hostname
    if not host:
        return False
    try:
        found = {str(address[4][0]) for address in socket.getaddrinfo(host, None)}
    except OSError:
        return False
    return bool(found) and all(
        ipaddress.ip_address(address.partition("%")[0]).is_loopback for address in found
    )


def load(
    context: typer.Context,
    sites: Annotated[
        int | None,
        typer.Option(min=1, max=9000, help="So many sites against a server of their own, started for this."),
    ] = None,
    duration: Annotated[float, typer.Option(min=1, help="With --sites: seconds after all have joined.")] = 30,
    rate: Annotated[float, typer.Option(min=0.1, help="With --sites: joins a second.")] = 50,
    cut_every: Annotated[float, typer.Option(min=0.2, help="With --sites: seconds between cuts.")] = 3,
    codec: Annotated[str, typer.Option(help="With --sites: h264 or vp8.")] = "h264",
    server: Annotated[str, typer.Option(help="Address of the server.")] = "http://127.0.0.1:8080",
    i_own_the_target: Annotated[
        bool, typer.Option("--i-own-the-target", help="Allow a server that is not on this machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Put load on a server.

    With --sites: a server with a demo nation is started in a folder that is thrown away, and its simulated
    sites are measured. Without: against --server, with --credentials and --clips. Further options are
    those of `diemcau-load sites` (see its --help).
    """
    if sites is not None:
        on_a_server_of_its_own(sites, duration, rate, cut_every, codec, context.args, as_json=as_json)
        return
    if not is_loopback(server) and not i_own_the_target:
        fail(
            "not_loopback",
            f"{server} is not this machine. Load is for servers of your own: say --i-own-the-target",
            as_json=as_json,
        )
    with errors(as_json=as_json):
        executable = find("diemcau-load")
        arguments = [str(executable), "sites", "--server", server, *context.args]
        if i_own_the_target:
            arguments.append("--allow-remote")
        if as_json:
            arguments.append("--json")
        os.execv(executable, arguments)  # noqa: S606 - its progress bar, its signals, its exit status


def on_a_server_of_its_own(
    sites: int,
    duration: float,
    rate: float,
    cut_every: float,
    codec: str,
    options: list[str],
    *,
    as_json: bool,
) -> None:
    """Seeds a nation in a folder that is thrown away, serves it, measures its simulated sites."""
    if codec not in ("h264", "vp8"):
        fail("bad_request", "--codec is h264 or vp8", as_json=as_json)
    with errors(as_json=as_json), tempfile.TemporaryDirectory(prefix="diemcau-load-") as data:
        settings = settings_from(data=Path(data), port=0, units=DATASET, log_level="warning")
        from diemcau.app import configure_logs
        from diemcau.cli.nation.run import Demo, Measure

        configure_logs(settings)
        decode = ["--decode-every", str(max(1, min(100, sites // 3)))]
        told = [*decode, *options, *(["--json"] if as_json else [])]
        measure = Measure(duration, rate, cut_every, tuple(told))
        clips = clip_cache() / f"{codec}-{SEED}-{sites}"
        run_loop(Demo(settings, sites, SEED, codec, 20.0, clips, True, as_json, measure).run())
