"""People: logging in and out, what ends a session, what an attacker meets."""

import asyncio
import time
from typing import ClassVar, Literal

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from diemcau.access import SYSTEM, Access, Actor, Grant, Passwords, Role
from diemcau.clock import ManualClock
from diemcau.errors import (
    BadCredentials,
    BadRequest,
    Busy,
    Conflict,
    Csrf,
    NotAuthenticated,
    TooManyRequests,
)
from diemcau.store import Store
from diemcau.units import UnitNotFound

PASSWORD = "mật khẩu dài"
DIRECTOR = Grant(Role.DIRECTOR, "VN")


async def person(access: Access, username: str = "binh") -> str:
    made = await access.add_person(
        SYSTEM,
        username=username,
        password=PASSWORD,
        name="Trần Thị Bình",
        title="Đạo diễn hình",
        grants=[DIRECTOR],
    )
    return made.id


async def test_a_session_says_who_asks_until_it_ends(access: Access, clock: ManualClock) -> None:
    who = await person(access)
    session = await access.log_in("  Binh ", PASSWORD, address="10.0.0.1")
    assert session.actor == Actor("person", who, "Trần Thị Bình", "Đạo diễn hình", (DIRECTOR,))
    assert await access.person_of_session(session.token) == session.actor
    clock.advance(12 * 3600 - 1)
    await access.person_of_session(session.token)
    clock.advance(1)
    with pytest.raises(NotAuthenticated):
        await access.person_of_session(session.token)


async def test_logging_out_ends_the_session(access: Access) -> None:
    await person(access)
    first = await access.log_in("binh", PASSWORD, address="a")
    second = await access.log_in("binh", PASSWORD, address="a")
    await access.log_out(first.token)
    await access.log_out("unknown")
    with pytest.raises(NotAuthenticated):
        await access.person_of_session(first.token)
    await access.person_of_session(second.token)


@pytest.mark.parametrize("way", ["password", "disable"])
async def test_a_new_password_and_disabling_end_all_sessions(access: Access, way: str) -> None:
    who = await person(access)
    session = await access.log_in("binh", PASSWORD, address="a")
    if way == "password":
        await access.set_password(session.actor, who, "a new password")
        await access.log_in("binh", "a new password", address="a")
    else:
        await access.disable_person(SYSTEM, who)
    with pytest.raises(NotAuthenticated):
        await access.person_of_session(session.token)
    with pytest.raises(BadCredentials):
        await access.log_in("binh", PASSWORD, address="a")


async def test_new_grants_hold_for_open_sessions(access: Access) -> None:
    who = await person(access)
    session = await access.log_in("binh", PASSWORD, address="a")
    observer = Grant(Role.OBSERVER, "70")
    await access.set_grants(SYSTEM, who, [observer, observer])
    assert (await access.person_of_session(session.token)).grants == (observer,)
    await access.set_grants(SYSTEM, who, [])
    assert (await access.person_of_session(session.token)).grants == ()


async def test_wrong_password_and_unknown_user_are_not_told_apart(access: Access) -> None:
    await person(access)
    errors = []
    for username, password in (
        ("binh", "wrong password"),
        ("nobody", PASSWORD),
        ("binh", "x" * 10_000),
        ("binh", "\ud800" * 10),
        ("\ud800\x00", PASSWORD),
        ("", ""),
    ):
        with pytest.raises(BadCredentials) as error:
            await access.log_in(username, password, address="a")
        errors.append(error.value.problem())
    assert all(error == errors[0] for error in errors)


async def test_an_unknown_user_takes_as_long_as_a_known_one() -> None:
    # Deterministic, not timed: both paths verify one hash with the same parameters.
    class Counting(PasswordHasher):
        verified: ClassVar[list[str]] = []

        def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:  # noqa: A002
            self.verified.append(str(hash).rsplit("$", 2)[0])
            return super().verify(hash, password)

    passwords = Passwords(Counting(time_cost=1, memory_cost=64, parallelism=1))
    stored = await passwords.hash(PASSWORD)
    assert await passwords.verify(stored, PASSWORD)
    assert not await passwords.verify(None, PASSWORD)
    assert not await passwords.verify("garbage", PASSWORD)
    known, unknown, _ = Counting.verified
    assert known == unknown


