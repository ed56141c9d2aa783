"""`diemcau sites sheets`: connection sheets of a subtree into a file, and their codes good."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, err, fail, out

POLL_S = 0.2
ENDED = ("ready", "failed", "cancelled", "expired")


def sheets(
    file: Annotated[Path, typer.Option("--out", help="The PDF to make; must not exist.")],
    unit: Annotated[str | None, typer.Option(help="All sites inside this unit.")] = None,
    site: Annotated[list[str] | None, typer.Option(help="Or this site (may be repeated).")] = None,
    days: Annotated[int, typer.Option(min=1, max=90, help="How long the codes are good.")] = 14,
    hotline: Annotated[str, typer.Option(help="Telephone of the technicians.")] = "",
    url: Annotated[str | None, typer.Option(help="Address of the server, for the links.")] = None,
    all_sites: Annotated[bool, typer.Option("--all", help="Also sites that are activated already.")] = False,
    end_devices: Annotated[
        bool, typer.Option("--end-devices", help="Their old devices end now, not when the sheet is used.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print connection sheets (PDF). Their codes are good once the file is whole; Ctrl-C changes nothing."""
    if file.exists():
        fail("file_exists", f"{file} exists already", as_json=as_json)
    body = {
        "unit": unit,
        "sites": site or [],
        "days": days,
        "hotline": hotline,
        "base": url,
        "only_new": not all_sites,
        "end_devices": end_devices,
    }

    async def work(door: Door) -> Any:
        job = await door.ask("POST", "/api/v1/rollout/sheets", body)
        path = f"/api/v1/rollout/sheets/{job['id']}"
        try:
            with Progress(console=err, transient=True, disable=as_json) as progress:
                bar = progress.add_task("sheets", total=job["total"])
                while job["state"] not in ENDED:
                    await asyncio.sleep(POLL_S)  # between two questions to the server
                    job = await door.ask("GET", path)
                    progress.update(bar, completed=job["done"])
        except (asyncio.CancelledError, KeyboardInterrupt):
            await asyncio.shield(door.ask("DELETE", path))
            raise
        if job["state"] == "ready":
            await door.save(f"{path}/file", file)
        return job

    job = through(data, work, as_json=as_json)
    if job["state"] != "ready":
        fail(job["error"] or job["state"], "The sheets were not made; no code was issued", as_json=as_json)
    if as_json:
        answer_json({"file": str(file), "sheets": job["total"], "bytes": job["bytes"]})
    else:
        out.print(f"{file}: {job['total']} sheets, {job['bytes'] / 1e6:.1f} MB")
