"""Settings, upgrades and downgrades of the database, and the passwords of the services' roles."""

import asyncio
from pathlib import Path
from typing import Annotated

from alembic import command
from alembic.config import Config
from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL, pool
from sqlalchemy.ext.asyncio import create_async_engine

from migrations.roles import set_password

FOLDER = Path(__file__).parent


class MigrationSettings(BaseSettings):
    """DB_USER creates schemas and roles; the services never receive its password."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    db_host: str = "127.0.0.1"
    db_port: Annotated[int, Field(ge=1, le=65535)] = 5432
    db_name: str = "farebox"
    db_user: str
    db_password: SecretStr
    auth_db_password: SecretStr
    billing_db_password: SecretStr
    ml_db_password: SecretStr

    @property
    def url(self) -> URL:
        return URL.create(
            "postgresql+asyncpg",
            username=self.db_user,
            password=self.db_password.get_secret_value(),
            database=self.db_name,
            query={"host": self.db_host, "port": str(self.db_port)},  # a folder is a Unix socket
        )

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
