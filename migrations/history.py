"""Settings, upgrades and downgrades of the database, with the services' passwords and its revision."""

import asyncio
from pathlib import Path

from alembic import command
from alembic.config import Config
from pydantic import SecretStr
from sqlalchemy import URL, pool
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from kit.settings import DatabaseAddress
from migrations.roles import set_password, write_revision

FOLDER = Path(__file__).parent


class MigrationSettings(DatabaseAddress):
    """DB_USER creates schemas and roles; the services never receive its password."""

    auth_db_password: SecretStr
    billing_db_password: SecretStr
    ml_db_password: SecretStr

    def create_engine(self) -> AsyncEngine:
        url = URL.create(
            "postgresql+asyncpg",
            username=self.db_user,
            password=self.db_password.get_secret_value(),
            database=self.db_name,
            query={"host": self.db_host, "port": str(self.db_port)},  # a folder is a Unix socket
        )
        return create_async_engine(url, poolclass=pool.NullPool, connect_args={"ssl": self.db_tls})

    @property
    def role_passwords(self) -> dict[str, str]:
        return {
            "auth_service": self.auth_db_password.get_secret_value(),
            "billing_service": self.billing_db_password.get_secret_value(),
            "ml_service": self.ml_db_password.get_secret_value(),
        }


def upgrade(settings: MigrationSettings, revision: str = "head") -> None:
    """Upgrade, then set the password of each role, so that a changed password takes effect."""
    command.upgrade(_configuration(settings), revision)
    asyncio.run(_set_passwords(settings))
    asyncio.run(_write_revision(settings))


def downgrade(settings: MigrationSettings, revision: str) -> None:
    command.downgrade(_configuration(settings), revision)
    asyncio.run(_write_revision(settings))


def _configuration(settings: MigrationSettings) -> Config:
    return Config(FOLDER / "alembic.ini", attributes={"settings": settings})


async def _set_passwords(settings: MigrationSettings) -> None:
    engine = settings.create_engine()
    async with engine.begin() as connection:
        for role, password in settings.role_passwords.items():
            await connection.run_sync(set_password, role, password)
    await engine.dispose()


async def _write_revision(settings: MigrationSettings) -> None:
    engine = settings.create_engine()
    async with engine.begin() as connection:
        await connection.run_sync(write_revision)
    await engine.dispose()
