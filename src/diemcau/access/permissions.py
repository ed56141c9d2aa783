"""The one table that says which role may do which command, and the check that every command passes.

A person may do a command on a unit when one of his grants has a role of the command's row **and** its unit
is that unit or above it. A site may do what `SITE_COMMANDS` names, for itself only (whoever executes the
command holds it to that). The system may do everything.
"""

from typing import Final, Protocol

from diemcau.access.actor import Actor, Grant, Role
from diemcau.errors import Forbidden

_FLOOR: Final = frozenset({Role.CHAIR, Role.DIRECTOR, Role.SECRETARY})
_DESK: Final = _FLOOR | {Role.DUTY_OFFICER}
_STAFF: Final = _DESK | {Role.TECHNICIAN, Role.LEAD, Role.AUDITOR}

PERMISSIONS: Final[dict[str, frozenset[Role]]] = {
    # meetings; see docs/meetings.md for the unit that each is checked against
    "meeting.create": _FLOOR,
    "meeting.open": _FLOOR,
    "meeting.end": _FLOOR,
    "meeting.invite": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    "meeting.mark": _FLOOR,
    "meeting.see": frozenset(Role),
    "meeting.desk": _DESK,
    "meeting.roster": _DESK | {Role.TECHNICIAN, Role.AUDITOR},
    "hand.lower": _FLOOR,
    # a queue's hands: against the site's unit, its order against the queue's
    "hand.forward": _FLOOR,
    "hand.recall": _FLOOR,
    "hand.move": _FLOOR,
    "floor.give": _FLOOR,
    "floor.end": _FLOOR,
    "floor.extend": _FLOOR,
    "floor.rules": _FLOOR,
    "list.add": _FLOOR,
    "list.move": _FLOOR,
    "list.edit": _FLOOR,
    "list.remove": _FLOOR,
    "agenda.set": _FLOOR,
    "agenda.start": _FLOOR,
    "agenda.finish": _FLOOR,
    "mute": _FLOOR,
    "unmute": _FLOOR,
    "mute.undo": _FLOOR,
    "mic.ask": _FLOOR,
    "stage.preview": frozenset({Role.DIRECTOR}),
    "stage.cut": frozenset({Role.DIRECTOR}),
    "stage.line_up": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    # a private word with a site's technician: against the site's unit
    "talkback": frozenset({Role.DIRECTOR, Role.DUTY_OFFICER, Role.TECHNICIAN}),
    "stage.hold": frozenset({Role.DIRECTOR}),
    "stage.captions": frozenset({Role.DIRECTOR}),
    "stage.caption": frozenset({Role.DIRECTOR}),
    "stage.chair": frozenset({Role.DIRECTOR}),
    # shows nothing by itself: the director cuts to it
    "presentation.start": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    "presentation.end": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    "message.post": _FLOOR,
    "pin.set": _DESK,
    # against the units right above the meeting's scope: who has more than all of it
    "direction.take": frozenset({Role.CHAIR, Role.DIRECTOR}),
    "direction.return": frozenset({Role.CHAIR, Role.DIRECTOR}),
    # roll call: opened and sealed for the whole scope, edited and confirmed inside one's own
    "rollcall.open": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    "rollcall.seal": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    "rollcall.edit": _DESK,
    "rollcall.confirm": _DESK,
    "rollcall.see": _DESK | {Role.TECHNICIAN, Role.AUDITOR},
    # windows on other monitors (the stage's: whom the meeting concerns); somewhere in the scope, but to drive
    # other people's windows over all of it
    "screen.wall": _DESK | {Role.TECHNICIAN},
    "screen.leader": _FLOOR,
    "screen.drive": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    # calls and inspections: against the meeting's whole scope and the site, then against the site's unit
    "call.start": frozenset({Role.CHAIR, Role.DIRECTOR, Role.DUTY_OFFICER}),
    "inspection.see": _DESK | {Role.AUDITOR},
    "inspection.record": _DESK,
    # sites
    "site.see": _STAFF,
    "site.snapshot": _DESK | {Role.TECHNICIAN},
    "site.create": frozenset({Role.TECHNICIAN}),
    "site.change": frozenset({Role.TECHNICIAN}),
    # who may know of what is marked as a state secret; nobody clears above himself
    "clearance.set": frozenset({Role.DIRECTOR}),
    "code.issue": frozenset({Role.TECHNICIAN}),
    "code.revoke": frozenset({Role.TECHNICIAN}),
    # waves: planning them, telling their sites (with codes: `code.issue` as well)
    "wave.plan": frozenset({Role.TECHNICIAN}),
    # rehearsals, against the units of all their sites; what a ready site needs, against the nation
    "rehearsal.run": frozenset({Role.DIRECTOR, Role.TECHNICIAN}),
    "readiness.policy": frozenset({Role.DIRECTOR, Role.TECHNICIAN}),
    # tokens of programs that publish as a site (its unit) or watch a meeting (its whole scope)
    "token.whip": frozenset({Role.TECHNICIAN}),
    "token.whep": frozenset({Role.DIRECTOR, Role.SECRETARY}),
    # people, whose grants are no more than the manager's own: see `may_give`
    "person.manage": frozenset({Role.DIRECTOR, Role.TECHNICIAN}),
    "log.read": frozenset({Role.AUDITOR}),
}
"""Command -> roles that may do it inside their subtree."""

