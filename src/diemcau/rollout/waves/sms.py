"""Text messages: how many parts one takes (3GPP TS 23.038, TS 23.040), and Vietnamese without diacritics."""

import unicodedata
from dataclasses import dataclass
from typing import Final, Literal

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = frozenset("\f^{}\\[~]|€")
"""Each is two septets, which stand in one part."""

_OTHER: Final = str.maketrans(
    {
        "đ": "d",
        "Đ": "D",
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "…": "...",
        "\u00a0": " ",
    }
)


@dataclass(frozen=True, slots=True)
class Parts:
    """`units`: septets, or UTF-16 code units with UCS-2; `count`: parts that are paid for."""

    coding: Literal["gsm7", "ucs2"]
    units: int
    count: int


def parts_of(text: str) -> Parts:
    """How the text is coded and in how many parts it goes."""
    if all(c in _BASIC or c in _EXTENDED for c in text):
        sizes = [2 if c in _EXTENDED else 1 for c in text]
        return Parts("gsm7", sum(sizes), _packed(sizes, 160, 153))
    sizes = [2 if ord(c) > 0xFFFF else 1 for c in text]
    return Parts("ucs2", sum(sizes), _packed(sizes, 70, 67))


def _packed(sizes: list[int], alone: int, together: int) -> int:
    """Parts of signs that are not parted: one of `alone`, else as many of `together` as it takes."""
    if sum(sizes) <= alone:
        return 1
    count, left = 1, together
    for size in sizes:
        if size > left:
            count, left = count + 1, together
        left -= size
    return count


def plain(text: str) -> str:
    """Vietnamese without diacritics: 160 signs a part instead of 70."""
    decomposed = unicodedata.normalize("NFD", text.translate(_OTHER))
    return "".join(c for c in decomposed if not unicodedata.combining(c))
