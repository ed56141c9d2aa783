"""What the director decides of the picture: layouts, the pinned chair, captions, hold, presentation."""

from dataclasses import replace
from datetime import timedelta

import pytest

from diemcau.errors import BadRequest, Conflict, WrongState
from diemcau.meetings import MeetingNotOpen, parse
from diemcau.meetings.captions import Caption, in_form, usual
from diemcau.meetings.commands import (
    Cut,
    EndPresentation,
    GiveFloor,
    HoldPicture,
    PinChair,
    Preview,
    SetCaption,
    ShowCaptions,
    StartPresentation,
)
from diemcau.meetings.layouts import PRESENTATION, Layout, Look, with_chair, with_site
from diemcau.meetings.meeting import Meeting, from_json, to_json
from diemcau.sites import PersonPresent, Site, SiteKind
from diemcau.units import Units
from tests.meetings.world import DIRECTOR, NOW, SECRETARY, World

CHAIR, BP, DP, TL, TLB, DN, HCM = "s_vn", "s_70", "s_695", "s_25378", "s_25378b", "s_75", "s_79"


@pytest.fixture
def world(units: Units) -> World:
    return World(units).opened()


def stage(world: World) -> dict[str, object]:
    shown: dict[str, object] = world.seen(DIRECTOR)["stage"]
    return shown


# Layouts


def test_a_cut_takes_over_slots_and_layout_of_the_preview_in_one_event(world: World) -> None:
    world.do(DIRECTOR, Preview((TL, CHAIR), "speaker_chair"))
    [cut] = world.do(DIRECTOR, Cut())
    assert cut.data["layout"] == "speaker_chair" and cut.data["before_layout"] == "one"
    assert stage(world)["layouts"] == {"on_air": "speaker_chair", "preview": "speaker_chair", "before": "one"}
    before = world.state.staging.before
    world.do(DIRECTOR, Cut(world.state.before, before))
    assert world.state.on_air_look == Look("one", (CHAIR,))
    assert world.state.staging.before == "speaker_chair"


def test_who_names_no_layout_means_the_present_one_or_the_plain_one_of_so_many(world: World) -> None:
    world.do(DIRECTOR, Preview((TL, CHAIR), "speaker_chair"))
    world.do(DIRECTOR, Preview((BP, CHAIR)))
    assert world.state.staging.preview == "speaker_chair"
    world.do(DIRECTOR, Preview((BP, CHAIR, None, TL)))
    assert world.state.staging.preview == "four"
    world.do(DIRECTOR, Preview((BP, CHAIR)))
    assert world.state.staging.preview == "two"


def test_a_log_from_before_layouts_had_names_means_what_it_meant(world: World) -> None:
    old = replace_data(world, "stage_previewed", {"slots": [TL, None], "names": {}})
    world.state.apply(old)
    cut = {"slots": [TL, None, BP, None], "before": [CHAIR], "names": {}}
    world.state.apply(replace_data(world, "stage_cut", cut))
    assert (world.state.staging.preview, world.state.staging.on_air) == ("two", "four")
    stored = to_json(world.state)
    del stored["staging"]
    assert from_json(stored).staging == world.state.staging


def replace_data(world: World, kind: str, data: dict[str, object]):  # type: ignore[no-untyped-def]
    return replace(world.event(world.state.seq + 1, kind, {}), data=data)


@pytest.mark.parametrize(
    ("look", "kept", "becomes"),
    [
        (Look("one", (BP,)), (), ("one", (TL,))),
        (Look("two", (BP, None)), (), ("two", (BP, TL))),
        (Look("two", (BP, DP)), (), ("two", (BP, TL))),
        (Look("two", (BP, CHAIR)), (CHAIR,), ("two", (TL, CHAIR))),
        (Look("four", (BP, DP, DN, CHAIR)), (CHAIR,), ("four", (BP, DP, TL, CHAIR))),
        (Look("speaker_chair", (BP, CHAIR)), (), ("speaker_chair", (TL, CHAIR))),
        (Look("slides_speaker", (PRESENTATION, BP)), (), ("slides_speaker", (PRESENTATION, TL))),
        (Look("slides_speaker", (PRESENTATION, CHAIR)), (CHAIR,), ("slides_speaker", (PRESENTATION, TL))),
        (Look("one", (PRESENTATION,)), (), ("one", (TL,))),
        (Look("two", (TL, BP)), (), ("two", (TL, BP))),
    ],
)
def test_where_a_new_speaker_goes(
    look: Look, kept: tuple[str, ...], becomes: tuple[Layout, tuple[str | None, ...]]
) -> None:
    assert with_site(look, TL, kept=kept) == Look(*becomes)


