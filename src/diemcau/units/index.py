"""What a search looks things up in: sets of units as bits of one integer, unit i (in pre-order) as bit i.

A tree has some 11,000 units and its names 1,800 different words, so a set is 1.4 kB and "units whose own or
parents' names hold these three words" is a few operations on integers, whatever the words are.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from diemcau.units.fold import AccentKey, Token, accent_key, extra_forms, fold, fold_word, words
from diemcau.units.kinds import KINDS
from diemcau.units.unit import Level, Unit

# What provinces are called besides their names; folded.
_ALIASES: Final = {
    "ho chi minh": ("hcm", "tphcm", "sai gon"),
    "ha noi": ("hn",),
    "ba ria vung tau": ("brvt",),
    "thua thien hue": ("hue", "tth"),
}
_AFTER_LAST: Final = "\uffff"


def bits(units: Iterable[int], size: int) -> int:
    """The set of these indexes, all below `size`."""
    field = bytearray(size // 8 + 1)
    for unit in units:
        field[unit >> 3] |= 1 << (unit & 7)
    return int.from_bytes(field, "little")


def members(mask: int) -> Iterator[int]:
    """The indexes in a set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def span(start: int, end: int) -> int:
    """The set start..end-1."""
    return (1 << end) - (1 << start)


class Index:
    """Built once per tree, never changed."""

    def __init__(self, units: Sequence[Unit], parents: Sequence[int], ends: Sequence[int]) -> None:
        """`parents`, `ends`: for each unit its parent's index (-1: none) and the index after its subtree."""
        self.units = units
        self.parents = parents
        self.ends = ends
        size = len(units)
        self.names = [fold(unit.name) for unit in units]
        forms: defaultdict[str, list[int]] = defaultdict(list)
        by_word: defaultdict[str, list[int]] = defaultdict(list)
        by_kind: defaultdict[str, list[int]] = defaultdict(list)
        by_accent: dict[str, dict[AccentKey, list[int]]] = {}
        self._extra: dict[int, tuple[tuple[str, tuple[str, ...]], ...]] = {}
        for index, unit in enumerate(units):
            if extra := self._other_forms(index):
                self._extra[index] = extra
            for form in self.forms(index):
                forms[form].append(index)
                for word in form.split():
                    by_word[word].append(index)
            for word in {
                word for number in range(len(self.forms(index))) for word in self.written(index, number)
            }:
                by_accent.setdefault(fold_word(word), {}).setdefault(accent_key(word), []).append(index)
            by_kind[unit.kind].append(index)
        self._by_form = {form: tuple(found) for form, found in forms.items()}
        self._own = {word: bits(found, size) for word, found in by_word.items()}
        self._vocabulary = sorted(self._own)
        self._by_accent = {
            word: {key: tuple(found) for key, found in keys.items()} for word, keys in by_accent.items()
        }
        self.at_level = {
            level: bits((i for i, unit in enumerate(units) if unit.level is level), size) for level in Level
        }
        self._forms_at_level = {
            level: sorted((form, i) for i in members(at) for form in self.forms(i))
            for level, at in self.at_level.items()
        }
        self._codes = sorted((unit.code, index) for index, unit in enumerate(units))
        # Only these pass a name down; the nation is left out, or "nam" would match every unit there is.
        self._with_children = bits((i for i in range(1, size) if ends[i] > i + 1), size)
        self._kind = self._kinds({kind: bits(found, size) for kind, found in by_kind.items()})

    def _other_forms(self, index: int) -> tuple[tuple[str, tuple[str, ...]], ...]:
        unit, name = self.units[index], self.names[index]
        forms = extra_forms(unit.name)
        if unit.level is Level.PROVINCE:
            forms.update(dict.fromkeys(_ALIASES.get(name, ()), ()))
        if unit.level in (Level.PROVINCE, Level.DISTRICT):
            forms.setdefault(name.replace(" ", ""), ())
        return tuple(sorted((form, written) for form, written in forms.items() if form != name))

    def _kinds(self, by_kind: dict[str, int]) -> dict[str, int]:
        found: defaultdict[str, int] = defaultdict(int)
        for kind, own in by_kind.items():
            mask = self.spread(own)
            for form in KINDS[kind].forms:
                for word in form:
                    found[word] |= mask
        return dict(found)

    def forms(self, index: int) -> tuple[str, ...]:
        """The folded ways to type a unit's name, its own spelling first."""
        extra = self._extra.get(index)
        return (self.names[index],) if extra is None else (self.names[index], *(form for form, _ in extra))

    def written(self, index: int, number: int) -> Sequence[str]:
        """The words, with diacritics, of form `number`; none for an alias or a name run together."""
        return self._extra[index][number - 1][1] if number else words(self.units[index].name)

    def named(self, form: str) -> tuple[int, ...]:
        """Units one of whose forms is exactly this."""
        return self._by_form.get(form, ())

    def starting(self, text: str, level: Level) -> Iterator[int]:
        """Units of a level one of whose forms starts with this, by name; a unit may come twice."""
        table = self._forms_at_level[level]
        for position in range(bisect_left(table, (text,)), len(table)):
            form, index = table[position]
            if not form.startswith(text):
                return
            yield index

    def coded(self, code: str) -> int | None:
        """The unit with this code, in any case."""
        position = bisect_left(self._codes, (code.upper(),))
        if position < len(self._codes) and self._codes[position][0] == code.upper():
            return self._codes[position][1]
        return None

    def own(self, token: Token, *, prefix: bool) -> int:
        """Units whose name has this word, or whose code it is; with `prefix`, a word or code starting so."""
        found = self._own.get(token.word, 0)
        if prefix:
            for position in range(bisect_left(self._vocabulary, token.word), len(self._vocabulary)):
                word = self._vocabulary[position]
                if not word.startswith(token.word):
                    break
                found |= self._own[word]
        if token.raw.isdecimal() or token.raw == self.units[0].code:
            # Two digits begin hundreds of codes; only a province has exactly two.
            end = token.raw + _AFTER_LAST if prefix and len(token.raw) > 2 else token.raw + "\0"
            at = slice(bisect_left(self._codes, (token.raw,)), bisect_left(self._codes, (end,)))
            found |= bits((index for _, index in self._codes[at]), len(self.units))
        return found

    def kind(self, token: Token, *, prefix: bool) -> int:
        """Units whose kind (or its short form) has this word, and everything under them."""
        found = self._kind.get(token.word, 0)
        if prefix:
            for word, mask in self._kind.items():
                if word.startswith(token.word):
                    found |= mask
        return found

    def accented(self, word: str, accent: AccentKey, *, prefix: bool) -> int:
        """Units whose own name has this word with these marks; with `prefix`, with these and perhaps more."""
        found: list[int] = []
        at = bisect_left(self._vocabulary, word)
        while at < len(self._vocabulary) and self._vocabulary[at].startswith(word):
            for key, units in self._by_accent.get(self._vocabulary[at], {}).items():
                if accents_agree(accent, key, prefix=prefix):
                    found.extend(units)
            at += 1
            if not prefix:
                break
        return bits(found, len(self.units))

    def spread(self, own: int) -> int:
        """These units and everything under them."""
        found = own
        for index in members(own & self._with_children):
            found |= span(index, self.ends[index])
        return found


def accents_agree(typed: AccentKey, known: AccentKey, *, prefix: bool) -> bool:
    """Whether a typed word's marks are a known one's; with `prefix` it may lack its end and its tone."""
    if not prefix:
        return typed == known
    return known.letters.startswith(typed.letters) and typed.tone in ("", known.tone)
