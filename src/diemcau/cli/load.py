"""`diemcau load`: simulated WebRTC clients against a server, by the executable `diemcau-load`."""

import ipaddress
import os
import socket
from typing import Annotated
from urllib.parse import urlsplit

import typer

from diemcau.cli.output import errors, fail
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
    server: Annotated[str, typer.Option(help="Address of the server.")] = "http://127.0.0.1:8080",
    i_own_the_target: Annotated[
        bool, typer.Option("--i-own-the-target", help="Allow a server that is not on this machine.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")] = False,
) -> None:
    """Put load on a server; further options are those of `diemcau-load sites` (see its --help)."""
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