@pytest.mark.parametrize(
    ("look", "becomes"),
    [
        (Look("one", (TL,)), ("speaker_chair", (TL, CHAIR))),
        (Look("one", (PRESENTATION,)), ("slides_speaker", (PRESENTATION, CHAIR))),
        (Look("one", (CHAIR,)), ("one", (CHAIR,))),
        (Look("one", (None,)), ("one", (None,))),
        (Look("two", (TL, BP)), ("two", (TL, CHAIR))),
        (Look("two", (None, BP)), ("two", (BP, CHAIR))),
        (Look("four", (TL, BP, None, DN)), ("four", (TL, BP, DN, CHAIR))),
        (Look("slides_speaker", (PRESENTATION, TL)), ("slides_speaker", (PRESENTATION, TL))),
        (Look("slides_speaker", (PRESENTATION, None)), ("slides_speaker", (PRESENTATION, CHAIR))),
    ],
)
def test_where_a_pinned_chair_sits(look: Look, becomes: tuple[Layout, tuple[str | None, ...]]) -> None:
    assert with_chair(look, CHAIR) == Look(*becomes)


def test_a_pinned_chair_stays_on_the_picture_of_whoever_is_given_the_floor(world: World) -> None:
    world.do(DIRECTOR, Preview((BP,)))
    assert [event.type for event in world.do(DIRECTOR, PinChair(True))] == ["chair_pinned", "stage_previewed"]
    assert world.state.preview_look == Look("speaker_chair", (BP, CHAIR))
    world.do(DIRECTOR, GiveFloor(TL))
    assert world.state.on_air_look == Look("speaker_chair", (TL, CHAIR))
    world.do(DIRECTOR, GiveFloor(DN))
    assert world.state.on_air_look == Look("speaker_chair", (DN, CHAIR))
    # An undo brings back what was, whatever is pinned.
    world.do(DIRECTOR, Cut((BP,), "one"))
    assert world.state.on_air_look == Look("one", (BP,))
    world.do(DIRECTOR, PinChair(False))
    world.do(DIRECTOR, Preview((DN,), "one"))
    assert world.state.preview_look == Look("one", (DN,))


def test_a_meeting_without_a_chair_has_none_to_pin(units: Units) -> None:
    with pytest.raises(WrongState):
        World(units, chair=None).opened().do(DIRECTOR, PinChair(True))


# Captions


def test_who_comes_onto_the_stage_brings_his_caption_and_takes_it_with_him(world: World) -> None:
    world.do(DIRECTOR, Preview((TL,)))
    assert stage(world)["captions"] == {
        "on": True,
        "people": {TL: {"name": "Ông Trần Văn B", "title": None}},
    }
    world.do(DIRECTOR, SetCaption(TL, "Bà Lê Thị C", "Trưởng trạm Y tế"))
    world.do(DIRECTOR, Cut())
    assert world.state.staging.people[TL] == Caption("Bà Lê Thị C", "Trưởng trạm Y tế")
    world.do(DIRECTOR, Preview((BP,)))
    world.do(DIRECTOR, Cut())
    world.do(DIRECTOR, Cut((DN,)))
    assert TL not in world.seen(DIRECTOR)["stage"]["captions"]["people"], "in no slot any more"
    world.do(DIRECTOR, Preview((TL,)))
    assert world.state.staging.people[TL].name == "Ông Trần Văn B", "comes back as he usually is"
    with pytest.raises(WrongState):
        world.do(DIRECTOR, SetCaption(HCM, "Ông D"))
    world.do(DIRECTOR, SetCaption(TL))
    assert TL not in world.state.staging.people
    assert world.do(DIRECTOR, ShowCaptions(True)) == []
    world.do(DIRECTOR, ShowCaptions(False))
    assert world.seen(DIRECTOR)["stage"]["captions"]["on"] is False


def a_site(kind: SiteKind, *people: PersonPresent) -> Site:
    return Site("s_1", "25378", "Điểm cầu", kind, "xã Tân Lợi, huyện Đồng Phú", people=people)


def test_of_a_room_with_several_people_nobody_knows_who_is_seen() -> None:
    two = (PersonPresent("Ông A", "Chủ tịch UBND"), PersonPresent("Bà B"))
    assert usual(a_site(SiteKind.ROOM, *two)) is None
    assert usual(a_site(SiteKind.POST)) is None
    assert usual(a_site(SiteKind.ROOM, two[1])) == Caption("Bà B")
    assert usual(a_site(SiteKind.POST, *two)) == Caption("Ông A", "Chủ tịch UBND xã Tân Lợi")


