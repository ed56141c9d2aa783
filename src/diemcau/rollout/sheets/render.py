"""Connection sheets as PDF: data in, pages out. Runs in worker processes; knows no rooms."""

import io
import os
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Final, Literal

import orjson
import segno
import typst
from pypdf import PdfReader, PdfWriter

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


def render(sheets: list[Sheet], *, kind: Literal["pdf", "png"] = "pdf") -> bytes:
    """A page for each sheet, in their order. `kind`: "pdf", or "png" of the first page (tests, documents)."""
    data = [{**asdict(sheet), "qr": qr_svg(sheet.link)} for sheet in sheets]
    with as_file(files("diemcau.rollout.sheets")) as folder:
        return typst.compile(
            str(folder / "sheet.typ"),
            font_paths=[str(folder / "fonts")],
            ignore_system_fonts=True,
            format=kind,
            ppi=96,
            sys_inputs={"sheets": orjson.dumps(data).decode()},
        )


def write(sheets: list[Sheet], path: Path) -> int:
    """Renders into a new file of mode 0600: codes are on it. Answers its bytes."""
    body = render(sheets)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        return file.write(body)


def merge(parts: list[Path], path: Path) -> int:
    """One document of several; the parts stay. Answers its bytes."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        if len(parts) == 1:
            return file.write(parts[0].read_bytes())
        writer = PdfWriter()
        for part in parts:
            writer.append(PdfReader(part), import_outline=False)
        # Every part brings the same fonts and drawings: once is enough.
        writer.compress_identical_objects()
        writer.write(file)
        return file.tell()
