"""The shipped migrations make the tables that the rooms declare."""

import asyncio

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text

# All rooms' tables register with the metadata.
import diemcau.access.tables
import diemcau.inspections.tables
import diemcau.meetings.tables
import diemcau.rollout.readiness.tables
import diemcau.rollout.rehearsals.tables
import diemcau.rollout.renewal.tables
import diemcau.rollout.selftest.tables
import diemcau.rollout.waves.tables
import diemcau.screens.tables
import diemcau.sites.tables
import diemcau.talkback.tables
from diemcau.store import SchemaTooNew, Store, metadata
from tests.store.test_log import change

ROOMS = (
    diemcau.access.tables,
    diemcau.inspections.tables,
    diemcau.meetings.tables,
    diemcau.rollout.readiness.tables,
    diemcau.rollout.rehearsals.tables,
    diemcau.rollout.renewal.tables,
    diemcau.rollout.selftest.tables,
    diemcau.screens.tables,
    diemcau.rollout.waves.tables,
    diemcau.sites.tables,
    diemcau.talkback.tables,
)


def _differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    return list(compare_metadata(context, metadata))


async def test_the_migrated_schema_is_the_declared_one(empty_database: str) -> None:
    async with Store.opened(empty_database) as store:
        async with store.read() as connection:
            assert await connection.run_sync(_differences) == []
        await store.migrate()


async def test_two_processes_may_migrate_at_once(empty_database: str) -> None:
    stores = [await Store.open(empty_database) for _ in range(3)]
    try:
        await asyncio.gather(*(store.migrate() for store in stores))
        async with stores[0].read() as connection:
            assert await connection.scalar(text("SELECT count(*) FROM alembic_version")) == 1
    finally:
        for store in stores:
            await store.aclose()


async def test_a_newer_schema_is_refused(store: Store, database: str) -> None:
    await change(database, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(SchemaTooNew):
        await store.migrate()
