"""Database of the stack: creation and migration."""

import asyncio
import os
import subprocess
import sys
import time

import asyncpg

from local.errors import CannotStart
from local.postgres import SUPERUSER
from local.programs import DATABASE, POSTGRES, Stack
from local.settings import PROJECT

CONNECT_SECONDS = 30
STARTING = (OSError, asyncpg.CannotConnectNowError)


def ensure_current_database(stack: Stack) -> bool:
    """Wait for PostgreSQL, and create the database if it does not exist; False if it needs a migration.

    The check takes 0.05 s, a migration without anything to do 1 s.
    """
    return asyncio.run(_ensure_current_database(stack))


def migrate(stack: Stack) -> None:
    command = [sys.executable, "-m", "migrations"]
    environment = os.environ | stack.owner_environment
    completed = subprocess.run(  # noqa: S603 - our own command
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if completed.returncode != 0:
        raise CannotStart(f"The database could not be migrated:\n{completed.stderr.strip()}")


def newest_revision() -> str:
    """The revision of the last migration, which its file name begins with."""
    return max(path.name.partition("_")[0] for path in (PROJECT / "migrations" / "versions").glob("0*.py"))


async def _ensure_current_database(stack: Stack) -> bool:
    connection = await _connect(stack)
    try:
        exists = await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE)
        if not exists:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
            return False
    finally:
        await connection.close()
    return await _is_migrated(stack) and await _roles_can_log_in(stack)


async def _is_migrated(stack: Stack) -> bool:
    connection = await _log_in(stack, SUPERUSER, stack.secrets["DB_PASSWORD"], DATABASE)
    try:
        return await connection.fetchval("SELECT version_num FROM alembic_version") == newest_revision()
    except asyncpg.UndefinedTableError:
        return False
    finally:
        await connection.close()


async def _roles_can_log_in(stack: Stack) -> bool:
    """Whether the passwords are those of the secrets; a migration sets them."""
    try:
        for service in ("auth", "billing", "ml"):
            password = stack.secrets[f"{service.upper()}_DB_PASSWORD"]
            await (await _log_in(stack, f"{service}_service", password, DATABASE)).close()
    except asyncpg.InvalidAuthorizationSpecificationError:
        return False
    return True


async def _connect(stack: Stack) -> asyncpg.Connection:
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return await _log_in(stack, SUPERUSER, stack.secrets["DB_PASSWORD"], "postgres")
        except STARTING:
            if time.monotonic() > deadline:
                log = stack.home.output_log(POSTGRES)
                raise CannotStart(f"PostgreSQL does not accept connections; see {log}.") from None
            await asyncio.sleep(0.02)


async def _log_in(stack: Stack, user: str, password: str, database: str) -> asyncpg.Connection:
    return await asyncpg.connect(
        host=str(stack.home.postgres_sockets), user=user, password=password, database=database
    )
