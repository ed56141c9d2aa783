"""Where an executable of the package `diemcau-media` is."""

import os
import shutil
import sys
from pathlib import Path

from diemcau.media.errors import MediaExecutableMissing


def find(name: str = "diemcau-media", setting: Path | None = None) -> Path:
    """Path of the executable `name`.

    Looked for in this order: `setting`; the environment (`DIEMCAU_MEDIA` or `DIEMCAU_LOAD`); beside the
    interpreter, where a wheel puts it; PATH; `rust/target/release` of a checkout.

    Raises:
        MediaExecutableMissing: it is nowhere, or the place that was named does not hold it.
    """
    if setting is None and (named := os.environ.get(name.upper().replace("-", "_"))):
        setting = Path(named)
    if setting is not None:
        if _runs(setting):
            return setting
        raise MediaExecutableMissing(f"{setting} is not an executable file", name=name)
    beside = Path(sys.executable).parent / name
    if _runs(beside):
        return beside
    if on_path := shutil.which(name):
        return Path(on_path)
    built = Path(__file__).resolve().parents[3] / "rust" / "target" / "release" / name
    if _runs(built):
        return built
    raise MediaExecutableMissing(
        f"{name} was not found: install the package diemcau-media, or set DIEMCAU_MEDIA to its path",
        name=name,
    )


def _runs(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)
