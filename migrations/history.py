"""Upgrades and downgrades of the schema, and the roles' passwords after each upgrade."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import pool
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.roles import set_password
from migrations.settings import MigrationSettings

FOLDER = Path(__file__).parent


def upgrade(settings: MigrationSettings, revision: str = "head") -> None:
    """Upgrade, then set each role's password, so that changed passwords take effect."""
    command.upgrade(_configuration(settings), revision)
    asyncio.run(_set_passwords(settings))


def downgrade(settings: MigrationSettings, revision: str) -> None:
    command.downgrade(_configuration(settings), revision)


def _configuration(settings: MigrationSettings) -> Config:
    return Config(FOLDER / "alembic.ini", attributes={"settings": settings})


async def _set_passwords(settings: MigrationSettings) -> None:
    engine = create_async_engine(settings.url, poolclass=pool.NullPool)
    async with engine.begin() as connection:
        for role, password in settings.role_passwords.items():
            await connection.run_sync(set_password, role, password)
    await engine.dispose()
