"""The pure rules: who hears whom in private, and what is told of it."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diemcau.errors import BadRequest
from diemcau.sites import Site, SiteKind
from diemcau.talkback import parse_talk
from diemcau.talkback.commands import Say, Together
from diemcau.talkback.mirror import connection_name, meeting_of
from diemcau.talkback.talk import MAX_NAME, Party, Talk, ear, ears

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
AN, BINH = Party("p_an", "An", "Đạo diễn hình"), Party("p_binh", "Bình", None)
VOICES = {("m", who): f"{who}/audio" for who in ("p_an", "p_binh", "s_1", "s_2", "s_3")}


def talk(
    site: str, by: Party = AN, *, speaks: bool = False, answers: bool = False, muted: bool = False
) -> Talk:
    made = Site(site, "26863", "Điểm cầu", SiteKind.POST, "phường Phước Bình")
    return Talk(f"tb_{by.id}_{site}", "m", made, by, NOW, speaks, answers, muted)


def heard(*talks: Talk, together: bool = False, **mics: str) -> dict[str, list[str]]:
    """Who is heard, by whose ear."""
    grouped = [("m", "p_an")] if together else []
    found = ears(talks, grouped, VOICES, {("m", site): mic for site, mic in mics.items()})  # type: ignore[misc]
    return {name.rpartition("/")[2]: [mic.removesuffix("/audio") for mic in on] for name, on in found.items()}


def test_nobody_is_heard_before_he_says_so() -> None:
    assert heard(talk("s_1")) == {"s_1": [], "p_an": []}


def test_each_end_hears_the_other_that_speaks() -> None:
    assert heard(talk("s_1", speaks=True)) == {"s_1": ["p_an"], "p_an": []}
    assert heard(talk("s_1", answers=True)) == {"s_1": [], "p_an": ["s_1"]}


def test_a_site_that_the_meeting_hears_answers_nobody_in_private() -> None:
    assert heard(talk("s_1", speaks=True, answers=True), s_1="open") == {"s_1": ["p_an"], "p_an": []}
    assert heard(talk("s_1", answers=True), s_1="muted")["p_an"] == ["s_1"]


def test_who_is_muted_is_not_heard_by_the_one_who_muted_him() -> None:
    both = (talk("s_1", answers=True, muted=True), talk("s_1", BINH, answers=True))
    assert heard(*both) == {"s_1": [], "p_an": [], "p_binh": ["s_1"]}


def test_sites_hear_each_other_only_together() -> None:
    talks = (talk("s_1", answers=True), talk("s_2", speaks=True), talk("s_3", BINH))
    assert heard(*talks)["s_2"] == ["p_an"]
    grouped = heard(*talks, together=True)
    assert grouped["s_2"] == ["p_an", "s_1"]
    assert grouped["s_3"] == [], "another operator's site is not among them"


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("s_1", "s_2", "s_3")),
            st.sampled_from((AN, BINH)),
            st.booleans(),
            st.booleans(),
            st.booleans(),
        ),
        max_size=6,
        unique_by=lambda one: one[:2],
    ),
    st.booleans(),
    st.dictionaries(st.sampled_from(("s_1", "s_2", "s_3")), st.sampled_from(("open", "off", "muted"))),
)
def test_only_who_speaks_is_heard_and_only_by_who_he_speaks_with(
    drawn: list[tuple[str, Party, bool, bool, bool]], together: bool, mics: dict[str, str]
) -> None:
    talks = [talk(site, by, speaks=s, answers=a, muted=m) for site, by, s, a, m in drawn]
    found = heard(*talks, together=together, **mics)
    assert set(found) == {end for one in talks for end in (one.site.id, one.by.id)}
    for ear_of, voices in found.items():
        assert ear_of not in voices
        for voice in voices:
            if voice.startswith("p_"):
                assert any(one.speaks and (one.by.id, one.site.id) == (voice, ear_of) for one in talks)
                continue
            assert mics.get(voice) != "open"
            spoken = [one for one in talks if one.site.id == voice and one.answers]
            assert any(
                one.by.id == ear_of or any(o.by is one.by and o.site.id == ear_of for o in talks)
                for one in spoken
            )


def test_names_at_the_node_are_as_long_as_they_may_be() -> None:
    meeting, party = "m_" + "0" * 26, "s_" + "x" * 62
    assert len(ear(meeting, party)) <= MAX_NAME
    assert ear(meeting, party) != ear(meeting, party[:-1] + "y")
    assert meeting_of(connection_name(meeting, "abc")) == meeting
    assert meeting_of(f"{meeting}:abc") is None


@pytest.mark.parametrize(
    "message",
    [
        {"type": "talk.say", "talk": "tb_1"},
        {"type": "talk.say", "talk": "tb_1", "on": "yes"},
        {"type": "talk.open", "site": "s_1"},
        {"type": "talk.open", "site": "s_1", "meeting": "m", "loud": True},
        {"type": "talk.none", "talk": "tb_1"},
        {"type": "talk.end", "talk": "x" * 65},
        {"type": "talk.end", "talk": 1},
    ],
)
def test_what_is_no_command_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        parse_talk({"op": "cmd", "id": "c0ffee42", **message})


def test_a_page_may_name_its_meeting_with_every_command() -> None:
    base = {"op": "cmd", "id": "c0ffee42", "meeting": "m_1"}
    assert parse_talk({**base, "type": "talk.say", "talk": "tb_1", "on": True}) == Say(
        id="c0ffee42", type="talk.say", talk="tb_1", on=True
    )
    assert parse_talk({**base, "type": "talk.together", "on": True}) == Together(
        id="c0ffee42", type="talk.together", meeting="m_1", on=True
    )
