"""Words that are found without diacritics, in columns that hold them folded."""

from typing import Final

from sqlalchemy import ColumnElement

from diemcau.units.fold import fold

MAX_WORDS: Final = 8
_LIKE: Final = str.maketrans({"%": r"\%", "_": r"\_", "\\": r"\\"})


def searchable(text: str) -> str:
    """What the column holds: the folded words, each after a space; of no words one space."""
    return f" {fold(text)}"


def has_words(folded: ColumnElement[str], text: str) -> ColumnElement[bool] | None:
    """The condition that each of the text's first 8 words begins one of the column's; None for no words."""
    found: ColumnElement[bool] | None = None
    for word in fold(text[:200]).split()[:MAX_WORDS]:
        has = folded.like(f"% {word.translate(_LIKE)}%", escape="\\")
        found = has if found is None else found & has
    return found
