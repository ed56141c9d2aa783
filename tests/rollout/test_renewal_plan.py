"""The rules of a renewal over the real trees: what moves, what waits, what an answer may be."""

import json
from collections import Counter

import pytest

from diemcau.errors import BadRequest
from diemcau.rollout.renewal import Answers, How, read_answers
from diemcau.rollout.renewal.plan import GrantNow, Plan, SiteNow, make_plan
from diemcau.units import JULY_2025, SEPTEMBER_2021, Fate, Level, Lineage

LINEAGE = Lineage.load(SEPTEMBER_2021, JULY_2025)
SPLIT = next(unit.code for unit in LINEAGE.before if LINEAGE.fate(unit.code) is Fate.SPLIT)
DISTRICT = LINEAGE.before.get("25378").parent or ""
UNKNOWN = "20239"


def site(unit: str, label: str = "Hội trường", id: str | None = None) -> SiteNow:  # noqa: A002
    return SiteNow(id or f"s_{unit}", unit, label)


def grant(unit: str, role: str = "lead") -> GrantNow:
    return GrantNow("p_1", "lan", role, unit)


def answered(document: object) -> Answers:
    return read_answers(json.dumps(document).encode(), LINEAGE)


def plan(
    *what: SiteNow | GrantNow, answers: object = None, taken: dict[str, frozenset[str]] | None = None
) -> Plan:
    return make_plan(
        LINEAGE,
        [one for one in what if isinstance(one, SiteNow)],
        [one for one in what if isinstance(one, GrantNow)],
        answered(answers or {}),
        taken=taken,
    )


def went(*what: SiteNow, answers: object = None) -> list[tuple[str | None, How]]:
    return [(move.after, move.how) for move in plan(*what, answers=answers).sites]


def reached(unit: str, answers: object = None) -> tuple[tuple[str, ...], How, bool]:
    [move] = plan(grant(unit), answers=answers).grants
    return move.after, move.how, move.widens


def test_a_site_goes_where_its_unit_went_and_waits_where_that_is_a_decision() -> None:
    assert went(
        site("00004"), site("01"), site("02"), site(SPLIT), site(DISTRICT), site(UNKNOWN), site("x")
    ) == [
        ("00004", How.MERGED),
        ("01", How.EXACT),
        ("08", How.MERGED),
        (None, How.SPLIT),
        (None, How.GONE),
        (None, How.UNKNOWN),
        (None, How.UNKNOWN),
    ]


def test_what_was_found_by_a_former_name_is_marked() -> None:
    moves = plan(site("00010"), site("00004")).sites
    assert [move.by_name for move in moves] == [True, False]


def test_answers_place_what_waits_one_by_one_and_all_at_once() -> None:
    first, other = LINEAGE.successors(SPLIT)[:2]
    answers = {
        "sites": {
            "districts": "province",
            "split": "province",
            "units": {SPLIT: first, UNKNOWN: "48"},
            "sites": {"s_two": other},
        }
    }
    second = next(u.code for u in LINEAGE.before if LINEAGE.fate(u.code) is Fate.SPLIT and u.code != SPLIT)
    found = went(
        site(SPLIT), site(SPLIT, id="s_two"), site(UNKNOWN), site(DISTRICT), site(second), answers=answers
    )
    assert [after for after, _ in found] == [first, other, "48", "75", "01"]
    assert {how for _, how in found} == {How.ANSWERED}


@pytest.mark.parametrize(
    "document",
    [
        {"sites": {"units": {"02": "01"}}},
        {"sites": {"units": {"99999": "01"}}},
        {"sites": {"sites": {"s_1": "no"}}},
        {"sites": {"districts": "somewhere"}},
        {"grants": {"units": {"02": ["01"]}}},
        {"grants": {"people": {"lan": {"02": ["01"]}}}},
        {"grant": {}},
        [],
    ],
)
def test_an_answer_that_cannot_be_meant_is_refused(document: object) -> None:
    with pytest.raises(BadRequest):
        answered(document)


def test_an_answer_for_somebody_who_is_not_there_is_refused() -> None:
    for document in (
        {"sites": {"sites": {"s_nobody": "01"}}},
        {"grants": {"people": {"nobody": {"02": ["08"]}}}},
        {"sites": {"sites": {"s_02": "01"}}},  # Hà Giang did not become Hà Nội
    ):
        with pytest.raises(BadRequest):
            plan(site("02"), grant("02"), answers=document)


