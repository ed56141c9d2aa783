"""Clips: the real encoded pictures and voices that simulated sites publish, and their time code.

    python -m diemcau.clips make --out var/clips --sites sites.jsonl
    python -m diemcau.clips watch --loop-ms 3000        (frames on stdin, JSON lines on stdout)

Encoding needs PyAV, NumPy and Pillow (dependency group `clips`); nothing else in the product does, and this
package itself imports none of them. `docs/load.md` describes the files.
"""

from importlib.util import find_spec

from diemcau.clips.errors import ClipsError, ClipsUnavailable

__all__ = ["ClipsError", "ClipsUnavailable", "available", "require"]

_NEEDED = ("av", "numpy", "PIL")


def available() -> bool:
    """Whether clips can be encoded and decoded here."""
    return all(find_spec(name) is not None for name in _NEEDED)


def require() -> None:
    """Raises `ClipsUnavailable`, naming what to install, unless `available()`."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise ClipsUnavailable(f"clips need PyAV, NumPy and Pillow; missing: {', '.join(missing)}")
