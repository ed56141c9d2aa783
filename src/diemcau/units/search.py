"""Finding and ranking units by what somebody typed. How the order comes about is told in `docs/units.md`."""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from diemcau.units.fold import Token, accent_key, tokens
from diemcau.units.index import Index, accents_agree, members, span
from diemcau.units.kinds import FORM_WORDS, KINDS
from diemcau.units.unit import Level, Unit

MAX_LIMIT: Final = 100
"""Matches one search returns at most."""
_MAX_CHARS: Final = 200
_MAX_TOKENS: Final = 16
_ENOUGH: Final = (100, 140)
"""How many candidates are looked at one by one before the looser stages of a search are left out: among those
with the diacritics typed, and then with the others. Not by `limit`: a long answer begins like a short one."""


@dataclass(frozen=True, slots=True)
class Match:
    """A unit found. `path`: itself and its parents, as `Units.path_text`; `alike`: how many units of the
    dataset bear this kind and name, itself included.
    """

    unit: Unit
    path: str
    alike: int

    @property
    def ambiguous(self) -> bool:
        """Whether kind and name alone could mean another unit: then they must not act by themselves."""
        return self.alike > 1


class _Reading(NamedTuple):
    """A query read as a name followed by parents' names. Smaller is better.

    `cut`: the last name is not typed to its end; `wrong_marks`: words typed with other diacritics than the
    unit's; `own`: minus the number of words that were the unit's own name; `bare`: words typed without the
    diacritics they have, counted only when others were typed with theirs ("xã Hoằng Thanh" is not "Hoằng
    Thành").
    """

    cut: bool
    wrong_marks: int
    own: int
    bare: int


class _Query:
    """The words typed, and for each the units it could mean."""

    def __init__(self, index: Index, found: Sequence[Token], *, prefix: bool) -> None:
        self.tokens = found
        self.words = [token.word for token in found]
        self.prefix = prefix
        last = len(found) - 1
        self.own = [index.own(token, prefix=prefix and i == last) for i, token in enumerate(found)]
        self.anywhere = [
            index.spread(own) | index.kind(token, prefix=prefix and i == last)
            for i, (token, own) in enumerate(zip(found, self.own, strict=True))
        ]
        self.has_marks = any(token.accent for token in found)
        self.marked = [
            index.spread(index.accented(token.word, token.accent, prefix=prefix and i == last))
            for i, token in enumerate(found)
            if token.accent is not None
        ]


