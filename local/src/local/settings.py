"""Settings of a local stack, from the environment."""

from pathlib import Path
from typing import Annotated

from pydantic import ByteSize, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.settings import Port

PROJECT = Path(__file__).parents[3]


class LocalSettings(BaseSettings):
    """Settings of the stack; other environment variables reach the services unchanged."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    farebox_home: Path = PROJECT / ".farebox"

    gateway_port: Port | None = None
    auth_port: Port | None = None
    billing_port: Port | None = None
    ml_port: Port | None = None
    scheduler_port: Port | None = None
    dashboard_port: Port | None = None

    admin_email: str = "admin@example.org"
    admin_password: SecretStr | None = None

    store_url: str | None = None
    dask_scheduler_address: str | None = None
    dask_workers: Annotated[int, Field(ge=1, le=64)] = 2
    dask_worker_memory: Annotated[ByteSize, Field(ge=256 * 1024**2)] = ByteSize(1536 * 1024**2)
    start_seconds: Annotated[float, Field(gt=0, le=3600)] = 300
