"""Watching from above, taking over, calling out, marks: the rules alone."""

import pytest

from diemcau.access import MARKS, Actor, Role, allowed, covers
from diemcau.access import authorise as authorise_by_table
from diemcau.errors import DiemCauError
from diemcau.meetings import commands as c
from diemcau.meetings import ordering as o
from diemcau.meetings.authority import authorise
from diemcau.meetings.away import CalledOut, called_out, returned
from diemcau.meetings.oversight import above, check_directing, oversees
from diemcau.meetings.states import Meeting
from diemcau.sites import ScopeEntry
from diemcau.units import Units
from tests.meetings.world import BINH_PHUOC, CHAIR, DIRECTOR, PROVINCE, SITES, World, person, site

NATION = person(Role.CHAIR)


class Table:
    """`Access` as far as the rules ask it: the permission table over a tree."""

    def __init__(self, units: Units) -> None:
        self._units = units

    def allowed(self, actor: Actor, command: str, unit: str) -> bool:
        return allowed(self._units, actor, command, unit)

    def authorise(self, actor: Actor, command: str, *over: str) -> None:
        authorise_by_table(self._units, actor, command, *over)


@pytest.fixture
def provincial(units: Units) -> World:
    """A province's own meeting that its director has opened."""
    world = World(units, chair="s_70")
    world.state.scope = (ScopeEntry(BINH_PHUOC, ("province", "district", "commune")),)
    world.do(PROVINCE, c.Open())
    return world


def code_of(error: pytest.ExceptionInfo[DiemCauError]) -> str:
    return error.value.code


def scoped(world: World, *units: str) -> Meeting:
    world.state.scope = tuple(ScopeEntry(unit, ("commune",)) for unit in units)
    return world.state


@pytest.mark.parametrize(
    ("scope", "over"),
    [
        (["VN"], ()),
        (["70"], ("VN",)),
        (["695"], ("70",)),
        (["70", "75"], ("VN",)),
        (["70", "VN"], ()),
        (["??"], ()),
    ],
)
def test_who_is_above_a_meeting_has_more_than_all_of_its_scope(
    units: Units, scope: list[str], over: tuple[str, ...]
) -> None:
    assert above(units, scoped(World(units), *scope)) == over


@pytest.mark.parametrize(
    ("actor", "scope", "watches"),
    [
        (DIRECTOR, ["70"], True),
        (DIRECTOR, ["VN"], False),
        (PROVINCE, ["70"], False),
        (PROVINCE, ["695"], True),
        (PROVINCE, ["75"], False),
        (person(Role.SECRETARY), ["70"], False),
        (person(Role.DUTY_OFFICER), ["70"], False),
        (site(0), ["70"], False),
    ],
)
def test_only_who_may_direct_more_watches_from_above(
    units: Units, actor: object, scope: list[str], watches: bool
) -> None:
    assert oversees(Table(units), units, actor, scoped(World(units), *scope)) is watches  # type: ignore[arg-type]


def test_nobody_is_above_the_nation_and_a_province_takes_nothing_of_its_neighbour(
    units: Units,
) -> None:
    take = c.Command("take-over-1", "direction.take", "m_1", c.TakeDirection())
    for scope, actor in ((["VN"], DIRECTOR), (["75"], PROVINCE), (["70"], PROVINCE)):
        with pytest.raises(DiemCauError) as error:
            authorise(Table(units), units, actor, scoped(World(units), *scope), take, {})
        assert code_of(error) == "forbidden"
    authorise(Table(units), units, DIRECTOR, scoped(World(units), "70"), take, {})


def test_who_watches_directs_only_after_taking_over(provincial: World) -> None:
    with pytest.raises(DiemCauError) as error:
        provincial.do(DIRECTOR, c.Cut((SITES[3],)), above=True)
    assert code_of(error) == "not_directing"
    [taken] = provincial.do(DIRECTOR, c.TakeDirection(), above=True)
    assert taken.data["by"]["id"] == DIRECTOR.id  # type: ignore[index,call-overload]
    assert provincial.do(DIRECTOR, c.Cut((SITES[3],)), above=True)


@pytest.mark.parametrize(
    "command",
    [
        c.End(),
        c.GiveFloor("s_25378"),
        c.EndFloor("s_25378"),
        c.LowerHand("s_25378"),
        c.Mute(all=True),
        c.Unmute("s_25378"),
        c.Preview(("s_25378",)),
        c.Cut(("s_25378",)),
        c.Mark("secret"),
        c.Post("x", "all"),
    ],
)
def test_the_desk_of_a_meeting_that_was_taken_over_is_read_only(
    provincial: World, command: c.MeetingCommand
) -> None:
    provincial.do(DIRECTOR, c.TakeDirection(), above=True)
    with pytest.raises(DiemCauError) as error:
        provincial.do(PROVINCE, command)
    assert code_of(error) == "direction_taken"
    assert provincial.do(PROVINCE, c.Post("Xin trả lại", "desk")), "it can still write to the desk"
    assert provincial.do(site(3), c.RaiseHand()), "and its sites go on"


@pytest.mark.parametrize("command", [o.ForwardHand("s_25378", "về nước sạch"), o.RecallHand("s_25378")])
def test_a_branch_goes_on_sending_its_hands_up_while_somebody_directs_from_above(
    provincial: World, command: c.MeetingCommand
) -> None:
    provincial.do(DIRECTOR, c.TakeDirection(), above=True)
    check_directing(provincial.state, PROVINCE, command, above=False)


