"""Whatever is done in whatever order: snapshot and events equal a fresh snapshot, for every asker."""

import contextlib
from typing import Any

import orjson
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from diemcau.access import MARKS, SYSTEM, Actor, Role, site_actor
from diemcau.errors import DiemCauError
from diemcau.meetings.away import CalledOut, called_out, returned
from diemcau.meetings.commands import (
    Cut,
    End,
    EndFloor,
    EndPresentation,
    GiveFloor,
    HoldPicture,
    LineUp,
    LowerHand,
    Mark,
    MeetingCommand,
    Mute,
    Open,
    PinChair,
    Post,
    Preview,
    RaiseHand,
    ReturnDirection,
    SetCaption,
    SetMic,
    ShowCaptions,
    StartPresentation,
    TakeDirection,
    Unmute,
)
from diemcau.meetings.floor import site_gone
from diemcau.meetings.layouts import PRESENTATION
from diemcau.meetings.layouts import SLOTS as LAYOUTS
from diemcau.meetings.meeting import Meeting, from_json, to_json
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
from diemcau.units import Units
from tests.meetings.reducer import reduce
from tests.meetings.world import CHAIR, DIRECTOR, NOW, OBSERVER, PROVINCE, SECRETARY, SITES, World, person

ASKERS = (
    DIRECTOR,
    PROVINCE,
    OBSERVER,
    person(Role.DUTY_OFFICER, "695"),
    site_actor("s_vn"),
    site_actor("s_25378"),
    site_actor("s_75"),
)
OPERATORS = (CHAIR, DIRECTOR, SECRETARY)

a_site = st.sampled_from(SITES)
a_slot = st.none() | a_site | st.just(PRESENTATION)


def in_slots(count: int) -> st.SearchStrategy[tuple[str | None, ...]]:
    return st.lists(a_slot, min_size=count, max_size=count).map(_once).map(tuple)


slots = st.sampled_from((1, 2, 4)).flatmap(in_slots)
looks = st.sampled_from(tuple(LAYOUTS)).flatmap(
    lambda layout: st.tuples(in_slots(LAYOUTS[layout]), st.just(layout))
)
directions = st.one_of(
    st.builds(HoldPicture, st.booleans(), st.none() | st.just("Nghỉ"), st.none() | st.just(NOW)),
    st.builds(ShowCaptions, st.booleans()),
    st.builds(SetCaption, a_site, st.none() | st.just("Ông Trần Văn B"), st.none() | st.just("Chủ tịch")),
    st.builds(PinChair, st.booleans()),
    st.builds(
        StartPresentation, st.sampled_from(("key-0001", "key-0002")), st.just("Báo cáo"), st.booleans()
    ),
    st.builds(EndPresentation, st.none() | st.just("key-0001")),
)
site_commands = st.one_of(
    st.just(RaiseHand()),
    st.builds(LowerHand),
    st.builds(EndFloor),
    st.builds(SetMic, st.booleans()),
    st.builds(Post, st.text(min_size=1, max_size=5), st.just("desk")),
    st.builds(AnswerAsked, st.booleans()),
)
some_minutes = st.none() | st.integers(1, 240)
a_note = st.sampled_from(("", "nước sinh hoạt"))
operator_commands = st.one_of(
    st.builds(LowerHand, a_site),
    st.builds(GiveFloor, a_site, st.booleans(), st.booleans()),
    st.builds(EndFloor, a_site),
    st.builds(Mute, site=a_site),
    st.builds(Mute, unit=st.sampled_from(("VN", "70", "695", "75"))),
    st.just(Mute(all=True)),
    st.builds(Unmute, a_site),
    st.builds(Preview, slots),
    looks.map(lambda look: Preview(*look)),
    st.builds(Cut, st.none() | slots),
    st.builds(LineUp, a_site, st.booleans(), st.none() | st.integers(0, 3)),
    looks.map(lambda look: Cut(*look)),
    directions,
    st.builds(Post, st.just("text"), st.sampled_from(("all", "desk", *SITES))),
    st.builds(LowerHand, a_site, st.sampled_from(("", "đã nêu rồi"))),
    st.builds(ListSite, a_site, a_note, some_minutes, st.none() | a_site),
    st.builds(SetFloorRules, some_minutes, st.booleans()),
)


