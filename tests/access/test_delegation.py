"""Delegated people: nobody gives what he has not got, changes whom he could not make, or sees strangers."""

from collections.abc import Awaitable, Callable

import pytest

from diemcau.access import (
    PERMISSIONS,
    SYSTEM,
    Access,
    Actor,
    Grant,
    PersonNotFound,
    Role,
    commands_of,
    may_give,
    site_actor,
)
from diemcau.errors import BadCredentials, BadRequest, Forbidden, NotAuthenticated
from diemcau.units import Units

BINH_PHUOC, DONG_PHU, TAN_LOI, DONG_NAI = "70", "695", "25378", "75"
PASSWORD = "mật khẩu dài"

# Written out a second time on purpose: what the one table makes of "no more than his own".
GIVES = {
    Role.TECHNICIAN: {Role.TECHNICIAN, Role.LEAD, Role.DELEGATE, Role.OBSERVER},
    Role.DIRECTOR: {
        Role.CHAIR, Role.DIRECTOR, Role.SECRETARY, Role.DUTY_OFFICER, Role.LEAD, Role.DELEGATE, Role.OBSERVER,
    },
}  # fmt: skip


def actor(role: Role, unit: str, who: str = "p_manager") -> Actor:
    return Actor("person", who, grants=(Grant(role, unit),))


async def made(access: Access, *grants: Grant, username: str = "x") -> str:
    person = await access.add_person(
        SYSTEM, username=username, password=PASSWORD, name="Lê Văn Nam", grants=grants
    )
    return person.id


@pytest.mark.parametrize("own", list(Role))
@pytest.mark.parametrize("role", list(Role))
def test_every_role_gives_these_inside_and_nothing_outside(units: Units, own: Role, role: Role) -> None:
    manager = actor(own, DONG_PHU)
    may = role in GIVES.get(own, set())
    for inside in (DONG_PHU, TAN_LOI):
        assert may_give(units, manager, Grant(role, inside)) is may
    for outside in (BINH_PHUOC, DONG_NAI, "VN", "99999", ""):
        assert not may_give(units, manager, Grant(role, outside))


@pytest.mark.parametrize("own", list(Role))
def test_who_gives_a_role_can_do_everything_that_it_may(own: Role) -> None:
    for role in GIVES.get(own, set()):
        assert commands_of(role) <= {c for c, roles in PERMISSIONS.items() if own in roles}


def test_two_roles_over_one_unit_give_what_both_may_together(units: Units) -> None:
    both = Actor("person", "p", grants=(Grant(Role.TECHNICIAN, "VN"), Grant(Role.DIRECTOR, BINH_PHUOC)))
    assert may_give(units, both, Grant(Role.DIRECTOR, DONG_PHU))
    assert may_give(units, both, Grant(Role.TECHNICIAN, DONG_NAI))
    assert not may_give(units, both, Grant(Role.DIRECTOR, DONG_NAI))
    assert not may_give(units, site_actor("s_1"), Grant(Role.OBSERVER, TAN_LOI))


async def test_a_provinces_technician_makes_people_inside_and_of_no_higher_role(access: Access) -> None:
    manager = actor(Role.TECHNICIAN, BINH_PHUOC)
    assert access.roles_given(manager, TAN_LOI) == (
        Role.TECHNICIAN, Role.LEAD, Role.DELEGATE, Role.OBSERVER,
    )  # fmt: skip

    async def add(*grants: Grant) -> None:
        await access.add_person(manager, username="moi", password=PASSWORD, name="Mới", grants=grants)

    for refused in (
        (),
        (Grant(Role.DIRECTOR, TAN_LOI),),
        (Grant(Role.LEAD, DONG_NAI),),
        (Grant(Role.TECHNICIAN, "VN"),),
        (Grant(Role.LEAD, TAN_LOI), Grant(Role.LEAD, DONG_NAI)),
    ):
        with pytest.raises(Forbidden):
            await add(*refused)
    assert await access.people() == ()
    await add(Grant(Role.LEAD, TAN_LOI), Grant(Role.TECHNICIAN, DONG_PHU))


