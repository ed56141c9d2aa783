"""The command line: `diemcau --help`. Every command that answers takes `--json`."""

import typer

from diemcau.cli import demo, doctor, load, meetings, people, rehearsals, serve, sites, tokens, units, waves

app = typer.Typer(
    name="diemcau",
    help="Điểm Cầu: the command video bridge of a country.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.command("load", context_settings=load.CONTEXT)(load.load)
app.add_typer(units.app, name="units")
app.add_typer(sites.app, name="sites")
app.add_typer(people.app, name="people")
app.add_typer(meetings.app, name="meetings")
app.add_typer(rehearsals.app, name="rehearsals")
app.add_typer(tokens.app, name="tokens")
app.add_typer(waves.app, name="waves")
app.command("doctor")(doctor.doctor)

__all__ = ["app"]
