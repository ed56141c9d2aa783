"""Findings: what an inspection found, and the one way in which it is closed; no IO."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Literal, TypeAlias

from diemcau.clock import rfc3339
from diemcau.errors import BadRequest, WrongState
from diemcau.sites import Site

Severity: TypeAlias = Literal["low", "medium", "high"]
SEVERITIES: Final = ("low", "medium", "high")
MAX_TEXT: Final = 2000
MAX_OWNER: Final = 200


@dataclass(frozen=True, slots=True)
class NewFinding:
    """What was found. `owner`: who has to mend it, in words. `due`: until when."""

    text: str
    severity: Severity = "medium"
    owner: str = ""
    due: date | None = None

    def checked(self) -> "NewFinding":
        """The same with the text as it is kept. Raises BadRequest."""
        return NewFinding(
            words(self.text, "text", MAX_TEXT, least=1),
            self.severity,
            words(self.owner, "owner", MAX_OWNER),
            self.due,
        )


@dataclass(frozen=True, slots=True)
class Finding:
    """A stored finding. `label`, `path`: of its site. `closed_by`: the re-inspection that found it done."""

    id: str
    inspection: str
    site: str
    unit: str
    label: str
    path: str
    at: datetime
    by_name: str
    text: str
    severity: Severity
    owner: str
    due: str | None
    closed_at: datetime | None
    closed_by: str | None
    closing: str | None

    def to_json(self) -> dict[str, Any]:
        """`Finding` of docs/protocol.md."""
        return {
            "id": self.id,
            "inspection": self.inspection,
            "site": self.site,
            "unit": self.unit,
            "label": self.label,
            "path": self.path,
            "at": rfc3339(self.at),
            "by": self.by_name,
            "text": self.text,
            "severity": self.severity,
            "owner": self.owner,
            "due": self.due,
            "closed_at": None if self.closed_at is None else rfc3339(self.closed_at),
            "closed_by": self.closed_by,
            "closing": self.closing,
        }


def finding_of(row: Any, site: Site | None) -> Finding:
    """The finding of a row. `site`: None where it is not there any more."""
    return Finding(
        row.id, row.inspection, row.site, row.unit, row.site if site is None else site.label,
        "" if site is None else site.path, row.at, row.by_name, row.text, row.severity, row.owner,
        row.due, row.closed_at, row.closed_by, row.closing,
    )  # fmt: skip


def may_close(
    *, finding_at: datetime, finding_unit: str, closed: bool, seen_at: datetime | None, unit: str
) -> None:
    """Whether an inspection closes a finding: it is of the same unit, later, and somebody was seen in it.

    Raises WrongState.
    """
    if closed:
        raise WrongState("The finding is closed already.")
    if unit != finding_unit:
        raise WrongState("Only a re-inspection of the same unit closes a finding.")
    if seen_at is None or seen_at <= finding_at:
        raise WrongState("Only a later inspection, in which the site was seen, closes a finding.")


def words(text: str, field: str, most: int, *, least: int = 0) -> str:
    """Text as it is kept: lines stay, ends of lines are ours, nothing unprintable. Raises BadRequest."""
    lines = [" ".join(line.split()) for line in text.replace("\r\n", "\n").split("\n")]
    clean = "\n".join(lines).strip()
    if not least <= len(clean) <= most or not all(line.isprintable() for line in lines):
        raise BadRequest(f"{field} has {least} to {most} printable characters", field=field)
    return clean
