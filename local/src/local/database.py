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


def ensure_database(stack: Stack) -> None:
    """Wait until PostgreSQL accepts connections, and create the database if it does not exist."""
    asyncio.run(_ensure_database(stack))


def migrate(stack: Stack) -> None:
    command = [sys.executable, "-m", "migrations"]
    environment = os.environ | stack.owner_environment
    completed = subprocess.run(  # noqa: S603 - our own command
        command, cwd=PROJECT, env=environment, capture_output=True, text=True, check=False
    )
    if completed.returncode != 0:
        raise CannotStart(f"The database could not be migrated:\n{completed.stderr.strip()}")


async def _ensure_database(stack: Stack) -> None:
    connection = await _connect(stack)
    try:
        exists = await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE)
        if not exists:
            await connection.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        await connection.close()


async def _connect(stack: Stack) -> asyncpg.Connection:
    deadline = time.monotonic() + CONNECT_SECONDS
    while True:
        try:
            return await asyncpg.connect(
                host=str(stack.home.postgres_sockets),
                user=SUPERUSER,
                password=stack.secrets["DB_PASSWORD"],
                database="postgres",
            )
        except STARTING:
            if time.monotonic() > deadline:
                log = stack.home.output_log(POSTGRES)
                raise CannotStart(f"PostgreSQL does not accept connections; see {log}.") from None
            await asyncio.sleep(0.05)
