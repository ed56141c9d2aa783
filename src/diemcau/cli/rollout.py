"""`diemcau sites import` and `export`: from a spreadsheet to sites and back (docs/rollout.md)."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import typer
from rich.progress import Progress

from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, err, fail, out, table

WORKING = ("checking", "running")
Map = Annotated[
    list[str] | None,
    typer.Option("--map", help="column=field: letter, number or heading; field - is none (may be repeated)."),
]


def import_sites(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="An .xlsx or .csv list.")],
    columns: Map = None,
    sheet: Annotated[
        str | None, typer.Option(help="Name of the sheet; else the first with anything.")
    ] = None,
    answers: Annotated[
        Path | None,
        typer.Option(help="JSON object: a question's key (or its text) to a unit's code or null."),
    ] = None,
    within: Annotated[str | None, typer.Option(help="Code of the unit in which the whole list lies.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be.")] = False,
    rejected: Annotated[
        Path | None, typer.Option(help="Write the rows that are not taken here (.xlsx or .csv).")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Import sites and people from a list. The same list again changes nothing."""
    given = _answers(answers, as_json=as_json)
    form = _form(rejected, as_json=as_json) if rejected is not None else "csv"
    content = file.read_bytes()

    async def work(door: Door) -> Any:
        job = await door.send("/api/v1/imports", content, name=file.name, sheet=sheet)
        at = f"/api/v1/imports/{job['id']}"
        try:
            if columns or within is not None:
                mapped = _mapped(job["columns"], columns or [], as_json=as_json)
                await _settled(door, at, as_json=as_json)
                await door.ask("PUT", f"{at}/mapping", {"columns": mapped, "within": within})
            job = await _settled(door, at, as_json=as_json)
            while chosen := _chosen(job["questions"], given):
                await door.ask("PUT", f"{at}/answers", {"answers": chosen})
                job = await _settled(door, at, as_json=as_json)
            if not dry_run and job["checked"]:
                await door.ask("POST", f"{at}/run")
                job = await _settled(door, at, as_json=as_json)
            if rejected is not None:
                file_ = await door.fetch(f"{at}/rejected", format=form)
                await anyio.Path(rejected).write_bytes(file_)
        finally:
            # Interrupted: the present batch is finished, and no import is left behind.
            with anyio.CancelScope(shield=True):
                await door.ask("DELETE", at)
        return job

    job = through(data, work, as_json=as_json)
    if not job["mapped"]:
        fail("bad_sheet", "No column says where rows belong: name them with --map", as_json=as_json)
    if as_json:
        answer_json({**job, "dry_run": dry_run})
    else:
        _show(job, dry_run=dry_run)
    if job["status"] == "failed":
        raise typer.Exit(1)


def export_sites(
    file: Annotated[Path, typer.Argument(help="Where to write: .xlsx or .csv.")],
    unit: Annotated[str | None, typer.Option(help="Only inside this unit.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Export sites with phones and people. Imported again it changes nothing."""
    form = _form(file, as_json=as_json)

    async def work(door: Door) -> bytes:
        return await door.fetch("/api/v1/exports/sites", format=form, unit=unit)

    content = through(data, work, as_json=as_json)
    file.write_bytes(content)
    if as_json:
        answer_json({"file": str(file), "bytes": len(content)})
    else:
        out.print(f"{file}: {len(content)} bytes")


def _form(file: Path, *, as_json: bool) -> Literal["xlsx", "csv"]:
    suffix = file.suffix.lower()
    if suffix not in (".xlsx", ".csv"):
        fail("bad_request", f"{file}: .xlsx or .csv", as_json=as_json)
    return "xlsx" if suffix == ".xlsx" else "csv"


def _answers(file: Path | None, *, as_json: bool) -> dict[str, str | None]:
    if file is None:
        return {}
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        fail("bad_request", f"{file}: {error}", as_json=as_json)
    if not isinstance(document, dict) or not all(
        value is None or isinstance(value, str) for value in document.values()
    ):
        fail("bad_request", f"{file} holds no object of codes", as_json=as_json)
    return document


def _chosen(questions: list[dict[str, Any]], given: dict[str, str | None]) -> dict[str, str | None]:
    """Answers to those of the questions that were given one, by key or by text; a text that is asked about
    below several units is no answer to any of them."""
    chosen = {}
    texts = [question["text"] for question in questions]
    for question in questions:
        key, text = question["key"], question["text"]
        if key in given:
            chosen[key] = given[key]
        elif text in given and texts.count(text) == 1:
            chosen[key] = given[text]
    return chosen


def _mapped(columns: list[dict[str, Any]], wanted: list[str], *, as_json: bool) -> dict[str, str | None]:
    """The columns as they were guessed, with what `--map` says otherwise."""
    found = {str(column["index"]): column["field"] for column in columns}
    for one in wanted:
        name, separator, field = one.rpartition("=")
        at = _column(columns, name)
        if not separator or at is None:
            fail("bad_request", f"{one}: there is no such column", as_json=as_json)
        if field not in ("", "-", "phone"):
            found = {index: None if held == field else held for index, held in found.items()}
        found[str(at)] = None if field in ("", "-") else field
    return found


def _column(columns: list[dict[str, Any]], name: str) -> int | None:
    for column in columns:
        if name.casefold() == column["title"].casefold():
            return int(column["index"])
    if name.isascii() and name.isdecimal() and 1 <= int(name) <= len(columns):
        return int(name) - 1
    if len(name) == 1 and name.isascii() and name.isalpha() and ord(name.upper()) - 65 < len(columns):
        return ord(name.upper()) - 65
    return None


async def _settled(door: Door, at: str, *, as_json: bool) -> dict[str, Any]:
    with Progress(console=err, transient=True, disable=as_json) as progress:
        task = progress.add_task("", total=None)
        while True:
            job: dict[str, Any] = await door.ask("GET", at, wait=1)
            done = job["progress"]
            progress.update(task, description=job["status"], completed=done["done"], total=done["of"] or None)
            if job["status"] not in WORKING:
                return job


def _show(job: dict[str, Any], *, dry_run: bool) -> None:
    sites = job["sites"]
    head = "would be" if dry_run else job["status"]
    out.print(
        f"{head}: {sites['created']} new, {sites['changed']} changed, {sites['same']} as they were; "
        f"{job['rejected']} of {job['rows']} rows not taken"
    )
    if job["questions"]:
        out.print(f"{job['asked']} questions (answer them with --answers):")
        rows = [
            (one["key"], one["text"], one["rows"], ", ".join(c["unit"] for c in one["candidates"]))
            for one in job["questions"]
        ]
        table(("key", "text", "rows", "candidates"), rows)
    if job["rejections"]:
        table(("row", "reason", ""), [(one["row"], one["code"], one["detail"]) for one in job["rejections"]])
