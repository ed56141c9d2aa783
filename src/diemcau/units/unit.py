"""One administrative unit, and the levels a tree may have."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

ROOT_CODE: Final = "VN"
"""Code of the nation, the root of every dataset."""


class Level(StrEnum):
    """Levels from the top down. A dataset may leave levels out: since July 2025 there are no districts."""

    NATION = "nation"
    PROVINCE = "province"
    DISTRICT = "district"
    COMMUNE = "commune"

    @property
    def rank(self) -> int:
        """0 for the nation, growing downwards."""
        return _RANKS[self]


_RANKS: Final = {level: rank for rank, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as the dataset names it.

    `code` is the statistics office's zero-padded string (2, 3 or 5 digits; "VN" the nation). `kind` is the
    Vietnamese word in lower case ("xã"), `name` what follows it ("Tân Lợi"). `parent` is a code, None for the
    nation. `lat`, `lon` are degrees in WGS 84, None where the dataset has no point.
    """

    code: str
    name: str
    kind: str
    level: Level
    parent: str | None
    lat: float | None = None
    lon: float | None = None

    @property
    def label(self) -> str:
        """Kind and name in running text: "xã Tân Lợi"."""
        return f"{self.kind} {self.name}"

    @property
    def title(self) -> str:
        """Kind and name standing alone: "Xã Tân Lợi"."""
        return f"{self.kind[:1].upper()}{self.kind[1:]} {self.name}"