def test_of_two_who_take_over_the_second_hears_who_has_it(provincial: World) -> None:
    provincial.do(DIRECTOR, c.TakeDirection(), above=True)
    assert provincial.do(DIRECTOR, c.TakeDirection(), above=True) == [], "the same again does nothing"
    for command in (c.TakeDirection(), c.ReturnDirection()):
        with pytest.raises(DiemCauError) as error:
            provincial.do(NATION, command, above=True)
        assert code_of(error) == "direction_taken"
        assert error.value.details["by"] == DIRECTOR.name


def test_what_is_given_back_is_the_provinces_again(provincial: World) -> None:
    provincial.do(DIRECTOR, c.TakeDirection(), above=True)
    provincial.do(DIRECTOR, c.Cut(("s_25378",)), above=True)
    assert provincial.state.led_by == PROVINCE.key, "who took over is not who leads"
    [back] = provincial.do(DIRECTOR, c.ReturnDirection(), above=True)
    assert back.data == {"reason": "returned"}
    assert provincial.do(PROVINCE, c.Mute(all=True)) == []
    assert provincial.do(PROVINCE, c.Cut(("s_70",)))


def test_taking_over_does_not_silence_the_chair_and_shutting_it_is_said(provincial: World) -> None:
    provincial.do(site(1), c.SetMic(True))
    provincial.do(DIRECTOR, c.TakeDirection(), above=True)
    assert provincial.state.chair_mic == "open"
    assert provincial.do(DIRECTOR, c.Mute(all=True), above=True) == []
    [muted] = provincial.do(DIRECTOR, c.Mute(site="s_70"), above=True)
    assert muted.data["chair_by"] == {"name": DIRECTOR.name, "title": None}
    assert provincial.do(site(1), c.SetMic(True)), "the chair opens it again itself"


CALL = CalledOut(
    DIRECTOR, {"unit": "VN", "label": "Trung ương"}, World(Units.load("2021-09")).names["s_25378"]
)


def test_who_is_called_out_loses_hand_and_floor_with_that_reason_and_keeps_its_place(units: Units) -> None:
    world = World(units).opened()
    world.do(site(3), c.RaiseHand())
    events = world.apply(called_out(world.state, "s_25378", CALL))
    assert [(event.type, event.data.get("reason")) for event in events] == [
        ("hand_lowered", "called"),
        ("site_called_out", None),
    ]
    world.apply(returned(world.state, "s_25378", "returned"))
    world.do(DIRECTOR, c.GiveFloor("s_25378"))
    events = world.apply(called_out(world.state, "s_25378", CALL))
    assert [(event.type, event.data.get("reason")) for event in events] == [
        ("floor_ended", "called"),
        ("site_called_out", None),
    ]
    assert world.state.on_air[0] == "s_25378", "the director cuts, nobody else"
    assert called_out(world.state, "s_25378", CALL) == [], "twice is once"


def test_called_out_again_before_its_return_was_written_its_new_hand_goes_too(units: Units) -> None:
    world = World(units).opened()
    world.apply(called_out(world.state, "s_25378", CALL))
    world.do(site(3), c.RaiseHand())
    events = world.apply(called_out(world.state, "s_25378", CALL))
    assert [(event.type, event.data.get("reason")) for event in events] == [("hand_lowered", "called")]
    other = CalledOut(DIRECTOR, {"unit": "79", "label": "Thành phố Hồ Chí Minh"}, CALL.name)
    [event] = world.apply(called_out(world.state, "s_25378", other))
    assert event.type == "site_called_out"
    assert world.state.away["s_25378"].whence["unit"] == "79", "who calls now, not who called before"


def test_nobody_comes_back_to_a_meeting_that_has_ended(units: Units) -> None:
    world = World(units).opened()
    world.apply(called_out(world.state, "s_25378", CALL))
    world.do(CHAIR, c.End())
    assert world.state.away == {}
    assert returned(world.state, "s_25378", "returned") == []
    assert called_out(world.state, "s_25378", CALL) == []


def test_the_event_that_tells_of_a_call_names_no_other_meeting(units: Units) -> None:
    world = World(units).opened()
    [event] = world.apply(called_out(world.state, "s_25378", CALL))
    assert set(event.data) == {"site", "by", "whence", "names"}


def test_a_mark_is_raised_and_never_lowered(units: Units) -> None:
    world = World(units).opened()
    assert world.state.may_record
    world.do(DIRECTOR, c.Mark("secret"))
    assert not world.state.may_record
    assert world.do(DIRECTOR, c.Mark("secret")) == []
    for lower in ("none", "confidential"):
        with pytest.raises(DiemCauError) as error:
            world.do(DIRECTOR, c.Mark(lower))  # type: ignore[arg-type]
        assert code_of(error) == "secrecy"


@pytest.mark.parametrize("level", MARKS)
@pytest.mark.parametrize("mark", MARKS)
def test_a_clearance_covers_its_own_mark_and_those_below(level: str, mark: str) -> None:
    assert covers(level, mark) is (MARKS.index(level) >= MARKS.index(mark))  # type: ignore[arg-type]
