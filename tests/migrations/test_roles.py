"""Privileges of each service's role: its own schema and no other."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest
from migrations.history import upgrade
from pydantic import SecretStr
from tests.support.postgres import Database

SCHEMAS = {"auth": "auth_service", "billing": "billing_service", "ml": "ml_service"}
FOREIGN = [(own, other) for own in SCHEMAS for other in SCHEMAS if own != other]
IN_ANOTHER_SCHEMA = [
    "SELECT * FROM {}.things",
    "INSERT INTO {}.things (name) VALUES ('x')",
    "UPDATE {}.things SET name = 'x'",
    "DELETE FROM {}.things",
    "CREATE TABLE {}.mine (id int)",
]
CHANGES_OF_SHAPE = [
    "CREATE TABLE mine (id int)",
    "ALTER TABLE things ADD COLUMN more int",
    "DROP TABLE things",
    "TRUNCATE things",
    "CREATE SCHEMA mine",
    "CREATE TEMPORARY TABLE mine (id int)",
    "CREATE TABLE public.mine (id int)",
    "SELECT * FROM public.alembic_version",
    "UPDATE public.alembic_version SET version_num = '0000'",
    "SET ROLE postgres",
]


@asynccontextmanager
async def connected_as(
    database: Database, service: str, password: str | None = None
) -> AsyncIterator[asyncpg.Connection]:
    login = database.settings(service)
    connection = await asyncpg.connect(
        host=str(login["db_host"]),
        user=str(login["db_user"]),
        password=password or str(login["db_password"]),
        database=database.name,
    )
    try:
        yield connection
    finally:
        await connection.close()


async def execute_as_owner(database: Database, *statements: str) -> None:
    connection = await asyncpg.connect(database.admin_dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


@pytest.fixture
async def with_tables(database: Database) -> Database:
    """A table with a sequence in each schema, as a later migration would add it."""
    tables = [f"CREATE TABLE {schema}.things (id bigserial PRIMARY KEY, name text)" for schema in SCHEMAS]
    await execute_as_owner(database, *tables)
    return database


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_role_reads_and_writes_its_own_schema(with_tables: Database, schema: str) -> None:
    async with connected_as(with_tables, schema) as connection:
        await connection.execute("INSERT INTO things (name) VALUES ('one')")
        await connection.execute("UPDATE things SET name = 'two'")
        assert await connection.fetchval("SELECT name FROM things") == "two"
        await connection.execute("DELETE FROM things")


@pytest.mark.parametrize(("own", "other"), FOREIGN)
async def test_role_is_refused_in_another_schema(with_tables: Database, own: str, other: str) -> None:
    async with connected_as(with_tables, own) as connection:
        for statement in IN_ANOTHER_SCHEMA:
            refusal = re.escape(f"permission denied for schema {other}")
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match=refusal):
                await connection.execute(statement.format(other))


@pytest.mark.parametrize("schema", SCHEMAS)
async def test_role_cannot_change_the_schema(with_tables: Database, schema: str) -> None:
    # A clone's PUBLIC has the rights of a fresh database again; the migration took them from its template.
    await execute_as_owner(with_tables, f"REVOKE TEMPORARY ON DATABASE {with_tables.name} FROM PUBLIC")
    async with connected_as(with_tables, schema) as connection:
        for statement in CHANGES_OF_SHAPE:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


async def test_only_service_roles_may_connect(empty_database: Database) -> None:
    settings = empty_database.server.migration_settings(empty_database.name)
    await asyncio.to_thread(upgrade, settings)
    connection = await asyncpg.connect(empty_database.admin_dsn)
    rights = "SELECT has_database_privilege($1, current_database(), 'CONNECT')"
    for role in SCHEMAS.values():
        assert await connection.fetchval(rights, role)
    assert not await connection.fetchval(rights, "pg_monitor")
    await connection.close()


async def test_migration_sets_a_changed_password(database: Database) -> None:
    settings = database.server.migration_settings(database.name)
    changed = settings.model_copy(update={"ml_db_password": SecretStr('it\'s new \\ "and odd" %s')})
    try:
        await asyncio.to_thread(upgrade, changed)
        async with connected_as(database, "ml", changed.ml_db_password.get_secret_value()) as connection:
            assert await connection.fetchval("SELECT current_user") == "ml_service"
        with pytest.raises(asyncpg.InvalidPasswordError):
            async with connected_as(database, "ml"):
                pass
    finally:
        # The role belongs to the whole server, and the other tests log in as it.
        await asyncio.to_thread(upgrade, settings)