@pytest.mark.parametrize(
    ("title", "path", "said"),
    [
        ("Chủ tịch UBND", "xã Tân Lợi, huyện Đồng Phú", "Chủ tịch UBND xã Tân Lợi"),
        ("Chủ tịch UBND xã Tân Lợi", "xã Tân Lợi", "Chủ tịch UBND xã Tân Lợi"),
        ("Bí thư Đảng ủy", "phường 1", "Bí thư Đảng ủy phường 1"),
        ("Bí thư Tỉnh ủy", "tỉnh Bình Phước", "Bí thư Tỉnh ủy Bình Phước"),
        ("Phó Bí thư Thành ủy", "thành phố Hải Phòng", "Phó Bí thư Thành ủy Hải Phòng"),
        ("Bác sĩ", "xã Tân Lợi", "Bác sĩ"),
        ("  ", "xã Tân Lợi", None),
    ],
)
def test_a_title_says_of_which_unit(title: str, path: str, said: str | None) -> None:
    assert in_form(PersonPresent("B", title), path).title == said


# The holding picture


def test_a_hold_comes_and_goes_by_one_press_or_a_cut_and_leaves_the_stage_as_it_is(world: World) -> None:
    world.do(DIRECTOR, Cut((TL,)))
    until = NOW + timedelta(minutes=15)
    world.do(DIRECTOR, HoldPicture(True, "Nghỉ giải lao", until))
    assert world.seen(DIRECTOR)["stage"]["hold"] == {
        "since": "2021-09-05T01:30:03.000Z",
        "text": "Nghỉ giải lao",
        "until": "2021-09-05T01:45:00.000Z",
    }
    assert world.state.on_air == (TL,) and world.state.before == (CHAIR,)
    assert world.do(DIRECTOR, HoldPicture(True, "Nghỉ giải lao", until)) == []
    world.do(DIRECTOR, HoldPicture(False))
    assert world.state.staging.hold is None
    world.do(DIRECTOR, HoldPicture(True))
    world.do(
        DIRECTOR, Cut((TL,))
    )  # the same picture: only the hold goes, an undo still knows what was before
    assert world.state.staging.hold is None and world.state.before == (CHAIR,)


def test_only_an_open_meeting_is_held(units: Units) -> None:
    with pytest.raises(MeetingNotOpen):
        World(units).do(DIRECTOR, HoldPicture(True))


# The presentation


def test_one_presents_at_a_time_and_another_takes_over_only_by_saying_so(world: World) -> None:
    world.do(SECRETARY, StartPresentation("key-0001", "Báo cáo.pdf"))
    assert world.do(SECRETARY, StartPresentation("key-0001", "Báo cáo.pdf")) == []
    with pytest.raises(Conflict) as refused:
        world.do(DIRECTOR, StartPresentation("key-0002", "Khác.pdf"))
    assert refused.value.code == "presentation_running"
    events = world.do(DIRECTOR, StartPresentation("key-0002", "Khác.pdf", replace=True))
    assert [event.type for event in events] == ["presentation_ended", "presentation_started"]
    # The first one's page closes late: it does not end what is another's.
    assert world.do(SECRETARY, EndPresentation("key-0001")) == []
    assert world.state.staging.presentation is not None
    world.do(DIRECTOR, EndPresentation())
    assert world.state.staging.presentation is None


def test_the_end_of_a_presentation_leaves_its_slot_on_the_stage(world: World) -> None:
    world.do(DIRECTOR, StartPresentation("key-0001", "Báo cáo.pdf"))
    world.do(DIRECTOR, Preview((PRESENTATION, TL), "slides_speaker"))
    world.do(DIRECTOR, Cut())
    world.do(DIRECTOR, EndPresentation())
    assert world.state.on_air == (PRESENTATION, TL)
    assert PRESENTATION not in world.seen(DIRECTOR)["sites"]
    assert isinstance(world.state.clone(), Meeting)


# What clients send


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "stage.preview", "slots": ["s_1"], "layout": "two"},
        {"type": "stage.preview", "slots": ["s_1"], "layout": "mosaic"},
        {"type": "stage.preview", "slots": [PRESENTATION, PRESENTATION]},
        {"type": "stage.cut", "layout": "one"},
        {"type": "stage.hold", "on": True, "text": "a\x1bb"},
        {"type": "stage.hold", "on": True, "text": "a" * 121},
        {"type": "stage.hold", "on": True, "until": "tomorrow"},
        {"type": "stage.caption", "site": "s_1", "title": "Chủ tịch"},
        {"type": "stage.caption", "site": "s_1", "name": "‮gnas"},
        {"type": "stage.caption", "site": "s_1", "name": "   "},
        {"type": "presentation.start", "key": "short", "title": "x"},
        {"type": "presentation.start", "key": "long-enough"},
    ],
)
def test_a_command_out_of_bounds_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        parse({"id": "command-1", "meeting": "m_1", **fields})


def test_words_over_a_picture_are_one_line() -> None:
    parsed = parse(
        {
            "id": "command-1",
            "type": "stage.caption",
            "meeting": "m_1",
            "site": "s_1",
            "name": " Ông  Trần\nVăn B ",
        }
    )
    assert parsed.what == SetCaption("s_1", "Ông Trần Văn B")
