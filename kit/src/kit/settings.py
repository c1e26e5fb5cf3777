"""Settings of all services, from the environment."""

import hashlib
import hmac
import sys
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

SHORTEST_SECRET = 32
WELL_KNOWN = (
    "secret",
    "changeme",
    "change-me",
    "change_me",
    "password",
    "example",
    "your-",
    "your_",
    "default",
)

AnySettings = TypeVar("AnySettings", bound=BaseSettings)
Port = Annotated[int, Field(ge=1, le=65535)]


# PostgreSQL's own words for how a connection is encrypted and its server verified.
SslMode = Literal["disable", "prefer", "require", "verify-ca", "verify-full"]


class ServiceSettings(BaseSettings):
    """Environment variables, read once. A variable's name is the field's name in capitals."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    host: str = "127.0.0.1"
    port: Port | None = None
    log_dir: Path | None = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    jwt_secret: SecretStr
    jwt_secret_previous: SecretStr | None = None
    jwt_algorithm: Literal["HS256", "EdDSA"] = "HS256"
    service_secret: SecretStr | None = None
    auth_url: str = "http://127.0.0.1:8001"
    trust_poll_seconds: Annotated[float, Field(gt=0, le=2)] = 1.0
    # Read here only to enable tracing; the OpenTelemetry library reads all its variables itself.
    otel_exporter_otlp_endpoint: str | None = None

    @field_validator("jwt_secret", "jwt_secret_previous", "service_secret")
    @classmethod
    def strong(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        text = value.get_secret_value()
        weak = len(text) < SHORTEST_SECRET or len(set(text)) < 8
        if weak or any(word in text.lower() for word in WELL_KNOWN):
            raise ValueError(
                f"needs {SHORTEST_SECRET} or more random characters; create them with: openssl rand -hex 32"
            )
        return value

    @property
    def service_key(self) -> bytes:
        """Key of the service tokens; derived from JWT_SECRET without SERVICE_SECRET."""
        if self.service_secret is not None:
            return self.service_secret.get_secret_value().encode()
        secret = self.jwt_secret.get_secret_value().encode()
        return hmac.digest(secret, b"farebox service tokens", hashlib.sha256)


class DatabaseAddress(BaseSettings):
    """How to reach PostgreSQL; `db_host` may be the folder of its socket."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    db_host: str = "127.0.0.1"
    db_port: Port = 5432
    db_name: str = "farebox"
    db_user: str
    db_password: SecretStr
    db_sslmode: SslMode = "prefer"
    db_sslrootcert: Path | None = None

    @model_validator(mode="after")
    def can_verify(self) -> Self:
        certificate = self.db_sslrootcert
        if self.db_sslmode.startswith("verify") and (certificate is None or not certificate.is_file()):
            raise ValueError(
                f"DB_SSLMODE={self.db_sslmode} needs DB_SSLROOTCERT, a file with the certificates to trust"
            )
        return self

    @property
    def db_tls(self) -> SslMode | SSLContext:
        """The `ssl` argument of asyncpg, which reads a file of certificates only from a context."""
        if not self.db_sslmode.startswith("verify"):
            return self.db_sslmode
        context = create_default_context(cafile=self.db_sslrootcert)
        context.check_hostname = self.db_sslmode == "verify-full"
        return context


class DatabaseSettings(ServiceSettings, DatabaseAddress):
    """Settings of a service that owns a PostgreSQL schema."""

    db_pool_size: Annotated[int, Field(ge=1, le=100)] = 10


def read_settings(program: str, settings_class: type[AnySettings]) -> AnySettings:
    try:
        return settings_class()
    except ValidationError as error:
        wrong = [
            " ".join(
                [*(str(part).upper() for part in fault["loc"][:1]), _describe(fault["type"], fault["msg"])]
            )
            for fault in error.errors()
        ]
        sys.exit(f"{program}: {'; '.join(wrong)}.")


def _describe(kind: str, message: str) -> str:
    if kind == "missing":
        return "is not set"
    return message.removeprefix("Value error, ")
