"""The one table, whole: every role with every command, inside and outside its subtree."""

import pytest

from diemcau.access import (
    PERMISSIONS,
    SITE_COMMANDS,
    SYSTEM,
    Actor,
    Grant,
    Role,
    allowed,
    authorise,
    site_actor,
    units_granted,
)
from diemcau.errors import Forbidden
from diemcau.units import Units

C, D, S, W, T, L, A = (
    Role.CHAIR, Role.DIRECTOR, Role.SECRETARY, Role.DUTY_OFFICER, Role.TECHNICIAN, Role.LEAD, Role.AUDITOR,
)  # fmt: skip

# Written out a second time on purpose: a change of the table must be meant.
EXPECTED = {
    "meeting.create": {C, D, S},
    "meeting.open": {C, D, S},
    "meeting.end": {C, D, S},
    "meeting.invite": {D, S},
    "meeting.mark": {C, D, S},
    "meeting.see": set(Role),
    "meeting.desk": {C, D, S, W},
    "meeting.roster": {C, D, S, W, T, A},
    "hand.lower": {C, D, S},
    "hand.forward": {C, D, S},
    "hand.recall": {C, D, S},
    "hand.move": {C, D, S},
    "floor.give": {C, D, S},
    "floor.extend": {C, D, S},
    "floor.rules": {C, D, S},
    "list.add": {C, D, S},
    "list.move": {C, D, S},
    "list.edit": {C, D, S},
    "list.remove": {C, D, S},
    "agenda.set": {C, D, S},
    "agenda.start": {C, D, S},
    "agenda.finish": {C, D, S},
    "mute.undo": {C, D, S},
    "mic.ask": {C, D, S},
    "floor.end": {C, D, S},
    "mute": {C, D, S},
    "unmute": {C, D, S},
    "stage.preview": {D},
    "stage.cut": {D},
    "stage.line_up": {D, S},
    "talkback": {D, W, T},
    "stage.hold": {D},
    "stage.captions": {D},
    "stage.caption": {D},
    "stage.chair": {D},
    "presentation.start": {D, S},
    "presentation.end": {D, S},
    "message.post": {C, D, S},
    "pin.set": {C, D, S, W},
    "direction.take": {C, D},
    "direction.return": {C, D},
    "rollcall.open": {D, S},
    "rollcall.seal": {D, S},
    "rollcall.edit": {C, D, S, W},
    "rollcall.confirm": {C, D, S, W},
    "rollcall.see": {C, D, S, W, T, A},
    "screen.wall": {C, D, S, W, T},
    "screen.leader": {C, D, S},
    "screen.drive": {D, S},
    "call.start": {C, D, W},
    "inspection.see": {C, D, S, W, A},
    "inspection.record": {C, D, S, W},
    "site.see": {C, D, S, W, T, L, A},
    "site.snapshot": {C, D, S, W, T},
    "site.create": {T},
    "site.change": {T},
    "clearance.set": {D},
    "code.issue": {T},
    "code.revoke": {T},
    "rehearsal.run": {D, T},
    "readiness.policy": {D, T},
    "wave.plan": {T},
    "token.whip": {T},
    "token.whep": {D, S},
    "person.manage": {D, T},
    "log.read": {A},
}

BINH_PHUOC, DONG_PHU, TAN_LOI, DONG_NAI = "70", "695", "25378", "75"


def test_the_expectation_covers_the_table() -> None:
    assert set(EXPECTED) == set(PERMISSIONS)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize("command", sorted(PERMISSIONS))
def test_every_role_and_command(units: Units, role: Role, command: str) -> None:
    actor = Actor("person", "p_1", grants=(Grant(role, DONG_PHU),))
    may = role in EXPECTED[command]
    for inside in (DONG_PHU, TAN_LOI):
        assert allowed(units, actor, command, inside) is may
    for outside in (BINH_PHUOC, DONG_NAI, "VN", "99999", ""):
        assert not allowed(units, actor, command, outside)
    assert units_granted(units, actor, command) == ((DONG_PHU,) if may else ())


def test_role_and_subtree_must_come_from_one_grant(units: Units) -> None:
    actor = Actor("person", "p_1", grants=(Grant(Role.DIRECTOR, DONG_NAI), Grant(Role.OBSERVER, BINH_PHUOC)))
    assert not allowed(units, actor, "stage.cut", BINH_PHUOC)
    assert allowed(units, actor, "stage.cut", DONG_NAI)


def test_all_units_must_be_granted_and_there_must_be_one(units: Units) -> None:
    actor = Actor("person", "p_1", grants=(Grant(Role.DIRECTOR, DONG_NAI), Grant(Role.DIRECTOR, BINH_PHUOC)))
    authorise(units, actor, "stage.cut", DONG_NAI, BINH_PHUOC)
    for refused in ((DONG_NAI, "79"), ()):
        with pytest.raises(Forbidden):
            authorise(units, actor, "stage.cut", *refused)


def test_nobody_without_grants_does_anything(units: Units) -> None:
    for command in (*PERMISSIONS, *SITE_COMMANDS, "no.such.command"):
        assert not allowed(units, Actor("person", "p_1"), command, "VN")


def test_unknown_commands_are_nobodys(units: Units) -> None:
    every = Actor("person", "p_1", grants=tuple(Grant(role, "VN") for role in Role))
    assert not allowed(units, every, "no.such.command", "VN")


def test_a_site_does_its_own_things_only(units: Units) -> None:
    for command in PERMISSIONS:
        assert allowed(units, site_actor("s_1"), command, TAN_LOI) == (command in SITE_COMMANDS)
        assert units_granted(units, site_actor("s_1"), command) == ()


def test_the_system_does_everything(units: Units) -> None:
    assert all(allowed(units, SYSTEM, command, "VN") for command in PERMISSIONS)
    assert units_granted(units, SYSTEM, "stage.cut") == ("VN",)


def test_the_topmost_units_of_several_grants(units: Units) -> None:
    grants = tuple(Grant(Role.DIRECTOR, unit) for unit in (TAN_LOI, DONG_PHU, DONG_NAI))
    assert units_granted(units, Actor("person", "p_1", grants=grants), "mute") == (DONG_PHU, DONG_NAI)