def test_a_grant_moves_by_itself_only_where_it_reaches_no_further() -> None:
    assert reached("01") == (("01",), How.EXACT, False)
    assert reached("VN") == (("VN",), How.EXACT, False)
    assert reached("498") == (("20333",), How.EXACT, False)
    assert reached("02") == ((), How.WIDENS, False)
    assert reached("00004") == ((), How.WIDENS, False)
    assert reached(DISTRICT) == ((), How.GONE, False)
    assert reached(SPLIT) == ((), How.SPLIT, False)


def test_a_grant_widens_only_by_an_answer() -> None:
    assert reached("02", {"grants": {"widening": "move"}}) == (("08",), How.ANSWERED, True)
    assert reached("02", {"grants": {"units": {"02": ["08"]}}}) == (("08",), How.ANSWERED, True)
    assert reached("02", {"grants": {"people": {"lan": {"02": ["08"]}}}}) == (("08",), How.ANSWERED, True)
    answers = {"grants": {"widening": "move", "people": {"lan": {"02": []}}}}
    assert reached("02", answers) == ((), How.ANSWERED, False)


def test_a_districts_grant_may_become_those_of_its_communes_which_never_widens() -> None:
    after, how, widens = reached(DISTRICT, {"grants": {"districts": "communes"}})
    assert how is How.ANSWERED and not widens and after
    assert set(after) <= set(LINEAGE.successors(DISTRICT))
    assert reached(DISTRICT, {"grants": {"districts": "province"}}) == (("75",), How.ANSWERED, True)


def test_no_grant_of_the_whole_country_widens_without_an_answer() -> None:
    for unit in LINEAGE.before:
        after, how, _ = reached(unit.code)
        assert not after or (how is How.EXACT and all(LINEAGE.within(new, unit.code) for new in after))


def test_districts_communes_never_reach_beyond_any_district() -> None:
    for unit in LINEAGE.before:
        if unit.level is Level.DISTRICT:
            after, _, widens = reached(unit.code, {"grants": {"districts": "communes"}})
            assert not widens and all(LINEAGE.within(new, unit.code) for new in after)


def test_a_derived_label_is_renewed_where_it_is_its_sites_alone() -> None:
    own = site("00004", "Điểm cầu phường Trúc Bạch")
    named = site("00006", "Hội trường UBND")
    answers = {"labels": True}
    labels = [move.label for move in plan(own, named, answers=answers).sites]
    assert labels == ["Điểm cầu phường Ba Đình", "Hội trường UBND"]
    assert plan(own).sites[0].label == own.label  # not without being asked


def test_labels_that_tell_sites_of_one_unit_apart_stay() -> None:
    two = [site("00004", "Điểm cầu phường Trúc Bạch"), site("00010", "Điểm cầu phường Nguyễn Trung Trực")]
    assert [move.label for move in plan(*two, answers={"labels": True}).sites] == [one.label for one in two]
    taken = {"00004": frozenset({"Điểm cầu phường Ba Đình"})}
    [move] = plan(two[0], answers={"labels": True}, taken=taken).sites
    assert move.label == two[0].label


def test_a_districts_site_at_the_province_keeps_its_name() -> None:
    own = site(DISTRICT, "Điểm cầu huyện Đồng Phú")
    [move] = plan(own, answers={"labels": True, "sites": {"districts": "province"}}).sites
    assert (move.after, move.label) == ("75", own.label)


def test_questions_name_each_old_unit_once_with_what_it_may_become() -> None:
    asked = plan(site(SPLIT), site(SPLIT, id="s_two"), grant(SPLIT), grant("02"), site("01")).questions()
    assert [(q.unit, q.fate, q.sites, q.grants) for q in asked] == [
        (SPLIT, Fate.SPLIT, 2, 1),
        ("02", Fate.MERGED, 0, 1),
    ]
    assert asked[0].choices == LINEAGE.choices(SPLIT)
    left = {"grants": {"units": {"02": []}}}
    assert plan(grant("02"), answers=left).questions() == ()


def test_a_site_at_every_unit_of_2021_moves_or_waits_as_the_documentation_says() -> None:
    sites = [site(unit.code, f"Điểm cầu {unit.label}") for unit in LINEAGE.before]
    found = plan(*sites, answers={"labels": True})
    counts = found.counts()["sites"]
    assert counts["moved"] == 1 + 63 + 14 + 130 + 9431 + 516
    assert counts["waiting"] == 691 + 471 + 48 + 3
    assert counts["renamed"] == 91
    assert len(found.questions()) == counts["waiting"]
    # No two sites at one unit come to have one label.
    named = [(move.after, move.label) for move in found.sites if move.label != move.site.label]
    everywhere = Counter((move.after, move.label) for move in found.sites)
    assert all(everywhere[one] == 1 for one in named)
