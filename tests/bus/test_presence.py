"""Presence: a member in one room, graces by a clock that is an argument."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from diemcau.bus import Presence

NOW = datetime(2021, 9, 5, 1, 30, tzinfo=UTC)
GRACE = timedelta(seconds=30)


def test_a_member_is_in_one_room_at_a_time() -> None:
    presence = Presence()
    assert presence.join("m:1", "s_1") is None
    assert presence.join("m:1", "s_1") is None
    assert presence.join("m:2", "s_1") == "m:1"
    assert (presence.members("m:1"), presence.members("m:2")) == (frozenset(), {"s_1"})
    assert not presence.leave("m:1", "s_1")
    assert presence.leave("m:2", "s_1")
    assert presence.room_of("s_1") is None


def test_a_lost_member_stays_until_its_grace_is_over() -> None:
    presence = Presence()
    presence.join("m:1", "s_1")
    assert presence.lost("s_1", NOW + GRACE)
    assert presence.next_due() == NOW + GRACE
    assert presence.expired(NOW + GRACE - timedelta(milliseconds=1)) == []
    assert presence.members("m:1") == {"s_1"}
    assert not presence.connected("s_1")
    assert presence.expired(NOW + GRACE) == [("m:1", "s_1")]
    assert presence.members("m:1") == frozenset()
    assert presence.back("s_1") is None


def test_who_comes_back_in_time_keeps_its_place_and_a_second_loss_starts_anew() -> None:
    presence = Presence()
    presence.join("m:1", "s_1")
    presence.lost("s_1", NOW + GRACE)
    assert presence.back("s_1") == "m:1"
    assert presence.expired(NOW + 2 * GRACE) == []
    presence.lost("s_1", NOW + 3 * GRACE)
    presence.lost("s_1", NOW + 4 * GRACE)
    assert presence.expired(NOW + 3 * GRACE) == []
    assert presence.expired(NOW + 4 * GRACE) == [("m:1", "s_1")]


def test_nobody_is_lost_who_was_nowhere() -> None:
    presence = Presence()
    assert not presence.lost("s_1", NOW)
    assert presence.next_due() is None


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "lost", "back", "time"]), st.integers(0, 5), st.integers(0, 2)
    ),
    max_size=200,
)


@given(STEPS)
def test_rooms_and_members_agree_whatever_happens(steps: list[tuple[str, int, int]]) -> None:
    presence, now = Presence(), NOW
    inside: dict[str, str] = {}
    graces: dict[str, datetime] = {}
    for step, number, room_number in steps:
        member, room = f"s_{number}", f"m:{room_number}"
        match step:
            case "join":
                presence.join(room, member)
                inside[member] = room
                graces.pop(member, None)
            case "leave":
                if presence.leave(room, member):
                    assert inside.pop(member) == room
                    graces.pop(member, None)
            case "lost":
                if presence.lost(member, now + GRACE):
                    graces[member] = now + GRACE
            case "back":
                assert presence.back(member) == inside.get(member)
                graces.pop(member, None)
            case _:
                now += timedelta(seconds=10 * number)
                over = {member for member, at in graces.items() if at <= now}
                assert {member for _, member in presence.expired(now)} == over
                for gone in over:
                    del inside[gone], graces[gone]
        for number in range(3):
            assert presence.members(f"m:{number}") == {m for m, r in inside.items() if r == f"m:{number}"}
    assert len(presence._due) <= 2 * len(graces) + 65
