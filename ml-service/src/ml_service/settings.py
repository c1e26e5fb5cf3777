"""Settings of ml-service, read from the environment."""

from dataclasses import replace
from datetime import timedelta
from typing import Annotated

from pydantic import Field

from kit.settings import DatabaseSettings
from ml_service.learning.cluster_settings import ClusterSettings
from ml_service.learning.predictors import MAX_MODEL_BYTES
from ml_service.learning.tables import DEFAULT_LIMITS, CsvLimits

MEBIBYTE = 1024 * 1024


class MlSettings(ClusterSettings, DatabaseSettings):
    """`store_url` is an fsspec URL within reach of the service and the workers.

    `reserved_workers` of the cluster run short jobs only; a cluster of one worker reserves none.
    """

    billing_url: str = "http://127.0.0.1:8002"
    store_url: str = "file:///var/lib/farebox/store"

    max_csv_bytes: Annotated[int, Field(ge=1024, le=1024 * MEBIBYTE)] = 50 * MEBIBYTE
    max_datasets: Annotated[int, Field(ge=1, le=1_000_000)] = 1000
    max_stored_bytes: Annotated[int, Field(ge=1024)] = 10240 * MEBIBYTE
    min_free_bytes: Annotated[int, Field(ge=0)] = 512 * MEBIBYTE
    min_free_percent: Annotated[float, Field(ge=0, le=90)] = 2
    max_train_seconds: Annotated[float, Field(gt=0, le=86_400)] = 600
    max_model_bytes: Annotated[int, Field(ge=MEBIBYTE)] = MAX_MODEL_BYTES
    max_export_bytes: Annotated[int, Field(ge=MEBIBYTE)] = 128 * MEBIBYTE
    prediction_seconds: Annotated[float, Field(gt=0, le=600)] = 30
    batch_rows_at_once: Annotated[int, Field(ge=1, le=100_000_000)] = 100_000
    max_running_jobs: Annotated[int, Field(ge=1, le=10_000)] = 10
    max_queued_jobs: Annotated[int, Field(ge=1, le=100_000)] = 100
    reserved_workers: Annotated[int, Field(ge=0, le=64)] = 1
    lease_seconds: Annotated[float, Field(ge=1, le=600)] = 20
    orphan_minutes: Annotated[float, Field(ge=0, le=10_080)] = 60
    orphan_share: Annotated[float, Field(ge=0, le=1)] = 0.2
    sweep_seconds: Annotated[float, Field(gt=0, le=3600)] = 30
    answers_kept_hours: Annotated[float, Field(gt=0, le=8760)] = 24
    loaded_models: Annotated[int, Field(ge=1, le=10_000)] = 200
    loaded_bytes: Annotated[int, Field(ge=MEBIBYTE)] = 1024 * MEBIBYTE

    @property
    def answers_kept(self) -> timedelta:
        return timedelta(hours=self.answers_kept_hours)

    @property
    def csv_limits(self) -> CsvLimits:
        return replace(DEFAULT_LIMITS, file_bytes=self.max_csv_bytes)
