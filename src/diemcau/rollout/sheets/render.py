"""Connection sheets as PDF: data in, pages out. Runs in worker processes; knows no rooms."""

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

import segno

from diemcau.press.paper import compile_page

QUIET_ZONE: Final = 2
"""Modules of white around a QR code; the sheet adds more."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What stands on one page. `link`: in the QR code; `address`: what is typed instead; `until`,
    `printed`: as they are read; `hotline`: "" leaves a line to write on."""

    site: str
    place: str
    path: str
    label: str
    code: str
    link: str
    address: str
    until: str
    hotline: str
    printed: str


def qr_svg(link: str) -> str:
    """The QR code as SVG: error correction M, for sheets that were folded."""
    out = io.BytesIO()
    made = segno.make(link, error="m", micro=False, boost_error=True)
    made.save(out, kind="svg", border=QUIET_ZONE, xmldecl=False, svgclass=None, lineclass=None)
    return out.getvalue().decode()


def render(sheets: Sequence[Sheet], *, kind: Literal["pdf", "png"] = "pdf") -> bytes:
    """A page for each sheet, in their order. `kind`: "pdf", or "png" of the first page (tests, documents)."""
    data = [{**asdict(sheet), "qr": qr_svg(sheet.link)} for sheet in sheets]
    return compile_page(Path(__file__).with_name("sheet.typ"), "sheets", data, kind=kind)


def pdf(data: list[dict[str, Any]]) -> bytes:
    """The pages of sheets as `print_sheets` sends them."""
    return render([Sheet(**sheet) for sheet in data])
