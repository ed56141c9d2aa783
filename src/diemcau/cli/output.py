"""How commands answer: a table for people, one JSON document with `--json`; errors alike."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, NoReturn

import typer
from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from diemcau.errors import DiemCauError

out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document.")]


class Refused(Exception):
    """The server answered with a problem document."""

    def __init__(self, problem: dict[str, Any]) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or "refused")
        self.problem = problem


def answer_json(document: Any) -> None:
    """One line of JSON on standard output."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, default=str) + "\n")
    sys.stdout.flush()


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table for people; numbers and names are shown as they are, never read as markup."""
    made = Table(*columns, header_style="bold", box=None, pad_edge=False)
    for row in rows:
        made.add_row(*(_plain(cell) for cell in row))
    out.print(made)


def _plain(cell: object) -> str:
    text = "" if cell is None else str(cell)
    return text.replace("[", "\\[")


def fail(code: str, message: str, *, as_json: bool) -> NoReturn:
    """Says what is wrong and ends with status 1."""
    if as_json:
        answer_json({"code": code, "detail": message})
    else:
        err.print(f"[bold red]{code}[/]: {_plain(message)}")
    raise typer.Exit(1)


@contextlib.contextmanager
def errors(*, as_json: bool) -> Iterator[None]:
    """Turns what a command may meet into a message and status 1."""
    try:
        yield
    except DiemCauError as error:
        fail(error.code, error.message, as_json=as_json)
    except Refused as error:
        fail(str(error.problem.get("code")), str(error), as_json=as_json)
    except ValidationError as error:
        first = error.errors()[0]
        fail("bad_settings", f"{'.'.join(map(str, first['loc']))}: {first['msg']}", as_json=as_json)
    except OSError as error:
        fail("os_error", str(error), as_json=as_json)
