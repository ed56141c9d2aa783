"""Phone numbers as people write them, in one form: "0912 345 678"."""

import re
from typing import Final

MOST: Final = 10

_APART: Final = re.compile(r"[;,/\n|&]|\s(?:-|hoặc|và)\s|\s{3,}")
_EXTENSION: Final = re.compile(r"\s*\(?(?:máy lẻ|số lẻ|lẻ|ext\.?|x)\s*:?\s*(\d{1,5})\)?$", re.IGNORECASE)
_BEFORE: Final = re.compile(
    r"^(?:đt|sđt|dt|tel|đtdđ|dđ|di động|mobile|điện thoại|cq|nr|zalo)\s*[.:]*\s*", re.IGNORECASE
)
_SIGNS: Final = re.compile(r"[\s.\-()\u2010-\u2015]")
# The change of mobile numbers from 11 to 10 figures of 2018: old lists still hold the old ones.
_OLD: Final = {
    **{f"016{n}": f"03{n}" for n in range(2, 10)},
    **{"0120": "070", "0121": "079", "0122": "077", "0126": "076", "0128": "078"},
    **{"0123": "083", "0124": "084", "0125": "085", "0127": "081", "0129": "082"},
    **{"0186": "056", "0188": "058", "0199": "059"},
}


def phones_of(text: str) -> tuple[list[str], list[str]]:
    """(numbers in one form, each once; parts that are no phone number) of a cell."""
    found: dict[str, None] = {}
    strange: list[str] = []
    for part in _APART.split(text):
        part = part.strip(" .,:")
        if not part:
            continue
        for piece in _pieces(part):
            if (number := one(piece)) is None:
                strange.append(piece)
            else:
                found[number] = None
    return list(found), strange


def _pieces(part: str) -> list[str]:
    """ "0912345678 0987654321" and "0912345678-0987654321" are two; "0912 345 678" is one."""
    if one(part) is not None:
        return [part]
    for separator in (" ", "-"):
        pieces = [piece for piece in part.split(separator) if piece]
        if len(pieces) > 1 and all(one(piece) is not None for piece in pieces):
            return pieces
    return [part]


def one(text: str) -> str | None:
    """The number in one form; None when it is none. A lost zero or a country's prefix of 84 is put right."""
    bare = _BEFORE.sub("", text.strip())
    extension = ""
    if match := _EXTENSION.search(bare):
        extension = f" máy lẻ {match.group(1)}"
        bare = bare[: match.start()]
    digits = _SIGNS.sub("", bare.replace("(+84)", "+84").replace("(84)", "+84"))
    if digits.startswith("+") and not digits.startswith("+84"):
        abroad = digits[1:]
        return f"+{abroad}{extension}" if abroad.isdecimal() and 8 <= len(abroad) <= 15 else None
    digits = digits.removeprefix("+")
    if not (digits.isdecimal() and digits.isascii()):
        return None
    for prefix in ("0084", "84"):
        if digits.startswith(prefix) and len(digits) - len(prefix) in (9, 10, 11):
            digits = "0" + digits[len(prefix) :].removeprefix("0")
            break
    return None if (shown := _home(digits)) is None else shown + extension


def _home(digits: str) -> str | None:
    if digits[:4] in ("1800", "1900") and 8 <= len(digits) <= 10:
        return f"{digits[:4]} {digits[4:]}"
    if not digits.startswith("0") and (
        (len(digits) == 9 and digits[0] in "35789") or (len(digits) == 10 and digits[0] == "2")
    ):
        digits = f"0{digits}"  # a cell that was a number
    if len(digits) == 11 and digits[:4] in _OLD:
        digits = _OLD[digits[:4]] + digits[4:]
    if len(digits) == 10 and digits[:2] in ("03", "05", "07", "08", "09"):
        return f"{digits[:4]} {digits[4:7]} {digits[7:]}"
    if len(digits) in (10, 11) and digits.startswith("02"):
        area = 3 if digits[:3] in ("024", "028") else 4
        return f"{digits[:area]} {digits[area:-4]} {digits[-4:]}"
    return None
