"""`diemcau waves`: which sites come in on which day, what they are told, who is missing
(docs/rollout-waves.md)."""

import secrets
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, fail, out, table

app = typer.Typer(
    help="Waves: plan, invite, remind, and the list of those that are missing.", no_args_is_help=True
)
Wave = Annotated[str, typer.Argument(help="Id of the wave, or its name if only one has it.")]
Language = Annotated[Literal["vi", "en"], typer.Option(help="Language of the text that is sent.")]
Sms = Annotated[
    Path | None, typer.Option(help="Write text messages to this .xlsx or .csv, and send no letters.")
]
Link = Annotated[bool, typer.Option("--link", help="With one-time activation links.")]
Url = Annotated[str | None, typer.Option(help="Address of the server, for the links.")]
Hotline = Annotated[str, typer.Option(help="Telephone of the technicians.")]


@app.command()
def plan(
    day: Annotated[str, typer.Option(help="First day, YYYY-MM-DD.")],
    name: Annotated[str, typer.Option(help="Name; several are numbered.")] = "Đợt",
    unit: Annotated[list[str] | None, typer.Option(help="Inside this unit (may be repeated).")] = None,
    carrier: Annotated[list[str] | None, typer.Option(help="Of this carrier (may be repeated).")] = None,
    kind: Annotated[
        list[str] | None, typer.Option(help="post, room, bridge or feed (may be repeated).")
    ] = None,
    per_day: Annotated[int, typer.Option(min=0, help="Sites a day; 0: all on the first.")] = 0,
    hours: Annotated[str, typer.Option(help="Hours of a day.")] = "07:30-11:30",
    not_ready: Annotated[bool, typer.Option("--not-ready", help="Only sites that are not ready.")] = False,
    weekdays: Annotated[bool, typer.Option("--weekdays", help="Not on Saturdays and Sundays.")] = False,
    move: Annotated[bool, typer.Option("--move", help="Also sites that are in another wave.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing; say what would be.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Plan waves of the sites that are in none yet."""
    start, _, end = hours.partition("-")
    body = {
        "name": name,
        "first_day": day,
        "start": start,
        "end": end,
        "units": unit or [],
        "carriers": carrier or [],
        "kinds": kind or [],
        "per_day": per_day,
        "not_ready": not_ready,
        "weekends": not weekdays,
        "move": move,
    }

    async def work(door: Door) -> Any:
        found = await door.ask("POST", "/api/v1/waves/preview", body)
        if not dry_run:
            made = await door.ask("POST", "/api/v1/waves", {**body, "expected": found["total"]})
            for wave, made_id in zip(found["waves"], made["waves"], strict=True):
                wave["id"] = made_id
        return found

    found = through(data, work, as_json=as_json)
    if as_json:
        answer_json({**found, "dry_run": dry_run})
        return
    rows = [(one.get("id", ""), one["day"], one["name"], one["sites"], one["path"]) for one in found["waves"]]
    table(("id", "day", "name", "sites", "unit"), rows)
    out.print(f"{found['total']} sites, {found['moved']} moved, {found['elsewhere']} stay in another wave")


@app.command("list")
def list_waves(data: Data = None, as_json: Json = False) -> None:
    """Waves by day, with how far their sites are."""

    async def work(door: Door) -> Any:
        return await door.ask("GET", "/api/v1/waves")

    found = through(data, work, as_json=as_json)
    if as_json:
        answer_json(found)
        return
    rows = [
        (
            one["id"],
            one["day"],
            f"{one['start']}-{one['end']}",
            one["name"],
            one["counts"]["total"],
            one["counts"]["states"]["ready"],
            one["counts"]["states"]["never"],
            one["invited"].get("sent", 0),
            one["invited"].get("failed", 0),
        )
        for one in found["waves"]
    ]
    table(("id", "day", "hours", "name", "sites", "ready", "never", "invited", "failed"), rows)
    out.print(f"{found['unplanned']} sites are in no wave")


@app.command()
def invite(
    wave: Wave,
    language: Language = "vi",
    sms: Sms = None,
    link: Link = False,
    hotline: Hotline = "",
    per_minute: Annotated[int, typer.Option(min=1, max=6000, help="Letters a minute.")] = 60,
    url: Url = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Invite the sites of a wave by letter, or write the text messages. Nobody is told twice."""
    _tell("invitation", wave, language, sms, link, hotline, per_minute, url, data, as_json=as_json)


@app.command()
def remind(
    wave: Wave,
    language: Language = "vi",
    sms: Sms = None,
    link: Link = False,
    hotline: Hotline = "",
    per_minute: Annotated[int, typer.Option(min=1, max=6000, help="Letters a minute.")] = 60,
    url: Url = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Remind those of a wave who have never connected."""
    _tell("reminder", wave, language, sms, link, hotline, per_minute, url, data, as_json=as_json)


@app.command()
def failed(wave: Wave, data: Data = None, as_json: Json = False) -> None:
    """Sites of a wave that are not ready: cause, owner, phones."""

    async def work(door: Door) -> Any:
        found, rows, after = await _wave(door, wave, as_json=as_json), [], None
        while True:
            page = await door.ask(
                "GET", "/api/v1/readiness/sites", wave=found, missing=True, limit=500, after=after
            )
            rows += page["rows"]
            if (after := page["next"]) is None:
                return rows

    rows = through(data, work, as_json=as_json)
    if as_json:
        answer_json({"sites": rows})
        return
    cells = [(r["site"], r["label"], r["cause"], r["owner"], ", ".join(r["phones"])) for r in rows]
    table(("id", "label", "cause", "owner", "phones"), cells)
    out.print(f"{len(rows)} sites are not ready")


def _tell(
    kind: str,
    wave: str,
    language: str,
    sms: Path | None,
    link: bool,
    hotline: str,
    per_minute: int,
    url: str | None,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    if sms is not None and sms.suffix.lower() not in (".xlsx", ".csv"):
        fail("bad_request", f"{sms}: .xlsx or .csv", as_json=as_json)

    async def work(door: Door) -> Any:
        found = await _wave(door, wave, as_json=as_json)
        texts = await door.ask("GET", "/api/v1/waves/templates")
        text = next(one for one in texts["texts"] if (one["language"], one["kind"]) == (language, kind))
        body = {"kind": kind, "link": link, "hotline": hotline, "base": url}
        if sms is not None:
            body |= {"body": texts["sms"], "form": sms.suffix.lower().removeprefix(".")}
            return await door.post_for_file(f"/api/v1/waves/{found}/sms", body)
        body |= {"subject": text["subject"], "body": text["body"], "per_minute": per_minute}
        body["request"] = secrets.token_hex(16)
        sending = await door.ask("POST", f"/api/v1/waves/{found}/messages", body)
        return {**sending, "live": door.live}

    answer = through(data, work, as_json=as_json)
    if sms is not None:
        sms.write_bytes(answer)
        sms.chmod(0o600)
        answer = {"file": str(sms), "bytes": len(answer)}
    if as_json:
        answer_json(answer)
    elif sms is not None:
        out.print(f"{sms}: {answer['bytes']} bytes")
    else:
        counts = answer["counts"]
        out.print(f"{answer['id']}: {counts['queued']} letters wait, {counts['skipped']} skipped")
        if not answer["live"]:
            out.print("No server is running: they go when one is.")


async def _wave(door: Door, wave: str, *, as_json: bool) -> str:
    """The id of a wave that was said by id or name."""
    found = (await door.ask("GET", "/api/v1/waves"))["waves"]
    ids = [one["id"] for one in found if wave in (one["id"], one["name"])]
    if len(ids) != 1:
        fail("wave_not_found", f"{len(ids)} waves are called {wave}", as_json=as_json)
    return str(ids[0])
