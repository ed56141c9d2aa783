"""The rules of a meeting: who may speak, whose microphone is open, what is on the stage. No IO."""

import pytest

from diemcau.access import Role
from diemcau.errors import BadRequest, Conflict, DiemCauError, Forbidden, TooLarge, WrongState
from diemcau.meetings import (
    FloorAlreadyGiven,
    HandAlreadyRaised,
    HandGone,
    MeetingNotOpen,
    NotInMeeting,
    NotSpeaking,
)
from diemcau.meetings.commands import (
    Cut,
    End,
    EndFloor,
    GiveFloor,
    LineUp,
    LowerHand,
    MeetingCommand,
    Mute,
    Open,
    Post,
    Preview,
    RaiseHand,
    SetMic,
    Unmute,
)
from diemcau.meetings.floor import MAX_SPEAKERS, site_gone
from diemcau.meetings.meeting import from_json, to_json
from diemcau.units import Units
from tests.meetings.world import DIRECTOR, OBSERVER, PROVINCE, SECRETARY, World, person, site

VN, BP, DP, TL, TLB, DN = (site(number) for number in range(6))


@pytest.fixture
def world(units: Units) -> World:
    return World(units).opened()


def types(events: object) -> list[str]:
    return [event.type for event in events]  # type: ignore[attr-defined]


# Hands


def test_hands_go_up_in_order_and_come_down(world: World) -> None:
    for actor in (DN, TL, BP):
        world.do(actor, RaiseHand())
    assert [hand["site"] for hand in world.seen(DIRECTOR)["floor"]["hands"]] == ["s_75", "s_25378", "s_70"]
    world.do(TL, LowerHand())
    world.do(SECRETARY, LowerHand("s_75"))
    assert [hand["site"] for hand in world.seen(DIRECTOR)["floor"]["hands"]] == ["s_70"]


def test_a_hand_is_raised_once_by_a_site_that_is_in_the_open_meeting(world: World) -> None:
    world.do(TL, RaiseHand())
    with pytest.raises(HandAlreadyRaised):
        world.do(TL, RaiseHand())
    world.present.discard("s_75")
    with pytest.raises(NotInMeeting):
        world.do(DN, RaiseHand())
    with pytest.raises(Forbidden):
        world.do(DIRECTOR, RaiseHand())
    world.do(BP, RaiseHand())
    world.do(DIRECTOR, GiveFloor("s_70"))
    with pytest.raises(FloorAlreadyGiven):
        world.do(BP, RaiseHand())


