"""Errors of the clips."""

from typing import ClassVar

from diemcau.errors import DiemCauError


class ClipsError(DiemCauError):
    """Clips could not be made or read."""

    code: ClassVar[str] = "clips_error"


class ClipsUnavailable(ClipsError):
    """PyAV, NumPy or Pillow is not installed."""

    code: ClassVar[str] = "clips_unavailable"


class ClipCorrupt(ClipsError):
    """A clip file does not have the form that `container` describes."""

    code: ClassVar[str] = "clip_corrupt"
