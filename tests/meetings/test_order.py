"""The floor through the provinces: queues, the speakers' list, the agenda, time. Rules alone, no IO."""

from datetime import timedelta

import orjson
import pytest

from diemcau.access import Role
from diemcau.errors import BadRequest, Conflict, TooLarge, WrongState
from diemcau.meetings import Meeting, NotInMeeting, NotSpeaking
from diemcau.meetings.commands import (
    Cut,
    GiveFloor,
    LineUp,
    LowerHand,
    Mute,
    Preview,
    RaiseHand,
    SetMic,
    parse,
)
from diemcau.meetings.floor import site_gone, time_over
from diemcau.meetings.meeting import from_json, to_json
from diemcau.meetings.order import Hand
from diemcau.meetings.ordering import (
    AnswerAsked,
    AskUnmute,
    EditListed,
    ExtendFloor,
    FinishItem,
    ForwardHand,
    ListSite,
    MoveHand,
    MoveListed,
    NewItem,
    RecallHand,
    SetAgenda,
    SetFloorRules,
    StartItem,
    UndoMute,
    UnlistSite,
)
from diemcau.meetings.queue import branch_of, queue_of
from diemcau.meetings.speakers import MAX_LISTED, in_line
from diemcau.sites import ScopeEntry
from diemcau.units import Units
from tests.meetings.world import CHAIR, DIRECTOR, EVERY, PROVINCE, SECRETARY, World, person, site

VN, BP, DP, TL, TLB, DN = (site(number) for number in range(6))
TWO_MINUTES = timedelta(minutes=2)


@pytest.fixture
def world(units: Units) -> World:
    return World(units).opened()


def hands(world: World, actor: object = DIRECTOR) -> dict[str, dict[str, object]]:
    return {hand["site"]: hand for hand in world.seen(actor)["floor"]["hands"]}  # type: ignore[arg-type]


# Queues


@pytest.mark.parametrize(
    ("scope", "unit", "branch"),
    [
        (("VN",), "25378", "70"),  # a commune's hand waits in its province's queue
        (("VN",), "695", "70"),
        (("VN",), "70", None),  # the province's own site goes straight to the centre
        (("VN",), "VN", None),
        (("70",), "25378", "695"),  # in a province's meeting the district's
        (("70",), "695", None),
        (("70", "75"), "25378", "70"),  # several provinces: each its own
        (("695", "688"), "25378", "695"),
        (("25378",), "25378", None),
    ],
)
def test_a_hand_waits_with_the_unit_right_below_the_scope(
    world: World, scope: tuple[str, ...], unit: str, branch: str | None
) -> None:
    world.state.scope = tuple(ScopeEntry(code, EVERY) for code in scope)
    assert branch_of(world.state, world.context(TL), unit) == branch


def test_a_hand_climbs_with_a_note_and_the_site_sees_that_it_did_but_not_the_note(world: World) -> None:
    world.do(TL, RaiseHand())
    assert hands(world)["s_25378"]["forwarded"] is None
    world.do(PROVINCE, ForwardHand("s_25378", "xin phát biểu về nước sinh hoạt"))
    sent = hands(world)["s_25378"]["forwarded"]
    assert isinstance(sent, dict)
    assert (sent["note"], sent["by"]) == ("xin phát biểu về nước sinh hoạt", PROVINCE.name)
    own = hands(world, TL)["s_25378"]["forwarded"]
    assert isinstance(own, dict)
    assert (own["note"], own["by"]) == ("", "")
    assert hands(world, person(Role.DIRECTOR, "75")) == {}


