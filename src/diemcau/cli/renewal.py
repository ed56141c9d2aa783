"""`diemcau units renew`: the database moved to a later dataset, with a report of what could not be moved."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import anyio
import typer

from diemcau.cli.output import Json, answer_json, errors, fail, out, table
from diemcau.config import Settings

_SHOWN = 20


def renew(
    to: Annotated[str, typer.Option("--to", help="The dataset to move to.")] = "2025-07",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what would be.")] = False,
    answers: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="JSON: what was decided (docs/renewal.md)."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write everything that moves and waits here (.xlsx).")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Put everything back where the run found it.")] = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="Data folder of the server (DIEMCAU_DATA).", show_default="var"),
    ] = None,
    as_json: Json = False,
) -> None:
    """Move sites and grants to a later dataset of units. The server must be stopped, but for --dry-run.

    What cannot be moved waits at no unit and is asked; the same command with answers moves it later.
    """
    if undo and (dry_run or answers is not None or report is not None):
        fail("bad_request", "--undo stands alone", as_json=as_json)
    if report is not None and report.suffix.lower() != ".xlsx":
        fail("bad_request", f"{report}: .xlsx", as_json=as_json)
    with errors(as_json=as_json), ExitStack() as stack:
        settings = Settings() if data is None else Settings(data=data)
        # Only here: the commands that ask a server do without.
        from diemcau.app import alone

        if not dry_run:
            stack.enter_context(alone(settings.data))
        if undo:
            sites, grants = anyio.run(_undo, settings, to)
            if as_json:
                answer_json({"sites": sites, "grants": grants})
            else:
                out.print(f"{sites} sites and {grants} grants are where they were; start the server")
            return
        document, content = anyio.run(_renew, settings, to, answers, dry_run)
        if report is not None:
            report.write_bytes(content)
        if as_json:
            answer_json(document)
        else:
            _show(document)


async def _renew(
    settings: Settings, to: str, answers: Path | None, dry_run: bool
) -> tuple[dict[str, Any], bytes]:
    from diemcau.rollout.renewal import Answers, Renewal, read_answers, report_file
    from diemcau.store import Store

    async with Store.opened(settings.database_address) as store:
        lineage = await _lineage(store, settings, to)
        given = (
            Answers() if answers is None else read_answers(await anyio.Path(answers).read_bytes(), lineage)
        )
        renewal = Renewal(store, lineage)
        plan = await (renewal.plan(given) if dry_run else renewal.run(given))
    content = await anyio.to_thread.run_sync(report_file, plan)
    before, after = lineage.before, lineage.after
    return {
        "from": before.dataset,
        "to": after.dataset,
        "dry_run": dry_run,
        **plan.counts(),
        "questions": [
            {
                "unit": asked.unit,
                "path": before.path_text(asked.unit),
                "fate": asked.fate.value,
                "sites": asked.sites,
                "grants": asked.grants,
                "choices": [{"unit": code, "path": after.path_text(code)} for code in asked.choices],
            }
            for asked in plan.questions()
        ],
    }, content


async def _undo(settings: Settings, to: str) -> tuple[int, int]:
    from diemcau.rollout.renewal import Renewal
    from diemcau.store import Store

    async with Store.opened(settings.database_address) as store:
        return await Renewal(store, await _lineage(store, settings, to)).undo()


async def _lineage(store: Any, settings: Settings, to: str) -> Any:
    """From the dataset that the database had before `to`, or has now."""
    from diemcau.rollout.renewal import AlreadyRenewed, datasets_of
    from diemcau.units import Lineage

    datasets = [dataset for dataset in await datasets_of(store, settings.units) if dataset != to]
    if not datasets:
        raise AlreadyRenewed(f"the database began with {to}", units=to, database=to)
    return Lineage.load(datasets[-1], to)


def _show(document: dict[str, Any]) -> None:
    out.print(f"[bold]{document['from']} → {document['to']}[/]{'  (dry run)' if document['dry_run'] else ''}")
    rows = [
        (name, document["sites"].get(name, ""), document["grants"].get(name, ""))
        for name in dict.fromkeys((*document["sites"], *document["grants"]))
    ]
    table(("", "sites", "grants"), rows)
    questions = document["questions"]
    if questions:
        out.print(f"\n{len(questions)} units wait for an answer:")
        table(
            ("unit", "path", "fate", "sites", "grants", "may become"),
            [
                (
                    asked["unit"],
                    asked["path"],
                    asked["fate"],
                    asked["sites"],
                    asked["grants"],
                    ", ".join(choice["unit"] for choice in asked["choices"][:4]),
                )
                for asked in questions[:_SHOWN]
            ],
        )
        if len(questions) > _SHOWN:
            out.print(f"... and {len(questions) - _SHOWN} more: --report FILE.xlsx or --json has all")
    if not document["dry_run"]:
        out.print(
            f"The database is of {document['to']} now; start the server (without another DIEMCAU_UNITS)"
        )
