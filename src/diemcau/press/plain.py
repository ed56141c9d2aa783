"""Parts that are nothing but a typst file and its data: the process that prints them loads no room."""

from pathlib import Path
from typing import Any, Final

from diemcau.press.paper import compile_page

MODULE: Final = "diemcau.press.plain"
"""What `workers.press` is told to print with."""


def part(template: Path, name: str, data: Any) -> dict[str, Any]:
    """A part: see `paper.compile_page`."""
    return {"template": str(template), "name": name, "data": data}


def pdf(part: dict[str, Any]) -> bytes:
    """Its pages."""
    return compile_page(Path(part["template"]), part["name"], part["data"])
