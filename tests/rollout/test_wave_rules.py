"""Waves without a database: how a plan is split, texts, parts of text messages, times of reminders."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.errors import BadRequest
from diemcau.rollout.fields import Field, guess
from diemcau.rollout.rows import emails_of
from diemcau.rollout.waves.audience import mobile_of
from diemcau.rollout.waves.planning import Candidate, Wish, common, days_from, draft, numbered, split
from diemcau.rollout.waves.sms import parts_of, plain
from diemcau.rollout.waves.template import DEFAULTS, SMS_VI, BadTemplate, checked, render
from diemcau.rollout.waves.timing import LATE, at_of, what_now
from diemcau.sites.email import email_of
from diemcau.units import Units

WISH = Wish("Đợt", date(2021, 9, 3), time(7, 30), time(11, 30))
PLACES = st.lists(st.integers(0, 40), max_size=120)


def candidates(places: list[int], units: Units) -> list[Candidate]:
    codes = [unit.code for unit in list(units)[:41]]
    return [Candidate(f"s_{n:03}", codes[place], place) for n, place in enumerate(places)]


@given(places=PLACES, per_day=st.integers(0, 30), weekends=st.booleans())
def test_every_site_is_in_exactly_one_wave_of_a_plan(
    places: list[int], per_day: int, weekends: bool, units: Units
) -> None:
    given_ = candidates(places, units)
    wish = Wish("Đợt", date(2021, 9, 3), time(7), time(8), per_day=per_day, weekends=weekends)
    made = draft(wish, given_, units, [])
    assert sorted(site for one in made for site in one.sites) == sorted(one.site for one in given_)
    assert all(one.sites for one in made)
    if per_day:
        assert all(len(one.sites) <= per_day for one in made)
    else:
        assert len(made) <= 1
    assert len({one.name for one in made}) == len(made)
    days = [one.day for one in made]
    assert days == sorted(set(days)) and all(day >= wish.first_day for day in days)
    assert weekends or all(day.weekday() < 5 for day in days)
    unit_of = {one.site: one.unit for one in given_}
    for one in made:
        assert all(units.contains(one.unit, unit_of[site]) for site in one.sites)


@given(places=PLACES, per_day=st.integers(1, 30))
def test_the_sites_of_a_unit_come_together_unless_they_are_more_than_a_day(
    places: list[int], per_day: int, units: Units
) -> None:
    ordered = sorted(candidates(places, units), key=lambda one: (one.place, one.site))
    batches = split(ordered, per_day)
    assert [one for batch in batches for one in batch] == ordered, "in the tree's order"
    for place in set(places):
        if places.count(place) <= per_day:
            assert sum(any(one.place == place for one in batch) for batch in batches) == 1


def test_names_are_numbered_after_those_there_are() -> None:
    assert numbered("Đợt", 1, []) == ["Đợt"]
    assert numbered("Đợt", 2, ["Đợt 1", "Đợt 7", "Đợt 7b", "Khác 9"]) == ["Đợt 8", "Đợt 9"]
    assert numbered("Đợt", 1, ["Đợt"]) == ["Đợt 2"]


def test_a_weekend_is_skipped_only_when_asked_for() -> None:
    friday = date(2021, 9, 3)
    assert days_from(friday, 3, weekends=False) == [friday, date(2021, 9, 6), date(2021, 9, 7)]
    assert days_from(friday, 2, weekends=True) == [friday, date(2021, 9, 4)]


def test_a_wave_belongs_to_the_lowest_unit_above_all_its_sites(units: Units) -> None:
    assert common(units, ["26863"]) == "26863"
    assert common(units, ["70", "25195"]) == "70"
    assert common(units, ["70", "02"]) == "VN" == common(units, [])


def test_a_plan_of_too_many_days_or_of_no_hours_is_refused(units: Units) -> None:
    many = candidates(list(range(41)) * 10, units)
    with pytest.raises(BadRequest):
        draft(Wish("Đợt", WISH.first_day, WISH.start, WISH.end, per_day=1), many, units, [])
    with pytest.raises(BadRequest):
        draft(Wish("Đợt", WISH.first_day, WISH.end, WISH.start), many, units, [])


# Texts.

VALUES = {
    name: f"<{name}>" for name in ("site", "path", "wave", "day", "hours", "hotline", "address", "link")
}


def test_the_texts_to_begin_with_are_good_and_leave_no_place_empty() -> None:
    for kinds in DEFAULTS.values():
        for text in kinds.values():
            made = render(checked(text.subject, text.body, link=True), VALUES)
            assert "{" not in made.subject + made.body and "<link>" in made.body
    assert checked("-", SMS_VI, link=True)


@pytest.mark.parametrize(
    ("subject", "body", "link"),
    [
        ("Chào\r\nBcc: all@x.vn", "x", False),
        ("Chào\nBcc: all@x.vn", "x", False),
        ("", "x", False),
        ("a", "", False),
        ("a", "x\x00y", False),
        ("a", "x" * 4001, False),
        ("a" * 151, "x", False),
        ("{dya}", "x", False),
        ("a", "{link.__class__}{dya}", False),
        ("a", "no way in", True),
        ("{link}", "{link}", True),
    ],
)
def test_a_text_that_cannot_go_is_refused_before_anybody_gets_it(subject: str, body: str, link: bool) -> None:
    with pytest.raises(BadTemplate):
        checked(subject, body, link=link)


@given(st.text(max_size=80), st.text(max_size=80))
def test_a_value_makes_no_further_header_and_is_not_looked_at_again(label: str, hotline: str) -> None:
    template = checked("Mời {site} {hotline}", "{site}{{{hotline}", link=False)
    made = render(template, {"site": label + "\r\nBcc: x@y.vn{hotline}", "hotline": hotline})
    assert made.subject.isprintable() and "\n" not in made.body
    assert "{hotline}" in made.subject, "what a value holds stays as it is"


@given(st.text(max_size=300))
def test_no_text_breaks_the_rendering(text: str) -> None:
    try:
        template = checked("a", text, link=False)
    except BadTemplate:
        return
    render(template, VALUES)


# Text messages.


@pytest.mark.parametrize(
    ("text", "coding", "count"),
    [
        ("a" * 160, "gsm7", 1),
        ("a" * 161, "gsm7", 2),
        ("a" * 306, "gsm7", 2),
        ("a" * 307, "gsm7", 3),
        ("[" * 80, "gsm7", 1),
        ("[" * 81, "gsm7", 2),
        ("a" * 152 + "[" + "a" * 153, "gsm7", 3),  # a pair of septets is not parted
        ("ă" * 70, "ucs2", 1),
        ("ă" * 71, "ucs2", 2),
        ("ă" * 134, "ucs2", 2),
        ("ă" * 135, "ucs2", 3),
        ("😀" * 35, "ucs2", 1),
        ("😀" * 67, "ucs2", 3),  # 33 pairs a part, never half of one
        ("", "gsm7", 1),
    ],
)
def test_parts_are_counted_as_networks_count_them(text: str, coding: str, count: int) -> None:
    found = parts_of(text)
    assert (found.coding, found.count) == (coding, count)


@given(st.text(alphabet="aăâđêôơưáàảãạắằẳẵặÉÈẺẼẸỨỪỬỮỰĐ 0–…", max_size=200))
def test_vietnamese_without_diacritics_always_fits_the_cheap_alphabet(text: str) -> None:
    assert parts_of(plain(text)).coding == "gsm7"
    assert plain("Điểm cầu Đồng Phú") == "Diem cau Dong Phu"


def test_a_text_message_goes_to_a_mobile_number() -> None:
    assert mobile_of(["0271 387 9123", "0912 345 678", "0987 654 321"]) == "0912345678"
    assert mobile_of(["+84 912 345 678"]) == "0912345678"
    assert mobile_of(["0271 387 9123", "1900 1234", "0912 345 678 máy lẻ 12"]) == "0912345678"
    assert mobile_of(["024 3456 7890"]) is None


# Addresses.


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("ubnd@Tanloi.Gov.VN", ("ubnd@tanloi.gov.vn",)),
        ("a@x.gov.vn; b@x.gov.vn\nA@x.gov.vn", ("a@x.gov.vn", "b@x.gov.vn", "A@x.gov.vn")),
        ("Văn phòng <vp@x.gov.vn>", None),
        ("mailto:vp@x.gov.vn", ("vp@x.gov.vn",)),
        ("'vp@x.gov.vn", ("vp@x.gov.vn",)),
        ("-", ()),
        ("chưa có", None),
        ("a@b", None),
        ("a@x.gov.vn\x00", None),
    ],
)
def test_addresses_of_a_cell(cell: str, found: tuple[str, ...] | None) -> None:
    addresses, strange = emails_of(cell)
    assert (addresses == found and not strange) if found is not None else strange


@given(st.text(max_size=80))
def test_what_is_an_address_has_no_line_end_and_stays_one(text: str) -> None:
    address = email_of(text)
    if address is not None:
        assert address.isascii() and address.isprintable() and not set(address) & set(" ,;<>\"'\r\n")
        assert email_of(address) == address


@pytest.mark.parametrize(
    "hostile", ["a@x.vn\r\nBcc: b@y.vn", "a@x.vn\nRCPT TO:<b@y.vn>", '"a b"@x.vn', "a@x.vn,b@y.vn"]
)
def test_an_address_that_would_be_more_than_one_is_none(hostile: str) -> None:
    assert email_of(hostile) is None


@pytest.mark.parametrize(
    ("heading", "field"),
    [
        ("Email", Field.EMAIL),
        ("Địa chỉ thư điện tử", Field.EMAIL),
        ("E-mail người phụ trách", Field.EMAIL),
        ("Hộp thư công vụ", Field.EMAIL),
        ("Email/SĐT", None),
        ("Điện thoại, email", None),
        ("(bỏ qua) Email", None),
    ],
)
def test_a_column_of_addresses_is_guessed(heading: str, field: Field | None) -> None:
    assert guess(heading) is field


# Times.


def test_a_reminder_goes_at_its_time_in_hanoi_and_not_late() -> None:
    day = date(2021, 9, 5)
    at = at_of(day, 1, time(16))
    assert at == datetime(2021, 9, 4, 9, tzinfo=UTC)
    ends = at_of(day, 0, time(11, 30))
    second = timedelta(seconds=1)
    assert what_now(at, ends, at - second) == "wait"
    assert what_now(at, ends, at) == "send" == what_now(at, ends, at + LATE)
    assert what_now(at, ends, at + LATE + second) == "missed"
    assert what_now(ends - second, ends, ends) == "missed", "the wave is over"
    with pytest.raises(BadRequest):
        at_of(day, 31, time(7))
