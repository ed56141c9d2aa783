"""Which unit a row means: by code, by name, by name without diacritics, below the units above it. What could
be several is asked, never guessed; one answer holds for every row with the same words."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from diemcau.rollout.fields import Field
from diemcau.units import ROOT_CODE, Level, UnitAmbiguous, UnitNotFound, Units, known_datasets

MAX_CANDIDATES: Final = 20
_SUGGESTED: Final = 8
_OFFICE: Final = re.compile(
    r"^\s*(?:điểm cầu|trụ sở|văn phòng|ubnd|hđnd|ub|[uủ][yỷ] ban nhân dân|hội đồng nhân dân)[\s:.\-]+",
    re.IGNORECASE,
)
_KIND: Final = re.compile(
    r"^\s*(?:(?:xã|phường|thị trấn|đặc khu|quận|huyện|thị xã|thành phố|tỉnh)\s|(?:tt|tp|tx|x|p|q|h|t)\.\s*)",
    re.IGNORECASE,
)
_CENTRE: Final = frozenset({"trung ương", "trung uong", "tw", "t.ư", "toàn quốc", "cả nước"})
_WIDTHS: Final = {Level.PROVINCE: 2, Level.DISTRICT: 3, Level.COMMUNE: 5}


@dataclass(frozen=True, slots=True)
class Said:
    """What a row says of its place, by field; empty ones left out."""

    cells: Mapping[Field, str]

    def of(self, field: Field) -> str:
        """The cell, "" when there is none."""
        return self.cells.get(field, "")


@dataclass(frozen=True, slots=True)
class Question:
    """Words that could mean several units, or none for certain. `key`: names the question in every job (the
    same words below the same unit); `within`: the unit above, as far as it is known; `candidates`: codes, the
    likelier first; any other unit may be the answer too, or none."""

    key: str
    level: Level | None
    text: str
    within: str | None
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NoUnit:
    """The row's unit cannot be found: a code of `reasons.WORDS`, and what in the row."""

    code: str
    detail: str = ""


