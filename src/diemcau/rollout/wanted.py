"""What a list wants of the directory of sites: its rows gathered to sites, and each compared with what is.

A site is itself by its code, else by unit and label. Cells that are empty change nothing; phones, addresses
and people of a list replace those of the site. So the same list again changes nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from diemcau.rollout.phones import MOST, phones_of
from diemcau.rollout.reasons import Rejection
from diemcau.rollout.rows import Row
from diemcau.sites import NewSite, PersonPresent, Site, SiteChange, SiteKind
from diemcau.units import Units

MAX_PEOPLE = 200
MAX_EMAILS = 5


@dataclass(slots=True)
class Wanted:
    """A site as the list has it. `rows`: numbers of its rows, in order."""

    unit: str | None
    site: str | None
    label: str | None
    kind: SiteKind | None = None
    carrier: str | None = None
    phones: dict[str, None] = field(default_factory=dict)
    people: dict[PersonPresent, None] = field(default_factory=dict)
    emails: dict[str, None] = field(default_factory=dict)
    rows: list[int] = field(default_factory=list)


def label_of(unit: str, units: Units) -> str:
    """The label of a site for which a list has none."""
    return f"Điểm cầu {units.get(unit).label}"


def gather(rows: Iterable[Row], units: Units) -> tuple[list[Wanted], list[Rejection]]:
    """Rows of one site as one; a row that says otherwise than those before it is not taken."""
    found: dict[tuple[str, str], Wanted] = {}
    refused: list[Rejection] = []
    for row in rows:
        label = row.label
        if row.site is not None:
            identity = ("", row.site)
        else:
            assert row.unit is not None  # a row without a site's code has a unit
            label = label or label_of(row.unit, units)
            identity = (row.unit, same_label(label))
        known = found.get(identity)
        if known is None or not known.rows:
            known = found[identity] = Wanted(row.unit, row.site, label)
        elif code := _disagrees(known, row):
            refused.append(Rejection(row.number, "disagrees", code))
            continue
        if len(known.phones.keys() | set(row.phones)) > MOST:
            refused.append(Rejection(row.number, "too_many_phones"))
            continue
        if len(known.emails.keys() | set(row.emails)) > MAX_EMAILS:
            refused.append(Rejection(row.number, "too_many_emails"))
            continue
        if len(known.people.keys() | set(row.people)) > MAX_PEOPLE:
            refused.append(Rejection(row.number, "too_many_people"))
            continue
        known.unit = known.unit or row.unit
        known.label = known.label or label
        known.kind = known.kind or row.kind
        known.carrier = known.carrier or row.carrier
        known.phones |= dict.fromkeys(row.phones)
        known.emails |= dict.fromkeys(row.emails)
        known.people |= dict.fromkeys(row.people)
        known.rows.append(row.number)
    return [wanted for wanted in found.values() if wanted.rows], refused


def same_label(label: str) -> str:
    """Two labels with the same words are one: capitals and signs do not make another site, diacritics do."""
    return " ".join(label.casefold().split())


def _disagrees(known: Wanted, row: Row) -> str:
    pairs = (
        (known.unit, row.unit),
        (known.kind, row.kind),
        (known.carrier, row.carrier),
        (known.label and same_label(known.label), row.label and same_label(row.label)),
    )
    return f"dòng {known.rows[0]}" if any(a and b and a != b for a, b in pairs) else ""


@dataclass(frozen=True, slots=True)
class Known:
    """The sites that a list may mean: by id, and by unit and label."""

    by_id: Mapping[str, Site]
    by_label: Mapping[tuple[str, str], tuple[Site, ...]]

    @staticmethod
    def of(sites: Iterable[Site]) -> "Known":
        """Looks at them once."""
        by_id = {site.id: site for site in sites}
        labels: dict[tuple[str, str], tuple[Site, ...]] = {}
        for site in by_id.values():
            at = (site.unit, same_label(site.label))
            labels[at] = (*labels.get(at, ()), site)
        return Known(by_id, labels)


def compare(wanted: Wanted, known: Known, units: Units) -> NewSite | SiteChange | Site | Rejection:
    """What is to be done: a site is made, or changed, or is already so, or the rows are not taken."""
    first = wanted.rows[0]
    found: Site | None
    if wanted.site is not None:
        found = known.by_id.get(wanted.site)
        if found is None and wanted.unit is None:
            return Rejection(first, "no_unit")
        if found is not None and wanted.unit not in (None, found.unit):
            return Rejection(first, "site_elsewhere", wanted.site)
    else:
        assert wanted.unit is not None and wanted.label is not None
        alike = known.by_label.get((wanted.unit, same_label(wanted.label)), ())
        if len(alike) > 1:
            return Rejection(first, "several_sites", wanted.label)
        found = alike[0] if alike else None
    if found is not None:
        return _change(wanted, found)
    assert wanted.unit is not None
    label = wanted.label or label_of(wanted.unit, units)
    if taken := known.by_label.get((wanted.unit, same_label(label))):
        # The list gives a code to a site that is here under another: that must not make it twice.
        return Rejection(first, "label_taken", taken[0].id)
    return NewSite(
        wanted.unit,
        label,
        wanted.kind or SiteKind.POST,
        wanted.site,
        wanted.carrier,
        tuple(wanted.phones),
        tuple(wanted.people),
        tuple(wanted.emails),
    )


def _change(wanted: Wanted, site: Site) -> SiteChange | Site:
    label = wanted.label if wanted.label and same_label(wanted.label) != same_label(site.label) else None
    kind = wanted.kind if wanted.kind not in (None, site.kind) else None
    carrier = wanted.carrier if wanted.carrier not in (None, site.carrier) else None
    # Numbers that were written otherwise are the same numbers.
    phones = tuple(wanted.phones) if wanted.phones and list(wanted.phones) != _numbers(site) else None
    titled = {person.name: person for person in site.people}
    named = tuple(
        titled.get(person.name, person) if person.title is None else person for person in wanted.people
    )
    people = named if named and named != tuple(dict.fromkeys(site.people)) else None
    emails = tuple(wanted.emails) if wanted.emails and tuple(wanted.emails) != site.emails else None
    change = SiteChange(site.id, label, kind, carrier, phones, people, emails)
    return site if change == SiteChange(site.id) else change


def _numbers(site: Site) -> list[str]:
    return list(dict.fromkeys(number for phone in site.phones for number in (phones_of(phone)[0] or [phone])))
