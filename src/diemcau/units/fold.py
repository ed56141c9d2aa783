"""Vietnamese text made comparable: without diacritics for finding, with them (placed anyhow) for preferring.

An *accent key* is one word's letters with their quality marks (â, ơ, đ) and its tone set apart, so that "hoà"
and "hòa", two spellings of one word, have the same key.
"""

import re
import unicodedata
from functools import lru_cache
from typing import Final, NamedTuple

_TONES: Final = frozenset("\u0300\u0301\u0303\u0309\u0323")  # grave, acute, tilde, hook above, dot below
_QUALITIES: Final = frozenset("\u0302\u0306\u031b")  # circumflex, breve, horn
_D: Final = str.maketrans("đĐðÐ", "dddd")  # eth is what old fonts put for đ
_APOSTROPHES: Final = re.compile("['’ʼ‘`´]")
_WORD: Final = re.compile(r"[^\W_]+")
_NUMBER_AFTER_KIND: Final = re.compile(r"(p|q|f)(\d{1,2})")
_SIGN_OR_ROMAN: Final = re.compile(r"[^\w\s]|\b[IV]+\b")
_ROMAN: Final = {"I": "1", "II": "2", "III": "3", "IV": "4", "V": "5", "VI": "6", "VII": "7", "VIII": "8"}


class AccentKey(NamedTuple):
    """`letters`: with quality marks, decomposed; `tone`: its combining characters, "" when level."""

    letters: str
    tone: str


class Token(NamedTuple):
    """One word as typed. `word`: folded; `accent`: None when typed without any mark; `raw`: for codes."""

    word: str
    accent: AccentKey | None
    raw: str


@lru_cache(maxsize=8192)
def fold_word(word: str) -> str:
    """Lower case, no marks, đ as d, and a number of one or two digits without its leading zero."""
    apart = unicodedata.normalize("NFKD", word.translate(_D))
    bare = "".join(c for c in apart if not unicodedata.combining(c))
    folded = bare.casefold()
    return folded.lstrip("0") or "0" if len(folded) <= 2 and folded.isdecimal() else folded


@lru_cache(maxsize=8192)
def accent_key(word: str) -> AccentKey:
    """The key of one word in any normal form, upper or lower case."""
    letters: list[str] = []
    tone = ""
    for c in unicodedata.normalize("NFD", word.lower().replace("ð", "đ")):
        if c in _TONES:
            tone += c
        elif c in _QUALITIES or not unicodedata.combining(c):
            letters.append(c)
    return AccentKey("".join(letters), tone)


def words(text: str) -> list[str]:
    """The words as written: apostrophes vanish ("Ea H'leo" -> "Ea", "Hleo"), all other signs part words."""
    return _WORD.findall(_APOSTROPHES.sub("", unicodedata.normalize("NFC", text)))


def fold(text: str) -> str:
    """The folded words with one space between them: "Xã Đắk R'Măng" -> "xa dak rmang"."""
    return " ".join(filter(None, map(fold_word, words(text))))


def tokens(text: str) -> list[Token]:
    """A query's words. "q1" and "p.12" are two words each."""
    found: list[Token] = []
    for word in words(text):
        folded = fold_word(word)
        if together := _NUMBER_AFTER_KIND.fullmatch(folded):
            kind, number = together.groups()
            found += [Token(kind, None, kind), Token(fold_word(number), None, number)]
        elif folded:
            plain = word.isascii()
            found.append(Token(folded, None if plain else accent_key(word), word.upper()))
    return found


def extra_forms(name: str) -> dict[str, tuple[str, ...]]:
    """Further ways to type a name: signs as spaces or as nothing, Roman numerals as figures.

    Folded text -> the words it stands for as written, as many as the text has.
    """
    if not _SIGN_OR_ROMAN.search(name):
        return {}
    roman = [_ROMAN.get(word, word) for word in words(name)]
    spellings = words(_APOSTROPHES.sub(" ", name)), words(re.sub(r"['’.]\s*", "", name)), roman
    forms = {" ".join(map(fold_word, spelling)): tuple(spelling) for spelling in spellings}
    forms.pop(fold(name), None)
    return forms
