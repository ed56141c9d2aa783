"""The schema, brought up to date at every start by the migrations that are shipped in this package."""

from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text

from diemcau.errors import DiemCauError
from diemcau.store.engine import Engines, is_database_error, translate

_LOCK = 0x0D1E_4CA0  # any number: who holds it in PostgreSQL is migrating


class SchemaTooNew(DiemCauError):
    """The database was migrated by a newer version of the program."""

    code = "schema_too_new"
    status = 503
    default = "The database belongs to a newer version of the program."


async def upgrade(engines: Engines) -> None:
    """Runs what is missing, in one transaction. Raises SchemaTooNew, Busy, StorageUnavailable."""
    try:
        async with engines.write.connect() as connection, connection.begin():
            # One at a time, from here on: Alembic keeps what it works on in global names.
            if engines.sqlite:
                await connection.execute(text("SELECT 1"))  # with it goes BEGIN IMMEDIATE
            else:
                await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade)
    except CommandError as error:
        raise SchemaTooNew from error
    except Exception as error:
        if is_database_error(error):
            raise translate(error) from error
        raise


def _upgrade(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "diemcau.store:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
