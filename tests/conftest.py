"""Fixtures of the whole suite: the event loop, and a database of either kind, real, fresh for each test."""

import asyncio
import os
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from diemcau.access import Access
from diemcau.clock import ManualClock
from diemcau.ids import counted_ids
from diemcau.sites import Sites
from diemcau.store import Store
from diemcau.units import Units
from tests.passwords import cheap_passwords

# A busy machine must fail no test: nothing is timed here.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")

APT_LINE = "apt-get install -y --no-install-recommends postgresql"


@pytest.fixture
def anyio_backend() -> str:
    """Everything runs on asyncio, as uvicorn does."""
    return "asyncio"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


# A fifth of what a new database costs: hundreds of tests want one.
EMPTY = """
DO $$ DECLARE one regclass; filled text[] := '{}'; has boolean; BEGIN
  PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid();
  FOR one IN SELECT oid FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'alembic_version' LOOP
    EXECUTE format('SELECT EXISTS (SELECT 1 FROM %s)', one) INTO has;
    IF has THEN filled := filled || one::text; END IF;
  END LOOP;
  IF filled <> '{}' THEN EXECUTE 'TRUNCATE ' || array_to_string(filled, ', ') || ' CASCADE'; END IF;
  PERFORM setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S';
END $$"""


def _name(url: str) -> str:
    return url.split("/")[3].split("?")[0]


@dataclass
class PostgresServer:
    """A throw-away PostgreSQL that listens on a Unix socket only."""

    programs: Path
    socket: Path
    user: str

    def url(self, database: str) -> str:
        return f"postgresql://{self.user}@/{database}?host={self.socket}"

    @contextmanager
    def database(self, template: str = "template1") -> Iterator[str]:
        """A database of its own, copied from another one."""
        name = f"t_{secrets.token_hex(6)}"
        self._run(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        yield self.url(name)
        self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def empty(self, url: str) -> None:
        """Its tables have no rows, and nobody is connected to it."""
        self._run(EMPTY, _name(url))

    def _run(self, statement: str, database: str = "postgres") -> None:
        arguments = ["-h", str(self.socket), "-U", self.user, "-d", database, "-q", "-c", statement]
        subprocess.run([self.programs / "psql", *arguments], check=True, capture_output=True)


def _programs() -> Path:
    found = shutil.which("postgres")
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])
    )
    if found is None and not installed:
        pytest.fail(f"PostgreSQL is not installed, and the suite runs on it too: {APT_LINE}", pytrace=False)
    return Path(found).resolve().parent if found else installed[-1].parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One server for the session, without fsync: a throw-away server need not survive a power cut."""
    programs = _programs()
    # Not below the test's tmp_path: a socket's path may be 107 bytes, and postgres refuses to run as root.
    home = Path(tempfile.mkdtemp(prefix="dc-pg-"))
    prefix: list[str] = []
    user = os.environ.get("USER") or "postgres"
    if os.geteuid() == 0:
        user = "postgres"
        prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        shutil.chown(home, user, user)
    data = home / "data"
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    subprocess.run(
        [*prefix, programs / "initdb", "-D", data, "-U", user, "--auth=trust", "-E", "UTF8", "--no-sync"],
        check=True, capture_output=True, env=environment, cwd="/",
    )  # fmt: skip
    log = (home / "log").open("wb")
    server = subprocess.Popen(
        [
            *prefix, programs / "postgres", "-D", data, "-k", home, "-c", "listen_addresses=",
            "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=60",
        ],
        stdout=log, stderr=log, env=environment, cwd="/",
    )  # fmt: skip
    try:
        deadline = time.monotonic() + 30
        while subprocess.run(
            [programs / "pg_isready", "-h", home, "-U", user], capture_output=True, check=False
        ).returncode:
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start:\n{(home / 'log').read_text()}", pytrace=False)
            time.sleep(0.05)  # another process: there is no event to wait for
        yield PostgresServer(programs, home, user)
    finally:
        server.terminate()
        server.wait(20)
        log.close()
        shutil.rmtree(home, ignore_errors=True)


KINDS = ("sqlite", "postgresql")


@pytest.fixture(params=KINDS)
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database without any table: every test that takes it runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/diemcau.db"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    with server.database() as url:
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "diemcau.db"
    asyncio.run(_migrate(f"sqlite:///{path}"))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres: PostgresServer) -> Iterator[str]:
    with postgres.database() as url:
        asyncio.run(_migrate(url))
        yield _name(url)


@pytest.fixture(scope="session")
def postgres_tables(postgres: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The address of the one database that tests have after one another."""
    with postgres.database(postgres_template) as url:
        yield url


async def _migrate(url: str) -> None:
    async with Store.opened(url):
        pass


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of a database with all tables and no rows: every test that takes it runs on both kinds."""
    if request.param == "sqlite":
        path = tmp_path / "diemcau.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    url: str = request.getfixturevalue("postgres_tables")
    yield url
    server: PostgresServer = request.getfixturevalue("postgres")
    server.empty(url)


@pytest.fixture
async def store(database: str, clock: ManualClock) -> AsyncIterator[Store]:
    """An open store, on both kinds of database."""
    store = await Store.open(database, clock=clock)
    yield store
    await store.aclose()


@pytest.fixture(scope="session")
def units() -> Units:
    """The tree of September 2021."""
    return Units.load("2021-09")


@pytest.fixture
async def access(store: Store, units: Units, clock: ManualClock) -> Access:
    """Access with passwords that cost next to nothing; one test measures real ones."""
    return Access(store, units, clock, bytes(32), make_id=counted_ids(), passwords=cheap_passwords())


@pytest.fixture
async def sites(store: Store, units: Units, access: Access, clock: ManualClock) -> Sites:
    return Sites(store, units, access, clock)
