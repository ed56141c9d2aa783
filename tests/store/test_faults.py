"""Kill, full disk, locked database, lost server: what was acknowledged stays, the rest gets a coded error."""

import asyncio
import math
import sqlite3
import sys
import threading
from pathlib import Path

import anyio
import pytest
from sqlalchemy import text

from diemcau.clock import ManualClock
from diemcau.errors import BadRequest, Busy, DiemCauError, JsonObject, StorageUnavailable
from diemcau.store import Store, UnitOfWork
from diemcau.store.engine import make_engines
from diemcau.store.sqlite import ROWS, SqliteFile
from tests.conftest import PostgresServer
from tests.store.test_log import appending, change

WRITER = """
import asyncio, sys
from diemcau.store import Store

async def main():
    store = await Store.open(sys.argv[1])

    async def one(number):
        async def work(unit):
            unit.append("m:1", "happened", {"number": number}, actor="system")
            return {"seq": unit.head("m:1").seq}

        while True:
            answer = await store.write(work, streams=["m:1"])
            sys.stdout.write(f"{answer['seq']}\\n")
            sys.stdout.flush()

    await asyncio.gather(*(one(number) for number in range(20)))

asyncio.run(main())
"""


async def test_a_killed_process_keeps_what_it_acknowledged(database: str, clock: ManualClock) -> None:
    acknowledged: list[int] = []
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, database, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    async for line in process.stdout:
        acknowledged.append(int(line))
        if len(acknowledged) == 300:
            process.kill()
            break
    # What it said before it died was said too; a last line may be cut.
    rest = await process.stdout.read()
    acknowledged += [int(line) for line in rest.split(b"\n")[:-1]]
    await process.wait()
    async with Store.opened(database, clock=clock) as store:
        head = await store.verify_chain("m:1")
        assert head.seq >= max(acknowledged)
        assert len(set(acknowledged)) == len(acknowledged)
        assert await store.write(appending("m:1"), streams=["m:1"]) == {"seq": head.seq + 1}


async def test_a_crash_inside_a_transaction_leaves_the_log_whole(store: Store, database: str) -> None:
    await store.write(appending("m:1", 3), streams=["m:1"])
    engines = make_engines(database)
    async with engines.write.connect() as connection:
        await connection.begin()
        await connection.execute(text("UPDATE streams SET seq = 4 WHERE stream = 'm:1'"))
        # The connection is lost before the commit.
        await connection.invalidate()
    await engines.dispose()
    assert (await store.verify_chain("m:1")).seq == 3
    assert await store.write(appending("m:1"), streams=["m:1"]) == {"seq": 4}


@pytest.fixture
def sqlite_address(tmp_path: Path, sqlite_template: Path) -> str:
    path = tmp_path / "diemcau.db"
    path.write_bytes(sqlite_template.read_bytes())
    return f"sqlite:///{path}"


async def test_readers_that_are_told_to_end_at_any_moment_leave_nothing_behind(sqlite_address: str) -> None:
    async def read(store: Store) -> None:
        while True:
            async with store.read() as connection:
                await connection.execute(text("SELECT 1"))

    before, threads = asyncio.all_tasks(), set(threading.enumerate())
    for steps in range(60):
        async with Store.opened(sqlite_address) as store, anyio.create_task_group() as group:
            for _ in range(8):
                group.start_soon(read, store)
            for _ in range(steps):
                await asyncio.sleep(0)
            group.cancel_scope.cancel()
        # No thread answers a loop that has ended, no task waits for a thread that has.
        for thread in set(threading.enumerate()) - threads:
            thread.join(5)
            assert not thread.is_alive()
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == before


@pytest.mark.parametrize("count", [0, 499, 500, 1203])
async def test_all_rows_come_however_many_came_with_their_statement(sqlite_address: str, count: int) -> None:
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {max(count, 1)}) "
    every = text(f"{numbers} SELECT i FROM n WHERE i <= {count}")
    async with Store.opened(sqlite_address) as store:
        for _ in range(2):  # on one connection: nothing is left from the one before
            async with store.read() as connection:
                assert [row.i for row in await connection.execute(every)] == list(range(1, count + 1))
        file = SqliteFile(Path(sqlite_address.removeprefix("sqlite:///")), 5)
        raw = await file.connect(reads=True)
        cursor = await raw.cursor()
        await cursor.execute(str(every))
        first = await cursor.fetchone()
        some = await cursor.fetchmany(600)
        rest = await cursor.fetchall()
        assert [row[0] for row in (first, *some, *rest) if row] == list(range(1, count + 1))
        await raw.close()
        await file.aclose()


