"""The pure rules: states of a call, fair draws, coverage, and what closes a finding."""

from datetime import UTC, date, datetime, timedelta

import pytest

from diemcau.errors import BadRequest, WrongState
from diemcau.inspections.call import Call, Caller, first_state
from diemcau.inspections.coverage import UnitRecord, coverage
from diemcau.inspections.draw import draw, hash_of
from diemcau.inspections.finding import NewFinding, may_close, words
from diemcau.sites import Site, SiteKind
from diemcau.units import Units

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
SITE = Site("s_1", "26863", "Điểm cầu", SiteKind.POST, "phường Phước Bình, Thủ Đức", phones=("1",))


def call(state: str) -> Call:
    return Call("i_1", "m_1", SITE, Caller("p_1", "An", None), NOW, "ring", state)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("online", "free", "answer", "state"),
    [
        (True, True, "auto", "calling"),
        (True, True, "ring", "ringing"),
        (True, False, "auto", "busy"),
        (False, True, "auto", "offline"),
        (False, False, "ring", "offline"),
    ],
)
def test_how_a_call_begins(online: bool, free: bool, answer: str, state: str) -> None:
    assert first_state(online=online, free=free, answer=answer) == state  # type: ignore[arg-type]


def test_only_a_ringing_call_is_answered_and_only_an_answered_one_is_seen() -> None:
    ringing = call("ringing")
    assert not ringing.show(NOW), "a picture that nobody released is not shown"
    ringing.take(NOW)
    assert ringing.show(NOW)
    assert not ringing.show(NOW), "said once"
    with pytest.raises(WrongState):
        ringing.take(NOW)
    assert ringing.state == "live"


def test_a_warm_call_is_live_only_when_it_is_its_turn() -> None:
    warm = call("calling")
    warm.aimed = False
    assert warm.show(NOW)
    assert warm.state == "warm"
    warm.aimed = True
    assert warm.show(NOW)
    assert warm.state == "live"


def test_phones_are_told_only_of_a_call_that_nobody_took() -> None:
    assert call("ringing").to_json()["phones"] == []
    assert call("no_answer").to_json()["phones"] == ["1"]


def test_a_draw_can_be_drawn_again_and_does_not_depend_on_the_order_of_the_pool() -> None:
    pool = [f"s_{n}" for n in range(500)]
    first = draw(pool, "seed", 10)
    assert first == draw(reversed(pool), "seed", 10)
    assert len(set(first.sites)) == 10
    assert first.sites != draw(pool, "other seed", 10).sites
    assert first.pool_hash != draw(pool[1:], "seed", 10).pool_hash, "a site that was left out shows"
    assert first.pool_hash == hash_of(sorted(pool))


def test_everybody_is_drawn_about_equally_often() -> None:
    pool = [f"s_{n}" for n in range(20)]
    times = dict.fromkeys(pool, 0)
    for seed in range(2000):
        for site in draw(pool, str(seed), 2).sites:
            times[site] += 1
    # 200 expected, standard deviation 13.4: five of them never happen in a lifetime.
    assert all(133 < count < 267 for count in times.values())


def test_coverage_counts_each_unit_once_in_everything_above_it(units: Units) -> None:
    seen = coverage(
        units,
        ["26863", "26863", "26842"],
        {"26863": UnitRecord(NOW, 3, 1), "26842": UnitRecord(NOW - timedelta(days=40), 0, 0)},
        NOW - timedelta(days=30),
    )
    for code in ("769", "79", "VN"):
        assert (seen[code].units, seen[code].inspected, seen[code].inspections, seen[code].open) == (
            2,
            1,
            3,
            1,
        )
        assert seen[code].last == NOW
    assert seen["26842"].inspected == 0


@pytest.mark.parametrize(
    ("closed", "seen", "unit"),
    [
        (True, NOW + timedelta(days=1), "26863"),
        (False, None, "26863"),
        (False, NOW - timedelta(days=1), "26863"),
        (False, NOW, "26863"),
        (False, NOW + timedelta(days=1), "26842"),
    ],
)
def test_what_does_not_close_a_finding(closed: bool, seen: datetime | None, unit: str) -> None:
    with pytest.raises(WrongState):
        may_close(finding_at=NOW, finding_unit="26863", closed=closed, seen_at=seen, unit=unit)


def test_a_later_inspection_of_the_same_unit_closes_it() -> None:
    later = NOW + timedelta(days=1)
    may_close(finding_at=NOW, finding_unit="26863", closed=False, seen_at=later, unit="26863")


def test_a_finding_is_kept_as_clean_text() -> None:
    kept = NewFinding("  Thiếu \t oxy \r\n  hai bình ", "high", " Trạm y tế ", date(2021, 9, 12)).checked()
    assert (kept.text, kept.owner) == ("Thiếu oxy\nhai bình", "Trạm y tế")
    for wrong in ("", " \n ", "a" * 2001, "bell \x07"):
        with pytest.raises(BadRequest):
            words(wrong, "text", 2000, least=1)
