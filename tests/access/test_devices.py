"""Activation codes and device credentials."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from diemcau.access import SYSTEM, Access, Actor, Grant, Role, devices, load_secret, site_actor
from diemcau.access.secrets import CODE_ALPHABET, code_hash, new_code
from diemcau.clock import ManualClock
from diemcau.errors import BadCode, BadRequest, Forbidden, NotAuthenticated, TooManyRequests
from diemcau.store import Store
from diemcau.units import Units

TAN_LOI = ("s_25378", "25378")
TECHNICIAN = Actor("person", "p_9", grants=(Grant(Role.TECHNICIAN, "70"),))


async def code(access: Access, site: tuple[str, str] = TAN_LOI) -> str:
    (issued,) = await access.issue_codes(TECHNICIAN, [site])
    return issued.code


async def test_a_code_is_exchanged_once(access: Access) -> None:
    typed = await code(access)
    activation = await access.activate(f" {typed.lower().replace('-', ' ')} ", address="a")
    assert (activation.site, activation.replaced) == ("s_25378", False)
    assert await access.site_of_device(activation.credential) == site_actor("s_25378")
    with pytest.raises(BadCode):
        await access.activate(typed, address="a")


async def test_two_devices_with_one_sheet_one_gets_in(access: Access) -> None:
    typed = await code(access)
    results = await asyncio.gather(
        *(access.activate(typed, address=f"a{n}") for n in range(8)), return_exceptions=True
    )
    assert sum(isinstance(result, BadCode) for result in results) == 7


async def test_a_new_activation_puts_the_old_device_out(access: Access) -> None:
    first = await access.activate(await code(access), address="a")
    second = await access.activate(await code(access), address="a")
    assert second.replaced
    assert (await access.site_of_device(second.credential)).site == "s_25378"
    with pytest.raises(NotAuthenticated):
        await access.site_of_device(first.credential)


async def test_what_another_process_ends_is_out_within_a_second(
    access: Access, store: Store, units: Units, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 100.0
    monkeypatch.setattr(devices, "monotonic", lambda: now)
    other = Access(store, units, clock, b"s" * 32)
    credential = (await access.activate(await code(access), address="a")).credential
    crowd = [access.site_of_device(credential) for _ in range(20)]
    assert set(await asyncio.gather(*crowd)) == {site_actor("s_25378")}
    asked = access._bound.queries
    for later in (100.5, 102.0, 104.0):  # who is known is not asked for again
        now = later
        assert await access.site_of_device(credential) == site_actor("s_25378")
    assert access._bound.queries == asked
    await other.revoke_codes(TECHNICIAN, [TAN_LOI], devices_too=True)
    now += devices.LOOK_S
    with pytest.raises(NotAuthenticated):
        await access.site_of_device(credential)


async def test_issuing_again_revokes_the_earlier_code_but_not_the_device(access: Access) -> None:
    device = await access.activate(await code(access), address="a")
    stolen = await code(access)
    fresh = await code(access)
    with pytest.raises(BadCode):
        await access.activate(stolen, address="a")
    await access.site_of_device(device.credential)
    await access.activate(fresh, address="a")


async def test_codes_expire(access: Access, clock: ManualClock) -> None:
    (issued,) = await access.issue_codes(TECHNICIAN, [TAN_LOI], ttl=timedelta(hours=1))
    clock.advance(3600)
    with pytest.raises(BadCode):
        await access.activate(issued.code, address="a")
    for ttl in (timedelta(0), timedelta(days=366)):
        with pytest.raises(BadRequest):
            await access.issue_codes(TECHNICIAN, [TAN_LOI], ttl=ttl)


async def test_what_became_of_a_real_sheet_is_said_and_of_a_guess_nothing(
    access: Access, clock: ManualClock
) -> None:
    revoked, used = await code(access), await code(access)
    await access.activate(used, address="a")
    expired = await code(access)
    clock.advance(15 * 86_400)
    reasons = []
    for typed in (revoked, used, expired, new_code()):
        with pytest.raises(BadCode) as refused:
            await access.activate(typed, address="a")
        reasons.append(refused.value.details.get("reason"))
    assert reasons == ["revoked", "used", "expired", None]


async def test_drawn_codes_open_nothing_before_they_are_stored(access: Access) -> None:
    pending = await code(access)
    drawn = access.draw_codes([TAN_LOI[0]])
    with pytest.raises(BadCode):
        await access.activate(drawn[0].code, address="a")
    with pytest.raises(Forbidden):
        await access.store_codes(Actor("person", "p_8"), [TAN_LOI], drawn)
    with pytest.raises(BadRequest):
        await access.store_codes(TECHNICIAN, [("s_695", "695")], drawn)
    await access.store_codes(TECHNICIAN, [TAN_LOI], drawn)
    with pytest.raises(BadCode):
        await access.activate(pending, address="a")
    assert (await access.activate(drawn[0].code, address="a")).site == TAN_LOI[0]


async def test_revoking_codes_and_devices(access: Access) -> None:
    device = await access.activate(await code(access), address="a")
    pending = await code(access)
    assert await access.revoke_codes(TECHNICIAN, [TAN_LOI]) == 1
    with pytest.raises(BadCode):
        await access.activate(pending, address="a")
    await access.site_of_device(device.credential)
    assert await access.revoke_codes(TECHNICIAN, [TAN_LOI], devices_too=True) == 1
    with pytest.raises(NotAuthenticated):
        await access.site_of_device(device.credential)


async def test_only_the_subtrees_technician_issues_and_revokes(access: Access) -> None:
    dong_nai = ("s_75", "75")
    director = Actor("person", "p_1", grants=(Grant(Role.DIRECTOR, "VN"),))
    for actor, sites in (
        (TECHNICIAN, [TAN_LOI, dong_nai]),
        (director, [TAN_LOI]),
        (site_actor("s_25378"), [TAN_LOI]),
    ):
        with pytest.raises(Forbidden):
            await access.issue_codes(actor, sites)
        with pytest.raises(Forbidden):
            await access.revoke_codes(actor, sites)
    assert await access.issue_codes(SYSTEM, []) == ()


async def test_guessing_codes_is_locked_out(access: Access, clock: ManualClock) -> None:
    good = await code(access)
    for _ in range(30):
        with pytest.raises(BadCode):
            await access.activate(new_code(), address="10.0.0.66")
    with pytest.raises(TooManyRequests) as refused:
        await access.activate(new_code(), address="10.0.0.66")
    assert refused.value.retry_after == 600
    # A commune behind another address is not in the way, and the address is free again later.
    await access.activate(good, address="10.0.0.1")
    clock.advance(601)
    with pytest.raises(BadCode):
        await access.activate(new_code(), address="10.0.0.66")


async def test_who_types_nonsense_shuts_nobody_else_behind_his_address_out(access: Access) -> None:
    good = await code(access)
    for _ in range(30):
        with pytest.raises(BadCode):
            await access.activate(new_code(), address="cgnat")
    with pytest.raises(TooManyRequests):
        await access.activate(new_code(), address="cgnat")
    assert (await access.activate(good, address="cgnat")).site == "s_25378"
    # A right code does not make wrong ones forgotten; whoever shows a real sheet is told what became of it.
    with pytest.raises(TooManyRequests):
        await access.activate(new_code(), address="cgnat")
    with pytest.raises(BadCode) as spent:
        await access.activate(good, address="cgnat")
    assert spent.value.details["reason"] == "used"


async def test_codes_that_are_looked_up_are_bounded_right_or_wrong(
    access: Access, clock: ManualClock
) -> None:
    good = await code(access)
    for _ in range(200):
        with pytest.raises((BadCode, TooManyRequests)):
            await access.activate(new_code(), address="a")
    with pytest.raises(TooManyRequests) as refused:
        await access.activate(good, address="a")
    assert refused.value.retry_after == 1
    clock.advance(1)
    await access.activate(good, address="a")


async def test_an_ipv6_network_has_one_lockout(access: Access) -> None:
    for number in range(30):
        with pytest.raises(BadCode):
            await access.activate(new_code(), address=f"2001:db8:0:1:{number:x}::1")
    with pytest.raises(TooManyRequests):
        await access.activate(new_code(), address="2001:db8:0:1::ffff")
    with pytest.raises(BadCode):
        await access.activate(new_code(), address="2001:db8:0:2::1")


async def test_a_carriers_one_address_may_activate_many(access: Access, clock: ManualClock) -> None:
    sites = [(f"s_{number}", "25378") for number in range(300)]
    issued = await access.issue_codes(SYSTEM, sites)
    await asyncio.gather(*(access.activate(one.code, address="cgnat") for one in issued[:200]))
    with pytest.raises(TooManyRequests):
        await access.activate(issued[200].code, address="cgnat")
    clock.advance(2)
    await asyncio.gather(*(access.activate(one.code, address="cgnat") for one in issued[200:]))


@pytest.mark.parametrize(
    "typed", ["", "K7QF", "0OIL-0OIL-0OIL", "x" * 100_000, "K7QF-9TXM-4RH\x00", "ếếếếếếếếếếếế"]
)
async def test_what_cannot_be_a_code_is_a_bad_code(access: Access, typed: str) -> None:
    with pytest.raises(BadCode):
        await access.activate(typed, address="a")


@pytest.mark.parametrize("credential", ["", "x", "x" * 10_000, "ế", "\x00", "\ud800"])
async def test_what_is_no_credential_is_nobody(access: Access, credential: str) -> None:
    with pytest.raises(NotAuthenticated):
        await access.site_of_device(credential)
    with pytest.raises(NotAuthenticated):
        await access.person_of_session(credential)


async def test_codes_and_credentials_are_stored_only_hashed(access: Access, store: Store) -> None:
    typed = await code(access)
    device = await access.activate(typed, address="a")
    async with store.read() as connection:
        rows = [
            repr(row)
            for table in ("activation_codes", "devices", "events", "commands")
            for row in await connection.execute(text(f"SELECT * FROM {table}"))
        ]
    assert len(rows) >= 4
    assert not any(
        secret in row for row in rows for secret in (typed, typed.replace("-", ""), device.credential)
    )


async def test_ten_thousand_codes_in_a_few_events(access: Access, store: Store) -> None:
    sites = [(f"s_{number}", "25378") for number in range(10_000)]
    issued = await access.issue_codes(SYSTEM, sites)
    assert len({one.code for one in issued}) == 10_000
    assert (await store.head("access")).seq == 10
    assert (await access.activate(issued[9_999].code, address="a")).site == "s_9999"
    assert [event.type for event in await store.events("site:s_9999")] == ["site_activated"]


def test_a_code_has_twelve_letters_that_cannot_be_mistaken() -> None:
    assert not set("0O1IL") & set(CODE_ALPHABET)
    assert len(set(CODE_ALPHABET)) == len(CODE_ALPHABET) == 31
    letters = new_code().replace("-", "")
    assert len(letters) == 12
    assert set(letters) <= set(CODE_ALPHABET)
    # Without the installation's secret the stored form of a code says nothing.
    assert code_hash(b"a" * 32, letters) != code_hash(b"b" * 32, letters)


def test_the_secret_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    secret = load_secret(path)
    assert len(secret) == 32
    assert load_secret(path) == secret
    assert path.stat().st_mode & 0o777 == 0o600
    path.write_bytes(b"short")
    with pytest.raises(BadRequest):
        load_secret(path)