SITE_COMMANDS: Final = frozenset(
    {
        "meeting.see",
        "meeting.join",
        "meeting.leave",
        "hand.raise",
        "hand.lower",
        "floor.end",
        "mic.set",
        "mic.answer",
        "message.post",
        "message.got",
        "message.answer",
        "call.answer",
        "talk.answer",
        "snapshot.post",
        "test.run",
    }
)
"""What a site may do, for itself."""


class Tree(Protocol):
    """What the check needs of the units."""

    def __contains__(self, code: object) -> bool:
        """Whether there is such a unit."""
        ...

    def contains(self, ancestor: str, code: str) -> bool:
        """Whether `code` is `ancestor` or under it. Both must exist."""
        ...


def allowed(tree: Tree, actor: Actor, command: str, unit: str) -> bool:
    """Whether the actor may do the command on the unit; False for unknown commands and units."""
    if actor.kind == "system":
        return True
    if actor.kind == "site":
        return command in SITE_COMMANDS
    roles = PERMISSIONS.get(command, frozenset())
    return unit in tree and any(
        grant.role in roles and grant.unit in tree and tree.contains(grant.unit, unit)
        for grant in actor.grants
    )


def commands_of(role: Role) -> frozenset[str]:
    """What the role may do inside its subtree."""
    return frozenset(command for command, roles in PERMISSIONS.items() if role in roles)


def may_give(tree: Tree, actor: Actor, grant: Grant) -> bool:
    """Whether the actor may give this grant to somebody, or change somebody who holds it.

    Nobody gives what he has not got, or over what he has not got: he manages people over the grant's unit
    **and** could himself do there everything that its role may do. So roles need no order of their own: a
    technician gives technician, lead, delegate and observer; a director all that work a meeting.
    """
    return allowed(tree, actor, "person.manage", grant.unit) and all(
        allowed(tree, actor, command, grant.unit) for command in commands_of(grant.role)
    )


def authorise(tree: Tree, actor: Actor, command: str, *units: str) -> None:
    """Raises Forbidden unless the actor may do the command on every one of the units (at least one)."""
    if not units or not all(allowed(tree, actor, command, unit) for unit in units):
        raise Forbidden(None, command=command)


def units_granted(tree: Tree, actor: Actor, command: str) -> tuple[str, ...]:
    """The units over which the actor may do the command, none inside another; the system's answer is its
    nation."""
    if actor.kind == "system":
        return ("VN",) if "VN" in tree else ()
    if actor.kind == "site":
        return ()
    roles = PERMISSIONS.get(command, frozenset())
    units = {grant.unit for grant in actor.grants if grant.role in roles and grant.unit in tree}
    return tuple(
        sorted(unit for unit in units if not any(u != unit and tree.contains(u, unit) for u in units))
    )
