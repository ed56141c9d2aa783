"""`diemcau load`: simulated WebRTC clients against a server, by the executable `diemcau-load`."""

import ipaddress
import os
import socket
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from diemcau.cli.demo import DATASET, SEED, clip_cache
from diemcau.cli.output import answer_json, errors, fail, out
from diemcau.cli.serve import run_loop, settings_from
from diemcau.media.executable import find

if TYPE_CHECKING:
    from diemcau.cli.nation.measure import Measure

WHOLE = 63 + 705 + 9043 + 1
"""Sites of the meeting of 5 September 2021: provinces, districts, communes, the centre."""


def light_clips(fps: int) -> tuple[str, ...]:
    """Options for clips of a stage that a commune's line carries: so many pictures a second at 40 kbit/s.
    Each frame of the loop (3 s) has an encoding in which it is the keyframe."""
    return "--fps", str(fps), "--kbps", "40", "40", "--phases", str(3 * fps)


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
        typer.Option(min=1, max=9812, help="So many sites against a server of their own, started for this."),
    ] = None,
    nation: Annotated[
        bool,
        typer.Option(
            "--nation",
            help="The meeting of 5 September 2021: 63 + 705 + 9,043 sites and the centre, all at once, "
            "3 minutes, a stage of 40 kbit/s; a message to all in the middle.",
        ),
    ] = False,
    duration: Annotated[
        float | None, typer.Option(min=1, help="Seconds after all have joined. [default: 30; nation 180]")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0.1, help="Joins a second. [default: 50; nation 5000: a storm]")
    ] = None,
    cut_every: Annotated[
        float | None, typer.Option(min=0.2, help="Seconds between cuts. [default: 3; nation 5]")
    ] = None,
    light: Annotated[
        bool, typer.Option("--light", help="With --sites: the nation's stage of 40 kbit/s.")
    ] = False,
    fps: Annotated[
        int, typer.Option(min=1, max=15, help="With --light or --nation: pictures a second of the stage.")
    ] = 2,
    message: Annotated[
        bool,
        typer.Option("--message", help="With --sites: a message to all in the middle, which they answer."),
    ] = False,
    sample_every: Annotated[
        float, typer.Option(min=0, help="With --sites: seconds between samples of memory and descriptors.")
    ] = 0,
    codec: Annotated[str, typer.Option(help="With --sites or --nation: h264 or vp8.")] = "h264",
    server: Annotated[str, typer.Option(help="Address of the server.")] = "http://127.0.0.1:8080",
    i_own_the_target: Annotated[
        bool, typer.Option("--i-own-the-target", help="Allow a server that is not on this machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Put load on a server.

    With --sites or --nation: a server with a demo nation is started in a folder that is thrown away, and its
    simulated sites are measured. Without: against --server, with --credentials and --clips. Further options
    are those of `diemcau-load sites` (see its --help).
    """
    if sites is not None or nation:
        from diemcau.cli.nation.measure import Measure

        count = sites if sites is not None else WHOLE
        decode = "100" if nation else str(max(1, min(100, count // 3)))
        options = ("--decode-every", decode, *context.args)
        clips = light_clips(fps) if light else ()
        plan = Measure(
            duration or 30,
            rate or 50,
            cut_every or 3,
            message,
            clips=clips,
            options=options,
            sample_every=sample_every,
        )
        if nation:
            plan = Measure(
                duration or 180,
                rate or 5000,
                cut_every or 5,
                True,
                light_clips(fps),
                ("--patience", "300", *options),
            )
        on_a_server_of_its_own(count, plan, codec, fps=fps, as_json=as_json)
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


def on_a_server_of_its_own(sites: int, measure: "Measure", codec: str, *, fps: int, as_json: bool) -> None:
    """Seeds a nation in a folder that is thrown away, serves it, measures its simulated sites."""
    if codec not in ("h264", "vp8"):
        fail("bad_request", "--codec is h264 or vp8", as_json=as_json)
    with errors(as_json=as_json), tempfile.TemporaryDirectory(prefix="diemcau-load-") as data:
        settings = settings_from(data=Path(data), port=0, units=DATASET, log_level="warning")
        from diemcau.app import configure_logs
        from diemcau.cli.nation.report import table
        from diemcau.cli.nation.run import Demo

        configure_logs(settings)
        kind = [f"light-{fps}"] if measure.clips else []
        clips = clip_cache() / "-".join([codec, str(SEED), str(sites), *kind])
        run = Demo(settings, sites, SEED, codec, 20.0, clips, True, as_json, measure)
        run_loop(run.run())
        if run.report is None:
            fail("interrupted", "The run was ended before its report", as_json=as_json)
        elif as_json:
            answer_json(run.report)
        else:
            out.print(table(run.report))
