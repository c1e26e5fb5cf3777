"""Checks of a service's database with a real PostgreSQL: revision, clock, encryption and connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

import asyncpg
import pytest
from migrations.history import downgrade
from tests.support.postgres import Database
from tests.support.tokens import JWT_SECRET

from kit.checks import own_listeners, run_checks
from kit.database import Database as Connections
from kit.diagnosis import NEWEST_REVISION, service_checks
from kit.findings import Finding
from kit.settings import DatabaseSettings


@pytest.fixture
def settings(database: Database) -> DatabaseSettings:
    return DatabaseSettings.model_validate({"jwt_secret": JWT_SECRET, **database.settings("auth")})


@pytest.fixture
async def connections(settings: DatabaseSettings) -> AsyncIterator[Connections]:
    opened = Connections(settings, "probe")
    yield opened
    await opened.close()


async def found(
    connections: Connections, settings: DatabaseSettings, clock: Callable[[], float] = time.time
) -> dict[str, Finding]:
    findings = await run_checks(service_checks(connections, settings, clock))
    return {finding.check: finding for finding in findings}


async def test_healthy_database_has_no_findings(connections: Connections, settings: DatabaseSettings) -> None:
    findings = await found(connections, settings)
    names = ("migrations", "database clock", "database TLS", "database connections")
    assert [findings[name].status for name in names] == ["ok"] * 4
    assert NEWEST_REVISION in findings["migrations"].detail


async def test_older_revision_is_failed(
    connections: Connections, settings: DatabaseSettings, database: Database
) -> None:
    await asyncio.to_thread(downgrade, database.server.migration_settings(database.name), "0016")
    migrations = (await found(connections, settings))["migrations"]
    assert (migrations.status, "0016" in migrations.detail) == ("failed", True)


async def test_revision_of_a_later_release_is_a_warning(
    connections: Connections, settings: DatabaseSettings, admin: asyncpg.Connection
) -> None:
    await admin.execute("COMMENT ON SCHEMA auth IS 'revision 9999'")
    assert (await found(connections, settings))["migrations"].status == "warning"


async def test_database_without_a_revision_is_failed(
    connections: Connections, settings: DatabaseSettings, admin: asyncpg.Connection
) -> None:
    await admin.execute("COMMENT ON SCHEMA auth IS NULL")
    assert (await found(connections, settings))["migrations"].status == "failed"


@pytest.mark.parametrize(("seconds", "status"), [(20, "warning"), (120, "failed"), (-120, "failed")])
async def test_clock_of_the_database_is_compared_with_that_of_the_process(
    connections: Connections, settings: DatabaseSettings, seconds: float, status: str
) -> None:
    findings = await found(connections, settings, clock=lambda: time.time() + seconds)
    assert findings["database clock"].status == status


async def test_server_without_room_for_another_replica_is_a_warning(
    connections: Connections, settings: DatabaseSettings
) -> None:
    large = settings.model_copy(update={"db_pool_size": 10_000})
    assert (await found(connections, large))["database connections"].status == "warning"


async def test_unreachable_database_is_failed_among_the_other_checks(
    settings: DatabaseSettings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    nowhere = settings.model_copy(update={"db_host": str(tmp_path_factory.mktemp("nowhere"))})
    opened = Connections(nowhere, "probe")
    findings = await found(opened, nowhere)
    await opened.close()
    assert (findings["migrations"].status, findings["database"].status) == ("failed", "failed")
    assert "addresses" in findings


async def test_own_listener_is_found() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert f"127.0.0.1:{port}" in [str(each) for each in own_listeners()]
    assert f"127.0.0.1:{port}" not in [str(each) for each in own_listeners()]


async def test_log_folder_is_checked(
    connections: Connections, settings: DatabaseSettings, tmp_path_factory: pytest.TempPathFactory
) -> None:
    logs = settings.model_copy(update={"log_dir": tmp_path_factory.mktemp("logs")})
    assert "MiB" in (await found(connections, logs))["log folder"].detail
    assert "log folder" not in await found(connections, settings)
