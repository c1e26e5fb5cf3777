"""Functions that Dask workers run: training, cross-validation and batches, on files in the store.

ml-service imports this module to name the functions, which import scikit-learn and pandas when they run.
"""

import contextlib
import ctypes
import sys
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
from distributed import get_worker

from kit.errors import ServiceError
from ml_service.learning import batches
from ml_service.learning.predictors import MAX_MODEL_BYTES
from ml_service.learning.tables import CsvLimits, Json
from ml_service.learning.training import TrainingSpec
from ml_service.store.files import COPY_SUFFIX, Files

PROGRESS_TOPIC = "farebox-progress"
# Parameters of glibc's mallopt.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
REUSED_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table's file in the store, its limits, and the SHA-256 of the uploaded file."""

    store_url: str
    key: str
    limits: CsvLimits
    sha256: bytes | None = None


def train_on_worker(
    key: str, table: TableFile, spec: Json, artefact: str, max_model_bytes: int = MAX_MODEL_BYTES
) -> Json:
    from ml_service.learning.training.pipeline import Requirements, train

    def work() -> Json:
        files = Files(table.store_url)
        with files.on_disk(table.key, COPY_SUFFIX) as path, files.folder_to_write(artefact) as folder:
            limit = get_worker().memory_manager.memory_limit
            required = Requirements(table.limits, table.sha256, max_model_bytes, limit)
            result = train(path, TrainingSpec.from_json(spec), folder, reporter(key), required)
        return result.to_json()

    return as_document(work)


def score_on_worker(key: str, table: TableFile, spec: Json) -> Json:
    from ml_service.learning.cross_validation import cross_validate

    def work() -> Json:
        with Files(table.store_url).on_disk(table.key, COPY_SUFFIX) as path:
            training_spec = TrainingSpec.from_json(spec)
            return cross_validate(path, training_spec, reporter(key), table.limits, table.sha256)

    return as_document(work)


def measure_on_worker(key: str, table: TableFile, spec: Json) -> Json:
    from ml_service.learning.cross_validation import score_test_part

    def work() -> Json:
        with Files(table.store_url).on_disk(table.key, COPY_SUFFIX) as path:
            training_spec = TrainingSpec.from_json(spec)
            return score_test_part(path, training_spec, reporter(key), table.limits, table.sha256)

    return as_document(work)


def predict_on_worker(key: str, task: batches.BatchTask, rows: int, result: str) -> Json:
    report = _report_percents(reporter(key), rows)
    return as_document(lambda: asdict(batches.predict(task, result, report)))


def as_document(work: Callable[[], Json]) -> Json:
    """Outcome in plain values: {"result": ...}, or {"error": ...} for `kit.errors.from_document`."""
    try:
        with reused_memory():
            return {"result": work()}
    except ServiceError as error:
        return {"error": error.to_document()}


@contextlib.contextmanager
def reused_memory() -> Generator[None]:
    """Let arrays of some megabytes reuse memory during the block, and return it to the system at the end.

    Dask sets glibc to map each array anew, for processes that are never trimmed: the page faults took 40 % of
    the time of a linear regression on 366,500 rows. Arrow would keep 40 MB of them for itself.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    glibc: Any = ctypes.CDLL(None) if sys.platform == "linux" else None  # Any: a C library
    if not hasattr(glibc, "mallopt"):
        yield
        return
    for parameter in (M_MMAP_THRESHOLD, M_TRIM_THRESHOLD):
        glibc.mallopt(parameter, REUSED_BYTES)
    try:
        yield
    finally:
        glibc.malloc_trim(0)


def reporter(key: str) -> Callable[..., None]:
    worker = get_worker()

    def report(stage: str, percent: int | None = None) -> None:
        worker.log_event(PROGRESS_TOPIC, {"key": key, "stage": stage, "percent": percent})

    return report


def _report_percents(report: Callable[..., None], rows: int) -> Callable[[int], None]:
    reported = -1

    def report_rows(done: int) -> None:
        nonlocal reported
        if (percent := 100 * done // rows) > reported:
            reported = percent
            report("predicting", percent)

    return report_rows
