"""Settings of migrations: the database, its owner, and the passwords of the services' roles."""

from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict
from sqlalchemy import URL


class MigrationSettings(BaseSettings):
    """DB_USER may create schemas and roles; the services never get its password."""

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
