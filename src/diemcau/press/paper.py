"""What the processes that print do: compile a typst file with its data, write, merge. Knows no document."""

import os
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Literal

import orjson
import typst
from pypdf import PdfReader, PdfWriter


def compile_page(template: Path, name: str, data: Any, *, kind: Literal["pdf", "png"] = "pdf") -> bytes:
    """The document that the typst file makes of `data`, JSON under `name` in its inputs.

    `kind`: "pdf", or "png" of the first page (tests, documents). Only the fonts that ship with us are used.
    """
    with as_file(files("diemcau.press")) as here:
        return typst.compile(
            str(template),
            font_paths=[str(here / "fonts")],
            ignore_system_fonts=True,
            format=kind,
            ppi=96,
            sys_inputs={name: orjson.dumps(data).decode()},
        )


def write(body: bytes, path: Path) -> int:
    """Into a new file of mode 0600: what is printed is nobody else's. Answers its bytes."""
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        return file.write(body)


def merge(parts: list[Path], path: Path) -> int:
    """One document of several; the parts stay. Answers its bytes."""
    if len(parts) == 1:
        return write(parts[0].read_bytes(), path)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
        writer = PdfWriter()
        for part in parts:
            writer.append(PdfReader(part), import_outline=False)
        # Every part brings the same fonts and drawings: once is enough.
        writer.compress_identical_objects()
        writer.write(file)
        return file.tell()