async def test_real_hashes_are_argon2id_and_run_beside_the_event_loop() -> None:
    passwords = Passwords(at_once=1, waiting=1)
    hashing = [asyncio.create_task(passwords.hash(PASSWORD)) for _ in range(3)]
    beats, started = 0, time.monotonic()
    while not all(task.done() for task in hashing):
        await asyncio.sleep(0.001)
        beats += 1
    # The loop went on while threads hashed, and the third was refused rather than queued.
    assert beats > 5, time.monotonic() - started
    results = await asyncio.gather(*hashing, return_exceptions=True)
    assert sum(isinstance(result, Busy) for result in results) == 1
    assert str(results[0]).startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_guessing_is_locked_out_by_name_and_address(access: Access, clock: ManualClock) -> None:
    await person(access)
    for _ in range(10):
        with pytest.raises(BadCredentials):
            await access.log_in("binh", "wrong password", address="10.0.0.66")
    with pytest.raises(TooManyRequests) as locked:
        await access.log_in("binh", PASSWORD, address="10.0.0.66")
    assert 0 < locked.value.retry_after <= 900
    # The director herself, from her own desk, is not.
    await access.log_in("binh", PASSWORD, address="10.0.0.1")
    clock.advance(901)
    await access.log_in("binh", PASSWORD, address="10.0.0.66")


async def test_an_ipv6_network_is_one_address_to_who_guesses(access: Access) -> None:
    await person(access)
    for number in range(10):
        with pytest.raises(BadCredentials):
            await access.log_in("binh", "wrong password", address=f"2001:db8:0:1::{number}")
    with pytest.raises(TooManyRequests):
        await access.log_in("binh", PASSWORD, address="2001:db8:0:1:ffff::1")
    await access.log_in("binh", PASSWORD, address="2001:db8:0:2::1")


async def test_attempts_are_rate_limited_by_address_and_by_name(access: Access, clock: ManualClock) -> None:
    async def tried(username: str, address: str) -> type[Exception]:
        with pytest.raises((BadCredentials, TooManyRequests)) as error:
            await access.log_in(username, "wrong password", address=address)
        return error.type

    by_address = [await tried(f"u{number}", "10.0.0.66") for number in range(40)]
    assert by_address == [BadCredentials] * 30 + [TooManyRequests] * 10
    by_name = [await tried("binh", f"10.0.1.{number}") for number in range(30)]
    assert by_name == [BadCredentials] * 20 + [TooManyRequests] * 10
    clock.advance(60)
    assert await tried("binh", "10.0.0.66") is BadCredentials


async def test_passwords_and_tokens_are_not_stored(access: Access, store: Store) -> None:
    await person(access)
    session = await access.log_in("binh", PASSWORD, address="a")
    async with store.read() as connection:
        rows = [
            repr(row)
            for table in ("people", "sessions", "events", "commands")
            for row in await connection.execute(text(f"SELECT * FROM {table}"))
        ]
    assert rows
    assert not any(PASSWORD in row or session.token in row for row in rows)
    assert any("$argon2id$" in row for row in rows)


async def test_bad_people_are_refused(access: Access) -> None:
    await person(access)
    with pytest.raises(Conflict):
        await person(access, "BINH")
    for change, error in (
        ({"username": "a b"}, BadRequest),
        ({"username": ""}, BadRequest),
        ({"password": "short"}, BadRequest),
        ({"password": "\ud800" * 10}, BadRequest),
        ({"name": "\x00"}, BadRequest),
        ({"grants": [Grant(Role.LEAD, "99999")]}, UnitNotFound),
    ):
        arguments = {"username": "new", "password": PASSWORD, "name": "N", **change}
        with pytest.raises(error):
            await access.add_person(SYSTEM, **arguments)  # type: ignore[arg-type]
    assert [known.username for known in await access.people()] == ["binh"]


async def test_what_is_done_to_people_is_in_the_log(access: Access, store: Store) -> None:
    who = await person(access)
    session = await access.log_in("binh", PASSWORD, address="a")
    await access.set_grants(SYSTEM, who, [])
    await access.log_out(session.token)
    await access.disable_person(SYSTEM, who)
    events = await store.events(f"person:{who}")
    assert [event.type for event in events] == [
        "person_added", "logged_in", "grants_set", "logged_out", "person_disabled",
    ]  # fmt: skip
    await store.verify_chain(f"person:{who}")


async def test_csrf_tokens_belong_to_one_credential(access: Access) -> None:
    token = access.csrf_token("credential")
    access.check_csrf("credential", token)
    for wrong in (None, "", token[:-1], access.csrf_token("another"), "ế"):
        with pytest.raises(Csrf):
            access.check_csrf("credential", wrong)