class Matcher:
    """Matches rows against one tree with the answers given so far; remembers what it has looked up."""

    def __init__(self, units: Units, answers: Mapping[str, str | None], *, within: str | None = None) -> None:
        """`within`: where the whole list lies: names that say nothing of what is above them are looked for
        inside it first. Codes are what they are."""
        self._units = units
        self._within = within
        self._answers = answers
        self._named: dict[tuple[str, str | None, Level | None], tuple[str, ...]] = {}
        self._found: dict[tuple[str, str, str | None, Level | None], str | Question | NoUnit] = {}
        counts = units.level_counts()
        self._steps = tuple(
            (level, code, name)
            for level, code, name in (
                (Level.PROVINCE, Field.PROVINCE_CODE, Field.PROVINCE),
                (Level.DISTRICT, Field.DISTRICT_CODE, Field.DISTRICT),
                (Level.COMMUNE, Field.COMMUNE_CODE, Field.COMMUNE),
            )
            if counts[level]
        )

    def match(self, said: Said) -> str | Question | NoUnit:
        """The code of the row's unit, the deepest that it names; else what has to be asked, or why not."""
        at: str | None = None
        code, name = said.of(Field.UNIT_CODE), said.of(Field.UNIT)
        for level, code_field, name_field in self._steps:
            level_code, level_name = said.of(code_field), said.of(name_field)
            if not level_code and not level_name:
                continue
            below = any(said.of(c) or said.of(n) for one, c, n in self._steps if one.rank > level.rank)
            # A general code without a name of its own is the code of the deepest unit that is named.
            own_code = level_code or (code if not below and not name else "")
            found = self._one(own_code, level_name, at, level)
            if not isinstance(found, str):
                return found
            at = found
            if own_code and not level_code:
                return at
        if code or name:
            return self._one(code, name, at, None)
        return at if at is not None else NoUnit("no_unit")

    def _one(self, code: str, name: str, within: str | None, level: Level | None) -> str | Question | NoUnit:
        asked = (code, name, within, level)
        if asked not in self._found:
            self._found[asked] = self._decide(*asked)
        return self._found[asked]

    def _decide(
        self, code: str, name: str, within: str | None, level: Level | None
    ) -> str | Question | NoUnit:
        known, within = within, within or self._within
        key = _key(code, name, within, level)
        if key in self._answers:
            answer = self._answers[key]
            return answer if answer is not None else NoUnit("unit_refused", name or code)
        by_code = self._coded(code, level) if code else ()
        by_name = self.named(name, within, level) if name else ()
        if name and not by_name and known is None:
            by_name = self.named(name, None, level)
        if code and not by_code:
            return NoUnit("bad_code", code)
        both = [unit for unit in by_code if unit in by_name]
        candidates = both or [*by_code, *(unit for unit in by_name if unit not in by_code)]
        if not code and not by_name:
            candidates = self._suggested(name, within, level)
            if not candidates:
                return NoUnit("unit_unknown", name)
        elif len(candidates) == 1 and self._inside(candidates[0], known):
            return candidates[0]
        text = " · ".join(part for part in (code, name) if part)
        return Question(key, level, text, within, tuple(candidates[:MAX_CANDIDATES]))

    def _inside(self, unit: str, within: str | None) -> bool:
        return within is None or self._units.contains(within, unit)

    def _coded(self, text: str, level: Level | None) -> tuple[str, ...]:
        """The units whose code this is, or was before a program took its leading zeros for nothing."""
        typed = text.strip().lstrip("'").strip().upper()
        if typed == ROOT_CODE:
            return (ROOT_CODE,) if level is None else ()
        if not (typed.isascii() and typed.isdecimal() and len(typed) <= 5):
            return ()
        widths = (_WIDTHS[level],) if level is not None else tuple(_WIDTHS.values())
        codes = {typed} if typed.startswith("0") and typed in self._units else set()
        codes |= {typed.zfill(width) for width in widths if len(typed) <= width} if not codes else set()
        return tuple(
            code
            for code in sorted(codes, key=len)
            if code in self._units and (level is None or self._units.get(code).level is level)
        )

    def named(self, text: str, within: str | None, level: Level | None) -> tuple[str, ...]:
        """The units that the words name in full, with or without diacritics."""
        asked = (text, within, level)
        if asked not in self._named:
            self._named[asked] = _resolve(self._units, text, within, level)
        return self._named[asked]

    def _suggested(self, text: str, within: str | None, level: Level | None) -> list[str]:
        """Units that may be meant by words that name none: another spelling or kind, an older name."""
        found: dict[str, None] = {}
        for dataset in known_datasets():
            if dataset != self._units.dataset:
                # What a unit was or will be called: its code is the same when it was only renamed.
                for code in _resolve(Units.load(dataset), text, None, level):
                    if code in self._units and self._inside(code, within):
                        found[code] = None
        levels = None if level is None else [level]
        shown = _OFFICE.sub("", text)
        for scope in dict.fromkeys((within, None)):
            # The same name of another kind: communes become wards and towns.
            found |= dict.fromkeys(_resolve(self._units, _KIND.sub("", shown), scope, level))
            matches = self._units.search(f"{shown} ", within=scope, levels=levels, limit=_SUGGESTED)
            found |= dict.fromkeys(match.unit.code for match in matches)
            if found:
                break
        return list(found)[:_SUGGESTED]


def _resolve(units: Units, text: str, within: str | None, level: Level | None) -> tuple[str, ...]:
    words = text
    while (shorter := _OFFICE.sub("", words)) != words:
        words = shorter
    words = words.replace("\n", " ").strip()
    if level is None and words.casefold() in _CENTRE:
        return (ROOT_CODE,)
    try:
        return (units.resolve(words, within=within, levels=None if level is None else [level]).code,)
    except UnitAmbiguous as error:
        candidates = error.details["candidates"]
        return tuple(str(code) for code in candidates) if isinstance(candidates, list) else ()
    except UnitNotFound:
        return ()


def _key(code: str, name: str, within: str | None, level: Level | None) -> str:
    words = " ".join(unicodedata.normalize("NFC", f"{code} {name}").casefold().split())
    if len(words) > 120:
        words = words[:80] + hashlib.blake2b(words.encode(), digest_size=8).hexdigest()
    return f"{level.value if level else 'unit'}:{words}@{within or ROOT_CODE}"
