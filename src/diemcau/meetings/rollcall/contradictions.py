"""Where what people say and what the house knows do not fit. No IO."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal, TypeAlias

from diemcau.meetings.rollcall.entry import Entry, Said

Contradiction: TypeAlias = Literal["present_not_connected", "absent_connected", "sites_differ"]
"""`sites_differ`: two sites of one unit, one said present, the other absent: is the unit there or not?"""

BranchContradiction: TypeAlias = Literal["confirmed_unsaid", "changed_after"]
"""Of a province that has confirmed: something is not said yet; something was changed after it."""

ORDER: Final[tuple[Contradiction, ...]] = ("present_not_connected", "absent_connected", "sites_differ")


def of_entry(
    says: Said | None, connected: bool, siblings: Iterable[Said | None] = ()
) -> tuple[Contradiction, ...]:
    """Of one site; `siblings`: what is said of the other sites of its unit. In the order of `ORDER`."""
    found: list[Contradiction] = []
    if says == "present" and not connected:
        found.append("present_not_connected")
    if says == "absent" and connected:
        found.append("absent_connected")
    if says is not None and any(other is not None and other != says for other in siblings):
        found.append("sites_differ")
    return tuple(found)


def of_branch(confirmed: datetime | None, entries: Iterable[Entry]) -> tuple[BranchContradiction, ...]:
    """Of a province; `confirmed`: when, None: it has not."""
    if confirmed is None:
        return ()
    unsaid = changed = False
    for entry in entries:
        unsaid = unsaid or entry.statement.says is None
        changed = changed or (entry.at is not None and entry.at > confirmed)
    found: list[BranchContradiction] = []
    if unsaid:
        found.append("confirmed_unsaid")
    if changed:
        found.append("changed_after")
    return tuple(found)


def unit_says(statements: Iterable[Said | None]) -> Said | None:
    """A unit is there when one of its sites is; it is not when all of them are said not to be."""
    said = tuple(statements)
    if "present" in said:
        return "present"
    return "absent" if said and all(one == "absent" for one in said) else None
