"""Real PostgreSQL for tests: one server a session, migrated once, and a fresh copy for each test."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
import pytest
from migrations.history import MigrationSettings
from pydantic import SecretStr

from local.postgres import SUPERUSER, Cluster
from local.programs import postgres_program, write_program_file

PROJECT = Path(__file__).parents[2]
PASSWORD = "a-password-of-the-tests"
TEMPLATE = "farebox_template"
START_SECONDS = 30
ROLES = {"auth": "auth_service", "billing": "billing_service", "ml": "ml_service"}
# Tests need no durability, and waiting for the disk would take minutes.
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# A thousand databases are created and dropped; in memory each takes a tenth of the time.
MEMORY = Path("/dev/shm")
REQUIRED_BYTES = 4 * 1024**3


@dataclass(frozen=True)
class Server:
    sockets: Path

    def admin_dsn(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}:{PASSWORD}@/{database}?host={self.sockets}"

    def migration_settings(self, database: str) -> MigrationSettings:
        password = SecretStr(PASSWORD)
        return MigrationSettings(
            db_host=str(self.sockets),
            db_port=5432,
            db_name=database,
            db_user=SUPERUSER,
            db_password=password,
            auth_db_password=password,
            billing_db_password=password,
            ml_db_password=password,
        )

    def migrate(self, database: str) -> None:
        settings = self.migration_settings(database)
        environment = {
            name.upper(): value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            for name, value in settings
            if value is not None
        }
        subprocess.run(
            [sys.executable, "-m", "migrations"], cwd=PROJECT, env=os.environ | environment, check=True
        )

    async def execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.admin_dsn("postgres"))
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


@dataclass(frozen=True)
class Database:
    """A migrated database for one test."""

    server: Server
    name: str

    def settings(self, service: str) -> dict[str, object]:
        """The database settings of `auth`, `billing` or `ml` (or its role's full name), as that role."""
        return {
            "db_host": str(self.server.sockets),
            "db_port": 5432,
            "db_name": self.name,
            "db_user": ROLES.get(service, service.replace("-", "_")),
            "db_password": PASSWORD,
        }

    @property
    def admin_dsn(self) -> str:
        return self.server.admin_dsn(self.name)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The session's server; each xdist worker has its own."""
    folder = Path(tempfile.mkdtemp(prefix="farebox-tests-", dir=_fastest_folder()))
    cluster = Cluster(folder / "data", folder / "sockets")
    cluster.create(PASSWORD)
    log = folder / "log"
    # Started as in a stack, so that it ends with the tests even when they are killed.
    program_file = write_program_file(postgres_program(cluster, **NOT_DURABLE), folder)
    launch = [sys.executable, "-P", "-m", "local.launch", str(program_file)]
    with log.open("wb") as output:
        process = subprocess.Popen(launch, cwd="/", stdout=output, stderr=output)  # noqa: S603 - our own command
    try:
        _wait_until_ready(cluster, process, log)
        yield Server(cluster.sockets)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=30)
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres: Server) -> str:
    asyncio.run(postgres.execute(f"CREATE DATABASE {TEMPLATE}"))
    postgres.migrate(TEMPLATE)
    return TEMPLATE


@pytest.fixture
async def database(postgres: Server, template: str) -> AsyncIterator[Database]:
    """A migrated database for one test, dropped afterwards."""
    name = f"test_{uuid4().hex}"
    await postgres.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    yield Database(postgres, name)
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
async def empty_database(postgres: Server) -> AsyncIterator[Database]:
    """A database without any migration."""
    name = f"empty_{uuid4().hex}"
    await postgres.execute(f"CREATE DATABASE {name}")
    yield Database(postgres, name)
    await postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _fastest_folder() -> Path | None:
    """Memory if it is large enough; None stands for the default temporary folder."""
    has_room = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > REQUIRED_BYTES
    return MEMORY if has_room else None


def _wait_until_ready(cluster: Cluster, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    ready = cluster.data / "postmaster.pid"
    while not (ready.exists() and ready.read_text().rstrip().endswith("ready")):
        if process.poll() is not None or time.monotonic() > deadline:
            raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")
        time.sleep(0.02)
