"""What an operator decided before a renewal: a JSON document, checked against the lineage."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from diemcau.errors import BadRequest
from diemcau.units import Lineage

MAX_BYTES = 8 << 20
_Code = Annotated[str, Field(min_length=1, max_length=16)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SiteAnswers(_Strict):
    """Where sites go. `districts`, `split`: those of districts, and of communes that were split, all to their
    province. `units`: by old unit. `sites`: by site, before its unit's answer."""

    districts: Literal["province"] | None = None
    split: Literal["province"] | None = None
    units: dict[_Code, _Code] = Field(default_factory=dict)
    sites: dict[str, _Code] = Field(default_factory=dict)


class GrantAnswers(_Strict):
    """Where grants go. `widening`: over a unit that was merged, to the merged one. `districts`: to those
    communes that are wholly of the district, or to the province (which widens). `units`: by old unit; none:
    nowhere. `people`: by user name, before the unit's answer."""

    widening: Literal["move"] | None = None
    districts: Literal["communes", "province"] | None = None
    units: dict[_Code, tuple[_Code, ...]] = Field(default_factory=dict)
    people: dict[str, dict[_Code, tuple[_Code, ...]]] = Field(default_factory=dict)


class Answers(_Strict):
    """`labels`: sites whose label was only "Điểm cầu" and their unit are named after the new one."""

    labels: bool = False
    sites: SiteAnswers = SiteAnswers()
    grants: GrantAnswers = GrantAnswers()


def read_answers(data: bytes, lineage: Lineage) -> Answers:
    """The answers of a file. Raises BadRequest: no such document, a unit that is not of the old tree, or an
    answer that cannot be meant (`choices` of the lineage)."""
    if len(data) > MAX_BYTES:
        raise BadRequest(f"the answers are larger than {MAX_BYTES >> 20} MB", field="answers")
    try:
        answers = Answers.model_validate_json(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadRequest(
            f"answers: {'.'.join(map(str, first['loc']))}: {first['msg']}", field="answers"
        ) from error
    for old, new in answers.sites.units.items():
        _check(lineage, old, (new,))
    for old, found in answers.grants.units.items():
        _check(lineage, old, found)
    for decided in answers.grants.people.values():
        for old, found in decided.items():
            _check(lineage, old, found)
    for new in answers.sites.sites.values():
        if new not in lineage.after:
            raise BadRequest(f"answers: {new} is no unit of {lineage.after.dataset}", field="answers")
    return answers


def _check(lineage: Lineage, old: str, found: tuple[str, ...]) -> None:
    if old not in lineage.before:
        raise BadRequest(f"answers: {old} is no unit of {lineage.before.dataset}", field="answers")
    for new in found:
        if new not in lineage.choices(old):
            raise BadRequest(f"answers: {old} did not become {new}", field="answers")
