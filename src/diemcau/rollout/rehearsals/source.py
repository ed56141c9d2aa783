"""What the machine shows and plays: pictures that carry their number, notes; made once by
`scripts/make_rehearsal_clips.py` and shipped."""

from pathlib import Path
from typing import Final

CLIPS: Final = Path(__file__).parent / "clips"
"""Folder of clips, as `diemcau-load` plays them."""

NOTES: Final = (440.0, 523.25, 622.25, 739.99, 932.33, 1108.73, 1396.91, 1661.22)
"""The notes, Hz, by number, as web/src/media/rehearsal/notes.ts has them; none is a multiple of another."""

PICTURES: Final = len(NOTES)
"""Pictures, numbered from 0 by the code in them; note and picture are chosen apart."""


def clip_name(number: int) -> str:
    """Name of the clip with this picture and this note."""
    return f"rehearsal-{number}"