class Searcher:
    """Searches one tree; units are their indexes in pre-order."""

    def __init__(self, index: Index) -> None:
        self._index = index

    def search(
        self, text: str, within: tuple[int, int], levels: Collection[Level] | None, limit: int
    ) -> list[tuple[int, int]]:
        """(unit, units that share its kind and name), best first. `within`: start and end of a subtree."""
        limit = min(limit, MAX_LIMIT)
        text = text[:_MAX_CHARS]
        # A space after the last word says that the word is complete.
        prefix = not text[-1:].isspace()
        scope = self._scope(within, levels)
        if limit <= 0:
            return []
        for attempt in _attempts(tokens(text)[:_MAX_TOKENS], drop_kinds=True):
            query = _Query(self._index, attempt, prefix=prefix)
            if found := self._ranked(query, scope, limit):
                return [(unit, self._twins(unit)) for unit in found]
        return []

    def named(self, text: str, within: tuple[int, int], levels: Collection[Level] | None) -> list[int]:
        """Units that the text names in full, by level and then in pre-order."""
        found: dict[int, int] = {}
        scope = self._scope(within, levels)
        for attempt in _attempts(tokens(text[:_MAX_CHARS])[: _MAX_TOKENS + 1], drop_kinds=False):
            if len(attempt) > _MAX_TOKENS:
                return []
            query = _Query(self._index, attempt, prefix=False)
            for unit in self._complete(query, scope):
                reading = self._read(query, unit)
                if reading is not None and not reading.cut and not reading.wrong_marks:
                    found[unit] = reading.bare
            if len(attempt) == 1:
                found.update(dict.fromkeys(self._coded(query, scope), 0))
        # Who types diacritics means the word without any as it stands, when there is such a name.
        exact = [unit for unit, bare in found.items() if not bare]
        return sorted(exact or found, key=lambda unit: (self._index.units[unit].level.rank, unit))

    def _scope(self, within: tuple[int, int], levels: Collection[Level] | None) -> int:
        scope = span(*within)
        if levels is not None:
            at_levels = 0
            for level in levels:
                at_levels |= self._index.at_level[level]
            scope &= at_levels
        return scope

    def _ranked(self, query: _Query, scope: int, limit: int) -> list[int]:
        some_own = 0
        for own in query.own:
            some_own |= own
        candidates = scope & some_own
        for anywhere in query.anywhere:
            candidates &= anywhere
        well_marked = candidates
        for marked in query.marked:
            well_marked &= marked
        found: dict[int, int] = {}
        for group, enough in zip((well_marked, candidates & ~well_marked), _ENOUGH, strict=True):
            if group:
                self._gather(query, group, found, enough)
        return sorted(found, key=lambda unit: self._rank(query, unit, found[unit]))[:limit]

    def _gather(self, query: _Query, group: int, found: dict[int, int], enough: int) -> None:
        """Adds units of the group with the stage that brought them, best stages first, until it is enough."""
        all_own = group
        for word, own in zip(query.words, query.own, strict=True):
            if word not in FORM_WORDS:
                all_own &= own
        stages: tuple[Callable[[], Iterable[int]], ...] = (
            lambda: self._coded(query, group),
            lambda: self._complete(query, group),
            lambda: self._starting(query, group),
            lambda: self._by_level(all_own),
            lambda: self._by_level(group),
        )
        for stage, units in enumerate(stages):
            for unit in units():
                found.setdefault(unit, stage)
                # All complete names are wanted, however many; they cannot be more than bear one name.
                if stage > 1 and len(found) >= enough:
                    return

    def _coded(self, query: _Query, group: int) -> Iterator[int]:
        for token in query.tokens:
            unit = self._index.coded(token.raw)
            if unit is not None and group >> unit & 1:
                yield unit

    def _complete(self, query: _Query, group: int) -> Iterator[int]:
        """Units whose whole name stands somewhere in the query."""
        count = len(query.words)
        for start in range(count):
            for end in range(start + 1, count + 1):
                for unit in self._index.named(" ".join(query.words[start:end])):
                    if group >> unit & 1:
                        yield unit

    def _starting(self, query: _Query, group: int) -> Iterator[int]:
        """Units whose name, after a kind or not, starts with the query."""
        end = "" if query.prefix else " "
        starts = {0} | {length for kind in KINDS for length in _kind_lengths(kind, query.words)}
        for level in Level:
            for start in sorted(starts - {len(query.words)}):
                for unit in self._index.starting(" ".join(query.words[start:]) + end, level):
                    if group >> unit & 1:
                        yield unit

    def _by_level(self, group: int) -> Iterator[int]:
        for level in Level:
            yield from members(group & self._index.at_level[level])

    def _rank(self, query: _Query, unit: int, stage: int) -> tuple[int, ...]:
        """Smaller is better: code, right diacritics, fit of the names, level, place in the tree."""
        reading = self._read(query, unit)
        if reading is None:
            wrong = sum(not marked >> unit & 1 for marked in query.marked)
            fit, own, bare = 1 + max(stage, 1), 0, 0
        else:
            wrong, fit, own, bare = reading.wrong_marks, int(reading.cut), reading.own, reading.bare
        return stage > 0, wrong, fit, own, bare, self._index.units[unit].level.rank, unit

    def _twins(self, unit: int) -> int:
        units, one = self._index.units, self._index.units[unit]
        bearers = self._index.named(self._index.names[unit])
        return sum(units[i].kind == one.kind and units[i].name == one.name for i in bearers)

    def _read(self, query: _Query, unit: int) -> _Reading | None:
        """The query as this unit's name and then names of its parents, going up; None if it is not that."""
        chain = [unit]
        # The nation is nobody's parent here, as in a path.
        while (unit := self._index.parents[unit]) > 0:
            chain.append(unit)
        return min(self._readings(query, 0, chain), default=None)

    def _readings(self, query: _Query, start: int, chain: Sequence[int]) -> Iterator[_Reading]:
        """Readings of the words from `start`, the first of them being the first unit of `chain`."""
        kind = self._index.units[chain[0]].kind
        for length in (0, *_kind_lengths(kind, query.words[start:])):
            for number, form in enumerate(self._index.forms(chain[0])):
                name = form.split()
                begin = start + length
                typed = query.words[begin : begin + len(name)]
                end = begin + len(typed)
                at_end = end == len(query.words)
                if not typed or not _fits(typed, name, prefix=query.prefix and at_end):
                    continue
                wrong, bare = self._marks(query, begin, end, chain[0], number) if query.has_marks else (0, 0)
                here = _Reading(typed != name, wrong, -len(typed), bare)
                if at_end:
                    yield here
                elif typed == name:
                    yield from self._continued(query, end, here, chain)

    def _continued(
        self, query: _Query, start: int, here: _Reading, chain: Sequence[int]
    ) -> Iterator[_Reading]:
        """Readings of the words from `start` as parents of the name read in `here`."""
        for skipped in range(1, len(chain)):
            kind = KINDS[self._index.units[chain[skipped]].kind]
            rest = query.words[start:]
            if any(len(rest) <= len(form) and _fits(rest, form, prefix=query.prefix) for form in kind.forms):
                yield here._replace(cut=True)
            for rest_of_it in self._readings(query, start, chain[skipped:]):
                wrong, bare = here.wrong_marks + rest_of_it.wrong_marks, here.bare + rest_of_it.bare
                yield _Reading(rest_of_it.cut, wrong, here.own, bare)

    def _marks(self, query: _Query, begin: int, end: int, unit: int, form: int) -> tuple[int, int]:
        """`wrong_marks` and `bare` of the words begin..end-1, read as this form of the unit's name."""
        wrong = bare = 0
        written = self._index.written(unit, form)
        if not written and " ".join(query.words[begin:end]) != self._index.forms(unit)[form]:
            # The beginning of an alias or of a name run together: its diacritics are not known.
            wrong = sum(token.accent is not None for token in query.tokens[begin:end])
        for position, known in zip(range(begin, end), written, strict=False):
            typed = query.tokens[position].accent
            last = query.prefix and position == len(query.tokens) - 1
            if typed is None:
                bare += not known.isascii()
            else:
                wrong += not accents_agree(typed, accent_key(known), prefix=last)
        return wrong, bare


def _fits(typed: Sequence[str], name: Sequence[str], *, prefix: bool) -> bool:
    """Whether the typed words are the name's first ones; with `prefix` the last may lack its end."""
    head = len(typed) - 1
    if any(typed[i] != name[i] for i in range(head)):
        return False
    return name[head].startswith(typed[head]) if prefix else name[head] == typed[head]


def _kind_lengths(kind: str, typed: Sequence[str]) -> Iterator[int]:
    for form in KINDS[kind].forms:
        if tuple(typed[: len(form)]) == form:
            yield len(form)


def _attempts(found: Sequence[Token], *, drop_kinds: bool) -> Iterator[Sequence[Token]]:
    """The query as it is, and, should that find nothing, without words that need not be in the data."""
    if not found:
        return
    yield found
    # "huyện đảo" is what an island district is called, its kind is "huyện".
    pairs = zip((None, *found), found, strict=False)
    islands = [
        token for before, token in pairs if not (token.word == "dao" and before and before.word == "huyen")
    ]
    if len(islands) < len(found):
        yield islands
    if drop_kinds:
        names = [token for token in islands if token.word not in FORM_WORDS]
        if 0 < len(names) < len(islands):
            yield names
