"""What a renewal would do: from the lineage, what is there, and what was answered. Pure.

A site goes where its unit went, when that is one unit. A grant goes only where it reaches no further than
before. Everything else waits for an answer: parked under the old dataset's name, at no unit of the new tree.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from diemcau.errors import BadRequest
from diemcau.rollout.renewal.answers import Answers
from diemcau.rollout.wanted import label_of
from diemcau.units import ROOT_CODE, Fate, Lineage


class How(StrEnum):
    """Why something moves (EXACT, MERGED, ANSWERED) or waits (WIDENS, SPLIT, GONE, UNKNOWN)."""

    EXACT = "exact"
    MERGED = "merged"
    ANSWERED = "answered"
    WIDENS = "widens"
    SPLIT = "split"
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SiteNow:
    """A site as it stands. `unit`: a code of the old tree."""

    id: str
    unit: str
    label: str


@dataclass(frozen=True, slots=True)
class GrantNow:
    """A grant as it stands. `unit`: a code of the old tree."""

    person: str
    username: str
    role: str
    unit: str


@dataclass(frozen=True, slots=True)
class SiteMove:
    """`after` None: it waits. `label`: of afterwards. `by_name`: its unit was found by a former name."""

    site: SiteNow
    after: str | None
    label: str
    how: How
    by_name: bool


@dataclass(frozen=True, slots=True)
class GrantMove:
    """`after` empty: it waits, or was answered away. `widens`: reaches further than before."""

    grant: GrantNow
    after: tuple[str, ...]
    how: How
    widens: bool
    by_name: bool


@dataclass(frozen=True, slots=True)
class Question:
    """An old unit for which an answer is wanted. `choices`: likeliest first."""

    unit: str
    fate: Fate
    choices: tuple[str, ...]
    sites: int
    grants: int


@dataclass(frozen=True)
class Plan:
    """Everything that moves and everything that waits."""

    lineage: Lineage
    sites: tuple[SiteMove, ...]
    grants: tuple[GrantMove, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """How many of each kind, by `How`; `by_name`: of those that move; `renamed`: labels."""
        sites = Counter(move.how.value for move in self.sites)
        grants = Counter(move.how.value for move in self.grants)
        moving = [move for move in self.sites if move.after is not None]
        return {
            "sites": {
                **{how.value: sites[how.value] for how in How if how is not How.WIDENS},
                "by_name": sum(move.by_name for move in moving),
                "renamed": sum(move.label != move.site.label for move in moving),
                "moved": len(moving),
                "waiting": len(self.sites) - len(moving),
            },
            "grants": {
                **{how.value: grants[how.value] for how in How if how is not How.MERGED},
                "by_name": sum(move.by_name for move in self.grants if move.after),
                "moved": sum(bool(move.after) for move in self.grants),
                "waiting": sum(not move.after for move in self.grants),
            },
        }

    def questions(self) -> tuple[Question, ...]:
        """What is asked, in the order of the old tree."""
        sites = Counter(move.site.unit for move in self.sites if move.after is None)
        grants = Counter(
            move.grant.unit for move in self.grants if not move.after and move.how is not How.ANSWERED
        )
        before = self.lineage.before
        asked = [unit.code for unit in before if unit.code in sites or unit.code in grants]
        return tuple(
            Question(code, self.lineage.fate(code), self.lineage.choices(code), sites[code], grants[code])
            for code in asked
        )


def make_plan(
    lineage: Lineage,
    sites: Sequence[SiteNow],
    grants: Sequence[GrantNow],
    answers: Answers,
    *,
    taken: Mapping[str, frozenset[str]] | None = None,
) -> Plan:
    """`taken`: labels of sites that stand at units of the new tree already. Raises BadRequest for an answer
    that names no site or person here, or a unit that its site's cannot have become."""
    ids = {site.id for site in sites}
    usernames = {grant.username for grant in grants}
    if unknown := sorted(answers.sites.sites.keys() - ids) or sorted(
        answers.grants.people.keys() - usernames
    ):
        raise BadRequest(f"answers: nothing of {unknown[0]} waits to be moved", field="answers")
    decided = [(site, *_place(lineage, site, answers)) for site in sites]
    labels = _labels(lineage, decided, taken or {}) if answers.labels else {}
    return Plan(
        lineage,
        tuple(
            SiteMove(site, after, labels.get(site.id, site.label), how, lineage.by_name(site.unit))
            for site, after, how in decided
        ),
        tuple(_grant(lineage, grant, answers) for grant in grants),
    )