def test_of_two_operators_who_take_one_hand_the_second_hears_that_it_is_gone(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(DIRECTOR, LowerHand("s_25378"))
    with pytest.raises(HandGone) as gone:
        world.do(SECRETARY, LowerHand("s_25378"))
    assert (gone.value.code, gone.value.status) == ("conflict", 409)


# The floor


def test_given_the_floor_a_sites_microphone_opens_and_it_is_on_air(world: World) -> None:
    world.do(TL, RaiseHand())
    events = world.do(DIRECTOR, GiveFloor("s_25378"))
    assert types(events) == ["floor_given", "stage_cut"]
    assert world.state.hands == {}
    assert world.state.open_mics() == ("s_25378",)
    assert (world.state.on_air, world.state.before) == (("s_25378",), ("s_vn",))


def test_a_surprise_call_needs_no_hand_but_the_site_must_be_there(world: World) -> None:
    world.present.discard("s_75")
    with pytest.raises(NotInMeeting):
        world.do(DIRECTOR, GiveFloor("s_75"))
    assert types(world.do(DIRECTOR, GiveFloor("s_70", stage=False))) == ["floor_given"]
    assert world.state.on_air == ("s_vn",)


def test_a_new_speaker_replaces_or_joins_the_others(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    assert types(world.do(DIRECTOR, GiveFloor("s_75"))) == ["floor_ended", "floor_given", "stage_cut"]
    assert list(world.state.speakers) == ["s_75"]
    world.do(DIRECTOR, GiveFloor("s_695", replace=False))
    assert list(world.state.speakers) == ["s_75", "s_695"]


def test_of_two_operators_who_give_the_floor_to_one_site_the_second_hears_it(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    with pytest.raises(FloorAlreadyGiven) as given:
        world.do(SECRETARY, GiveFloor("s_70"))
    assert given.value.code == "conflict"


def test_the_floor_is_not_given_without_end(units: Units) -> None:
    world = World(units, present={f"s_{number}" for number in range(20)}).opened()
    world.names |= dict.fromkeys(world.present, world.names["s_70"])
    for number in range(MAX_SPEAKERS):
        world.do(DIRECTOR, GiveFloor(f"s_{number}", replace=False, stage=False))
    with pytest.raises(TooLarge):
        world.do(DIRECTOR, GiveFloor("s_19", replace=False, stage=False))
    world.do(DIRECTOR, GiveFloor("s_19"))
    assert list(world.state.speakers) == ["s_19"]


def test_the_floor_ends_by_the_site_or_an_operator_and_once(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(DIRECTOR, GiveFloor("s_75", replace=False))
    world.do(BP, EndFloor())
    world.do(SECRETARY, EndFloor("s_75"))
    assert world.state.speakers == {}
    with pytest.raises(NotSpeaking):
        world.do(SECRETARY, EndFloor("s_75"))
    with pytest.raises(BadRequest):
        world.do(DIRECTOR, EndFloor())


def test_who_leaves_loses_hand_and_floor(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(DIRECTOR, GiveFloor("s_70"))
    assert types(world.apply(site_gone(world.state, "s_25378"))) == ["hand_lowered"]
    assert types(world.apply(site_gone(world.state, "s_70"))) == ["floor_ended"]
    assert site_gone(world.state, "s_70") == []


# Microphones


def test_a_speaker_shuts_and_opens_his_microphone_but_not_when_muted(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    assert types(world.do(BP, SetMic(False))) == ["mic_set"]
    assert world.do(BP, SetMic(False)) == []
    assert types(world.do(BP, SetMic(True))) == ["mic_set"]
    world.do(DIRECTOR, Mute(site="s_70"))
    with pytest.raises(Forbidden):
        world.do(BP, SetMic(True))
    assert world.do(BP, SetMic(False)) == []
    assert world.state.mic_of("s_70") == "muted"
    world.do(SECRETARY, Unmute("s_70"))
    assert world.state.mic_of("s_70") == "open"


def test_nobody_opens_a_microphone_that_its_site_has_shut(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(BP, SetMic(False))
    with pytest.raises(WrongState):
        world.do(DIRECTOR, Unmute("s_70"))
    assert world.state.mic_of("s_70") == "off"


def test_without_the_floor_there_is_no_microphone(world: World) -> None:
    for actor, command in ((BP, SetMic(True)), (DIRECTOR, Mute(site="s_70")), (DIRECTOR, Unmute("s_70"))):
        with pytest.raises(NotSpeaking):
            world.do(actor, command)


def test_the_chairs_site_speaks_at_any_time_and_mute_all_spares_it(world: World) -> None:
    world.do(VN, SetMic(True))
    for speaker in ("s_70", "s_695", "s_75"):
        world.do(DIRECTOR, GiveFloor(speaker, replace=False))
    world.do(DP, SetMic(False))
    (muted,) = world.do(DIRECTOR, Mute(all=True))
    assert muted.data["sites"] == ["s_70", "s_75"]
    assert world.state.open_mics() == ("s_vn",)
    assert world.do(DIRECTOR, Mute(all=True)) == []
    world.do(DIRECTOR, Mute(site="s_vn"))
    assert world.state.open_mics() == ()
    world.do(VN, SetMic(True))
    assert world.state.open_mics() == ("s_vn",)


def test_a_subtree_is_muted(world: World) -> None:
    for speaker in ("s_70", "s_25378", "s_75"):
        world.do(DIRECTOR, GiveFloor(speaker, replace=False))
    (muted,) = world.do(PROVINCE, Mute(unit="695"))
    assert muted.data["sites"] == ["s_25378"]
    (muted,) = world.do(PROVINCE, Mute(unit="70"))
    assert (muted.data["sites"], muted.data["unit"], muted.data["many"]) == (["s_70"], "70", True)


def test_the_chairs_site_with_the_floor_has_one_microphone(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_vn"))
    assert (world.state.chair_mic, world.state.open_mics()) == ("open", ("s_vn",))
    world.do(VN, SetMic(False))
    assert world.seen(DIRECTOR)["floor"]["speakers"][0]["mic"] == "off"
    assert world.state.open_mics() == ()


# The stage


def test_preview_and_cut_and_what_was_before(world: World) -> None:
    world.do(DIRECTOR, Preview(("s_70", None)))
    assert world.state.on_air == ("s_vn",)
    (cut,) = world.do(DIRECTOR, Cut())
    assert cut.data["slots"] == ["s_70", None]
    assert cut.data["before"] == ["s_vn"]
    # Back: what was before is cut again.
    world.do(DIRECTOR, Cut(world.state.before))
    assert (world.state.on_air, world.state.before) == (("s_vn",), ("s_70", None))


def test_a_second_director_who_cuts_the_same_changes_nothing(world: World) -> None:
    world.do(DIRECTOR, Preview(("s_70",)))
    assert world.do(DIRECTOR, Preview(("s_70",))) == []
    world.do(DIRECTOR, Cut())
    before = world.state.before
    assert world.do(DIRECTOR, Cut(("s_70",))) == []
    assert world.state.before == before


def test_only_invited_sites_come_onto_the_stage(world: World) -> None:
    world.invited = frozenset({"s_70"})
    for command in (Preview(("s_75",)), Cut(("s_70", "s_75"))):
        with pytest.raises(NotInMeeting):
            world.do(DIRECTOR, command)
    world.do(DIRECTOR, Cut(("s_70",)))


def line(world: World) -> tuple[str, ...]:
    return world.state.line_up


def test_who_comes_next_waits_in_a_line_that_two_operators_can_change_at_once(world: World) -> None:
    for name in ("s_70", "s_75", "s_25378"):
        world.do(DIRECTOR, LineUp(name))
    assert world.do(SECRETARY, LineUp("s_75")) == [], "it waits where it waits"
    world.do(SECRETARY, LineUp("s_25378", place=0))
    world.do(DIRECTOR, LineUp("s_75", on=False))
    assert world.do(SECRETARY, LineUp("s_75", on=False)) == []
    assert line(world) == ("s_25378", "s_70")
    assert set(world.seen(OBSERVER)["sites"]) >= {"s_25378", "s_70"}


def test_a_line_is_short_and_of_invited_sites(world: World) -> None:
    for name in ("s_70", "s_75", "s_25378", "s_79"):
        world.do(DIRECTOR, LineUp(name))
    with pytest.raises(TooLarge):
        world.do(DIRECTOR, LineUp("s_695"))
    world.do(DIRECTOR, LineUp("s_79", place=0))
    assert line(world) == ("s_79", "s_70", "s_75", "s_25378")
    world.invited, world.present = frozenset(), set()
    with pytest.raises(NotInMeeting):
        world.do(DIRECTOR, LineUp("s_695"))
    world.do(DIRECTOR, LineUp("s_79", on=False))


def test_who_goes_to_the_preview_or_on_air_has_left_the_line(world: World) -> None:
    for name in ("s_70", "s_75", "s_25378"):
        world.do(DIRECTOR, LineUp(name))
    world.do(DIRECTOR, Preview(("s_70",)))
    assert line(world) == ("s_75", "s_25378")
    world.do(DIRECTOR, Cut(("s_25378",)))
    assert line(world) == ("s_75",)
    world.do(DIRECTOR, GiveFloor("s_75"))
    assert line(world) == ()
    world.do(DIRECTOR, LineUp("s_79"))
    assert from_json(to_json(world.state)).line_up == ("s_79",)
    world.do(DIRECTOR, End())
    assert line(world) == ()


@pytest.mark.parametrize(
    ("on_air", "replace", "expected"),
    [
        (("s_vn",), True, ("s_75",)),
        (("s_vn", None), True, ("s_vn", "s_75")),
        (("s_70", "s_vn"), True, ("s_75", "s_vn")),
        (("s_70", "s_vn"), False, ("s_70", "s_75")),
        (("s_vn", "s_75"), True, ("s_vn", "s_75")),
        (("s_vn", "s_695", None, "s_25378"), True, ("s_vn", "s_695", "s_75", "s_25378")),
    ],
)
def test_where_a_new_speaker_is_shown(
    world: World, on_air: tuple[str | None, ...], replace: bool, expected: tuple[str | None, ...]
) -> None:
    world.do(DIRECTOR, GiveFloor("s_70", stage=False))
    world.do(DIRECTOR, Cut(on_air))
    world.do(DIRECTOR, GiveFloor("s_75", replace=replace))
    assert world.state.on_air == expected


# The meeting itself


def test_before_it_opens_things_are_prepared_and_after_it_ended_nothing_is_done(units: Units) -> None:
    world = World(units)
    world.do(DIRECTOR, Preview(("s_70",)))
    world.do(SECRETARY, Post("thử", "all"))
    commands: tuple[tuple[object, MeetingCommand], ...] = (
        (TL, RaiseHand()),
        (DIRECTOR, GiveFloor("s_70")),
        (VN, SetMic(True)),
        (DIRECTOR, Mute(all=True)),
        (DIRECTOR, LowerHand("s_70")),
        (DIRECTOR, EndFloor("s_70")),
        (DIRECTOR, Unmute("s_70")),
    )
    for actor, command in commands:
        with pytest.raises(MeetingNotOpen):
            world.do(actor, command)  # type: ignore[arg-type]
    world.do(DIRECTOR, Open())
    with pytest.raises(WrongState):
        world.do(DIRECTOR, Open())
    world.do(DIRECTOR, End())
    more: tuple[tuple[object, MeetingCommand], ...] = (
        (DIRECTOR, Open()),
        (DIRECTOR, End()),
        (DIRECTOR, Cut(("s_70",))),
        (DIRECTOR, Preview(("s_75",))),
        (SECRETARY, Post("thử", "all")),
    )
    for actor, command in (*commands, *more):
        with pytest.raises(MeetingNotOpen):
            world.do(actor, command)  # type: ignore[arg-type]


def test_the_end_ends_floor_hands_and_stage(world: World) -> None:
    world.do(VN, SetMic(True))
    world.do(TL, RaiseHand())
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(DIRECTOR, End())
    assert world.state.open_mics() == ()
    assert (world.state.speakers, world.state.hands, world.state.on_air) == ({}, {}, (None,))


# Messages and what is seen


def test_messages_are_seen_by_whom_they_concern(world: World) -> None:
    world.do(SECRETARY, Post("to all", "all"))
    world.do(TL, Post("from Tân Lợi", "desk"))
    world.do(DN, Post("from Đồng Nai", "desk"))
    world.do(SECRETARY, Post("to Tân Lợi", "s_25378"))
    world.do(SECRETARY, Post("among ourselves", "desk"))

    def texts(actor: object) -> list[str]:
        return [message["text"] for message in world.seen(actor)["messages"]]  # type: ignore[arg-type]

    assert texts(DIRECTOR) == [
        "to all", "from Tân Lợi", "from Đồng Nai", "to Tân Lợi", "among ourselves",
    ]  # fmt: skip
    assert texts(PROVINCE) == ["to all", "from Tân Lợi", "to Tân Lợi", "among ourselves"]
    assert texts(TL) == ["to all", "from Tân Lợi", "to Tân Lợi"]
    assert texts(BP) == ["to all"]
    assert texts(OBSERVER) == ["to all"]


def test_a_site_must_be_there_to_write_and_is_named_by_its_label(world: World) -> None:
    world.do(TL, Post("xin chào", "desk"))
    (message,) = world.seen(TL)["messages"]
    assert message["from"] == {"kind": "site", "id": "s_25378", "name": "Điểm cầu xã Tân Lợi"}
    world.present.clear()
    with pytest.raises(NotInMeeting):
        world.do(TL, Post("xin chào", "desk"))
    world.invited = frozenset()
    with pytest.raises(NotInMeeting):
        world.do(SECRETARY, Post("x", "s_70"))


def test_of_hands_a_site_sees_its_own_and_their_number(world: World) -> None:
    for actor in (TL, DN, BP):
        world.do(actor, RaiseHand())

    def hands(actor: object) -> tuple[list[str], int]:
        floor = world.seen(actor)["floor"]  # type: ignore[arg-type]
        return [hand["site"] for hand in floor["hands"]], floor["hands_total"]

    assert hands(DIRECTOR) == (["s_25378", "s_75", "s_70"], 3)
    assert hands(PROVINCE) == (["s_25378", "s_70"], 3)
    assert hands(TL) == (["s_25378"], 3)
    assert hands(VN) == ([], 3)
    assert hands(person(Role.LEAD, "70")) == ([], 3)
    assert "s_75" not in world.seen(TL)["sites"]


def test_public_events_are_one_object_for_all_who_may_not_see_more(world: World) -> None:
    (raised,) = world.do(TL, RaiseHand())
    shown = [world.viewer(actor).sees(raised) for actor in (BP, DN, OBSERVER)]
    assert all(event is shown[0] for event in shown)
    assert shown[0].data == {"hands_total": 1}
    assert (shown[0].seq, shown[0].type) == (raised.seq, raised.type)
    for actor in (TL, DIRECTOR, PROVINCE):
        assert world.viewer(actor).sees(raised) is raised


def test_every_mentioned_site_is_named(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(DIRECTOR, Preview(("s_75", "s_79")))
    world.do(SECRETARY, Post("x", "s_695"))
    assert set(world.seen(DIRECTOR)["sites"]) == {
        "s_vn", "s_25378", "s_70", "s_75", "s_79", "s_695",
    }  # fmt: skip
    assert world.seen(DIRECTOR)["sites"]["s_25378"] == {
        "label": "Điểm cầu xã Tân Lợi",
        "unit": "25378",
        "path": "xã Tân Lợi, huyện Đồng Phú, tỉnh Bình Phước",
    }


def test_the_stored_state_is_read_back_equal(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(SECRETARY, Post("x", "all"))
    stored = to_json(world.state)
    again = from_json(stored)
    assert to_json(again) == stored
    again.names = world.state.names
    assert again == world.state


def test_old_messages_leave_the_state(world: World) -> None:
    for number in range(250):
        world.do(SECRETARY, Post(f"{number}", "all"))
    messages = world.seen(DIRECTOR)["messages"]
    assert [messages[0]["text"], messages[-1]["text"], len(messages)] == ["50", "249", 200]


def test_refusals_are_coded(world: World) -> None:
    for error in (HandGone, FloorAlreadyGiven):
        assert issubclass(error, Conflict)
    refusals: tuple[type[DiemCauError], ...] = (MeetingNotOpen, NotInMeeting, NotSpeaking, HandAlreadyRaised)
    assert {refusal.status for refusal in refusals} == {409}
    codes = {refusal.code for refusal in refusals}
    assert codes == {"meeting_not_open", "not_in_meeting", "not_speaking", "hand_already_raised"}
