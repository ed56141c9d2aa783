"""Counts that are kept as standings change are those that counting anew would give."""

import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from diemcau.rollout.readiness import Facts, Policy, RowFilter, State
from diemcau.rollout.readiness.board import Board
from diemcau.sites import Site, SiteKind
from diemcau.units import SEPTEMBER_2021, Level, Units

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
CARRIERS = ("VNPT", "Viettel", None)


@pytest.fixture(scope="module")
def units() -> Units:
    return Units.load(SEPTEMBER_2021)


def site(units: Units, unit: str, number: int = 0) -> Site:
    carrier = CARRIERS[number % 3]
    return Site(
        f"s_{unit}_{number}",
        unit,
        f"Điểm cầu {units.get(unit).label}",
        SiteKind.POST,
        units.path_text(unit),
        carrier,
    )


def random_facts(chance: random.Random) -> Facts:
    def ago(most: int) -> datetime | None:
        return chance.choice([None, NOW - timedelta(hours=chance.randint(0, most))])

    return Facts(ago(50), ago(50), ago(300), chance.random() < 0.7, None, ago(90), chance.random() < 0.5)


def test_counts_over_every_subtree_follow_ten_thousand_changes(units: Units) -> None:
    chance, board = random.Random(7), Board(units, Policy())
    communes = [unit.code for unit in units.subtree("VN", {Level.COMMUNE})][::5]
    places = ["VN", *(unit.code for unit in units.children("VN")), *communes]
    known = [site(units, unit, n) for n, unit in enumerate(places)]
    for one in known:
        board.put(one, random_facts(chance), None, NOW)
    for _ in range(10_000):
        one = chance.choice(known)
        if chance.random() < 0.02:
            board.remove(one.id)
        elif chance.random() < 0.5:
            board.put(one, random_facts(chance), None, NOW)
        else:
            board.change(one.id, NOW, connected=chance.random() < 0.5, seen_at=NOW)
    board.tick(NOW + timedelta(hours=30))
    for unit in ("VN", "01", "79", "70", "695", "25378", communes[17]):
        rows = list(board.rows(unit))
        inside = [row for row in board if units.contains(unit, row.site.unit)]
        assert sorted(row.key for row in inside) == [row.key for row in rows]
        counts = board.counts(unit)
        states = Counter(row.standing.state for row in inside)
        assert {state: counts.states.get(state, 0) for state in State} == {s: states[s] for s in State}
        causes = Counter(row.standing.cause for row in inside if row.standing.cause)
        assert {cause: count for cause, count in counts.causes.items() if count} == dict(causes)
        carriers = board.by_carrier(unit)
        assert sum(below.total for below in carriers.values()) == counts.total == len(inside)


def test_rows_are_filtered_and_paged_in_the_order_of_units(units: Units) -> None:
    board = Board(units, Policy())
    for n, unit in enumerate(("25378", "26863", "00001", "VN", "70")):
        board.put(site(units, unit, n), Facts(activated_at=NOW), None, NOW)
    board.put(site(units, "25378", 7), Facts(), None, NOW)
    everything = [row.site.unit for row in board.rows("VN")]
    assert everything == ["VN", "00001", "70", "25378", "25378", "26863"]
    first = next(iter(board.rows("VN")))
    assert [row.site.unit for row in board.rows("VN", after=first.key)] == everything[1:]
    assert [row.site.unit for row in board.rows("VN", RowFilter(text="tan loi dong phu"))] == ["25378"] * 2
    assert [row.site.id for row in board.rows("70", RowFilter(state=State.NEVER))] == ["s_25378_7"]
    assert [row.site.id for row in board.rows("VN", RowFilter(cause="no_code"))] == ["s_25378_7"]
    assert {row.site.carrier for row in board.rows("VN", RowFilter(carrier=""))} == {None}
    assert list(board.rows("VN", RowFilter(text="khong co"))) == []


def test_a_site_of_a_unit_that_the_tree_does_not_have_is_counted_nowhere(units: Units) -> None:
    board = Board(units, Policy())
    board.put(Site("s_x", "99999", "Điểm cầu", SiteKind.POST, "99999"), Facts(), None, NOW)
    assert board.counts("VN").total == 0 and len(board) == 0