def _place(lineage: Lineage, site: SiteNow, answers: Answers) -> tuple[str | None, How]:
    given = answers.sites
    known = site.unit in lineage.before
    if (own := given.sites.get(site.id)) is not None:
        if known and own not in lineage.choices(site.unit):
            raise BadRequest(f"answers: the unit of {site.id} did not become {own}", field="answers")
        return own, How.ANSWERED
    if site.unit in given.units:
        return given.units[site.unit], How.ANSWERED
    fate = lineage.fate(site.unit) if known else Fate.UNKNOWN
    if fate in (Fate.EXACT, Fate.MERGED):
        return lineage.successors(site.unit)[0], How(fate.value)
    bulk = {Fate.GONE: given.districts, Fate.SPLIT: given.split}.get(fate)
    if bulk == "province":
        return province_of(lineage, site.unit), How.ANSWERED
    return None, How(fate.value)


def province_of(lineage: Lineage, code: str) -> str:
    """The province of the new tree in which this old unit lies. It must have successors."""
    first = lineage.successors(code)[0]
    path = (lineage.after.get(first), *lineage.after.ancestors(first))
    return next(unit.code for unit in path if unit.parent == ROOT_CODE)


def _labels(
    lineage: Lineage,
    decided: Sequence[tuple[SiteNow, str | None, How]],
    taken: Mapping[str, frozenset[str]],
) -> dict[str, str]:
    """New labels of sites whose old one was derived, where the new one would be theirs alone: several
    communes' sites at one unit keep the names that tell them apart."""
    found: defaultdict[str, list[SiteNow]] = defaultdict(list)
    for site, after, _ in decided:
        if after is None or site.unit not in lineage.before:
            continue
        level = lineage.before.get(site.unit).level
        # A district's site at the province is not the province's own.
        if level is not lineage.after.get(after).level and lineage.fate(site.unit) is not Fate.EXACT:
            continue
        if site.label == label_of(site.unit, lineage.before):
            found[after].append(site)
    kept = _labels_at(decided, taken)
    named: dict[str, str] = {}
    for after, sites in found.items():
        label = label_of(after, lineage.after)
        others = kept[after] - {sites[0].label}
        if len(sites) == 1 and label not in others:
            named[sites[0].id] = label
    return named


def _labels_at(
    decided: Sequence[tuple[SiteNow, str | None, How]], taken: Mapping[str, frozenset[str]]
) -> dict[str, set[str]]:
    found: defaultdict[str, set[str]] = defaultdict(set)
    for site, after, _ in decided:
        if after is not None:
            found[after].add(site.label)
    for after, labels in taken.items():
        found[after] |= labels
    return found


def _grant(lineage: Lineage, grant: GrantNow, answers: Answers) -> GrantMove:
    after, how = _reach(lineage, grant, answers)
    widens = any(not lineage.within(new, grant.unit) for new in after)
    return GrantMove(grant, after, how, widens, lineage.by_name(grant.unit))


def _reach(lineage: Lineage, grant: GrantNow, answers: Answers) -> tuple[tuple[str, ...], How]:
    given = answers.grants
    own = given.people.get(grant.username, {})
    if grant.unit in own:
        return own[grant.unit], How.ANSWERED
    if grant.unit in given.units:
        return given.units[grant.unit], How.ANSWERED
    if grant.unit not in lineage.before:
        return (), How.UNKNOWN
    fate = lineage.fate(grant.unit)
    found = lineage.successors(grant.unit)
    if fate is Fate.EXACT:
        return found, How.EXACT
    if fate is Fate.MERGED:
        return (found, How.ANSWERED) if given.widening == "move" else ((), How.WIDENS)
    if fate is Fate.GONE and given.districts is not None:
        if given.districts == "province":
            return (province_of(lineage, grant.unit),), How.ANSWERED
        return tuple(new for new in found if lineage.within(new, grant.unit)), How.ANSWERED
    return (), How(fate.value)
