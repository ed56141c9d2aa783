"""Meetings on a real database: commands, looks, presence, restarts."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest

from diemcau.access import SYSTEM, Access, Actor, Role, site_actor
from diemcau.bus import EPHEMERAL, EVENTS, LocalBus
from diemcau.clock import ManualClock
from diemcau.errors import (
    BadRequest,
    DiemCauError,
    Forbidden,
    JsonObject,
    StorageUnavailable,
    WrongState,
)
from diemcau.meetings import (
    Done,
    HandAlreadyRaised,
    MeetingNotFound,
    MeetingNotOpen,
    Meetings,
    NewMeeting,
    NotInMeeting,
    Snapshot,
    parse,
)
from diemcau.sites import NewSite, ScopeEntry, SiteNotFound, Sites
from diemcau.store import Event, Store, UnitOfWork
from diemcau.units import Level, UnitNotFound, Units
from tests.meetings.reducer import reduce
from tests.meetings.world import (
    BINH_PHUOC,
    DIRECTOR,
    DONG_PHU,
    EVERY,
    NEW_SITES,
    OBSERVER,
    PROVINCE,
    SECRETARY,
    SITES,
    person,
)

NATION = (ScopeEntry("VN", EVERY),)
counter = iter(range(10**9))


async def do(meetings: Meetings, actor: Actor, kind: str, meeting: str = "m_1", **arguments: Any) -> Done:
    command = {"id": f"command-{next(counter)}", "type": kind, "meeting": meeting, **arguments}
    return await meetings.execute(actor, parse(command))


async def create(meetings: Meetings, **changes: Any) -> str:
    values: dict[str, Any] = {"id": f"create-{next(counter)}", "title": "Họp", "scope": NATION} | changes
    return (await meetings.create(DIRECTOR, NewMeeting(**values))).id


async def opened(meetings: Meetings, joined: tuple[str, ...] = SITES) -> str:
    meeting = await create(meetings, chair_site="s_vn")
    await do(meetings, DIRECTOR, "meeting.open", meeting)
    for site in joined:
        await do(meetings, site_actor(site), "meeting.join", meeting)
    return meeting


async def state(meetings: Meetings, actor: Actor = DIRECTOR, meeting: str = "m_1") -> dict[str, Any]:
    shown: dict[str, Any] = orjson.loads(orjson.dumps((await meetings.snapshot(meeting, actor)).state))
    return shown


@asynccontextmanager
async def restarted(
    database: str, bus: LocalBus, units: Units, clock: ManualClock
) -> AsyncIterator[Meetings]:
    """Another process with the same database."""
    store = await Store.open(database, clock=clock)
    try:
        access = Access(store, units, clock, bytes(32))
        meetings = Meetings(store, bus, units, access, Sites(store, units, access, clock), clock)
        yield meetings
        await meetings.aclose()
    finally:
        await store.aclose()


# Making


async def test_a_meeting_invites_the_sites_of_its_scope(meetings: Meetings) -> None:
    scope = (ScopeEntry(DONG_PHU, ("commune",)), ScopeEntry("VN", ("province",)))
    made = await meetings.create(SECRETARY, NewMeeting("create-1", " Họp  giao ban ", scope, "vp8", "s_vn"))
    assert (made.title, made.status, made.codec, made.sites) == ("Họp giao ban", "scheduled", "vp8", 6)
    roster = await meetings.roster(made.id, DIRECTOR)
    assert [site[0] for site in roster.sites] == ["s_vn", "s_70", "s_25378", "s_25378b", "s_75", "s_79"]
    assert roster.sites[2] == ("s_25378", "25378", "Điểm cầu xã Tân Lợi", "post")
    assert [unit[0] for unit in roster.units] == ["VN", "70", "695", "25378", "75", "79"]
    assert roster.units[2] == ("695", "70", "Đồng Phú", "huyện", "district")
    shown = await state(meetings, meeting=made.id)
    assert shown["scope"] == [{"unit": "695", "levels": ["commune"]}, {"unit": "VN", "levels": ["province"]}]
    assert (shown["invited"], shown["stage"]["on_air"], shown["chair_site"]) == (6, ["s_vn"], "s_vn")


async def test_creating_is_idempotent_by_command_id(meetings: Meetings, store: Store) -> None:
    new = NewMeeting("create-1", "Họp", NATION)
    first, *others = await asyncio.gather(*(meetings.create(DIRECTOR, new) for _ in range(5)))
    assert all(other == first for other in others)
    assert await meetings.create(DIRECTOR, new) == first
    assert len(await meetings.list_for(SYSTEM)) == 1
    # Another person's command of the same id is another command.
    assert (await meetings.create(SECRETARY, new)).id != first.id


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"scope": ()}, BadRequest),
        ({"scope": (ScopeEntry("VN", ()),)}, BadRequest),
        ({"scope": (ScopeEntry("VN", ("planet",)),)}, BadRequest),
        ({"scope": (ScopeEntry("99999", EVERY),)}, UnitNotFound),
        ({"scope": NATION * 65}, BadRequest),
        ({"title": " "}, BadRequest),
        ({"title": "x" * 201}, BadRequest),
        ({"codec": "av1"}, BadRequest),
        ({"chair_site": "s_none"}, SiteNotFound),
        ({"id": "short"}, BadRequest),
    ],
)
async def test_bad_meetings_are_refused(
    meetings: Meetings, change: dict[str, Any], error: type[DiemCauError]
) -> None:
    with pytest.raises(error):
        await create(meetings, **change)
    assert await meetings.list_for(SYSTEM) == ()


async def test_creating_needs_the_whole_scope_and_the_chairs_site(meetings: Meetings) -> None:
    mine = NewMeeting("create-1", "Họp", (ScopeEntry(BINH_PHUOC, EVERY),), chair_site="s_70")
    assert (await meetings.create(PROVINCE, mine)).sites == 4
    for new in (
        NewMeeting("create-2", "Họp", NATION),
        NewMeeting("create-3", "Họp", mine.scope, chair_site="s_vn"),
        NewMeeting("create-4", "Họp", (*mine.scope, ScopeEntry("75", EVERY))),
    ):
        with pytest.raises(Forbidden):
            await meetings.create(PROVINCE, new)
    for actor in (OBSERVER, person(Role.DUTY_OFFICER), site_actor("s_vn")):
        with pytest.raises(Forbidden):
            await meetings.create(actor, mine)


async def test_ten_thousand_sites_are_invited_at_once(meetings: Meetings, sites: Sites, units: Units) -> None:
    await sites.create(
        SYSTEM, [NewSite(unit.code, unit.title) for unit in units.subtree("VN", {Level.COMMUNE})]
    )
    count = await sites.count()
    assert count > 10_000
    started = time.monotonic()
    meeting = await create(meetings)
    elapsed = time.monotonic() - started
    assert (await meetings.get(meeting)).sites == count
    assert (await meetings.state(meeting)).seq == 1
    # The target is 2 s; the bound allows for a machine that is shared.
    assert elapsed < 5, elapsed
    assert len((await meetings.roster(meeting, DIRECTOR)).sites) == count


# Who sees what


async def test_a_meeting_concerns_whom_it_concerns(meetings: Meetings) -> None:
    meeting = await create(meetings, scope=(ScopeEntry(DONG_PHU, EVERY),))
    concerned = (DIRECTOR, PROVINCE, OBSERVER, person(Role.LEAD, "25378"), site_actor("s_695"), SYSTEM)
    for actor in concerned:
        assert (await meetings.snapshot(meeting, actor)).state["id"] == meeting
        assert [found.id for found in await meetings.list_for(actor)] == [meeting]
    for actor in (person(Role.DIRECTOR, "75"), site_actor("s_75"), Actor("person", "p_0")):
        assert await meetings.list_for(actor) == ()
        with pytest.raises(MeetingNotFound):
            await meetings.snapshot(meeting, actor)
        with pytest.raises(MeetingNotFound):
            await do(meetings, actor, "meeting.open", meeting)
        with pytest.raises(MeetingNotFound):
            await meetings.roster(meeting, actor)
    for none in ("m_none", "m_\x00", "m_\ud800", "", "x" * 65):
        with pytest.raises(MeetingNotFound):
            await meetings.snapshot(none, SYSTEM)


async def test_the_list_shows_open_then_scheduled_then_ended(meetings: Meetings, clock: ManualClock) -> None:
    made = []
    for _ in range(4):
        clock.advance(1)
        made.append(await create(meetings))
    await do(meetings, DIRECTOR, "meeting.open", made[0])
    await do(meetings, DIRECTOR, "meeting.end", made[3])
    assert [m.id for m in await meetings.list_for(DIRECTOR)] == [made[0], made[2], made[1], made[3]]
    # A site has nothing more to do with what has ended.
    assert [m.id for m in await meetings.list_for(site_actor("s_75"))] == [made[0], made[2], made[1]]


async def test_the_roster_is_for_operators_of_their_subtree(meetings: Meetings) -> None:
    meeting = await opened(meetings, ("s_75", "s_25378"))
    roster = await meetings.roster(meeting, PROVINCE)
    assert [site[0] for site in roster.sites] == ["s_70", "s_695", "s_25378", "s_25378b"]
    assert roster.joined == ("s_25378",)
    for actor in (OBSERVER, site_actor("s_75")):
        with pytest.raises(Forbidden):
            await meetings.roster(meeting, actor)


# Commands


async def test_rights_are_checked_against_scope_and_site(meetings: Meetings) -> None:
    await opened(meetings)
    for kind, arguments in (
        ("floor.give", {"site": "s_70"}),
        ("mute", {"all": True}),
        ("stage.cut", {"slots": ["s_70"]}),
        ("meeting.end", {}),
        ("message.post", {"text": "x", "to": "all"}),
        ("mute", {"unit": "75"}),
        ("hand.lower", {"site": "s_75"}),
        ("message.post", {"text": "x", "to": "s_75"}),
        ("meeting.invite", {"sites": ["s_70"]}),
    ):
        with pytest.raises(Forbidden):
            await do(meetings, PROVINCE, kind, **arguments)
    # What touches its own sites only it may.
    await do(meetings, site_actor("s_25378"), "hand.raise")
    await do(meetings, PROVINCE, "hand.lower", site="s_25378")
    await do(meetings, PROVINCE, "mute", unit="70")
    await do(meetings, PROVINCE, "message.post", text="x", to="s_25378")
    await do(meetings, PROVINCE, "message.post", text="x", to="desk")


@pytest.mark.parametrize(
    ("role", "kind", "arguments", "may"),
    [
        (Role.CHAIR, "stage.cut", {"slots": ["s_70"]}, False),
        (Role.SECRETARY, "stage.preview", {"slots": ["s_70"]}, False),
        (Role.DIRECTOR, "stage.cut", {"slots": ["s_70"]}, True),
        (Role.CHAIR, "floor.give", {"site": "s_70"}, True),
        (Role.SECRETARY, "floor.give", {"site": "s_70"}, True),
        (Role.CHAIR, "meeting.invite", {"sites": ["s_70"]}, False),
        (Role.DUTY_OFFICER, "mute", {"all": True}, False),
        (Role.OBSERVER, "message.post", {"text": "x", "to": "desk"}, False),
        (Role.TECHNICIAN, "meeting.end", {}, False),
        (Role.DIRECTOR, "hand.raise", {}, False),
        (Role.DIRECTOR, "meeting.join", {}, False),
        (Role.DIRECTOR, "mic.set", {"on": True}, False),
    ],
)
async def test_roles_do_what_is_theirs(
    meetings: Meetings, role: Role, kind: str, arguments: dict[str, Any], may: bool
) -> None:
    await opened(meetings)
    if may:
        await do(meetings, person(role), kind, **arguments)
    else:
        with pytest.raises(Forbidden):
            await do(meetings, person(role), kind, **arguments)


async def test_a_site_acts_for_itself_only(meetings: Meetings) -> None:
    await opened(meetings)
    await do(meetings, site_actor("s_70"), "hand.raise")
    for kind, arguments in (
        ("hand.lower", {"site": "s_70"}),
        ("floor.end", {"site": "s_70"}),
        ("floor.give", {"site": "s_75"}),
        ("mute", {"all": True}),
        ("meeting.end", {}),
        ("stage.cut", {"slots": ["s_75"]}),
        ("message.post", {"text": "x", "to": "all"}),
        ("message.post", {"text": "x", "to": "s_70"}),
    ):
        with pytest.raises(Forbidden):
            await do(meetings, site_actor("s_75"), kind, **arguments)


async def test_a_command_id_is_answered_as_before(meetings: Meetings, store: Store) -> None:
    meeting = await opened(meetings)
    command = parse({"id": "c0ffee42", "type": "hand.raise", "meeting": meeting})
    first, *others = await asyncio.gather(*(meetings.execute(site_actor("s_75"), command) for _ in range(10)))
    assert all(other == first for other in others)
    await do(meetings, DIRECTOR, "hand.lower", site="s_75")
    assert await meetings.execute(site_actor("s_75"), command) == first
    assert (await state(meetings))["floor"]["hands"] == []
    # A refusal too, even when it would be granted by now.
    await do(meetings, site_actor("s_75"), "hand.raise")
    again = parse({"id": "c0ffee43", "type": "hand.raise", "meeting": meeting})
    with pytest.raises(HandAlreadyRaised):
        await meetings.execute(site_actor("s_75"), again)
    await do(meetings, DIRECTOR, "hand.lower", site="s_75")
    with pytest.raises(DiemCauError) as refused:
        await meetings.execute(site_actor("s_75"), again)
    assert (refused.value.code, refused.value.status) == ("hand_already_raised", 409)
    # The same id from another site is its own.
    assert (await meetings.execute(site_actor("s_70"), command)).seq > first.seq


async def test_two_operators_at_once_one_does_it_the_other_hears(meetings: Meetings) -> None:
    await opened(meetings)
    await do(meetings, site_actor("s_75"), "hand.raise")
    for kind in ("hand.lower", "floor.give", "floor.end"):
        results = await asyncio.gather(
            do(meetings, DIRECTOR, kind, site="s_75"),
            do(meetings, SECRETARY, kind, site="s_75"),
            return_exceptions=True,
        )
        assert [isinstance(result, Done) for result in results] == [True, False]
        refused = results[1]
        assert isinstance(refused, DiemCauError)
        assert refused.code == ("not_speaking" if kind == "floor.end" else "conflict")
        assert refused.status == 409


async def test_a_crowd_raises_hands_in_few_commits_without_a_gap(
    meetings: Meetings, store: Store, bus: LocalBus
) -> None:
    meeting = await opened(meetings)
    subscription = bus.subscribe(f"{EVENTS}meeting:{meeting}")
    commits = store.stats.commits
    results = await asyncio.gather(
        *(do(meetings, site_actor(site), "hand.raise") for site in SITES for _ in range(3)),
        return_exceptions=True,
    )
    assert sum(isinstance(result, Done) for result in results) == len(SITES)
    assert store.stats.commits - commits < 10
    subscription.close()
    published = [Event.from_json(message.body) async for message in subscription]
    assert [event.type for event in published] == ["hand_raised"] * len(SITES)
    assert [event.seq for event in published] == list(range(3, 3 + len(SITES)))
    await store.verify_chain(f"meeting:{meeting}")


async def test_inviting_further_sites(meetings: Meetings) -> None:
    meeting = await create(meetings, scope=(ScopeEntry("VN", ("province",)),))
    with pytest.raises(MeetingNotFound):
        await do(meetings, site_actor("s_695"), "meeting.join", meeting)
    await do(meetings, DIRECTOR, "meeting.invite", meeting, sites=["s_695", "s_70"])
    assert (await meetings.get(meeting)).sites == 4
    await do(meetings, site_actor("s_695"), "meeting.join", meeting)
    before = await meetings.state(meeting)
    await do(meetings, DIRECTOR, "meeting.invite", meeting, sites=["s_695"])
    assert (await meetings.state(meeting)).seq == before.seq
    with pytest.raises(SiteNotFound):
        await do(meetings, DIRECTOR, "meeting.invite", meeting, sites=["s_none"])


async def test_only_invited_sites_come_on_the_stage(meetings: Meetings) -> None:
    meeting = await create(meetings, scope=(ScopeEntry("VN", ("province",)),))
    with pytest.raises(NotInMeeting):
        await do(meetings, DIRECTOR, "stage.preview", meeting, slots=["s_695"])
    await do(meetings, DIRECTOR, "stage.preview", meeting, slots=["s_70", None])
    await do(meetings, DIRECTOR, "stage.cut", meeting)
    assert (await state(meetings, meeting=meeting))["stage"]["on_air"] == ["s_70", None]


async def test_a_meetings_life_is_in_its_row_too(meetings: Meetings, clock: ManualClock) -> None:
    meeting = await create(meetings)
    clock.advance(60)
    at = clock.now()
    await do(meetings, DIRECTOR, "meeting.open", meeting)
    (listed,) = await meetings.list_for(DIRECTOR)
    assert (listed.status, listed.opened_at) == ("open", at)
    assert listed == await meetings.get(meeting)
    with pytest.raises(WrongState):
        await do(meetings, DIRECTOR, "meeting.open", meeting)
    await do(meetings, DIRECTOR, "meeting.end", meeting)
    assert (await meetings.list_for(DIRECTOR))[0].status == "ended"
    with pytest.raises(MeetingNotOpen):
        await do(meetings, site_actor("s_75"), "meeting.join", meeting)


# Snapshot and events


@pytest.mark.parametrize("actor", [DIRECTOR, PROVINCE, OBSERVER, site_actor("s_25378")], ids=lambda a: a.key)
async def test_a_snapshot_and_the_events_after_it_equal_a_fresh_one(meetings: Meetings, actor: Actor) -> None:
    meeting = await opened(meetings)
    snapshot = await meetings.snapshot(meeting, actor)
    shown = orjson.loads(orjson.dumps(snapshot.state))
    tan_loi, dong_nai = site_actor("s_25378"), site_actor("s_75")
    await do(meetings, tan_loi, "hand.raise")
    await do(meetings, dong_nai, "hand.raise")
    await do(meetings, tan_loi, "message.post", text="xin phát biểu", to="desk")
    await do(meetings, DIRECTOR, "floor.give", site="s_25378")
    await do(meetings, DIRECTOR, "stage.preview", slots=["s_75", "s_vn"])
    await do(meetings, tan_loi, "mic.set", on=False)
    await do(meetings, DIRECTOR, "stage.cut")
    await do(meetings, SECRETARY, "message.post", text="mời", to="s_75")
    events = await meetings.events_since(meeting, actor, snapshot.seq)
    assert isinstance(events, tuple)
    assert [event.seq for event in events] == list(range(snapshot.seq + 1, snapshot.seq + 1 + len(events)))
    for event in events:
        reduce(shown, event)
    fresh = await meetings.snapshot(meeting, actor)
    assert fresh.seq == events[-1].seq
    assert shown == orjson.loads(orjson.dumps(fresh.state))
    assert await meetings.events_since(meeting, actor, fresh.seq) == ()


async def test_who_is_too_far_behind_or_ahead_gets_a_snapshot(meetings: Meetings) -> None:
    meeting = await opened(meetings)
    await asyncio.gather(
        *(do(meetings, SECRETARY, "message.post", text=f"{n}", to="all") for n in range(1001))
    )
    head = (await meetings.state(meeting)).seq
    assert isinstance(await meetings.events_since(meeting, DIRECTOR, head - 1001), Snapshot)
    assert isinstance(await meetings.events_since(meeting, DIRECTOR, head + 1), Snapshot)
    events = await meetings.events_since(meeting, DIRECTOR, head - 1000)
    assert isinstance(events, tuple)
    assert len(events) == 1000


async def test_a_restart_finds_the_state_as_it_was(
    meetings: Meetings, database: str, bus: LocalBus, units: Units, clock: ManualClock
) -> None:
    meeting = await opened(meetings)
    await do(meetings, DIRECTOR, "floor.give", site="s_75")
    # Past the stored snapshot at 200, so that loading starts there.
    await asyncio.gather(
        *(do(meetings, SECRETARY, "message.post", text=f"{n}", to="all") for n in range(220))
    )
    before = await meetings.snapshot(meeting, DIRECTOR)
    async with restarted(database, bus, units, clock) as later:
        assert await later.snapshot(meeting, DIRECTOR) == before
        # And the first process sees what the second writes.
        await do(later, DIRECTOR, "floor.end", meeting, site="s_75")
        clock.advance(1)
        assert (await state(meetings))["floor"]["speakers"] == []
        done = await do(meetings, SECRETARY, "message.post", meeting, text="x", to="all")
        assert done.seq == before.seq + 2


async def test_few_meetings_in_memory_are_enough(
    store: Store, bus: LocalBus, units: Units, access: Access, sites: Sites, clock: ManualClock
) -> None:
    await sites.create(SYSTEM, NEW_SITES)
    meetings = Meetings(store, bus, units, access, sites, clock, cached=2)
    made = [await create(meetings) for _ in range(6)]
    await asyncio.gather(
        *(do(meetings, SECRETARY, "message.post", m, text="x", to="all") for m in made for _ in range(4))
    )
    for meeting in made:
        assert len((await state(meetings, meeting=meeting))["messages"]) == 4
        await store.verify_chain(f"meeting:{meeting}")


# Presence


async def test_joining_and_leaving_are_told_to_operators(meetings: Meetings, bus: LocalBus) -> None:
    subscription = bus.subscribe(f"{EPHEMERAL}*")
    meeting = await opened(meetings, ("s_75", "s_70", "s_79"))
    await do(meetings, site_actor("s_79"), "meeting.leave")
    meetings.timer.flush_presence()
    meetings.timer.flush_presence()
    subscription.close()
    (message,) = [message async for message in subscription]
    assert message.topic == f"{EPHEMERAL}meeting:{meeting}"
    assert message.body == {"topic": "presence", "data": {"joined": ["s_75", "s_70"], "left": ["s_79"]}}
    assert meetings.joined(meeting) == {"s_75", "s_70"}
    assert meetings.meeting_of("s_75") == meeting


async def test_only_invited_sites_join(meetings: Meetings) -> None:
    meeting = await create(meetings, scope=(ScopeEntry(DONG_PHU, EVERY),))
    with pytest.raises(MeetingNotFound):
        await do(meetings, site_actor("s_75"), "meeting.join", meeting)
    await do(meetings, site_actor("s_695"), "meeting.join", meeting)


async def test_leaving_ends_hand_and_floor(meetings: Meetings) -> None:
    await opened(meetings)
    await do(meetings, site_actor("s_75"), "hand.raise")
    await do(meetings, DIRECTOR, "floor.give", site="s_70")
    for site in ("s_75", "s_70"):
        await do(meetings, site_actor(site), "meeting.leave")
    floor = (await state(meetings))["floor"]
    assert (floor["hands"], floor["speakers"]) == ([], [])
    with pytest.raises(NotInMeeting):
        await do(meetings, site_actor("s_75"), "hand.raise")


async def test_who_leaves_while_nothing_can_be_stored_loses_the_floor_as_soon_as_it_can(
    meetings: Meetings, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = await opened(meetings)
    leaver = site_actor(SITES[2])
    await do(meetings, DIRECTOR, "floor.give", meeting, site=SITES[2])
    write = store.write

    async def full(*_: Any, **__: Any) -> JsonObject:
        raise StorageUnavailable

    monkeypatch.setattr(store, "write", full)
    with pytest.raises(StorageUnavailable):
        await do(meetings, leaver, "meeting.leave", meeting)
    monkeypatch.setattr(store, "write", write)
    assert [speaker["site"] for speaker in (await state(meetings))["floor"]["speakers"]] == [SITES[2]]
    assert await meetings.timer.expire(clock.now()) == 1
    assert (await state(meetings))["floor"]["speakers"] == []


async def test_who_asks_after_a_commit_is_never_answered_a_look_from_before_it(
    meetings: Meetings, store: Store, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    meeting = await create(meetings, chair_site="s_vn")
    clock.advance(1)
    head, looking, go_on = store.head, asyncio.Event(), asyncio.Event()

    async def slow(stream: str) -> Any:
        found = await head(stream)
        looking.set()
        await go_on.wait()
        return found

    async def open_it(unit: UnitOfWork) -> JsonObject:
        # As the timer's own writes: without a look before it, which would wait for the slow one.
        found = await meetings._states.writable(unit, meeting)
        meetings._states.advance(unit, found, [("meeting_opened", {})], "system")
        return {}

    monkeypatch.setattr(store, "head", slow)
    early = asyncio.create_task(meetings.state(meeting))
    await looking.wait()
    await store.write(open_it, streams=[f"meeting:{meeting}"])
    late = asyncio.create_task(meetings.state(meeting))
    await asyncio.sleep(0)
    go_on.set()
    assert (await late).status == "open"
    assert (await early).status == "open"


async def test_a_short_cut_of_the_network_costs_nothing_a_long_one_hand_and_floor(
    meetings: Meetings, clock: ManualClock, store: Store
) -> None:
    meeting = await opened(meetings)
    await do(meetings, site_actor("s_75"), "hand.raise")
    await do(meetings, DIRECTOR, "floor.give", site="s_70")
    for site in ("s_75", "s_70", "s_79"):
        meetings.disconnected(site)
    clock.advance(20)
    assert meetings.connected("s_70") == meeting
    clock.advance(9.9)
    assert await meetings.timer.expire(clock.now()) == 0
    assert meetings.joined(meeting) == set(SITES)
    clock.advance(0.1)
    assert await meetings.timer.expire(clock.now()) == 1
    assert meetings.joined(meeting) == set(SITES) - {"s_75", "s_79"}
    assert meetings.connected("s_75") is None
    shown = await state(meetings)
    assert shown["floor"]["hands"] == []
    assert [speaker["site"] for speaker in shown["floor"]["speakers"]] == ["s_70"]
    lowered = (await store.events(f"meeting:{meeting}"))[-1]
    assert (lowered.type, lowered.actor, lowered.data["reason"]) == ("hand_lowered", "system", "left")


async def test_who_comes_back_while_its_end_waits_in_the_queue_keeps_the_floor(
    meetings: Meetings, clock: ManualClock, store: Store
) -> None:
    meeting = await opened(meetings)
    await do(meetings, DIRECTOR, "floor.give", site="s_70")
    released, queued = asyncio.Event(), asyncio.Event()

    async def slow(unit: UnitOfWork) -> JsonObject:
        queued.set()
        await released.wait()
        return {}

    writing = asyncio.create_task(store.write(slow))
    await queued.wait()
    meetings.disconnected("s_70")
    clock.advance(31)
    expiring = asyncio.create_task(meetings.timer.expire(clock.now()))
    await do(meetings, site_actor("s_70"), "meeting.join", meeting)
    assert store.waiting == 1
    released.set()
    await asyncio.gather(writing, expiring)
    assert list((await meetings.state(meeting)).speakers) == ["s_70"]


async def test_the_timer_ends_graces_by_itself(meetings: Meetings, clock: ManualClock, bus: LocalBus) -> None:
    meeting = await opened(meetings)
    await do(meetings, site_actor("s_75"), "hand.raise")
    subscription = bus.subscribe(f"{EVENTS}meeting:{meeting}")
    await meetings.start()
    try:
        meetings.disconnected("s_75")
        clock.advance(31)
        meetings.disconnected("s_none")
        meetings.disconnected("s_70")  # wakes the timer, which finds the first grace over
        async for message in subscription:
            assert (message.body["type"], message.body["data"]) == (
                "hand_lowered",
                {"site": "s_75", "unit": "75", "hands_total": 0, "reason": "left"},
            )
            break
    finally:
        await meetings.aclose()


async def test_after_a_restart_speakers_have_a_grace_to_come_back(
    meetings: Meetings, database: str, bus: LocalBus, units: Units, clock: ManualClock
) -> None:
    meeting = await opened(meetings)
    await do(meetings, site_actor("s_75"), "hand.raise")
    await do(meetings, DIRECTOR, "floor.give", site="s_70")
    async with restarted(database, bus, units, clock) as later:
        await later.start()
        try:
            assert later.joined(meeting) == {"s_70", "s_75"}
            assert later.connected("s_70") == meeting
            clock.advance(30)
            await later.timer.expire(clock.now())
            floor = (await state(later, meeting=meeting))["floor"]
            assert floor["hands"] == []
            assert [speaker["site"] for speaker in floor["speakers"]] == ["s_70"]
        finally:
            await later.aclose()


async def test_joining_another_meeting_leaves_the_first(meetings: Meetings, clock: ManualClock) -> None:
    first = await opened(meetings)
    await do(meetings, site_actor("s_75"), "hand.raise", first)
    second = await create(meetings)
    await do(meetings, site_actor("s_75"), "meeting.join", second)
    await meetings.timer.expire(clock.now())
    assert meetings.meeting_of("s_75") == second
    assert (await state(meetings, meeting=first))["floor"]["hands"] == []


async def test_the_end_sends_everybody_out(meetings: Meetings) -> None:
    meeting = await opened(meetings)
    await do(meetings, DIRECTOR, "meeting.end")
    assert meetings.joined(meeting) == frozenset()
    assert meetings.meeting_of("s_75") is None