async def test_a_transaction_that_did_nothing_leaves_nothing_behind(sqlite_address: str) -> None:
    async with Store.opened(sqlite_address) as one, Store.opened(sqlite_address) as other:

        async def nothing(unit: UnitOfWork) -> JsonObject:
            return {}

        async def refused(unit: UnitOfWork) -> JsonObject:
            connection = await unit.connection()
            await connection.execute(text("UPDATE streams SET seq = 99"))
            raise BadRequest("no")

        assert await one.write(appending("m:1"), streams=["m:1"]) == {"seq": 1}
        for store in (one, other):
            assert await store.write(nothing) == {}
            with pytest.raises(BadRequest):
                await store.write(refused)
            async with store.read():
                pass
        # Neither holds a lock or an open transaction, and what was refused was undone.
        assert await other.write(appending("m:1"), streams=["m:1"]) == {"seq": 2}
        assert await one.write(appending("m:1"), streams=["m:1"]) == {"seq": 3}


@pytest.mark.parametrize("count", [1, 2, 500, 1203])
async def test_many_rows_are_few_statements(sqlite_address: str, count: int) -> None:
    file = SqliteFile(Path(sqlite_address.removeprefix("sqlite:///")), 5)
    connection = await file.connect()
    cursor, said = await connection.cursor(), list[str]()
    await connection.execute("CREATE TEMP TABLE kept (id INTEGER PRIMARY KEY, first INTEGER, last INTEGER)")
    await connection.set_trace_callback(said.append)
    insert = "INSERT INTO kept (id, first, last) VALUES (?, ?, ?)"
    for stamp in (1, 2):
        rows = [(number, stamp, stamp) for number in range(count)]
        conflict = f"{insert} ON CONFLICT (id) DO UPDATE SET last = excluded.last"
        await cursor.executemany(conflict, rows)
    assert sum(one.startswith("INSERT") for one in said) == 2 * math.ceil(count / ROWS)
    found = await connection.execute_fetchall("SELECT count(*), min(first), max(first), min(last) FROM kept")
    assert list(found) == [(count, 1, 1, 2)]
    # A statement that is no plain list of values is left as it is.
    await cursor.executemany("UPDATE kept SET last = ? WHERE id = ?", [(9, one) for one in range(count)])
    await cursor.executemany(f"{insert} ON CONFLICT DO NOTHING", [])
    found = await connection.execute_fetchall("SELECT min(last), max(last) FROM kept")
    assert list(found) == [(9, 9)]
    await connection.close()
    await file.aclose()


async def test_a_full_disk_is_said_and_loses_nothing(sqlite_address: str) -> None:
    store = await Store.open(sqlite_address)

    async def limit(unit: UnitOfWork) -> JsonObject:
        # SQLite's own limit stands in for the disk's: the same error, SQLITE_FULL, which undoes the
        # transaction.
        connection = await unit.connection()
        pages = await connection.scalar(text("PRAGMA page_count"))
        await connection.execute(text(f"PRAGMA max_page_count = {pages}"))
        return {}

    async def large(unit: UnitOfWork) -> JsonObject:
        unit.append("m:1", "happened", {"text": "x" * 200_000}, actor="system")
        return {}

    try:
        await store.write(appending("m:1", 10), streams=["m:1"], command="p/1")
        await store.write(limit)
        with pytest.raises(StorageUnavailable, match="full"):
            await store.write(large, streams=["m:1"], command="p/2")
        # With room again (a fresh connection has no limit) the very next command is stored.
        assert await store.write(appending("m:1"), streams=["m:1"]) == {"seq": 11}
        assert await store.write(large, streams=["m:1"], command="p/2") == {}
        assert await store.write(appending("m:1", 10), streams=["m:1"], command="p/1") == {"seq": 10}
        assert (await store.verify_chain("m:1")).seq == 12
    finally:
        await store.aclose()


