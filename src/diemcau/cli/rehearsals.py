"""`diemcau rehearsals`: a machine walks every site through connect, see, hear, speak (docs/rehearsals.md)."""

import secrets
from datetime import datetime
from typing import Annotated, Any

import typer

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, out, table

app = typer.Typer(help="Rehearsals.", no_args_is_help=True)

Units = Annotated[str | None, typer.Option("--unit", help="All sites of this subtree (code).")]
Sites = Annotated[list[str] | None, typer.Option("--site", help="This site (may be repeated).")]


@app.command()
def start(
    unit: Units = None,
    site: Sites = None,
    carrier: Annotated[str | None, typer.Option(help="Of the subtree only sites of this carrier.")] = None,
    todo: Annotated[bool, typer.Option("--todo", help="Only sites that have not rehearsed yet.")] = False,
    at: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%dT%H:%M"], help="Local time; else now.")
    ] = None,
    minutes: Annotated[int | None, typer.Option(min=1, max=240)] = None,
    title: str = "",
    codec: str = "h264",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many and how long.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Plan a rehearsal, or begin it now. A running server holds it."""
    scope = {"unit": unit, "carrier": carrier, "sites": site or [], "todo": todo}

    async def work(door: Door) -> Any:
        if dry_run:
            return await door.ask("POST", "/api/v1/rehearsals/preview", scope)
        wanted = {
            "id": f"cli-{secrets.token_hex(8)}",
            "scope": scope,
            "title": title,
            "starts_at": None if at is None else at.astimezone().isoformat(),
            "minutes": minutes,
            "codec": codec,
        }
        return await door.ask("POST", "/api/v1/rehearsals", wanted)

    answer = through(data, work, as_json=as_json)
    if as_json:
        answer_json(answer)
    elif dry_run:
        out.print(
            f"{answer['sites']} sites, {answer['ready']} with a device: about {answer['seconds']} s, "
            f"open for {answer['minutes']} min"
        )
    else:
        out.print(f"{answer['id']}: {answer['sites']} sites, {answer['status']}, meeting {answer['meeting']}")


@app.command("list")
def list_all(data: Data = None, as_json: Json = False) -> None:
    """Planned, held and past rehearsals, newest first."""
    answer = through(data, lambda door: door.ask("GET", "/api/v1/rehearsals"), as_json=as_json)
    if as_json:
        answer_json(answer)
        return
    table(
        ("id", "status", "starts", "through", "sites", "title"),
        [
            (one["id"], one["status"], one["starts_at"], one["passed"], one["sites"], one["title"])
            for one in answer["rehearsals"]
        ],
    )


@app.command()
def show(
    rehearsal: str,
    unit: Units = None,
    failed: Annotated[bool, typer.Option("--failed", help="List the sites with a cause.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Counts of one, unit by unit, or the sites that are not through and why."""
    path = f"/api/v1/rehearsals/{rehearsal}"

    async def work(door: Door) -> Any:
        if failed:
            return await door.ask("GET", f"{path}/sites", unit=unit, faulty="true", limit=500)
        return await door.ask("GET", path, unit=unit)

    answer = through(data, work, as_json=as_json)
    if as_json:
        answer_json(answer)
    elif failed:
        table(
            ("site", "label", "at", "cause", "owner", "phones"),
            [
                (
                    one["site"],
                    one["label"],
                    one["at"],
                    one["cause"]["vi"],
                    one["owner"],
                    ", ".join(one["phones"]),
                )
                for one in answer["seats"]
            ],
        )
    else:
        rows = [answer["unit"], *answer["children"]]
        table(
            ("unit", "sites", "absent", "connect", "see", "hear", "through", "faulty"),
            [
                (
                    f"{one['kind']} {one['name']}",
                    one["tally"]["total"],
                    one["tally"]["absent"],
                    *(one["tally"]["done"][step] for step in ("connect", "see", "hear")),
                    one["tally"]["through"],
                    one["tally"]["faulty"],
                )
                for one in rows
            ],
        )


@app.command()
def end(rehearsal: str, data: Data = None, as_json: Json = False) -> None:
    """End one, or call it off."""
    path = f"/api/v1/rehearsals/{rehearsal}/end"
    answer = through(data, lambda door: door.ask("POST", path), as_json=as_json)
    if as_json:
        answer_json(answer)
    else:
        out.print(f"{answer['id']}: {answer['status']}, {answer['passed']} of {answer['sites']} through")


@app.command()
def demand(
    rehearsal: Annotated[bool, typer.Argument(help="true or false.")],
    test_days: Annotated[int, typer.Option(min=1)] = 7,
    seen_hours: Annotated[int, typer.Option(min=1)] = 24,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Say whether a site must have rehearsed to count as ready."""
    policy = {"test_days": test_days, "seen_hours": seen_hours, "rehearsal": rehearsal}
    through(data, lambda door: door.ask("PUT", "/api/v1/readiness/policy", policy), as_json=as_json)
    if as_json:
        answer_json(policy)
    else:
        out.print(f"a ready site must have rehearsed: {rehearsal}")
