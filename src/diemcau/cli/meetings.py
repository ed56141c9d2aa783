"""`diemcau meetings`: create, open, look at, command."""

import json
import uuid
from typing import Annotated, Any

import typer

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, fail, out, table

app = typer.Typer(help="Meetings.", no_args_is_help=True)

LEVELS = "nation,province,district,commune"


def _command_id() -> str:
    return uuid.uuid4().hex


@app.command()
def create(
    title: str,
    scope: Annotated[
        list[str],
        typer.Option(help=f"unit or unit:level,level (levels: {LEVELS}; all if left out). May be repeated."),
    ],
    codec: Annotated[str, typer.Option(help="h264 or vp8.")] = "h264",
    chair_site: Annotated[str | None, typer.Option(help="Id of the chair's site.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create a meeting and invite every site of its scope."""
    entries = []
    for entry in scope:
        unit, _, levels = entry.partition(":")
        entries.append({"unit": unit, "levels": (levels or LEVELS).split(",")})
    body = {"id": _command_id(), "title": title, "scope": entries, "codec": codec, "chair_site": chair_site}

    async def work(door: Door) -> Any:
        return await door.ask("POST", "/api/v1/meetings", body)

    made = through(data, work, as_json=as_json)
    if as_json:
        answer_json(made)
    else:
        out.print(f"[bold]{made['id']}[/]  {made['title']}  {made['sites']} sites")


@app.command("list")
def list_meetings(data: Data = None, as_json: Json = False) -> None:
    """Open, scheduled, then ended meetings."""

    async def work(door: Door) -> Any:
        return await door.ask("GET", "/api/v1/meetings")

    found = through(data, work, as_json=as_json)
    if as_json:
        answer_json(found)
    else:
        rows = [(m["id"], m["status"], m["codec"], m["sites"], m["title"]) for m in found["meetings"]]
        table(("id", "status", "codec", "sites", "title"), rows)


@app.command()
def show(meeting: str, data: Data = None, as_json: Json = False) -> None:
    """The state of one meeting."""

    async def work(door: Door) -> Any:
        return await door.ask("GET", f"/api/v1/meetings/{meeting}")

    found = through(data, work, as_json=as_json)
    if as_json:
        answer_json(found)
        return
    state = found["state"]
    names = {site: name["label"] for site, name in state["sites"].items()}
    out.print(f"[bold]{state['title']}[/]  {state['status']}  {state['codec']}  event {found['seq']}")
    on_air = ", ".join(names.get(site, "-") for site in state["stage"]["on_air"])
    speakers = ", ".join(
        f"{names.get(s['site'], s['site'])} ({s['mic']})" for s in state["floor"]["speakers"]
    )
    hands = ", ".join(names.get(hand["site"], hand["site"]) for hand in state["floor"]["hands"])
    table(
        ("", ""), [("invited", state["invited"]), ("on air", on_air), ("floor", speakers), ("hands", hands)]
    )


@app.command("open")
def open_meeting(meeting: str, data: Data = None, as_json: Json = False) -> None:
    """Open a meeting."""
    _do({"type": "meeting.open", "meeting": meeting}, data=data, as_json=as_json)


@app.command()
def end(meeting: str, data: Data = None, as_json: Json = False) -> None:
    """End a meeting."""
    _do({"type": "meeting.end", "meeting": meeting}, data=data, as_json=as_json)


@app.command()
def command(
    meeting: str,
    kind: Annotated[str, typer.Argument(help="Type of the command, e.g. floor.give (docs/protocol.md).")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="key=value; values are JSON, else text.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Any command of a meeting."""
    body: dict[str, Any] = {"type": kind, "meeting": meeting}
    for argument in arguments or []:
        key, separator, value = argument.partition("=")
        if not separator or key in body:
            fail("bad_request", f"{argument}: arguments are key=value", as_json=as_json)
        try:
            body[key] = json.loads(value)
        except json.JSONDecodeError:
            body[key] = value
    _do(body, data=data, as_json=as_json)


def _do(body: dict[str, Any], *, data: Any, as_json: bool) -> None:
    async def work(door: Door) -> Any:
        return await door.ask("POST", "/api/v1/commands", {"id": _command_id(), **body})

    done = through(data, work, as_json=as_json)
    if as_json:
        answer_json(done)
    else:
        out.print(f"{done['stream']}  event {done['seq']}")
