"""`diemcau demo`: a country in a meeting, on this machine, within a minute."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from diemcau.cli.output import Json, errors, fail
from diemcau.cli.serve import run_loop, settings_from

DATASET = "2021-09"
SEED = 2021


def clip_cache() -> Path:
    """Where the clips of a demo stay between runs: the XDG Base Directory Specification's cache."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "diemcau" / "clips"


def demo(
    sites: Annotated[
        int, typer.Option(min=1, max=9000, help="Simulated sites, the centre's among them.")
    ] = 60,
    seed_number: Annotated[
        int, typer.Option("--seed", help="Which communes take part, who is simulated.")
    ] = SEED,
    codec: Annotated[str, typer.Option(help="h264 or vp8.")] = "h264",
    hands_every: Annotated[float, typer.Option(min=1, help="Seconds between raised hands, about.")] = 20.0,
    host: Annotated[str | None, typer.Option(help="Address to listen on (0.0.0.0: every one).")] = None,
    port: Annotated[int, typer.Option(min=0, max=65535)] = 8080,
    tls: Annotated[
        bool, typer.Option("--tls", help="Serve by TLS, so that a phone on the LAN can join.")
    ] = False,
    data: Annotated[Path | None, typer.Option(help="An empty folder; else a temporary one.")] = None,
    clips: Annotated[
        Path | None, typer.Option(help="Folder of encoded clips; what is missing is made. [default: a cache]")
    ] = None,
    simulate: Annotated[bool, typer.Option(help="Start the simulated sites.")] = True,
    log_level: Annotated[str, typer.Option(help="debug, info, warning, error.")] = "warning",
    as_json: Json = False,
) -> None:
    """Serve a demo nation: the real 2021 tree, simulated sites that send real video, a meeting that runs.

    With --json the first line of standard output tells the address and ready-made log-ins. Ctrl-C stops all.
    """
    if codec not in ("h264", "vp8"):
        fail("bad_request", "--codec is h264 or vp8", as_json=as_json)
    with errors(as_json=as_json), contextlib.ExitStack() as stack:
        if data is None:
            data = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="diemcau-demo-")))
        elif (data / "diemcau.db").exists():
            fail(
                "not_empty",
                f"{data} holds a database already: serve it, or choose another folder",
                as_json=as_json,
            )
        settings = settings_from(
            data=data, host=host, port=port, tls=tls or None, units=DATASET, log_level=log_level
        )
        # The server's libraries are loaded by the commands that serve, not by those that ask.
        from diemcau.app import configure_logs
        from diemcau.cli.nation.run import Demo

        configure_logs(settings)
        made = Demo(
            settings,
            sites,
            seed_number,
            codec,
            hands_every,
            clips or clip_cache() / f"{codec}-{seed_number}-{sites}",
            simulate,
            as_json,
        )
        run_loop(made.run())