Change = Callable[[Access, Actor, str], Awaitable[None]]
CHANGES: dict[str, Change] = {
    "password": lambda access, by, who: access.set_password(by, who, "mật khẩu mới", temporary=True),
    "disable": lambda access, by, who: access.disable_person(by, who),
    "enable": lambda access, by, who: access.enable_person(by, who),
    "grants": lambda access, by, who: access.set_grants(by, who, [Grant(Role.OBSERVER, TAN_LOI)]),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize(
    ("held", "error"),
    [
        ((Grant(Role.LEAD, TAN_LOI), Grant(Role.TECHNICIAN, BINH_PHUOC)), None),
        ((Grant(Role.DIRECTOR, TAN_LOI),), Forbidden),
        ((Grant(Role.LEAD, TAN_LOI), Grant(Role.LEAD, DONG_NAI)), Forbidden),
        ((Grant(Role.LEAD, TAN_LOI), Grant(Role.OBSERVER, "VN")), Forbidden),
        ((Grant(Role.LEAD, DONG_NAI),), PersonNotFound),
        ((Grant(Role.TECHNICIAN, "VN"),), PersonNotFound),
        ((), PersonNotFound),
    ],
)
async def test_whom_a_technician_may_change(
    access: Access, change: str, held: tuple[Grant, ...], error: type[Exception] | None
) -> None:
    who = await made(access, *held)
    before = await access.people()
    manager = actor(Role.TECHNICIAN, BINH_PHUOC)
    if error is None:
        await CHANGES[change](access, manager, who)
        return
    with pytest.raises(error):
        await CHANGES[change](access, manager, who)
    assert await access.people() == before
    await access.log_in("x", PASSWORD, address="a")


@pytest.mark.parametrize("change", CHANGES)
async def test_nobody_changes_himself(access: Access, change: str) -> None:
    who = await made(access, Grant(Role.TECHNICIAN, BINH_PHUOC))
    with pytest.raises(Forbidden):
        await CHANGES[change](access, actor(Role.TECHNICIAN, BINH_PHUOC, who), who)


async def test_people_of_other_provinces_are_not_seen(access: Access) -> None:
    await made(access, Grant(Role.LEAD, TAN_LOI), Grant(Role.LEAD, DONG_NAI), username="b.both")
    await made(access, Grant(Role.DIRECTOR, DONG_PHU), username="a.director")
    await made(access, Grant(Role.LEAD, DONG_NAI), username="c.other")
    await made(access, Grant(Role.DIRECTOR, "VN"), username="d.nation")
    nobody = await made(access, username="e.nobody")
    technician = actor(Role.TECHNICIAN, BINH_PHUOC)
    page = await access.people_seen(technician)
    assert [(s.person.username, s.person.grants, s.elsewhere, s.changeable) for s in page.people] == [
        ("a.director", (Grant(Role.DIRECTOR, DONG_PHU),), False, False),
        ("b.both", (Grant(Role.LEAD, TAN_LOI),), True, False),
    ]
    with pytest.raises(PersonNotFound):
        await access.person_seen(technician, nobody)
    everybody = await access.people_seen(actor(Role.TECHNICIAN, "VN"))
    assert len(everybody.people) == 5
    for stranger in (actor(Role.LEAD, "VN"), actor(Role.CHAIR, "VN"), site_actor("s_1")):
        with pytest.raises(Forbidden):
            await access.people_seen(stranger)


async def test_people_are_found_by_words_and_come_in_pages(access: Access) -> None:
    for number in range(5):
        await made(access, Grant(Role.LEAD, TAN_LOI), username=f"lead{number}")
    manager = actor(Role.TECHNICIAN, BINH_PHUOC)
    first = await access.people_seen(manager, text="le NAM", limit=3)
    rest = await access.people_seen(manager, text="le nam", limit=3, after=first.next)
    assert [seen.person.username for seen in (*first.people, *rest.people)] == [
        f"lead{number}" for number in range(5)
    ]
    assert rest.next is None
    assert (await access.people_seen(manager, text="hung")).people == ()


async def test_a_given_password_lets_in_only_to_choose_another(access: Access) -> None:
    manager = actor(Role.TECHNICIAN, BINH_PHUOC)
    grant = Grant(Role.LEAD, TAN_LOI)
    person = await access.add_person(
        manager, username="moi", password=PASSWORD, name="Mới", grants=[grant], temporary=True
    )
    session = await access.log_in("moi", PASSWORD, address="a")
    assert session.actor.temporary
    assert session.actor.grants == ()
    with pytest.raises(BadCredentials):
        await access.choose_password(session.token, "wrong password", "của riêng tôi", address="a")
    for bad in (PASSWORD, "ngắn"):
        with pytest.raises(BadRequest):
            await access.choose_password(session.token, PASSWORD, bad, address="a")
    own = await access.choose_password(session.token, PASSWORD, "của riêng tôi", address="a")
    assert own.actor.grants == (grant,)
    assert not own.actor.temporary
    for gone in (session.token,):
        with pytest.raises(NotAuthenticated):
            await access.person_of_session(gone)
    with pytest.raises(BadCredentials):
        await access.log_in("moi", PASSWORD, address="a")
    await access.set_password(manager, person.id, "lại một lần nữa", temporary=True)
    with pytest.raises(NotAuthenticated):
        await access.person_of_session(own.token)
    assert (await access.log_in("moi", "lại một lần nữa", address="a")).actor.grants == ()


async def test_who_was_disabled_by_mistake_is_let_in_again(access: Access) -> None:
    who = await made(access, Grant(Role.LEAD, TAN_LOI))
    manager = actor(Role.TECHNICIAN, BINH_PHUOC)
    await access.disable_person(manager, who)
    with pytest.raises(BadCredentials):
        await access.log_in("x", PASSWORD, address="a")
    await access.enable_person(manager, who)
    await access.log_in("x", PASSWORD, address="a")
