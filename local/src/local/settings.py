"""Settings of a local stack, from the environment."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import ByteSize, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from kit.settings import Port
from local.machine import Machine

PROJECT = Path(__file__).parents[3]


def _default_workers() -> int:
    return Machine.detect().workers


def _default_memory(settings: dict[str, Any]) -> ByteSize:  # Any: fields of several types
    return ByteSize(Machine.detect().memory_of_each(settings["dask_workers"]))


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
    dask_workers: Annotated[int, Field(ge=1, le=64)] = Field(default_factory=_default_workers)
    # Beside the others, for short jobs; ml-service reads the same variable.
    reserved_workers: Annotated[int, Field(ge=0, le=64)] = 1
    dask_worker_memory: Annotated[ByteSize, Field(ge=256 * 1024**2)] = Field(default_factory=_default_memory)
    start_seconds: Annotated[float, Field(gt=0, le=3600)] = 300