async def test_a_locked_database_is_busy_and_then_works_again(
    sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.store.engine.LOCK_WAIT_S", 0.05)
    store = await Store.open(sqlite_address)
    other = sqlite3.connect(sqlite_address.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Busy):
            await store.write(appending("m:1"), streams=["m:1"])
        other.execute("COMMIT")
        assert await store.write(appending("m:1"), streams=["m:1"]) == {"seq": 1}
    finally:
        other.close()
        await store.aclose()


async def test_a_locked_database_is_waited_for_once_by_all_who_wait(
    sqlite_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.store.engine.LOCK_WAIT_S", 0.5)
    store = await Store.open(sqlite_address)
    other = sqlite3.connect(sqlite_address.removeprefix("sqlite:///"), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        writes = (store.write(appending(f"m:{n % 3}"), streams=[f"m:{n % 3}"]) for n in range(40))
        async with asyncio.timeout(10):  # two waits; one by one it would be twenty seconds
            answers = await asyncio.gather(*writes, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Busy}
        other.execute("COMMIT")
        assert await store.write(appending("m:1"), streams=["m:1"]) == {"seq": 1}
    finally:
        other.close()
        await store.aclose()


async def test_who_waits_for_one_stuck_stream_in_postgresql_holds_up_nobody_else(
    postgres_template: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.store.engine.LOCK_WAIT_S", 1)
    with postgres.database(postgres_template) as url:
        store = await Store.open(url)
        engines = make_engines(url)
        try:
            await store.write(appending("m:1"), streams=["m:1"])
            async with engines.write.connect() as connection:
                await connection.begin()
                await connection.execute(text("SELECT * FROM streams FOR UPDATE"))
                writes = [store.write(appending("m:1"), streams=["m:1"]) for _ in range(20)]
                async with asyncio.timeout(10):
                    *stuck, free = await asyncio.gather(
                        *writes, store.write(appending("m:2"), streams=["m:2"]), return_exceptions=True
                    )
                assert {type(answer) for answer in stuck} == {Busy}
                assert free == {"seq": 1}
        finally:
            await engines.dispose()
            await store.aclose()


async def test_a_lock_held_elsewhere_in_postgresql_is_busy(
    postgres_template: str, postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("diemcau.store.engine.LOCK_WAIT_S", 1)
    with postgres.database(postgres_template) as url:
        store = await Store.open(url)
        engines = make_engines(url)
        try:
            await store.write(appending("m:1"), streams=["m:1"])
            async with engines.write.connect() as connection:
                await connection.begin()
                await connection.execute(text("SELECT * FROM streams FOR UPDATE"))
                with pytest.raises(Busy):
                    await store.write(appending("m:1"), streams=["m:1"])
            assert await store.write(appending("m:1"), streams=["m:1"]) == {"seq": 2}
        finally:
            await engines.dispose()
            await store.aclose()


async def test_a_lost_connection_is_had_again(postgres_template: str, postgres: PostgresServer) -> None:
    with postgres.database(postgres_template) as url:
        store = await Store.open(url)
        try:
            await store.write(appending("m:1"), streams=["m:1"])
            await change(
                url,
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()",
            )
            # The first may hear of the loss (it was not stored), the next has a connection.
            try:
                await store.write(appending("m:1"), streams=["m:1"], command="p/1")
            except StorageUnavailable:
                await store.write(appending("m:1"), streams=["m:1"], command="p/1")
            assert (await store.verify_chain("m:1")).seq == 2
            assert (await store.head("m:1")).seq == 2
        finally:
            await store.aclose()


@pytest.mark.parametrize("address", ["", "mysql://x/y", "sqlite://", "sqlite:///:memory:", "not an address"])
async def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(BadRequest):
        await Store.open(address)


async def test_an_absent_server_is_a_coded_error(tmp_path: Path) -> None:
    with pytest.raises(DiemCauError) as error:
        await Store.open(f"postgresql://nobody@/nothing?host={tmp_path}")
    assert error.value.code == "storage_unavailable"
