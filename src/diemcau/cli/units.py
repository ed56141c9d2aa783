"""`diemcau units`: the administrative tree."""

from typing import Annotated, Any

import typer
from rich.tree import Tree

from diemcau.cli import renewal
from diemcau.cli.output import Json, answer_json, errors, out, table
from diemcau.units import Level, Unit, Units

app = typer.Typer(help="The administrative tree.", no_args_is_help=True)
app.command("renew")(renewal.renew)

Dataset = Annotated[str, typer.Option("--dataset", help="2021-09 or 2025-07.")]
LevelOption = Annotated[
    list[Level] | None, typer.Option("--level", help="Only this level (may be repeated).")
]


def unit_json(units: Units, unit: Unit) -> dict[str, Any]:
    """A unit as `--json` shows it."""
    return {
        "code": unit.code,
        "name": unit.name,
        "kind": unit.kind,
        "level": unit.level.value,
        "parent": unit.parent,
        "path": units.path_text(unit.code),
        "children": len(units.children(unit.code)),
    }


@app.command()
def search(
    text: Annotated[str, typer.Argument(help="A code, or a name with or without diacritics.")],
    within: Annotated[str | None, typer.Option(help="Only inside this unit (code).")] = None,
    level: LevelOption = None,
    limit: Annotated[int, typer.Option(min=1, max=50)] = 10,
    dataset: Dataset = "2021-09",
    as_json: Json = False,
) -> None:
    """Find units, best first."""
    with errors(as_json=as_json):
        units = Units.load(dataset)
        found = units.search(text, within=within, levels=level, limit=limit)
        if as_json:
            answer_json({"matches": [{**unit_json(units, m.unit), "alike": m.alike} for m in found]})
        else:
            table(
                ("code", "level", "unit", "alike"),
                [(m.unit.code, m.unit.level, m.path, m.alike) for m in found],
            )


@app.command()
def show(code: str, dataset: Dataset = "2021-09", as_json: Json = False) -> None:
    """One unit, its parents, how many are below it."""
    with errors(as_json=as_json):
        units = Units.load(dataset)
        unit = units.get(code)
        counts = {level.value: count for level, count in units.level_counts(code).items()}
        if as_json:
            answer_json({**unit_json(units, unit), "counts": counts})
        else:
            out.print(f"[bold]{unit.title}[/]  {unit.code}")
            out.print(units.path_text(code))
            table(("level", "units"), list(counts.items()))


@app.command()
def tree(
    code: Annotated[str, typer.Argument(help="Where to begin.")] = "VN",
    depth: Annotated[int, typer.Option(min=1, max=8)] = 1,
    dataset: Dataset = "2021-09",
    as_json: Json = False,
) -> None:
    """What is below a unit."""
    with errors(as_json=as_json):
        units = Units.load(dataset)
        if as_json:
            answer_json(_branch(units, units.get(code), depth))
            return
        top = units.get(code)
        root = Tree(f"[bold]{top.title}[/] {top.code}")
        _grow(units, root, top, depth)
        out.print(root)


def _branch(units: Units, unit: Unit, depth: int) -> dict[str, Any]:
    below = units.children(unit.code) if depth else ()
    return {**unit_json(units, unit), "units": [_branch(units, child, depth - 1) for child in below]}


def _grow(units: Units, node: Tree, unit: Unit, depth: int) -> None:
    for child in units.children(unit.code) if depth else ():
        _grow(units, node.add(f"{child.title} {child.code}"), child, depth - 1)
