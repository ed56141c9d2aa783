"""`diemcau people`: who may log in, and what they may do."""

import secrets
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, fail, out, table

app = typer.Typer(help="People and what they may do.", no_args_is_help=True)

Grant = Annotated[
    list[str] | None, typer.Option("--grant", help="role@unit, e.g. director@VN (may be repeated).")
]
PasswordFile = Annotated[
    Path | None, typer.Option(help="Read the password from this file (-: standard input); else one is made.")
]


def new_password() -> str:
    """80 random bits in groups that can be read out."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def parse_grants(grants: list[str] | None, *, as_json: bool) -> list[dict[str, str]]:
    """`role@unit` as the doors take it."""
    parsed = []
    for grant in grants or []:
        role, separator, unit = grant.partition("@")
        if not separator:
            fail("bad_request", f"{grant}: a grant is role@unit", as_json=as_json)
        parsed.append({"role": role, "unit": unit})
    return parsed


def _password(file: Path | None) -> tuple[str, bool]:
    if file is None:
        return new_password(), True
    text = sys.stdin.readline() if str(file) == "-" else file.read_text(encoding="utf-8")
    return text.rstrip("\r\n"), False


@app.command()
def add(
    username: str,
    name: Annotated[str, typer.Option(help="Name as people read it.")],
    title: Annotated[str | None, typer.Option()] = None,
    grant: Grant = None,
    password_file: PasswordFile = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add somebody; a password that was made is shown once."""
    password, made = _password(password_file)
    body = {"username": username, "password": password, "name": name, "title": title}
    body_grants = parse_grants(grant, as_json=as_json)

    async def work(door: Door) -> Any:
        return await door.ask("POST", "/console/v1/people", {**body, "grants": body_grants})

    person = through(data, work, as_json=as_json)
    if made:
        person["password"] = password
    if as_json:
        answer_json(person)
    else:
        out.print(f"{person['username']} ({person['id']})" + (f"  password: {password}" if made else ""))


@app.command()
def grant(
    username: str,
    grants: Annotated[list[str], typer.Argument(help="role@unit ...; replaces what there was.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Replace what somebody may do."""
    body = {"grants": parse_grants(grants, as_json=as_json)}

    async def work(door: Door) -> Any:
        return await door.ask("PUT", f"/console/v1/people/{username}/grants", body)

    person = through(data, work, as_json=as_json)
    if as_json:
        answer_json(person)
    else:
        out.print(f"{username}: {_grants(person)}")


@app.command("list")
def list_people(data: Data = None, as_json: Json = False) -> None:
    """Everybody."""

    async def work(door: Door) -> Any:
        return await door.ask("GET", "/console/v1/people")

    found = through(data, work, as_json=as_json)
    if as_json:
        answer_json(found)
        return
    rows = [
        (p["username"], p["name"], p["title"], _grants(p), "disabled" if p["disabled"] else "")
        for p in found["people"]
    ]
    table(("user", "name", "title", "may", ""), rows)


@app.command()
def passwd(
    username: str, password_file: PasswordFile = None, data: Data = None, as_json: Json = False
) -> None:
    """Set a new password; the person's sessions end."""
    password, made = _password(password_file)

    async def work(door: Door) -> Any:
        await door.ask("PUT", f"/console/v1/people/{username}/password", {"password": password})

    through(data, work, as_json=as_json)
    if as_json:
        answer_json({"username": username, "password": password if made else None})
    else:
        out.print(f"{username}" + (f"  password: {password}" if made else ": changed"))


@app.command()
def disable(username: str, data: Data = None, as_json: Json = False) -> None:
    """Let somebody log in no more; the person's sessions end."""

    async def work(door: Door) -> Any:
        return await door.ask("PUT", f"/console/v1/people/{username}/disabled")

    person = through(data, work, as_json=as_json)
    if as_json:
        answer_json(person)
    else:
        out.print(f"{username}: disabled")


@app.command()
def clearance(
    username: str,
    level: Annotated[str, typer.Option(help="none, confidential, secret or top_secret.")],
    days: Annotated[int | None, typer.Option(help="How long it is good.", min=1, max=366)] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Clear somebody for marked meetings, for a time: the first clearances are given here."""

    async def work(door: Door) -> Any:
        found = (await door.ask("GET", "/console/v1/people"))["people"]
        person = next((one["id"] for one in found if one["username"] == username), username)
        return await door.ask("PUT", f"/api/v1/people/{person}/clearance", {"level": level, "days": days})

    made = through(data, work, as_json=as_json)
    if as_json:
        answer_json({"username": username, **made})
    else:
        table(("user", "level", "until"), [(username, made["level"], made["until"] or "")])


def _grants(person: dict[str, Any]) -> str:
    return ", ".join(f"{grant['role']}@{grant['unit']}" for grant in person["grants"])
