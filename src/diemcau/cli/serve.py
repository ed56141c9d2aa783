"""`diemcau serve`."""

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from diemcau.cli.door import Data
from diemcau.cli.output import Json, answer_json, errors, out
from diemcau.config import Settings


def settings_from(**given: Any) -> Settings:
    """Settings with what the command line said over what the environment says."""
    return Settings(**{key: value for key, value in given.items() if value is not None})


def run_loop(work: Coroutine[Any, Any, None]) -> None:
    """Runs a server's coroutine to its end."""
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (0.0.0.0: every one).")] = None,
    port: Annotated[int | None, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = None,
    units: Annotated[str | None, typer.Option(help="Dataset of units: 2021-09 or 2025-07.")] = None,
    tls: Annotated[
        bool | None, typer.Option("--tls", help="Make an authority and certificate and serve by TLS.")
    ] = None,
    tls_name: Annotated[
        list[str] | None, typer.Option(help="Further name or address in the certificate.")
    ] = None,
    public_url: Annotated[
        str | None, typer.Option(help="How people reach this server, if not directly.")
    ] = None,
    media_workers: Annotated[
        int | None, typer.Option(min=1, max=256, help="Threads of the media node.")
    ] = None,
    media_bind: Annotated[
        str | None, typer.Option(help="ip:port for media (UDP); [::]:port: IPv4 and IPv6.")
    ] = None,
    media_announce: Annotated[
        list[str] | None, typer.Option(help="Address told to clients; repeatable, best first.")
    ] = None,
    media_tcp_port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="TCP port for media where no UDP gets through.")
    ] = None,
    media_executable: Annotated[Path | None, typer.Option(help="Path of diemcau-media.")] = None,
    keep_media: Annotated[
        bool | None, typer.Option("--keep-media", help="Leave the media node running on exit.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="console or json.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning, error.")] = None,
    as_json: Json = False,
) -> None:
    """Serve: doors, rooms, and a media node that is started and watched.

    With --json the first line of standard output tells the address.
    """
    with errors(as_json=as_json):
        settings = settings_from(
            data=data,
            host=host,
            port=port,
            units=units,
            tls=tls,
            tls_names=None if tls_name is None else tuple(tls_name),
            public_url=public_url,
            media_workers=media_workers,
            media_bind=media_bind,
            media_announce=None if media_announce is None else tuple(media_announce),
            media_tcp_port=media_tcp_port,
            media_executable=media_executable,
            keep_media=keep_media,
            log=log,
            log_level=log_level,
        )
        from diemcau.app import Running, configure_logs  # not before: the other commands do without
        from diemcau.app import serve as run_server

        configure_logs(settings)

        def ready(server: Running) -> None:
            if as_json:
                answer_json({"url": server.url, "ca_sha256": server.fingerprint})
                return
            out.print(f"[bold]{server.url}[/]")
            if server.fingerprint is not None:
                out.print(f"Authority for phones on the LAN: {server.url}/ca.crt (open it, trust it)")
                out.print(f"SHA-256 {server.fingerprint}")

        run_loop(run_server(settings, ready))