def _once(shown: list[str | None]) -> list[str | None]:
    return [site if site not in shown[:place] else None for place, site in enumerate(shown)]


class Page:
    """One asker's page: a snapshot once, and then events as they were sent."""

    def __init__(self, world: World, actor: Actor) -> None:
        self.actor = actor
        self.seq = world.state.seq
        self.state: dict[str, Any] = world.seen(actor)

    def catch_up(self, world: World) -> None:
        viewer = world.viewer(self.actor)
        for event in world.events[self.seq :]:
            assert event.seq == self.seq + 1
            reduce(self.state, viewer.sees(event))
            self.seq = event.seq
        self.state["sites"] = dict(sorted(self.state["sites"].items()))


class MeetingMachine(RuleBasedStateMachine):
    @initialize(chair=st.sampled_from(("s_vn", None)), opened=st.integers(0, 7))
    def start(self, chair: str | None, opened: int) -> None:
        self.world = World(Units.load("2021-09"), chair=chair)
        if opened:
            self.world.opened()
        self.pages = [Page(self.world, actor) for actor in ASKERS]

    def attempt(self, actor: Actor, command: MeetingCommand) -> None:
        before = to_json(self.world.state)
        try:
            self.world.do(actor, command)
        except DiemCauError:
            # A refused command has changed nothing.
            assert to_json(self.world.state) == before

    @rule(actor=a_site.map(site_actor), command=site_commands)
    def site_does(self, actor: Actor, command: MeetingCommand) -> None:
        self.attempt(actor, command)

    @rule(actor=st.sampled_from(OPERATORS), command=operator_commands)
    def operator_does(self, actor: Actor, command: MeetingCommand) -> None:
        self.attempt(actor, command)

    @rule(actor=a_site.map(site_actor))
    def raise_hand(self, actor: Actor) -> None:
        self.attempt(actor, RaiseHand())

    @rule(data=st.data(), actor=st.sampled_from(OPERATORS), replace=st.booleans(), stage=st.booleans())
    def give_the_floor_to_a_hand(self, data: st.DataObject, actor: Actor, replace: bool, stage: bool) -> None:
        if hands := list(self.world.state.hands):
            self.attempt(actor, GiveFloor(data.draw(st.sampled_from(hands)), replace, stage))

    @rule(data=st.data(), actor=st.sampled_from((*OPERATORS, PROVINCE)), note=a_note)
    def work_in_a_queue(self, data: st.DataObject, actor: Actor, note: str) -> None:
        if hands := list(self.world.state.hands):
            site, other = data.draw(st.sampled_from(hands)), data.draw(st.none() | st.sampled_from(hands))
            ways = (ForwardHand(site, note), RecallHand(site), MoveHand(site, other))
            self.attempt(actor, data.draw(st.sampled_from(ways)))

    @rule(data=st.data(), note=a_note, minutes=some_minutes)
    def work_on_the_list(self, data: st.DataObject, note: str, minutes: int | None) -> None:
        if listed := self.world.state.order.listed:
            one, other = data.draw(st.sampled_from(listed)), data.draw(st.none() | st.sampled_from(listed))
            before = None if other is None else other.site
            edit = EditListed(one.site, note, minutes, one.version)
            ways = (edit, MoveListed(one.site, before), UnlistSite(one.site), GiveFloor(one.site))
            self.attempt(SECRETARY, data.draw(st.sampled_from(ways)))

    @rule(data=st.data(), sites=st.lists(a_site, max_size=3, unique=True), minutes=some_minutes)
    def work_on_the_agenda(self, data: st.DataObject, sites: list[str], minutes: int | None) -> None:
        order = self.world.state.order
        kept = tuple(NewItem(one.id, one.title, one.minutes, one.each, one.sites) for one in order.agenda)
        new = NewItem(None, "Báo cáo", minutes, minutes, tuple(sites))
        ways: list[MeetingCommand] = [SetAgenda((*kept[:3], new), order.agenda_version)]
        ways += [make(item.id) for item in order.agenda for make in (StartItem, FinishItem)]
        self.attempt(SECRETARY, data.draw(st.sampled_from(ways)))

    @rule(data=st.data(), minutes=st.integers(1, 240), do=st.integers(0, 2))
    def work_with_a_speaker(self, data: st.DataObject, minutes: int, do: int) -> None:
        if speakers := list(self.world.state.speakers):
            site = data.draw(st.sampled_from(speakers))
            last = self.world.state.order.last_mute
            ways = (ExtendFloor(site, minutes), AskUnmute(site), UndoMute(last.n if last else 1))
            self.attempt(DIRECTOR, ways[do])

    @rule(data=st.data(), do=st.sampled_from((Mute, Unmute, EndFloor)))
    def do_to_a_speaker(self, data: st.DataObject, do: type[Mute | Unmute | EndFloor]) -> None:
        if speakers := list(self.world.state.speakers):
            self.attempt(DIRECTOR, do(site=data.draw(st.sampled_from(speakers))))

    @rule(site=a_site)
    def call_out(self, site: str) -> None:
        called = CalledOut(DIRECTOR, {"unit": "VN", "label": "Trung ương"}, self.world.names[site])
        self.world.apply(called_out(self.world.state, site, called))
        assert not self.world.state.hands.keys() & {site}

    @rule(site=a_site, why=st.sampled_from(("returned", "joined", "left")))
    def come_back(self, site: str, why: str) -> None:
        self.world.apply(returned(self.world.state, site, why))

    @rule(actor=st.sampled_from(OPERATORS), taken=st.booleans())
    def take_over(self, actor: Actor, taken: bool) -> None:
        with contextlib.suppress(DiemCauError):
            self.world.do(actor, TakeDirection() if taken else ReturnDirection(), above=True)

    @rule(mark=st.sampled_from(MARKS))
    def mark(self, mark: str) -> None:
        before = MARKS.index(self.world.state.secrecy)
        self.attempt(SYSTEM, Mark(mark))  # type: ignore[arg-type]
        assert MARKS.index(self.world.state.secrecy) >= before, "a mark is never lowered"

    @rule()
    def open(self) -> None:
        self.attempt(DIRECTOR, Open())

    @rule(end=st.integers(0, 19))
    def end(self, end: int) -> None:
        # Rarely, or little else happens.
        if end == 0:
            self.attempt(DIRECTOR, End())

    @rule(site=a_site)
    def leave(self, site: str) -> None:
        self.world.present.discard(site)
        self.world.apply(site_gone(self.world.state, site))
        assert site not in self.world.state.hands
        assert site not in self.world.state.speakers

    @rule(site=a_site)
    def come(self, site: str) -> None:
        self.world.present.add(site)

    @rule(number=st.integers(0, len(ASKERS) - 1))
    def reload(self, number: int) -> None:
        self.pages[number] = Page(self.world, ASKERS[number])

    @invariant()
    def pages_equal_fresh_snapshots(self) -> None:
        for page in getattr(self, "pages", ()):
            page.catch_up(self.world)
            assert page.state == self.world.seen(page.actor)

    @invariant()
    def what_must_always_hold(self) -> None:
        if not hasattr(self, "world"):
            return
        state = self.world.state
        assert not set(state.hands) & set(state.speakers)
        assert set(state.open_mics()) <= {*state.speakers, state.chair_site}
        assert {*state.speakers, *state.hands} <= self.world.present
        listed = [entry.site for entry in state.order.listed]
        assert len(listed) == len(set(listed))
        assert sum(item.runs for item in state.order.agenda) <= 1
        for hand in state.hands.values():
            assert hand.branch is not None or hand.forwarded is None
        if (last := state.order.last_mute) is not None:
            assert all(state.mic_of(site) == "muted" for site in last.sites)
        if state.status != "open":
            assert not state.speakers
            assert not state.hands
            assert not state.open_mics()
        for look in (state.on_air_look, state.preview_look):
            assert len(look.slots) == LAYOUTS[look.layout]
        for shown in (state.on_air, state.preview):
            named = [site for site in shown if site is not None]
            assert len(named) == len(set(named))
        assert len(state.line_up) == len(set(state.line_up)) <= 4

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        stored = to_json(self.world.state)
        again = Meeting.created(self.world.events[0])
        for number, event in enumerate(self.world.events[1:], start=1):
            if number == len(self.world.events) // 2:
                # A restart in between: through a stored snapshot, as the store keeps it.
                again = from_json(orjson.loads(orjson.dumps(to_json(again.clone()))))
            again.apply(event)
        assert to_json(again) == stored


TestMeeting = MeetingMachine.TestCase
TestMeeting.settings = settings(max_examples=45, stateful_step_count=40, deadline=None)
