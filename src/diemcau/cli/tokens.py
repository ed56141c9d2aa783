"""`diemcau tokens`: what encoders (WHIP) and players (WHEP) come with. See docs/whip.md."""

from typing import Annotated, Any

import typer

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, Refused, answer_json, fail, out, table

app = typer.Typer(help="Bearer tokens of encoders and players.", no_args_is_help=True)


@app.command()
def create(
    whip: Annotated[
        str | None, typer.Option(help="Publish as this site or feed: its id, or its name if only one has it.")
    ] = None,
    whep: Annotated[
        str | None, typer.Option(help="Watch this meeting's stage: its id, or its title if only one has it.")
    ] = None,
    hours: Annotated[int | None, typer.Option(min=1, max=24 * 366, help="How long it is good.")] = None,
    url: Annotated[
        str | None, typer.Option(help="Address of the server, if not the one it serves at.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Issue a token; it is shown this once."""
    if (whip is None) == (whep is None):
        fail("bad_request", "say exactly one of --whip and --whep", as_json=as_json)

    async def work(door: Door) -> Any:
        target = await _site(door, whip) if whip is not None else await _meeting(door, whep or "")
        kind = "whip" if whip is not None else "whep"
        return await door.ask("POST", "/api/v1/tokens", {kind: target, "hours": hours})

    made = through(data, work, as_json=as_json)
    if url is not None:
        made["url"] = f"{url.rstrip('/')}/{made['kind']}/{made['target']}"
    if as_json:
        answer_json(made)
    else:
        out.print(f"{made['id']}  until {made['expires_at'] or 'revoked'}")
        out.print(f"url    {made['url']}\ntoken  [bold]{made['token']}[/]")


@app.command("list")
def list_tokens(
    target: Annotated[str | None, typer.Option(help="Only of this site or meeting (id).")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Good tokens, newest first."""

    async def work(door: Door) -> Any:
        return await door.ask("GET", "/api/v1/tokens", target=target)

    found = through(data, work, as_json=as_json)
    if as_json:
        answer_json(found)
    else:
        columns = ("id", "kind", "target", "issued_by", "issued_at", "expires_at")
        table(columns, [[token[column] for column in columns] for token in found["tokens"]])


@app.command()
def revoke(
    token: Annotated[list[str], typer.Argument(help="Ids of tokens.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Void tokens; what was opened by them ends."""

    async def work(door: Door) -> None:
        for one in token:
            await door.ask("DELETE", f"/api/v1/tokens/{one}")

    through(data, work, as_json=as_json)
    if as_json:
        answer_json({"revoked": token})
    else:
        out.print(f"revoked: {', '.join(token)}")


async def _site(door: Door, name: str) -> str:
    if name.startswith("s_"):
        return name
    page = await door.ask("GET", "/api/v1/sites", q=name, limit=500)
    return _only([site["id"] for site in page["sites"] if _same(site["label"], name)], "site", name)


async def _meeting(door: Door, name: str) -> str:
    if name.startswith("m_"):
        return name
    found = (await door.ask("GET", "/api/v1/meetings"))["meetings"]
    alive = [one["id"] for one in found if one["status"] != "ended" and _same(one["title"], name)]
    return _only(alive, "meeting", name)


def _same(left: str, right: str) -> bool:
    return " ".join(left.split()).casefold() == " ".join(right.split()).casefold()


def _only(ids: list[str], what: str, name: str) -> str:
    if len(ids) == 1:
        return ids[0]
    if not ids:
        raise Refused({"code": f"{what}_not_found", "detail": f"no {what} is called {name!r}"})
    raise Refused({"code": "conflict", "detail": f"several are called {name!r}: {', '.join(ids[:5])}"})
