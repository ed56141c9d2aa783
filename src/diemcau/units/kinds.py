"""Kinds of unit: the word in front of a name, the levels it may stand at, and how people shorten it."""

from dataclasses import dataclass
from typing import Final

from diemcau.units.errors import DatasetCorrupt
from diemcau.units.unit import Level


@dataclass(frozen=True, slots=True)
class Kind:
    """`forms`: what people type for it, folded (see `fold.py`), each a tuple of words."""

    word: str
    levels: frozenset[Level]
    forms: tuple[tuple[str, ...], ...]


def _kind(word: str, levels: set[Level], *forms: str) -> Kind:
    return Kind(word, frozenset(levels), tuple(tuple(form.split()) for form in forms))


_ALL: Final = (
    _kind("nước", {Level.NATION}, "nuoc"),
    _kind("tỉnh", {Level.PROVINCE}, "tinh", "t"),
    _kind("thành phố", {Level.PROVINCE, Level.DISTRICT}, "thanh pho", "tp"),
    _kind("quận", {Level.DISTRICT}, "quan", "q"),
    _kind("huyện", {Level.DISTRICT}, "huyen", "h"),
    _kind("thị xã", {Level.DISTRICT}, "thi xa", "tx"),
    _kind("phường", {Level.COMMUNE}, "phuong", "p", "f"),
    _kind("thị trấn", {Level.COMMUNE}, "thi tran", "tt"),
    _kind("xã", {Level.COMMUNE}, "xa", "x"),
    _kind("đặc khu", {Level.COMMUNE}, "dac khu", "dk"),
)
KINDS: Final = {kind.word: kind for kind in _ALL}

FORM_WORDS: Final = frozenset(word for kind in _ALL for form in kind.forms for word in form)
"""Every word that may be (part of) a kind in a query. Some are words of names too: "phuong", "thanh"."""


def split_title(title: str) -> tuple[str, str]:
    """Kind and name of "Thị xã Phổ Yên". Raises DatasetCorrupt when no kind stands in front."""
    lowered = title.lower()
    for word in KINDS:
        if lowered.startswith(f"{word} "):
            return word, title[len(word) + 1 :]
    raise DatasetCorrupt(f"no kind of unit in front of {title!r}", title=title)
