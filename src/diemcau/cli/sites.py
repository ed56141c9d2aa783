"""`diemcau sites`: the directory of sites, and their activation codes."""

from typing import Annotated, Any

import typer

from diemcau.cli import rollout
from diemcau.cli.door import Data, Door, through
from diemcau.cli.output import Json, answer_json, fail, out, table
from diemcau.cli.sheets import sheets
from diemcau.units import Level, Units

app = typer.Typer(help="Sites and their activation codes.", no_args_is_help=True)
app.command("import")(rollout.import_sites)
app.command("export")(rollout.export_sites)
app.command()(sheets)


def link(url: str, code: str) -> str:
    """The page that activates a device with this code, behind `#`: browsers send that to no server, so it
    stands in no log of a proxy."""
    return f"{url.rstrip('/')}/vao#code={code}"


@app.command()
def add(
    unit: Annotated[list[str], typer.Option(help="Code of the site's unit (may be repeated).")],
    label: Annotated[str | None, typer.Option(help="Name of the site; else of its unit.")] = None,
    level: Annotated[
        Level | None, typer.Option(help="One site for each unit of this level inside the units.")
    ] = None,
    kind: Annotated[str, typer.Option(help="post, room, bridge or feed.")] = "post",
    carrier: Annotated[str | None, typer.Option()] = None,
    phone: Annotated[list[str] | None, typer.Option()] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Add sites."""
    if label is not None and (level is not None or len(unit) > 1):
        fail("bad_request", "--label is for a single site", as_json=as_json)

    async def work(door: Door) -> Any:
        units = Units.load((await door.ask("GET", "/console/v1/units"))["dataset"])
        found = (
            units.select(unit, None if level is None else [level]) if level else [units.get(u) for u in unit]
        )
        new = [
            {
                "unit": one.code,
                "label": label or f"Điểm cầu {one.label}",
                "kind": kind,
                "carrier": carrier,
                "phones": phone or [],
            }
            for one in found
        ]
        return await door.ask("POST", "/console/v1/sites", {"sites": new})

    made = through(data, work, as_json=as_json)
    _show(made["sites"], as_json=as_json, document=made)


@app.command("list")
def list_sites(
    unit: Annotated[str | None, typer.Option(help="Only inside this unit.")] = None,
    q: Annotated[str | None, typer.Option(help="Words of label, path or code.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=20_000)] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Sites in the order of their units."""

    async def work(door: Door) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after = None
        while len(found) < limit:
            page = await door.ask(
                "GET", "/api/v1/sites", unit=unit, q=q, limit=min(500, limit - len(found)), after=after
            )
            found += page["sites"]
            after = page["next"]
            if after is None:
                break
        return found

    sites = through(data, work, as_json=as_json)
    _show(sites, as_json=as_json, document={"sites": sites})


@app.command()
def activate(
    site: Annotated[list[str], typer.Argument(help="Ids of sites.")],
    hours: Annotated[int, typer.Option(min=1, max=24 * 90, help="How long the codes are good.")] = 24 * 14,
    url: Annotated[str | None, typer.Option(help="Address of the server, for the links.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Issue one-time activation codes; earlier unused ones of these sites are revoked."""
    body = {"sites": site, "hours": hours}

    async def work(door: Door) -> Any:
        return await door.ask("POST", "/console/v1/codes", body)

    codes = through(data, work, as_json=as_json)["codes"]
    if url is not None:
        for code in codes:
            code["link"] = link(url, code["code"])
    if as_json:
        answer_json({"codes": codes})
    else:
        for code in codes:
            out.print(f"{code['site']}  [bold]{code['code']}[/]  {code.get('link', '')}")


@app.command()
def program(
    site: Annotated[str, typer.Argument(help="Id of the site.")], data: Data = None, as_json: Json = False
) -> None:
    """Make a bearer for a program that is the site (a room system); its old device is out."""

    async def work(door: Door) -> Any:
        return await door.ask("POST", f"/console/v1/sites/{site}/program")

    made = through(data, work, as_json=as_json)
    if as_json:
        answer_json(made)
    else:
        out.print(f"{made['site']}  [bold]{made['credential']}[/]")


@app.command()
def answer(
    site: Annotated[list[str], typer.Argument(help="Ids of sites.")],
    how: Annotated[
        str,
        typer.Option(help="auto: takes a call by itself; ring: somebody there answers; usual: by its kind."),
    ],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """How sites take a surprise call."""
    if how not in ("auto", "ring", "usual"):
        fail("bad_request", "--how is auto, ring or usual", as_json=as_json)

    async def work(door: Door) -> Any:
        body = {"answer": "" if how == "usual" else how}
        return [await door.ask("PATCH", f"/api/v1/sites/{one}", body) for one in site]

    changed = through(data, work, as_json=as_json)
    if as_json:
        answer_json({"sites": changed})
    else:
        table(
            ("id", "label", "kind", "answer"),
            [(s["id"], s["label"], s["kind"], s["answer"]) for s in changed],
        )


@app.command()
def clearance(
    site: Annotated[list[str], typer.Argument(help="Ids of sites.")],
    level: Annotated[str, typer.Option(help="none, confidential, secret or top_secret.")],
    days: Annotated[int | None, typer.Option(help="How long it is good.", min=1, max=366)] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Clear sites for marked meetings, for a time."""

    async def work(door: Door) -> list[Any]:
        body = {"level": level, "days": days}
        return [await door.ask("PUT", f"/api/v1/sites/{one}/clearance", body) for one in site]

    made = [
        {"id": one, **found} for one, found in zip(site, through(data, work, as_json=as_json), strict=True)
    ]
    if as_json:
        answer_json({"sites": made})
    else:
        table(("id", "level", "until"), [(one["id"], one["level"], one["until"] or "") for one in made])


@app.command()
def revoke(
    site: Annotated[list[str], typer.Argument(help="Ids of sites.")],
    devices: Annotated[
        bool, typer.Option("--devices", help="Put out their activated devices too (lost, stolen).")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Revoke the unused activation codes of sites."""
    body = {"sites": site, "devices": devices}

    async def work(door: Door) -> Any:
        return await door.ask("POST", "/console/v1/codes/revoke", body)

    done = through(data, work, as_json=as_json)
    if as_json:
        answer_json(done)
    else:
        out.print(f"{'codes and devices' if devices else 'codes'} revoked: {done['revoked']}")


@app.command()
def tests(
    site: Annotated[str | None, typer.Argument(help="Id of a site: its last self-tests.")] = None,
    unit: Annotated[str, typer.Option(help="Without a site: where the sites of this unit stand.")] = "VN",
    cause: Annotated[str | None, typer.Option(help="Only with this cause, e.g. test_failed.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=20_000)] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Self-tests of a site; or what keeps the sites of a unit from being ready."""

    async def of_site(door: Door) -> Any:
        return await door.ask("GET", f"/api/v1/sites/{site}/tests")

    async def of_unit(door: Door) -> Any:
        found: list[dict[str, Any]] = []
        after = None
        while len(found) < limit:
            most = min(500, limit - len(found))
            page = await door.ask(
                "GET", "/api/v1/readiness/sites", unit=unit, cause=cause, limit=most, after=after
            )
            found += page["rows"]
            after = page["next"]
            if after is None:
                break
        return {"rows": found}

    document = through(data, of_unit if site is None else of_site, as_json=as_json)
    if as_json:
        answer_json(document)
    elif site is None:
        table(
            ("id", "label", "state", "cause", "tested", "phones"),
            [
                (
                    row["site"],
                    row["label"],
                    row["state"],
                    row["cause"],
                    row["tested_at"],
                    ", ".join(row["phones"]),
                )
                for row in document["rows"]
            ],
        )
    else:
        table(
            ("at", "passed", "down", "up", "rtt", "path", "advice"),
            [_test_row(test) for test in document["tests"]],
        )


def _test_row(test: dict[str, Any]) -> tuple[object, ...]:
    network = test["figures"]["network"]
    advice = " ".join(one["vi"] for one in test["advice"])
    figures = (network["down_kbps"], network["up_kbps"], network["rtt_ms"], network["path"])
    return (test["at"], "yes" if test["passed"] else "no", *figures, advice)


def _show(sites: list[dict[str, Any]], *, as_json: bool, document: Any) -> None:
    if as_json:
        answer_json(document)
    else:
        table(
            ("id", "unit", "label", "kind", "path"),
            [(site["id"], site["unit"], site["label"], site["kind"], site["path"]) for site in sites],
        )
