"""The rules of a roll call: no edit lost, totals as counted again, contradictions, evidence with its age."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.errors import BadRequest
from diemcau.meetings.rollcall import parse
from diemcau.meetings.rollcall.book import Book, Confirmation, RollCall, places
from diemcau.meetings.rollcall.contradictions import of_branch, of_entry, unit_says
from diemcau.meetings.rollcall.edits import decide
from diemcau.meetings.rollcall.entry import UNSAID, Edit, Entry, Head, Statement, checked
from diemcau.meetings.rollcall.evidence import AGAIN, Witness
from diemcau.sites import Site, SiteKind
from diemcau.units import Units
from tests.meetings.world import BINH_PHUOC, DIRECTOR, DONG_NAI, DONG_PHU, NEW_SITES, NOW, PROVINCE

PRESENT, ABSENT = Statement("present"), Statement("absent", "power")
SAID = st.sampled_from([None, "present", "absent"])
STATEMENTS = st.sampled_from(
    [UNSAID, PRESENT, ABSENT, Statement("absent", "other", "x"), Statement(note="n")]
)
CALL = RollCall("r_1", "m_1", 1, None, "open", NOW, "Thư ký")
IDS = [str(new.id) for new in NEW_SITES]


def book(units: Units, entries: dict[str, Any] | None = None) -> Book:
    sites = [
        Site(str(new.id), new.unit, new.label, SiteKind(new.kind), units.path_text(new.unit))
        for new in NEW_SITES
    ]
    said = [Entry(site, 1, statement, "p", "p", NOW) for site, statement in (entries or {}).items()]
    return Book(CALL, units, places(units, sites), said, (), first=100, seq=1)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.sampled_from(IDS[:3]), STATEMENTS, st.booleans()), max_size=40)
)
def test_whatever_two_desks_do_nothing_unseen_is_overwritten(
    acts: list[tuple[int, str, Statement, bool]],
) -> None:
    stored: dict[str, Entry] = {}
    seen: list[dict[str, Entry]] = [{}, {}, {}]
    for who, site, statement, look in acts:
        if look:
            seen[who] = dict(stored)
        version = seen[who].get(site, Entry(site)).version
        before = stored.get(site, Entry(site))
        made, against = decide([Edit(site, version, statement)], stored, DIRECTOR, NOW)
        assert not (made and against)
        for entry in made:
            # Only who saw the present value changes it, and the count goes up by one.
            assert before == seen[who].get(site, Entry(site)) and entry.version == before.version + 1
            stored[site] = entry
        for entry in against:
            assert entry == before and before.statement != statement
        if not made and not against:
            assert before.statement == statement


def test_the_same_word_twice_is_no_conflict_and_no_change() -> None:
    stored = {"s_1": Entry("s_1", 3, PRESENT, "person:p_2", "B", NOW)}
    assert decide([Edit("s_1", 0, PRESENT)], stored, DIRECTOR, NOW) == ([], [])
    assert decide([Edit("s_1", 0, ABSENT)], stored, DIRECTOR, NOW) == ([], [stored["s_1"]])


@given(
    st.dictionaries(st.sampled_from(IDS), STATEMENTS), st.lists(st.tuples(st.sampled_from(IDS), STATEMENTS))
)
def test_totals_are_what_counting_again_finds(
    units: Units, before: dict[str, Statement], edits: list[tuple[str, Statement]]
) -> None:
    kept = book(units, before)
    for asked in (("VN",), (BINH_PHUOC,)):
        kept.totals(asked)  # a figure that was asked for before must not stay
    for site, statement in edits:
        have = kept.entry(site)
        kept.put([Entry(site, have.version + 1, statement, "p", "p", NOW)])
    for asked in (("VN",), (BINH_PHUOC,), (DONG_PHU, DONG_NAI)):
        found = {total.level: (total.present, total.absent, total.of) for total in kept.totals(asked)}
        again: dict[str, list[int]] = {}
        by_unit: dict[str, list[Any]] = {}
        for new in NEW_SITES:
            if any(units.contains(unit, new.unit) for unit in asked):
                by_unit.setdefault(new.unit, []).append(kept.says(str(new.id)))
        for unit, said in by_unit.items():
            counts = again.setdefault(units.get(unit).level.value, [0, 0, 0])
            counts[0] += "present" in said
            counts[1] += all(one == "absent" for one in said)
            counts[2] += 1
        assert found == {level: tuple(counts) for level, counts in again.items()}


def test_a_unit_with_two_sites_counts_once() -> None:
    assert unit_says(["absent", "present"]) == "present"
    assert unit_says(["absent", None]) is None
    assert unit_says(["absent", "absent"]) == "absent"
    assert unit_says([]) is None


@given(SAID, st.booleans(), st.lists(SAID, max_size=3))
def test_contradictions_say_exactly_what_does_not_fit(says: Any, connected: bool, others: list[Any]) -> None:
    found = of_entry(says, connected, others)
    assert ("present_not_connected" in found) == (says == "present" and not connected)
    assert ("absent_connected" in found) == (says == "absent" and connected)
    assert ("sites_differ" in found) == ({says, *others} >= {"present", "absent"} and says is not None)
    if says is None:
        assert found == ()


@given(st.lists(st.tuples(SAID, st.integers(-5, 5)), max_size=6), st.booleans())
def test_a_province_that_has_confirmed_is_held_to_it(entries: list[tuple[Any, int]], has: bool) -> None:
    made = [
        Entry("s", 1, Statement(says), "p", "p", NOW + timedelta(seconds=after)) for says, after in entries
    ]
    found = of_branch(NOW if has else None, made)
    assert ("confirmed_unsaid" in found) == (has and any(says is None for says, _ in entries))
    assert ("changed_after" in found) == (has and any(after > 0 for _, after in entries))


def test_provinces_confirm_and_one_province_alone_by_what_lies_below_it(units: Units) -> None:
    assert set(book(units).branches) == {"VN", BINH_PHUOC, DONG_NAI, "79"}
    inside = [one for one in NEW_SITES if one.unit != "VN" and units.contains(BINH_PHUOC, one.unit)]
    sites = [Site(str(one.id), one.unit, one.label, SiteKind.POST, "") for one in inside]
    assert [place.branch for place in places(units, sites)] == [BINH_PHUOC, DONG_PHU, DONG_PHU, DONG_PHU]


def test_a_page_is_told_every_row_that_changed_since_it_looked_and_only_its_own(units: Units) -> None:
    kept = book(units)
    kept.put([Entry("s_695", 1, PRESENT, "p", "p", NOW)])
    number = kept.number
    kept.put([Entry("s_75", 1, PRESENT, "p", "p", NOW)])
    kept.touch(["s_25378"])
    assert kept.changed_since(number, ("VN",)) == (["s_75", "s_25378"], kept.number)
    assert kept.changed_since(number, (BINH_PHUOC,)) == (["s_25378"], kept.number)
    assert kept.changed_since(kept.number, ("VN",)) == ([], kept.number)
    # In parts, what waits longest first, and nothing twice.
    [first], known = kept.changed_since(number, ("VN",), 1)
    assert first == "s_75" and kept.changed_since(known, ("VN",), 1) == (["s_25378"], kept.number)
    # What one site is said to be concerns the other site of its unit.
    number = kept.number
    kept.put([Entry("s_25378", 1, ABSENT, "p", "p", NOW)])
    assert set(kept.changed_since(number, ("VN",))[0]) == {"s_25378", "s_25378b"}


def test_an_older_version_never_comes_back(units: Units) -> None:
    kept = book(units)
    kept.put([Entry("s_75", 2, PRESENT, "p", "p", NOW), Entry("s_75", 1, ABSENT, "p", "p", NOW)])
    assert kept.says("s_75") == "present"


def test_a_confirmation_is_seen_by_its_province_and_the_centre(units: Units) -> None:
    kept = book(units)
    kept.confirm(BINH_PHUOC, Confirmation(BINH_PHUOC, NOW, "A"))
    assert set(kept.confirmations(("VN",))) == set(kept.confirmations((BINH_PHUOC,))) == {BINH_PHUOC}
    assert kept.confirmations((DONG_NAI,)) == {}
    kept.confirm(BINH_PHUOC, None)
    assert kept.confirmations(("VN",)) == {}


class TestEvidence:
    def test_time_in_the_meeting_is_a_share_of_the_time_that_was_looked_at(self) -> None:
        witness = Witness(NOW)
        assert witness.came(["s_1"], NOW + timedelta(minutes=10)) == ["s_1"]
        assert witness.went(["s_1"], NOW + timedelta(minutes=20)) == ["s_1"]
        found = witness.of("s_1", NOW + timedelta(minutes=40))
        assert (found.connected, found.share) == (False, 0.25)
        assert found.left == NOW + timedelta(minutes=20)

    def test_who_came_before_the_meeting_opened_has_no_more_than_all_of_it(self) -> None:
        witness = Witness(NOW)
        witness.came(["s_1"], NOW)
        witness.open(NOW + timedelta(hours=1))
        assert witness.of("s_1", NOW + timedelta(hours=2)).share == 1.0

    def test_the_end_of_a_meeting_is_nobodys_absence(self) -> None:
        witness = Witness(NOW)
        witness.came(["s_1"], NOW)
        witness.end(NOW + timedelta(hours=1))
        assert witness.went(["s_1"], NOW + timedelta(hours=1)) == []
        found = witness.of("s_1", NOW + timedelta(hours=9))
        assert found.connected and found.share == 1.0

    def test_of_whom_nothing_is_known_nothing_is_green(self) -> None:
        found = Witness(NOW).of("s_1", NOW + timedelta(hours=1))
        assert (found.connected, found.share, found.seen, found.heard) == (False, 0.0, None, None)

    def test_a_picture_that_keeps_coming_is_told_now_and_then(self) -> None:
        witness = Witness(NOW)
        assert witness.saw("s_1", NOW)
        assert not witness.saw("s_1", NOW + timedelta(seconds=1))
        assert witness.of("s_1", NOW + timedelta(minutes=1)).seen == NOW + timedelta(seconds=1)
        assert witness.saw("s_1", NOW + AGAIN + timedelta(seconds=1))

    def test_video_that_arrives_is_seen_now_and_what_ended_was_seen_then(self) -> None:
        witness = Witness(NOW)
        assert witness.live(["s_1"], NOW) == ["s_1"]
        assert witness.of("s_1", NOW + timedelta(minutes=5)).seen == NOW + timedelta(minutes=5)
        assert witness.live([], NOW + timedelta(minutes=6)) == ["s_1"]
        assert witness.of("s_1", NOW + timedelta(hours=1)).seen == NOW + timedelta(minutes=6)

    def test_a_silent_room_is_not_heard(self) -> None:
        witness = Witness(NOW)
        assert witness.hears([("s_1", -80.0), ("s_2", -30.0)], NOW) == ["s_2"]
        assert witness.of("s_1", NOW).heard is None


def test_a_statement_needs_what_it_needs() -> None:
    assert checked("absent", "power", None, {"name": " Lê  Văn A ", "title": ""}, None) == Statement(
        "absent", "power", "", Head("Lê Văn A"), ""
    )
    for says, reason, text, head, note in (
        ("maybe", None, None, None, None),
        ("absent", None, None, None, None),
        ("absent", "other", "  ", None, None),
        ("absent", "laziness", None, None, None),
        ("present", "power", None, None, None),
        (None, None, "x", None, None),
        ("present", None, None, {"title": "Chủ tịch"}, None),
        ("present", None, None, {"name": "A", "age": 3}, None),
        ("present", None, None, "A", None),
        ("present", None, None, None, "x" * 301),
        ("present", None, None, None, "a\x00b"),
        ("present", None, None, None, "\ud800"),
        (True, None, None, None, None),
    ):
        with pytest.raises(BadRequest):
            checked(says, reason, text, head, note)  # type: ignore[arg-type]


def test_hostile_commands_are_refused() -> None:
    good = {"id": "command-1", "type": "rollcall.edit", "meeting": "m_1", "call": "r_1"}
    entry = {"site": "s_1", "version": 0, "says": "present"}
    parse({**good, "entries": [entry]})
    for entries in (
        None, [], {}, [entry] * 2, [None], [{**entry, "version": True}], [{**entry, "version": -1}],
        [{**entry, "version": 1 << 40}], [{**entry, "says": ["present"]}], [{**entry, "extra": 1}],
        [{**entry, "site": f"s_{n}"} for n in range(301)], [{**entry, "site": "s\x00"}], [{"site": "s_1"}],
        [{**entry, "head": {"name": ["A"]}}], [{**entry, "reason": {}}],
    ):  # fmt: skip
        with pytest.raises(BadRequest):
            parse({**good, "entries": entries})
    for message in (
        {**good, "entries": [entry], "more": 1},
        {**good, "type": "rollcall.burn"},
        {"id": "short", "type": "rollcall.seal", "meeting": "m_1", "call": "r_1"},
        {
            "id": "command-1",
            "type": "rollcall.confirm",
            "meeting": "m_1",
            "call": "r_1",
            "unit": "70",
            "on": 1,
        },
        {"id": "command-1", "type": "rollcall.seal", "meeting": "m_1", "call": "ệ"},
    ):
        with pytest.raises(BadRequest):
            parse(message)


def test_who_edited_is_named(units: Units) -> None:
    [made], _ = decide([Edit("s_75", 0, PRESENT)], {}, PROVINCE, datetime(2021, 9, 5, tzinfo=UTC))
    assert (made.by, made.by_name) == (PROVINCE.key, PROVINCE.name)