def test_of_two_operators_who_forward_one_hand_the_later_note_is_refused_and_told(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(PROVINCE, ForwardHand("s_25378", "nước sinh hoạt"))
    assert world.do(SECRETARY, ForwardHand("s_25378", "nước sinh hoạt")) == []
    with pytest.raises(Conflict) as refused:
        world.do(SECRETARY, ForwardHand("s_25378", "đường giao thông"))
    assert (refused.value.code, refused.value.details["note"]) == ("conflict", "nước sinh hoạt")
    world.do(SECRETARY, RecallHand("s_25378"))
    with pytest.raises(Conflict):
        world.do(PROVINCE, RecallHand("s_25378"))
    world.do(SECRETARY, ForwardHand("s_25378", "đường giao thông"))


def test_a_hand_that_went_straight_to_the_centre_has_no_queue(world: World) -> None:
    world.do(BP, RaiseHand())
    for command in (ForwardHand("s_70"), MoveHand("s_70")):
        with pytest.raises(WrongState):
            world.do(PROVINCE, command)


def test_a_queue_is_ordered_and_no_move_of_two_operators_is_lost(world: World) -> None:
    for actor in (DP, TL, TLB):
        world.do(actor, RaiseHand())
    seen = {key: hand["rank"] for key, hand in hands(world).items()}
    world.do(PROVINCE, MoveHand("s_25378b", "s_695", seen["s_25378b"]))  # type: ignore[arg-type]
    world.do(SECRETARY, MoveHand("s_695", None, seen["s_695"]))  # type: ignore[arg-type]
    assert queue_of(world.state, "70") == ["s_25378b", "s_25378", "s_695"]
    with pytest.raises(Conflict) as moved:
        world.do(SECRETARY, MoveHand("s_25378b", None, seen["s_25378b"]))  # type: ignore[arg-type]
    assert moved.value.code == "queue_changed"
    world.do(TL, LowerHand())
    with pytest.raises(Conflict):
        world.do(PROVINCE, MoveHand("s_695", "s_25378"))


def test_a_queue_can_be_ordered_without_end(world: World) -> None:
    for actor in (DP, TL, TLB):
        world.do(actor, RaiseHand())
    last = ["s_695", "s_25378", "s_25378b"]
    for turn in range(200):  # always between the same two: numbers run out after some fifty
        first, second = ("s_25378", "s_25378b") if turn % 2 else ("s_25378b", "s_25378")
        world.do(PROVINCE, MoveHand(first, second))
        last = ["s_695", first, second]
        assert queue_of(world.state, "70") == last
    assert queue_of(from_json(orjson.loads(orjson.dumps(to_json(world.state)))), "70") == last


def test_a_reason_for_lowering_a_hand_is_written_to_its_site(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(PROVINCE, LowerHand("s_25378", "tỉnh đã báo cáo việc này"))
    assert world.state.hands == {}
    assert [one["text"] for one in world.seen(TL)["messages"]] == ["tỉnh đã báo cáo việc này"]
    assert world.seen(DN)["messages"] == []


def test_a_log_from_before_there_were_queues_reads_as_hands_at_the_centre(world: World) -> None:
    world.do(TL, RaiseHand())
    old = to_json(world.state)
    old["hands"] = [["s_25378", "2021-09-05T01:30:00.000Z"]]
    old["speakers"] = [["s_70", "2021-09-05T01:30:00.000Z", "open"]]
    del old["order"]
    again = from_json(orjson.loads(orjson.dumps(old)))
    assert again.hands["s_25378"] == Hand(again.hands["s_25378"].at, 0.0)
    assert again.speakers["s_70"].until is None
    event = world.events[-1]
    before = Meeting.created(world.events[0])
    for known in world.events[1:-1]:
        before.apply(known)
    del event.data["branch"]
    before.apply(event)
    assert before.hands["s_25378"].branch is None


# The speakers' list


def listed(world: World) -> list[str]:
    return [entry.site for entry in world.state.order.listed]


def test_the_list_keeps_notes_minutes_and_order_and_who_speaks_leaves_it(world: World) -> None:
    world.do(TL, RaiseHand())
    world.do(PROVINCE, ForwardHand("s_25378", "nước sinh hoạt"))
    world.do(SECRETARY, ListSite("s_25378", minutes=2))
    world.do(SECRETARY, ListSite("s_75", "đường giao thông"))
    world.do(SECRETARY, ListSite("s_70", before="s_75"))
    assert listed(world) == ["s_25378", "s_70", "s_75"]
    assert world.state.order.listed[0].note == "nước sinh hoạt"
    world.do(SECRETARY, MoveListed("s_75", "s_25378"))
    world.do(DIRECTOR, GiveFloor("s_25378"))
    assert listed(world) == ["s_75", "s_70"]
    assert world.state.speakers["s_25378"].until == world.now + TWO_MINUTES
    shown = world.seen(TL)["floor"]["list"]
    assert [(entry["site"], entry["note"]) for entry in shown] == [("s_75", ""), ("s_70", "")]
    assert world.seen(PROVINCE)["floor"]["list"][0]["note"] == "đường giao thông"


def test_of_two_who_change_one_entry_the_second_hears_it(world: World) -> None:
    world.do(SECRETARY, ListSite("s_75"))
    world.do(SECRETARY, EditListed("s_75", "một", 3, version=1))
    with pytest.raises(Conflict) as refused:
        world.do(DIRECTOR, EditListed("s_75", "hai", 5, version=1))
    assert (refused.value.code, refused.value.details["version"]) == ("queue_changed", 2)
    assert world.state.order.listed[0].note == "một"
    world.do(DIRECTOR, UnlistSite("s_75"))
    with pytest.raises(Conflict) as gone:
        world.do(SECRETARY, MoveListed("s_75"))
    assert gone.value.code == "not_listed"


def test_a_site_that_leaves_keeps_its_place_on_the_list_but_is_not_given_the_floor(world: World) -> None:
    world.do(SECRETARY, ListSite("s_75"))
    world.present.discard("s_75")
    world.apply(site_gone(world.state, "s_75"))
    assert listed(world) == ["s_75"]
    with pytest.raises(NotInMeeting):
        world.do(DIRECTOR, GiveFloor("s_75"))
    world.present.add("s_75")
    world.do(DIRECTOR, GiveFloor("s_75"))


def lined(world: World) -> tuple[str, ...]:
    return in_line(world.state, world.present)


def test_the_next_of_the_list_is_lined_up_until_it_speaks_or_is_taken_off(world: World) -> None:
    for name in ("s_70", "s_75", "s_79"):
        world.do(SECRETARY, ListSite(name))
    assert lined(world) == ("s_70",)
    world.present.discard("s_70")
    assert lined(world) == ("s_75",), "as 'next' passes over who is not there"
    world.do(SECRETARY, UnlistSite("s_75"))
    assert lined(world) == ("s_79",)
    world.do(DIRECTOR, GiveFloor("s_79", stage=False))
    assert lined(world) == ()
    world.do(SECRETARY, ListSite("s_79"))
    assert lined(world) == (), "who speaks is not the next, listed again or not"


def test_the_next_of_the_list_stands_behind_the_operators_own_and_displaces_nobody(world: World) -> None:
    world.do(SECRETARY, ListSite("s_70"))
    world.do(SECRETARY, ListSite("s_75"))
    for name in ("s_79", "s_695", "s_25378"):
        world.do(DIRECTOR, LineUp(name))
    assert lined(world) == ("s_79", "s_695", "s_25378", "s_70")
    world.do(DIRECTOR, LineUp("s_25378b"))
    assert lined(world) == ("s_79", "s_695", "s_25378", "s_25378b")
    world.do(DIRECTOR, LineUp("s_25378b", on=False))
    world.do(DIRECTOR, LineUp("s_70", place=0))
    assert lined(world) == ("s_70", "s_79", "s_695", "s_25378"), "once, where the operator put it"


@pytest.mark.parametrize("command", [Preview(("s_70",)), Cut(("s_70",))])
def test_a_next_speaker_whose_picture_is_ready_is_not_lined_up_as_well(
    world: World, command: Preview | Cut
) -> None:
    world.do(SECRETARY, ListSite("s_70"))
    world.do(SECRETARY, ListSite("s_75"))
    world.do(DIRECTOR, command)
    assert lined(world) == ()


def test_the_list_is_bounded(units: Units) -> None:
    world = World(units).opened()
    names = {f"s_{number}": world.names["s_70"] for number in range(MAX_LISTED + 1)}
    world.names |= names
    world.invited |= set(names)
    for site_id in list(names)[:-1]:
        world.do(SECRETARY, ListSite(site_id))
    with pytest.raises(TooLarge):
        world.do(SECRETARY, ListSite(f"s_{MAX_LISTED}"))
    with pytest.raises(Conflict):
        world.do(SECRETARY, ListSite("s_0"))


# The agenda


def test_an_item_brings_its_planned_speakers_and_their_minutes(world: World) -> None:
    items = (NewItem(None, "Khai mạc", 5), NewItem(None, "Báo cáo", 30, 4, ("s_70", "s_75")))
    world.do(SECRETARY, SetAgenda(items, 0))
    opening, report = world.state.order.agenda
    world.do(SECRETARY, StartItem(opening.id))
    world.do(SECRETARY, ListSite("s_70"))
    world.do(SECRETARY, StartItem(report.id))
    assert listed(world) == ["s_70", "s_75"]
    assert world.state.order.agenda[0].ended_at == world.now
    world.do(DIRECTOR, GiveFloor("s_75"))
    assert world.state.speakers["s_75"].until == world.now + timedelta(minutes=4)
    [shown] = world.seen(TL)["agenda"]["items"]
    assert (shown["title"], shown["sites"]) == ("Báo cáo", [])
    assert len(world.seen(PROVINCE)["agenda"]["items"]) == 2
    world.do(SECRETARY, FinishItem(report.id))
    assert world.seen(TL)["agenda"]["items"] == []
    with pytest.raises(Conflict):
        world.do(SECRETARY, FinishItem(report.id))


def test_an_agenda_made_on_an_old_version_is_refused_and_keeps_what_runs(world: World) -> None:
    world.do(SECRETARY, SetAgenda((NewItem(None, "Khai mạc", 5),), 0))
    [opening] = world.state.order.agenda
    world.do(SECRETARY, StartItem(opening.id))
    with pytest.raises(Conflict) as refused:
        world.do(DIRECTOR, SetAgenda((), 0))
    assert refused.value.code == "queue_changed"
    kept = NewItem(opening.id, "Khai mạc hội nghị", 10)
    world.do(DIRECTOR, SetAgenda((NewItem(None, "Chào cờ"), kept), 2))
    assert world.state.order.running is not None
    assert world.state.order.running.title == "Khai mạc hội nghị"
    for wrong in ((NewItem("a_unknown", "Lạ"),), (kept, kept)):
        with pytest.raises(BadRequest):
            world.do(DIRECTOR, SetAgenda(wrong, 3))
    with pytest.raises(NotInMeeting):
        world.do(DIRECTOR, SetAgenda((NewItem(None, "Ngoài", sites=("s_none",)),), 3))


# Time


def test_time_is_the_commands_or_the_lists_or_the_meetings(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    assert world.state.speakers["s_70"].until is None
    world.do(SECRETARY, SetFloorRules(5, auto_end=False))
    world.do(DIRECTOR, GiveFloor("s_75"))
    assert world.state.speakers["s_75"].until == world.now + timedelta(minutes=5)
    world.do(DIRECTOR, GiveFloor("s_695", minutes=0))
    assert world.state.speakers["s_695"].until is None
    world.do(DIRECTOR, GiveFloor("s_79", minutes=2))
    assert world.seen(TL)["floor"]["speakers"][0]["until"] is not None
    world.do(CHAIR, GiveFloor("s_vn"))
    assert world.state.speakers["s_vn"].until is None  # nobody holds a clock to the chair


def test_more_minutes_go_on_top_or_begin_now_when_the_time_is_over(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70", minutes=2))
    given = world.now
    world.do(DIRECTOR, ExtendFloor("s_70", 1))
    assert world.state.speakers["s_70"].until == given + timedelta(minutes=3)
    world.now += timedelta(minutes=10)
    world.do(DIRECTOR, ExtendFloor("s_70", 2))
    assert world.state.speakers["s_70"].until == world.now + TWO_MINUTES
    with pytest.raises(NotSpeaking):
        world.do(DIRECTOR, ExtendFloor("s_75", 2))


def test_time_cuts_nobody_off_unless_the_meeting_says_so(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70", minutes=2))
    over = world.now + TWO_MINUTES
    assert time_over(world.state, over) == []
    world.do(SECRETARY, SetFloorRules(None, auto_end=True))
    world.do(CHAIR, GiveFloor("s_vn", replace=False, minutes=1))
    assert time_over(world.state, over - timedelta(seconds=1)) == []
    assert time_over(world.state, over) == [("floor_ended", {"site": "s_70", "reason": "time"})]


# Microphones


def test_a_speaker_whose_microphone_is_off_is_asked_and_answers(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(BP, SetMic(False))
    world.do(DIRECTOR, AskUnmute("s_70"))
    assert world.do(SECRETARY, AskUnmute("s_70")) == []
    assert world.seen(BP)["floor"]["speakers"][0]["asked"]["answer"] is None
    world.do(BP, AnswerAsked(False))
    assert world.seen(DIRECTOR)["floor"]["speakers"][0]["asked"]["answer"] == "no"
    world.do(DIRECTOR, AskUnmute("s_70"))
    world.do(BP, AnswerAsked(True))
    assert world.state.mic_of("s_70") == "open"
    assert world.seen(DIRECTOR)["floor"]["speakers"][0]["asked"]["answer"] == "yes"
    world.do(DIRECTOR, AskUnmute("s_70"))  # open, and nobody hears it: its page was not touched yet
    world.do(BP, SetMic(False))
    world.do(BP, SetMic(True))
    assert world.seen(DIRECTOR)["floor"]["speakers"][0]["asked"]["answer"] == "yes"


def test_nobody_is_asked_who_was_muted_or_does_not_speak(world: World) -> None:
    world.do(DIRECTOR, GiveFloor("s_70"))
    world.do(DIRECTOR, Mute(site="s_70"))
    with pytest.raises(WrongState):
        world.do(DIRECTOR, AskUnmute("s_70"))
    with pytest.raises(NotSpeaking):
        world.do(DIRECTOR, AskUnmute("s_75"))
    with pytest.raises(NotSpeaking):
        world.do(DN, AnswerAsked(True))


def test_a_mute_of_a_subtree_is_undone_for_those_nobody_touched_since(world: World) -> None:
    for speaker in ("s_70", "s_695", "s_25378", "s_75"):
        world.do(DIRECTOR, GiveFloor(speaker, replace=False))
    world.do(DP, SetMic(False))
    [muted] = world.do(PROVINCE, Mute(unit="70"))
    last = world.seen(DIRECTOR)["floor"]["last_mute"]
    assert (last["n"], last["count"], last["unit"], last["by"]) == (muted.seq, 2, "70", PROVINCE.name)
    assert world.seen(TL)["floor"]["last_mute"] is None
    world.do(DIRECTOR, GiveFloor("s_79", replace=False))
    for again in ("s_70",):
        world.state.speakers.pop(again)  # its floor ended meanwhile
    world.do(PROVINCE, UndoMute(muted.seq))
    assert set(world.state.open_mics()) == {"s_25378", "s_75", "s_79"}
    world.do(DIRECTOR, Mute(all=True))
    with pytest.raises(Conflict):
        world.do(PROVINCE, UndoMute(muted.seq))


# What a client sends


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "hand.forward"},
        {"type": "hand.forward", "site": "s_1", "note": "x" * 201},
        {"type": "hand.move", "site": "s_1", "seen": "1"},
        {"type": "floor.give", "site": "s_1", "minutes": 241},
        {"type": "floor.give", "site": "s_1", "minutes": True},
        {"type": "floor.extend", "site": "s_1", "minutes": 0},
        {"type": "floor.rules", "minutes": 0},
        {"type": "list.edit", "site": "s_1", "note": "", "minutes": 2},
        {"type": "agenda.set", "items": [{"title": " "}], "version": 0},
        {"type": "agenda.set", "items": [{"title": "Một", "sites": ["s_1"], "x": 1}], "version": 0},
        {"type": "agenda.set", "items": ["Một"], "version": 0},
        {"type": "agenda.set", "items": [{"title": "Một"}] * 61, "version": 0},
        {"type": "mute.undo", "n": 0},
        {"type": "mic.answer"},
    ],
)
def test_what_is_out_of_bounds_is_refused(fields: dict[str, object]) -> None:
    with pytest.raises(BadRequest):
        parse({"id": "command-1", "meeting": "m_1", **fields})  # type: ignore[dict-item]
