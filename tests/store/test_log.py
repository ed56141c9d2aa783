"""The event log: gapless, chained, idempotent, all or nothing, on both kinds of database."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine

from diemcau.clock import ManualClock
from diemcau.errors import BadRequest, Busy, Conflict, JsonObject, StorageUnavailable
from diemcau.store import ChainBroken, Event, Head, HeadSigner, SignedHeads, Store, UnitOfWork
from diemcau.store.engine import make_engines

Work = Callable[[UnitOfWork], Awaitable[JsonObject]]


def appending(stream: str, count: int = 1, kind: str = "happened") -> Work:
    async def work(unit: UnitOfWork) -> JsonObject:
        for number in range(count):
            unit.append(stream, kind, {"number": number, "word": "Đồng Phú"}, actor="system")
        return {"seq": unit.head(stream).seq}

    return work


async def change(address: str, statement: str) -> None:
    """What somebody with the database in his hands does."""
    engine = create_async_engine(make_engines(address).write.url)
    async with engine.begin() as connection:
        await connection.execute(text(statement))
    await engine.dispose()


async def test_events_come_back_as_they_were_stored(store: Store, clock: ManualClock) -> None:
    await store.write(appending("m:1", 2), streams=["m:1"])
    clock.advance(1)
    await store.write(appending("m:1"), streams=["m:1"])
    events = await store.events("m:1")
    assert [event.seq for event in events] == [1, 2, 3]
    assert events[2] == Event("m:1", 3, "happened", clock.now(), "system", {"number": 0, "word": "Đồng Phú"})
    assert await store.events("m:1", after=1, limit=1) == events[1:2]
    assert (await store.head("m:1")).seq == 3
    assert await store.head("m:2") == Head("m:2")


async def test_commands_that_come_together_share_a_commit_and_leave_no_gap(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.write(appending(f"m:{number % 3}"), streams=[f"m:{number % 3}"]) for number in range(300))
    )
    assert store.stats.commits < 20
    assert store.stats.largest_group > 1
    for stream in range(3):
        assert sorted(int(str(a["seq"])) for n, a in enumerate(answers) if n % 3 == stream) == list(
            range(1, 101)
        )
        assert [event.seq for event in await store.events(f"m:{stream}")] == list(range(1, 101))
        assert (await store.verify_chain(f"m:{stream}")).seq == 100


async def test_a_command_id_is_answered_as_before_and_runs_once(store: Store) -> None:
    runs = 0

    async def work(unit: UnitOfWork) -> JsonObject:
        nonlocal runs
        runs += 1
        return await appending("m:1")(unit)

    first = await store.write(work, streams=["m:1"], command="p/1")
    together = await asyncio.gather(
        *(store.write(work, streams=["m:1"], command=f"p/{number % 5}") for number in range(50))
    )
    assert await store.write(work, streams=["m:1"], command="p/1") == first
    assert runs == 5
    assert {str(answer) for answer in together[1::5]} == {str(first)}
    assert (await store.head("m:1")).seq == 5


async def test_a_refusal_is_repeated_too(store: Store) -> None:
    refuse = True

    async def work(unit: UnitOfWork) -> JsonObject:
        unit.append("m:1", "happened", {}, actor="system")
        if refuse:
            raise Conflict("somebody was faster", site="s_1")
        return {}

    for _ in range(2):
        with pytest.raises(Conflict if refuse else Exception) as caught:
            await store.write(work, streams=["m:1"], command="p/1")
        error = caught.value
        assert (error.code, error.status, error.message, error.details) == (  # type: ignore[attr-defined]
            "conflict", 409, "somebody was faster", {"site": "s_1"},
        )  # fmt: skip
        refuse = False
    assert (await store.head("m:1")).seq == 0


async def test_what_failed_on_our_side_may_be_tried_again(store: Store) -> None:
    async def failing(unit: UnitOfWork) -> JsonObject:
        raise Busy

    with pytest.raises(Busy):
        await store.write(failing, streams=["m:1"], command="p/1")
    assert await store.write(appending("m:1"), streams=["m:1"], command="p/1") == {"seq": 1}


async def test_two_processes_with_one_database_keep_one_history(database: str, clock: ManualClock) -> None:
    first, second = await Store.open(database, clock=clock), await Store.open(database, clock=clock)
    try:
        runs = await asyncio.gather(
            *(
                store.write(appending(stream), streams=[stream, "shared"], command=f"p/{number}")
                for number in range(60)
                for store, stream in ((first, f"m:{number % 4}"), (second, f"m:{number % 4}"))
            )
        )
        # Each command came twice, once to each process: both got the one answer.
        assert all(runs[at] == runs[at + 1] for at in range(0, 120, 2))
        assert sum([(await first.verify_chain(f"m:{stream}")).seq for stream in range(4)]) == 60
    finally:
        await first.aclose()
        await second.aclose()


async def test_rows_and_events_of_a_refused_command_leave_nothing_its_neighbours_stay(store: Store) -> None:
    insert = text(
        "INSERT INTO meetings (id, title, status, codec, scope, created_at, invited)"
        " VALUES (:id, 't', 'open', 'h264', '[]', 0, 0)"
    )

    def work(number: int) -> Work:
        async def run(unit: UnitOfWork) -> JsonObject:
            await (await unit.connection()).execute(insert, {"id": f"m_{number}"})
            unit.append("m:1", "happened", {"number": number}, actor="system")
            if number % 2:
                raise ValueError("a mistake of the program")
            return {}

        return run

    results = await asyncio.gather(
        *(store.write(work(number), streams=["m:1"]) for number in range(6)), return_exceptions=True
    )
    assert [type(result) for result in results] == [dict, ValueError] * 3
    async with store.read() as connection:
        rows = await connection.scalars(text("SELECT id FROM meetings ORDER BY id"))
        assert list(rows) == ["m_0", "m_2", "m_4"]
    assert [event.data["number"] for event in await store.events("m:1")] == [0, 2, 4]


async def test_one_bad_statement_does_not_take_its_group_down(store: Store) -> None:
    async def bad(unit: UnitOfWork) -> JsonObject:
        await (await unit.connection()).execute(text("SELECT * FROM nowhere"))
        return {}

    results = await asyncio.gather(
        *(store.write(bad if number == 3 else appending("m:1"), streams=["m:1"]) for number in range(8)),
        return_exceptions=True,
    )
    assert [isinstance(result, StorageUnavailable) for result in results] == [n == 3 for n in range(8)]
    assert (await store.verify_chain("m:1")).seq == 7


async def test_published_after_the_commit_in_order(database: str, clock: ManualClock) -> None:
    published: list[Event] = []
    store = await Store.open(database, clock=clock, publish=published.append)
    try:
        await asyncio.gather(*(store.write(appending("m:1"), streams=["m:1"]) for _ in range(40)))
        assert [event.seq for event in published] == list(range(1, 41))
        with pytest.raises(Conflict):
            await store.write(_refusing, streams=["m:1"])
        assert len(published) == 40
    finally:
        await store.aclose()


async def _refusing(unit: UnitOfWork) -> JsonObject:
    unit.append("m:1", "happened", {}, actor="system")
    raise Conflict


async def test_callbacks_say_what_became_of_it(store: Store) -> None:
    heard: list[str] = []

    def work(name: str, fail: bool) -> Work:
        async def run(unit: UnitOfWork) -> JsonObject:
            unit.on_commit(lambda: heard.append(f"{name} kept"))
            unit.on_rollback(lambda: heard.append(f"{name} lost"))
            if fail:
                raise Conflict
            return {}

        return run

    await asyncio.gather(store.write(work("a", False)), store.write(work("b", True)), return_exceptions=True)
    assert sorted(heard) == ["a kept", "b lost"]


async def test_a_full_queue_refuses_and_counts(database: str, clock: ManualClock) -> None:
    store = await Store.open(database, clock=clock, queue_limit=10)
    try:
        results = await asyncio.gather(
            *(store.write(appending("m:1"), streams=["m:1"]) for _ in range(30)), return_exceptions=True
        )
        refused = sum(isinstance(result, Busy) for result in results)
        assert refused == store.stats.rejected_full == 20
        assert (await store.head("m:1")).seq == 10
    finally:
        await store.aclose()


async def test_closing_writes_what_is_queued_and_takes_nothing_more(
    database: str, clock: ManualClock
) -> None:
    store = await Store.open(database, clock=clock)
    writes = [asyncio.ensure_future(store.write(appending("m:1"), streams=["m:1"])) for _ in range(200)]
    await asyncio.sleep(0)
    await store.aclose()
    assert [(await write)["seq"] for write in writes] == list(range(1, 201))
    with pytest.raises(StorageUnavailable):
        await store.write(appending("m:1"), streams=["m:1"])


async def test_snapshots_are_kept_with_the_events(store: Store) -> None:
    async def work(unit: UnitOfWork) -> JsonObject:
        unit.append("m:1", "happened", {}, actor="system")
        unit.save_snapshot("m:1", {"state": unit.head("m:1").seq})
        return {}

    for seq in (1, 2):
        await store.write(work, streams=["m:1"])
        snapshot = await store.snapshot("m:1")
        assert snapshot is not None
        assert (snapshot.seq, snapshot.data) == (seq, {"state": seq})


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE events SET body = replace(CAST(body AS TEXT), 'happened', 'imagined') WHERE seq = 3", 3),
        ("DELETE FROM events WHERE seq = 3", 3),
        ("DELETE FROM events WHERE seq = 5", 5),
        ("UPDATE events SET type = 'imagined' WHERE seq = 2", 2),
        ("UPDATE streams SET seq = 4", 5),
    ],
)
async def test_a_changed_log_is_found(store: Store, database: str, statement: str, seq: int) -> None:
    await store.write(appending("m:1", 5), streams=["m:1"])
    assert (await store.verify_chain("m:1")).seq == 5
    if database.startswith("postgresql"):
        statement = statement.replace(
            "replace(CAST(body AS TEXT), 'happened', 'imagined')",
            "convert_to(replace(convert_from(body, 'UTF8'), 'happened', 'imagined'), 'UTF8')",
        )
    await change(database, statement)
    with pytest.raises(ChainBroken) as broken:
        await store.verify_chain("m:1")
    assert broken.value.details["seq"] in (seq, seq + 1)


async def test_a_rewritten_log_differs_from_the_signed_heads(
    store: Store, database: str, tmp_path: Path
) -> None:
    await store.write(appending("m:1", 5), streams=["m:1"])
    signer = HeadSigner.load(tmp_path / "key.pem")
    signed = SignedHeads.from_json((await store.export_heads(signer)).to_json())
    (head,) = signed.verify(signer.public_key)
    assert await store.verify_chain("m:1", expected=head) == head
    # Somebody throws the log away and writes another one, whole and well chained.
    for table in ("events", "streams"):
        await change(database, f"DELETE FROM {table}")
    await store.write(appending("m:1", 6, "imagined"), streams=["m:1"])
    assert (await store.verify_chain("m:1")).seq == 6
    with pytest.raises(ChainBroken):
        await store.verify_chain("m:1", expected=head)


async def test_signed_heads_cannot_be_changed(store: Store, tmp_path: Path) -> None:
    await store.write(appending("m:1"), streams=["m:1"])
    signer = HeadSigner.load(tmp_path / "key.pem")
    assert (tmp_path / "key.pem").stat().st_mode & 0o777 == 0o600
    assert HeadSigner.load(tmp_path / "key.pem").public_key == signer.public_key
    signed = await store.export_heads(signer)
    forged = SignedHeads(signed.document.replace(b'"m:1",1', b'"m:1",2'), signed.key, signed.signature)
    assert forged.document != signed.document
    with pytest.raises(BadRequest):
        forged.verify(signer.public_key)
    with pytest.raises(BadRequest):
        signed.verify(HeadSigner.load(tmp_path / "other.pem").public_key)
    with pytest.raises(BadRequest):
        SignedHeads.from_json({"document": 1})


async def test_old_answers_are_forgotten(store: Store, clock: ManualClock) -> None:
    await store.write(appending("m:1"), streams=["m:1"], command="p/1")
    clock.advance(3 * 86_400)
    await store.write(appending("m:1"), streams=["m:1"], command="p/2")
    async with store.read() as connection:
        assert list(await connection.scalars(text("SELECT key FROM commands"))) == ["p/2"]
