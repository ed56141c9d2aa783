"""Which inspections or findings are asked for: a subtree, a period of days in Vietnam, words of findings."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, select, true

from diemcau.errors import BadRequest
from diemcau.inspections.tables import findings, inspections
from diemcau.sites import has_words, searchable

ZONE = timedelta(hours=7)
"""Asia/Ho_Chi_Minh, which has no summer time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """`unit`: a subtree, None for all that the asker may see. `since`, `until`: from the one instant to
    before the other. `text`: each of its words begins one of the finding, of who has to mend it or of what
    the re-inspection saw; diacritics do not matter."""

    unit: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    text: str = ""

    def of_findings(self) -> ColumnElement[bool]:
        """The condition on findings, but for the subtree."""
        words = has_words(findings.c.search, self.text)
        return and_(self._during(findings.c.at), true() if words is None else words)

    def of_inspections(self) -> ColumnElement[bool]:
        """The condition on inspections, but for the subtree: those in which such a thing was found."""
        during = self._during(inspections.c.at)
        words = has_words(findings.c.search, self.text)
        if words is None:
            return during
        return during & inspections.c.id.in_(select(findings.c.inspection).where(words))

    def _during(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        begun = true() if self.since is None else at >= self.since
        return begun if self.until is None else begun & (at < self.until)


def days(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """The instants between which the days lie, both of them included. Raises BadRequest."""
    first, last = day(since), day(until, "until")
    if first is not None and last is not None and last < first:
        raise BadRequest("until is not before since", field="until")
    return first, None if last is None else last + timedelta(days=1)


def day(text: str | None, field: str = "since") -> datetime | None:
    """The beginning of a day in Vietnam, "2021-09-05". Raises BadRequest."""
    if text is None:
        return None
    try:
        found = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError:
        found = None
    if found is None or not 1900 <= found.year <= 9000:
        raise BadRequest("a day is like 2021-09-05", field=field)
    return found - ZONE


def search_of(text: str, owner: str, closing: str | None) -> str:
    """The words by which a finding is found, folded."""
    return searchable(f"{text} {owner} {closing or ''}")
