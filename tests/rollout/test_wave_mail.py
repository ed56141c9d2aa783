"""Letters of waves to a real mail server: each once, whatever the server, the network or a kill does."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import structlog

from diemcau.access import SYSTEM, Access, Grant, Passwords, Role
from diemcau.clock import ManualClock
from diemcau.rollout.waves.mailer import Letter, MailerDown
from diemcau.rollout.waves.wave import NobodyToTell
from diemcau.sites import SiteChange, Sites
from diemcau.store import Store
from diemcau.units import Units

from .waves import BASE, House, Server, house_over, mail_server, until, wish, words


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with mail_server() as running:
        yield running


@pytest.fixture
async def house(
    server: Server, sqlite_template: Path, tmp_path: Path, units: Units, clock: ManualClock
) -> AsyncIterator[House]:
    shutil.copy(sqlite_template, tmp_path / "waves.db")
    store = await Store.open(f"sqlite:///{tmp_path / 'waves.db'}", clock=clock)
    access = Access(store, units, clock, bytes(32), passwords=Passwords())
    sites = Sites(store, units, access, clock)
    made = house_over(store, units, access, sites, clock, server.mailer())
    yield made
    await made.rooms.sender.aclose()
    await store.aclose()


async def test_everybody_with_an_address_gets_one_letter_with_his_own_names(
    house: House, server: Server
) -> None:
    await house.people(3, without=1)
    wave = await house.wave(name="Đợt phía Nam")
    await house.invite(wave)
    await house.run()
    assert sorted(server.to) == [f"post{n}@example.com" for n in range(3)]
    assert await house.states(wave) == {"sent": 3, "skipped": 1}
    assert server.connections == 1
    first = next(one for one in server.got if one["To"] == "post0@example.com")
    assert first["Subject"] == "Lời mời kết nối: Điểm cầu 0, ngày 05/09/2021"
    assert first["From"] == "Điểm Cầu <cau@example.gov.vn>" and first["Auto-Submitted"] == "auto-generated"
    body = first.get_content()
    assert "Đợt phía Nam" in body and "07:30-11:30" in body and "1900 1234" in body and BASE in body
    [skipped] = await house.rooms.messages.messages(
        SYSTEM, (await house.rooms.messages.sendings(SYSTEM, wave))[0].id
    )
    assert (skipped.site, skipped.error, skipped.phones) == ("s_3", "no_address", ("0912 345 003",))


async def test_the_same_again_sends_nobody_a_second_one(house: House, server: Server) -> None:
    await house.people(2, without=1)
    wave = await house.wave()
    first = await house.invite(wave, request="request-1")
    assert await house.invite(wave, request="request-1") == first, "a command that came twice"
    with pytest.raises(NobodyToTell):
        await house.invite(wave, request="request-2")
    await house.run()
    with pytest.raises(NobodyToTell):
        await house.invite(wave, request="request-3")
    # Who has an address now is told, and he alone; who is told another day is told again.
    await house.sites.change(SYSTEM, [SiteChange("s_2", emails=("post2@example.com",))])
    house.readiness._all_dirty = True
    await house.invite(wave, request="request-4")
    await house.run()
    assert sorted(server.to) == [f"post{n}@example.com" for n in range(3)]
    await house.rooms.waves.change(SYSTEM, wave, day=wish(day="2021-09-06").first_day)
    await house.invite(wave, request="request-5")
    await house.run()
    assert len(server.to) == 6 and "06/09/2021" in server.got[-1]["Subject"]


async def test_a_server_that_puts_off_is_asked_again_later_and_one_that_refuses_is_not(
    house: House, server: Server
) -> None:
    await house.people(3)
    wave = await house.wave()
    server.rcpt = {
        "post0@example.com": ["450 4.2.0 Greylisted"] * 2,
        "post1@example.com": ["550 5.1.1 No such user"],
    }
    server.data = {"post2@example.com": ["451 4.3.0 Try again"]}
    sending = await house.invite(wave)
    await house.run()
    assert server.to == [] and await house.states(wave) == {"queued": 2, "failed": 1}
    house.clock.advance(4 * 60)
    await house.run()
    assert server.to == [], "greylisting wants some minutes"
    house.clock.advance(61)
    await house.run()
    assert server.to == ["post2@example.com"]
    house.clock.advance(10 * 60)
    await house.run()
    assert server.to == ["post2@example.com", "post0@example.com"]
    assert await house.states(wave) == {"sent": 2, "failed": 1}
    [failed] = await house.rooms.messages.messages(SYSTEM, sending)
    assert (failed.error, failed.tries) == ("smtp_550", 1) and "No such user" in (failed.detail or "")
    assert (await house.rooms.messages.sendings(SYSTEM, wave))[0].state == "done"
    await house.rooms.messages.retry(SYSTEM, sending)
    await house.run()
    assert len(server.to) == 3 and await house.states(wave) == {"sent": 3}


async def test_a_server_that_puts_off_for_ever_is_given_up(house: House, server: Server) -> None:
    await house.people(1)
    wave = await house.wave()
    server.rcpt = {"post0@example.com": ["450 Greylisted"] * 20}
    await house.invite(wave)
    for _ in range(6):
        await house.run()
        house.clock.advance(90 * 60)
    assert await house.states(wave) == {"failed": 1} and len(server.rcpt["post0@example.com"]) == 14


async def test_a_connection_cut_in_the_text_leaves_one_in_doubt_and_sends_it_to_nobody_twice(
    house: House, server: Server
) -> None:
    await house.people(4)
    wave = await house.wave()
    server.cut = {"post1@example.com"}
    sending = await house.invite(wave)
    await house.run()
    assert sorted(server.to) == ["post0@example.com", "post2@example.com", "post3@example.com"]
    assert await house.states(wave) == {"sent": 3, "uncertain": 1} and server.connections == 2
    with pytest.raises(NobodyToTell):
        await house.rooms.messages.retry(SYSTEM, sending)
    await house.rooms.messages.retry(SYSTEM, sending, uncertain=True)
    await house.run()
    assert sorted(server.to) == [f"post{n}@example.com" for n in range(4)]


async def test_a_kill_in_the_middle_leaves_at_most_one_in_doubt_and_the_rest_goes_on(
    house: House, server: Server
) -> None:
    await house.people(5)
    wave = await house.wave()
    sending = await house.invite(wave)
    await house.run(lambda: len(server.to) == 2)
    server.before_answer = asyncio.Event()
    under_way = asyncio.create_task(house.run())
    async with asyncio.timeout(10):
        await server.taken.wait()
    under_way.cancel()
    await asyncio.gather(under_way, return_exceptions=True)
    server.before_answer.set()
    server.before_answer = None
    assert await house.states(wave) == {"sent": 2, "sending": 1, "queued": 2}
    again = house.reopened(server.mailer())
    await again.rooms.sender.start()

    async def done() -> bool:
        return (await again.rooms.messages.sendings(SYSTEM, wave))[0].state == "done"

    await until(done)
    await again.rooms.sender.aclose()
    assert sorted(server.to) == [f"post{n}@example.com" for n in range(5)], "each once"
    assert await again.states(wave) == {"sent": 4, "uncertain": 1}
    [doubtful] = await again.rooms.messages.messages(SYSTEM, sending)
    assert doubtful.error == "interrupted"
    ids = {str(one["Message-ID"]) for one in server.got}
    assert len(ids) == 5
    await again.rooms.messages.retry(SYSTEM, sending, uncertain=True)
    await again.run()
    assert len(server.got) == 6 and {str(one["Message-ID"]) for one in server.got} == ids, (
        "by which it is known"
    )
    await again.rooms.sender.aclose()


async def test_a_stopped_sending_sends_nothing_and_goes_on_where_it_was(house: House, server: Server) -> None:
    await house.people(3)
    wave = await house.wave()
    sending = await house.invite(wave)
    await house.run(lambda: len(server.to) == 1)
    await house.rooms.messages.stop(SYSTEM, sending)
    await house.run()
    assert len(server.to) == 1
    await house.rooms.messages.resume(SYSTEM, sending)
    await house.run()
    assert sorted(server.to) == [f"post{n}@example.com" for n in range(3)]


async def test_a_server_that_takes_no_letters_at_all_fails_none_of_them(house: House, server: Server) -> None:
    await house.people(2)
    wave = await house.wave()
    server.sender = ["550 5.7.1 Sender is not allowed here"]
    sending = await house.invite(wave)
    await house.run()
    [shown] = await house.rooms.messages.sendings(SYSTEM, wave)
    assert (shown.state, shown.error) == ("running", "smtp_sender")
    assert await house.states(wave) == {"queued": 2}
    down = house.reopened(server.mailer(port=1))
    await down.run()
    assert (await down.rooms.messages.sendings(SYSTEM, wave))[0].error == "smtp_unreachable"
    up = house.reopened(server.mailer())
    await up.run()
    [shown] = await up.rooms.messages.sendings(SYSTEM, wave)
    assert (shown.id, shown.state, shown.error) == (sending, "done", None) and len(server.to) == 2
    await up.rooms.sender.aclose()


async def test_ten_refusals_in_a_row_stop_a_sending(house: House, server: Server) -> None:
    await house.people(14)
    wave = await house.wave()
    server.rcpt = {f"post{n}@example.com": ["554 5.7.1 Spam"] for n in range(14)}
    await house.invite(wave)
    await house.run()
    [shown] = await house.rooms.messages.sendings(SYSTEM, wave)
    assert (shown.state, shown.error) == ("stopped", "many_refused")
    assert await house.states(wave) == {"failed": 10, "queued": 4}


async def test_who_began_it_and_may_no_more_sends_nothing(house: House, server: Server) -> None:
    await house.people(2)
    person = await house.access.add_person(
        SYSTEM,
        username="kt",
        password="mot-mat-khau-dai",
        name="Lê Kỹ",
        grants=[Grant(Role.TECHNICIAN, "70")],
    )
    actor = await house.access.actor_of(f"person:{person.id}")
    assert actor is not None
    (wave,) = await house.rooms.waves.plan(actor, wish())
    await house.rooms.messages.start(
        actor, wave.id, "invitation", words(), per_minute=6000, request="request-1"
    )
    await house.access.disable_person(SYSTEM, person.id)
    await house.run()
    [shown] = await house.rooms.messages.sendings(SYSTEM, wave.id)
    assert server.to == [] and (shown.state, shown.error) == ("stopped", "forbidden")


async def test_the_way_in_opens_once_it_is_away_and_a_letter_that_came_back_changes_no_sheet(
    house: House, server: Server
) -> None:
    await house.people(3)
    (sheet,) = await house.sites.issue_codes(SYSTEM, ["s_1"])
    (used,) = await house.sites.issue_codes(SYSTEM, ["s_2"])
    await house.access.activate(used.code, address="test")
    house.readiness._all_dirty = True
    wave = await house.wave()
    server.rcpt = {"post1@example.com": ["550 No such user"]}
    await house.invite(wave, link=True)
    await house.run()
    texts = {str(one["To"]): one.get_content() for one in server.got}
    link = next(word for word in texts["post0@example.com"].split() if "#code=" in word)
    assert link.startswith(f"{BASE}/vao#code=")
    await house.access.activate(link.partition("#code=")[2], address="test")
    assert "#code=" not in texts["post2@example.com"], "a device stands for it already"
    await house.access.activate(sheet.code, address="test")


async def test_no_secret_and_no_address_is_in_the_log_or_an_event(house: House, server: Server) -> None:
    await house.people(2)
    wave = await house.wave()
    with structlog.testing.capture_logs() as logs:
        sender = server.mailer(password="rat-bi-mat", username="cau", port=1)
        down = house.reopened(sender)
        await down.invite(wave, link=True)
        await down.run()
        await house.run()
    said = str(logs) + repr(server.options(password="rat-bi-mat"))
    said += str([event.to_json() for event in await house.store.events("waves")])
    assert "wave_sending_started" in said and "smtp_unreachable" in said
    for secret in ("rat-bi-mat", "post0@", "#code=", "Kính gửi"):
        assert secret not in said
    async with house.store.read() as connection:
        from sqlalchemy import text

        rows = str((await connection.execute(text("SELECT * FROM wave_messages"))).all())
    assert "code=" not in rows


@pytest.mark.parametrize("implicit", [False, True])
async def test_tls_and_a_password_work_and_a_stranger_s_certificate_does_not(
    tmp_path: Path, implicit: bool
) -> None:
    import ssl
    from datetime import UTC, datetime

    from diemcau.api import certificates

    made = certificates.ensure(tmp_path, ("127.0.0.1",), datetime.now(UTC))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    letter = Letter(("post0@example.com",), "Chào", "Thư", "dc.1", datetime.now(UTC))
    async with mail_server(tls=context, implicit=implicit, password="rat-bi-mat") as server:
        how = {"security": "tls" if implicit else "starttls", "username": "cau", "ca_file": made.authority}
        good = server.mailer(**how, password="rat-bi-mat")
        assert (await good.send(letter)).result == "accepted" and server.authenticated == ["cau"]
        await good.rest()
        with pytest.raises(MailerDown) as wrong:
            await server.mailer(**how, password="sai").send(letter)
        assert wrong.value.reason == "smtp_auth"
        with pytest.raises(MailerDown) as stranger:
            await server.mailer(**{**how, "ca_file": None}, password="rat-bi-mat").send(letter)
        assert stranger.value.reason == "smtp_tls"
    async with mail_server() as plain:
        with pytest.raises(MailerDown) as bare:
            await plain.mailer(security="starttls").send(letter)
        assert bare.value.reason == "smtp_tls" and plain.got == [], "never without TLS where it was asked for"


# Reminders.


async def plan_reminder(house: House, wave: str, days_before: int, clock: str) -> str:
    from diemcau.rollout.waves import NOT_CONNECTED

    made = await house.rooms.reminders.add(SYSTEM, wave, days_before, clock, words("reminder"), NOT_CONNECTED)
    return made.id


async def test_planned_reminders_go_once_at_their_time_to_those_who_are_not_here(
    house: House, server: Server
) -> None:
    await house.people(3)
    wave = await house.wave(day="2021-09-07")
    await plan_reminder(house, wave, 1, "16:00")
    await plan_reminder(house, wave, 0, "07:00")
    await house.run()
    assert server.to == []
    house.clock.advance(31.5 * 3600 - 1)  # 15:59:59 of the day before
    await house.run()
    assert server.to == []
    house.clock.advance(1)
    await house.run()
    assert sorted(server.to) == [f"post{n}@example.com" for n in range(3)]
    await house.run()
    again = house.reopened(server.mailer())
    await again.rooms.sender.start()
    await again.rooms.sender.aclose()
    assert len(server.to) == 3, "a restart reminds nobody twice"
    (code,) = await house.sites.issue_codes(SYSTEM, ["s_1"])
    await house.access.activate(code.code, address="test")
    house.readiness._all_dirty = True
    house.clock.advance(15 * 3600)
    await house.run()
    assert sorted(server.to[3:]) == ["post0@example.com", "post2@example.com"], "who has come is left alone"
    assert [one.state for one in await house.rooms.reminders.planned(SYSTEM, wave)] == ["sent", "sent"]


async def test_who_comes_in_while_letters_wait_is_not_reminded(house: House, server: Server) -> None:
    await house.people(2)
    wave = await house.wave()
    await house.rooms.messages.start(
        SYSTEM,
        wave,
        "reminder",
        words("reminder"),
        causes=("no_code", "code_open"),
        per_minute=6000,
        request="r-000001",
    )
    (code,) = await house.sites.issue_codes(SYSTEM, ["s_0"])
    await house.access.activate(code.code, address="test")
    house.readiness._all_dirty = True
    await house.run()
    assert server.to == ["post1@example.com"] and await house.states(wave) == {"sent": 1, "skipped": 1}


async def test_a_reminder_whose_time_passed_unseen_is_missed_and_not_made_up(
    house: House, server: Server
) -> None:
    await house.people(1)
    wave = await house.wave(day="2021-09-07")
    await plan_reminder(house, wave, 1, "16:00")
    house.clock.advance(36 * 3600)
    await house.run()
    assert server.to == [] and [one.state for one in await house.rooms.reminders.planned(SYSTEM, wave)] == [
        "missed"
    ]


async def test_reminders_move_with_their_wave(house: House, server: Server) -> None:
    await house.people(1)
    wave = await house.wave(day="2021-09-07")
    await plan_reminder(house, wave, 0, "07:00")
    await house.rooms.waves.change(SYSTEM, wave, day=wish(day="2021-09-08").first_day)
    house.clock.advance(47 * 3600)
    await house.run()
    assert server.to == []
    house.clock.advance(24 * 3600)
    await house.run()
    assert server.to == ["post0@example.com"] and "08/09/2021" in server.got[0]["Subject"]


async def test_who_has_left_the_wave_gets_no_letter_of_it(house: House, server: Server) -> None:
    await house.people(3)
    wave = await house.wave()
    await house.invite(wave)
    await house.rooms.waves.put_sites(SYSTEM, wave, remove=["s_1"])
    await house.run()
    assert sorted(server.to) == ["post0@example.com", "post2@example.com"]
    assert await house.states(wave) == {"sent": 2, "skipped": 1}


async def test_letters_wait_and_go_on_both_databases(
    store: Store, units: Units, access: Access, sites: Sites, clock: ManualClock, server: Server
) -> None:
    house = house_over(store, units, access, sites, clock, server.mailer())
    await house.people(2, without=1)
    wave = await house.wave()
    await plan_reminder(house, wave, 0, "09:00")
    await house.invite(wave)
    await house.run()
    clock.advance(3600)
    await house.run()
    assert sorted(server.to) == sorted([f"post{n}@example.com" for n in range(2)] * 2)
    assert await house.rooms.waves.sites_of(wave) == ["s_0", "s_1", "s_2"]
    await house.rooms.waves.delete(SYSTEM, wave)
    assert await house.rooms.waves.wave_of(["s_0"]) == {}
    await house.rooms.sender.aclose()
